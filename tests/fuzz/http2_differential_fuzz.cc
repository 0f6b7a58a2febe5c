// Any bytes to our session and to the one over nghttp2: what they tell their owners may differ only
// where it is meant to (oracle/differential.h).
#include <cstdio>
#include <cstdlib>

#include "oracle/differential.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rondo::http2;
  if (size < 2) return 0;
  const Role role = data[0] % 2 == 0 ? Role::kServer : Role::kClient;
  const std::string bytes =
      differential::WholeFrames({reinterpret_cast<const char*>(data) + 2, size - 2});
  std::string difference;
  const auto ours = differential::Run(&MakeHttp2Session, role, bytes, data[1]);
  const auto theirs = differential::Run(&MakeNghttp2Session, role, bytes, data[1]);
  if (differential::Compare(ours, theirs, difference) == differential::Meant::kNotMeant) {
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
  }
  return 0;
}
