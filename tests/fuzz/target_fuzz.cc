// Whatever a user passes as a target: read, found in the registry, made into a resolver. Beside not
// crashing: what was read and is written again reads the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "event/address.h"
#include "event/manual_loop.h"
#include "resolve/builtin.h"
#include "resolve/host_port.h"
#include "resolve/target.h"

namespace {

using namespace rondo;

void Check(bool holds) {
  if (!holds) std::abort();
}

void Targets(std::string_view text) {
  static const resolve::Registry registry({});
  static const auto loop = event::ManualLoop::Make();
  const auto found = registry.Find(text, "dns");
  if (!found.ok()) return;
  const auto again = resolve::ParseTarget(found->target.text);
  Check(again && again->scheme == found->target.scheme && again->path == found->target.path &&
        again->authority == found->target.authority && again->query == found->target.query);
  for (const char c : found->authority) Check(c > ' ' && c < 0x7f);
  // The fixed schemes work without a network. A file may not be there, and dns has no network on
  // this loop: both say so in words.
  const auto take = [fixed = found->target.scheme != "file"](Resolution r) {
    if (fixed) Check(r.endpoints.ok() && !r.endpoints->empty());
    if (!r.endpoints.ok()) Check(!r.endpoints.status().message().empty());
    return absl::OkStatus();
  };
  if (auto made = found->factory->make(found->target, *loop, take, {}); made.ok()) {
    (*made)->Start();
    loop->RunUntilIdle();
  }
}

void Addresses(std::string_view text) {
  if (const auto parts = resolve::ParseHostPort(text); parts.ok()) {
    const auto again = resolve::ParseHostPort(parts->Text());
    Check(again.ok() && again->host == parts->host && again->port == parts->port);
  }
  if (const auto address = event::ParseAddress(text); address.ok()) {
    const std::string shown = event::AddressText(*address);
    const auto again = event::ParseAddress(shown);
    Check(again.ok() && event::AddressText(*again) == shown);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Targets(text);
  Addresses(text);
  return 0;
}
