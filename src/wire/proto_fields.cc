#include "wire/proto_fields.h"

namespace rondo::wire {
namespace {
enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kText = 2, kFixed32 = 5 };
}  // namespace

bool ProtoReader::Next() {
  if (!good_ || rest_.empty()) return false;
  uint64_t tag = 0;
  good_ = Varint(tag) && tag >> 3 != 0 && tag >> 3 <= 0x1fffffff;
  if (!good_) return false;
  field_ = static_cast<uint32_t>(tag >> 3);
  is_text_ = (tag & 7) == kText;
  is_real_ = (tag & 7) == kFixed64;
  number_ = 0;
  text_ = {};
  switch (tag & 7) {
    case kVarint:
      good_ = Varint(number_);
      break;
    case kFixed64:
      good_ = Fixed(8);
      break;
    case kText:
      good_ = Text();
      break;
    case kFixed32:
      good_ = Fixed(4);
      break;
    default:
      good_ = false;  // Groups are in none of these messages.
  }
  return good_;
}

bool ProtoReader::Varint(uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) return false;
    const uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool ProtoReader::Fixed(size_t size) {
  if (rest_.size() < size) return false;
  for (size_t i = 0; i < size; ++i) number_ |= uint64_t{rest_[i]} << (8 * i);
  rest_ = rest_.subspan(size);
  return true;
}

bool ProtoReader::Text() {
  uint64_t size = 0;
  if (!Varint(size) || size > rest_.size()) return false;
  text_ = {reinterpret_cast<const char*>(rest_.data()), static_cast<size_t>(size)};
  rest_ = rest_.subspan(static_cast<size_t>(size));
  return true;
}

void AppendVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void AppendNumber(std::string& out, uint32_t field, uint64_t value) {
  AppendVarint(out, uint64_t{field} << 3 | kVarint);
  AppendVarint(out, value);
}

void AppendReal(std::string& out, uint32_t field, double value) {
  AppendVarint(out, uint64_t{field} << 3 | kFixed64);
  const auto bits = std::bit_cast<uint64_t>(value);
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(bits >> shift);
}

void AppendText(std::string& out, uint32_t field, std::string_view value) {
  AppendVarint(out, uint64_t{field} << 3 | kText);
  AppendVarint(out, value.size());
  out += value;
}

}  // namespace rondo::wire
