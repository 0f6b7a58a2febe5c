#include "resolve/target.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace rondo::resolve {
namespace {

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsNumeral(char c) { return c >= '0' && c <= '9'; }
int HexValue(char c) {
  if (IsNumeral(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// nullopt: a '%' that two hexadecimal digits don't follow.
std::optional<std::string> Decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexValue(text[i + 1]), low = HexValue(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )   (RFC 3986 section 3.1)
size_t SchemeLength(std::string_view text) {
  if (text.empty() || !IsAlpha(text[0])) return 0;
  for (size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':') return i;
    if (!IsAlpha(c) && !IsNumeral(c) && c != '+' && c != '-' && c != '.') return 0;
  }
  return 0;
}

}  // namespace

std::optional<Target> ParseTarget(std::string_view text) {
  const size_t length = SchemeLength(text);
  if (length == 0) return std::nullopt;
  if (std::ranges::any_of(
          text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return std::nullopt;
  }
  Target out;
  out.text = text;
  for (const char c : text.substr(0, length)) {
    out.scheme += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  std::string_view rest = text.substr(length + 1);
  rest = rest.substr(0, rest.find('#'));  // A fragment means nothing here.
  if (const size_t question = rest.find('?'); question != rest.npos) {
    out.query = rest.substr(question + 1);
    rest = rest.substr(0, question);
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const size_t slash = std::min(rest.find('/'), rest.size());
    const auto authority = Decode(rest.substr(0, slash));
    if (!authority) return std::nullopt;
    out.authority = *authority;
    rest.remove_prefix(slash);
  }
  auto path = Decode(rest);
  if (!path) return std::nullopt;
  out.path = *std::move(path);
  out.endpoint = out.path.substr(out.path.starts_with('/') ? 1 : 0);
  return out;
}

std::string EncodeAuthority(std::string_view text) {
  constexpr std::string_view kKept = "-_.~!$&'()*+,;=:[]@";
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (IsAlpha(c) || IsNumeral(c) || kKept.find(c) != kKept.npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::string AuthorityOf(const Target& target) {
  if (target.endpoint.starts_with(':')) return Cat("localhost", EncodeAuthority(target.endpoint));
  return EncodeAuthority(target.endpoint);
}

}  // namespace rondo::resolve
