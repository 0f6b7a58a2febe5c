// Any bytes as header blocks: the decoder never crashes, a block that is decoded again means the
// same, and what the encoder makes of the fields is read as they were.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "http2/hpack_decoder.h"
#include "http2/hpack_encoder.h"

namespace hpack_input {

using namespace rondo;
using namespace rondo::http2;

void Check(bool holds) {
  if (!holds) std::abort();
}

using Fields = std::vector<std::pair<std::string, std::string>>;
Fields Copy(const Headers& headers) {
  Fields fields;
  for (const Header& h : headers.fields) fields.emplace_back(h.name, h.value);
  return fields;
}

void EncodeAgain(HpackEncoder& encoder, HpackDecoder& decoder, const Fields& fields) {
  static const HeaderTemplate kHead({{":status", "200"}, {"content-type", "application/grpc"}});
  std::vector<Header> extra;
  Fields expected = {{":status", "200"}, {"content-type", "application/grpc"}};
  for (const auto& [name, value] : fields) {
    extra.push_back({name, value, TokenOf(name), value.size() % 2 == 0});
    expected.emplace_back(name, value);
  }
  std::vector<uint8_t> block(encoder.Bound(kHead, extra));
  block.resize(static_cast<size_t>(encoder.Encode(kHead, extra, block.data()) - block.data()));
  const HpackDecoder::Block* decoded = decoder.Decode(block, 1 << 20);
  Check(decoded != nullptr && Copy(decoded->headers) == expected);
}

// A byte says how long the next block is; 0 changes the encoder's table.
void Run(Bytes data) {
  constexpr size_t kLimit = 1000;
  HpackDecoder decoder, back;
  HpackEncoder encoder;
  while (!data.empty()) {
    const size_t n = std::min<size_t>(data[0], data.size() - 1);
    if (n == 0) encoder.Limit(static_cast<uint32_t>(data.size()) * 37 % 5000);
    const std::vector<uint8_t> block(data.begin() + 1,
                                     data.begin() + 1 + static_cast<ptrdiff_t>(n));
    data = data.subspan(1 + n);
    const HpackDecoder::Block* decoded = decoder.Decode(block, kLimit);
    if (decoded == nullptr) return;
    Check(decoder.table_size() <= 4096);
    const Fields fields = Copy(decoded->headers);
    if (decoded->headers.size <= kLimit) {
      size_t size = 0;
      for (const auto& [name, value] : fields) size += name.size() + value.size() + 32;
      Check(size == decoded->headers.size);
    }
    EncodeAgain(encoder, back, fields);
    decoder.Trim();
  }
}

}  // namespace hpack_input

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hpack_input::Run({data, size});
  return 0;
}
