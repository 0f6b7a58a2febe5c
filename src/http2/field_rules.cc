#include "http2/field_rules.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace rondo::http2 {
namespace {

constexpr int kDigitsOfLength = 18;  // What surely fits.

using CharSet = std::array<bool, 256>;
constexpr bool IsDigit(unsigned c) { return c >= '0' && c <= '9'; }
constexpr bool IsAlpha(unsigned c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
// RFC 9110 section 5.6.2: what tokens are made of.
constexpr CharSet TokenChars(bool upper) {
  CharSet set{};
  for (unsigned c = 0; c < 128; ++c) {
    set[c] =
        IsDigit(c) || (IsAlpha(c) && (upper || c >= 'a')) ||
        std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  }
  return set;
}
// RFC 9110 section 5.5: visible characters, space, tab, and bytes above ASCII.
constexpr CharSet ValueChars() {
  CharSet set{};
  for (unsigned c = 0; c < 256; ++c) set[c] = (c >= ' ' && c != 0x7f) || c == '\t';
  return set;
}
// Of URIs: no spaces either.
constexpr CharSet UriChars() {
  CharSet set{};
  for (unsigned c = 0; c < 256; ++c) set[c] = c > ' ' && c != 0x7f;
  return set;
}
// RFC 3986 section 3.2, user information included.
constexpr CharSet AuthorityChars() {
  CharSet set{};
  for (unsigned c = 0; c < 128; ++c) {
    set[c] = IsAlpha(c) || IsDigit(c) ||
             std::string_view("-._~!$&'()*+,;=:[]@%").find(static_cast<char>(c)) !=
                 std::string_view::npos;
  }
  return set;
}
constexpr CharSet SchemeChars() {
  CharSet set{};
  for (unsigned c = 0; c < 128; ++c) {
    set[c] = IsAlpha(c) || IsDigit(c) || c == '+' || c == '-' || c == '.';
  }
  return set;
}
constexpr CharSet kNameChars = TokenChars(false), kMethodChars = TokenChars(true);
constexpr CharSet kAuthorityChars = AuthorityChars(), kValueChars = ValueChars(),
                  kUriChars = UriChars(), kSchemeChars = SchemeChars();

bool All(std::string_view text, const CharSet& set) {
  return std::ranges::all_of(text, [&](char c) { return set[static_cast<uint8_t>(c)]; });
}

bool SameWithoutCase(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b;
  });
}

FieldKind KindOfPath(std::string_view value) {
  if (value == "*") return FieldKind::kStarPath;
  return value.starts_with('/') && All(value, kUriChars) ? FieldKind::kPath : FieldKind::kBad;
}

FieldKind KindOfMethod(std::string_view value) {
  if (value == "POST") return FieldKind::kMethod;
  if (value.empty() || !All(value, kMethodChars)) return FieldKind::kBad;
  if (value == "CONNECT") return FieldKind::kConnectMethod;
  return value == "OPTIONS" ? FieldKind::kOptionsMethod : FieldKind::kMethod;
}

FieldKind KindOfPseudo(std::string_view value, Token token) {
  switch (token) {
    case Token::kMethod:
      return KindOfMethod(value);
    case Token::kPath:
      return KindOfPath(value);
    case Token::kScheme:
      return !value.empty() && IsAlpha(static_cast<uint8_t>(value[0])) && All(value, kSchemeChars)
                 ? FieldKind::kScheme
                 : FieldKind::kBad;
    case Token::kAuthority:
      return !value.empty() && All(value, kAuthorityChars) ? FieldKind::kAuthority
                                                           : FieldKind::kBad;
    case Token::kStatus:
      return value.size() == 3 && value[0] != '0' &&
                     std::ranges::all_of(value, [](char c) { return IsDigit(c & 0xffu); })
                 ? FieldKind::kStatus
                 : FieldKind::kBad;
    default:
      return FieldKind::kBad;  // Unknown ones, and those of extensions that nobody agreed on.
  }
}

// RFC 9113 section 8.2.2: fields about the connection.
bool OfConnection(std::string_view name) {
  switch (name.size()) {
    case 7:
      return name == "upgrade";
    case 10:
      return name == "connection" || name == "keep-alive";
    case 16:
      return name == "proxy-connection";
    case 17:
      return name == "transfer-encoding";
    default:
      return false;
  }
}

}  // namespace

FieldKind KindOf(std::string_view name, std::string_view value, Token token) {
  if (name.empty()) return FieldKind::kBad;
  if (name[0] == ':') return KindOfPseudo(value, token);
  // Spaces around a value pass, against section 8.2.1: "grpc-message: text " is what others send.
  if (!All(value, kValueChars)) return FieldKind::kBad;
  if (token == Token::kTe) {
    return SameWithoutCase(value, "trailers") ? FieldKind::kRegular : FieldKind::kBad;
  }
  if (token != Token::kOther) return FieldKind::kRegular;  // Its name is one of ours.
  if (!All(name, kNameChars) || OfConnection(name)) return FieldKind::kBad;
  if (name == "host") return value.empty() ? FieldKind::kBad : FieldKind::kHost;
  return name == "content-length" ? FieldKind::kContentLength : FieldKind::kRegular;
}

void BlockShape::AddPseudo(Seen what) {
  bad_ = bad_ || regular_ || (seen_ & what) != 0;  // Section 8.3: first of all, and once.
  seen_ = static_cast<uint8_t>(seen_ | what);
}

void BlockShape::AddSpecial(FieldKind kind, std::string_view value) {
  switch (kind) {
    case FieldKind::kConnectMethod:
      connect_ = true;
      return AddPseudo(kSeenMethod);
    case FieldKind::kOptionsMethod:
      options_ = true;
      return AddPseudo(kSeenMethod);
    case FieldKind::kMethod:
      return AddPseudo(kSeenMethod);
    case FieldKind::kScheme:
      return AddPseudo(kSeenScheme);
    case FieldKind::kAuthority:
      return AddPseudo(kSeenAuthority);
    case FieldKind::kStarPath:
      star_ = true;
      return AddPseudo(kSeenPath);
    case FieldKind::kPath:
      return AddPseudo(kSeenPath);
    case FieldKind::kStatus:
      std::from_chars(value.data(), value.data() + value.size(), status_);
      return AddPseudo(kSeenStatus);
    case FieldKind::kHost:
      bad_ = bad_ || std::exchange(host_, true);
      regular_ = true;
      return;
    case FieldKind::kContentLength: {
      const char* end = value.data() + value.size();
      const bool first = content_length_ < 0;
      const auto read = std::from_chars(value.data(), end, content_length_);
      bad_ = bad_ || !first || value.empty() || value.size() > kDigitsOfLength || read.ptr != end ||
             read.ec != std::errc() || value[0] == '-';
      regular_ = true;
      return;
    }
    case FieldKind::kRegular:
    case FieldKind::kBad:
      bad_ = true;
      return;
  }
}

bool BlockShape::IsRequest() const {
  if (bad_ || (seen_ & kSeenStatus) != 0) return false;
  if (connect_) return seen_ == (kSeenMethod | kSeenAuthority);  // Section 8.5.
  constexpr uint8_t kNeeded = kSeenMethod | kSeenScheme | kSeenPath;
  return (seen_ & kNeeded) == kNeeded && ((seen_ & kSeenAuthority) != 0 || host_) &&
         (!star_ || options_);
}

}  // namespace rondo::http2
