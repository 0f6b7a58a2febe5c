#include "http2/hpack_static.h"

#include <array>

namespace rondo::http2::hpack {
namespace {

constexpr StaticField kFields[] = {
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
};
static_assert(std::size(kFields) == kStaticSize);

// With tokens and verdicts, and the first index of each name by a small hash.
struct Table {
  std::array<StaticField, kStaticSize> fields;
  std::array<uint8_t, 256> first{};

  static size_t Hash(std::string_view name) {
    return (name.size() * 37 + static_cast<uint8_t>(name[0]) * 11u +
            static_cast<uint8_t>(name.back()) * 5u + static_cast<uint8_t>(name[name.size() / 2])) %
           256;
  }
  Table() {
    for (uint32_t i = 0; i < kStaticSize; ++i) {
      StaticField& f = fields[i] = kFields[i];
      f.token = TokenOf(f.name);
      f.kind = KindOf(f.name, f.value, f.token);
      if (i > 0 && fields[i - 1].name == f.name) continue;
      size_t at = Hash(f.name);
      while (first[at] != 0) at = (at + 1) % first.size();
      first[at] = static_cast<uint8_t>(i + 1);
    }
  }
};
const Table kTable;

}  // namespace

const StaticField& StaticAt(uint32_t index) { return kTable.fields[index - 1]; }

StaticMatch FindStatic(std::string_view name, std::string_view value) {
  if (name.empty()) return {};
  for (size_t at = Table::Hash(name); kTable.first[at] != 0; at = (at + 1) % kTable.first.size()) {
    const uint32_t first = kTable.first[at];
    if (StaticAt(first).name != name) continue;
    for (uint32_t i = first; i <= kStaticSize && StaticAt(i).name == name; ++i) {
      if (StaticAt(i).value == value) return {i, true};
    }
    return {first, false};
  }
  return {};
}

}  // namespace rondo::http2::hpack
