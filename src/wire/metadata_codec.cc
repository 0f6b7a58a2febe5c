#include "wire/metadata_codec.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "wire/base64.h"

namespace rondo::wire {
namespace {

// gRPC's own fields, then those that RFC 9113 section 8.2.2 forbids or that frame the message.
constexpr std::string_view kProtocolFields[] = {
    "te",          "content-type", "grpc-timeout",         "grpc-encoding",
    "grpc-status", "grpc-message", "grpc-accept-encoding", "grpc-status-details-bin",
    "connection",  "keep-alive",   "proxy-connection",     "transfer-encoding",
    "upgrade",     "host",         "content-length",       "grpc-message-type",
};
constexpr size_t kShown = 64;  // Bytes of an offending text that an error quotes.

bool IsKeyByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}
bool IsValueByte(char c) { return c >= 0x20 && c <= 0x7e; }

std::string_view WithoutSpaces(std::string_view value) {
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}
std::string Hex(char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}
std::string Shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kShown)) out += IsValueByte(c) ? c : '?';
  if (text.size() > kShown) out += "...";
  return out;
}
absl::Status Wrong(std::string_view key, std::string_view what) {
  return absl::InternalError(Cat("metadata key \"", Shown(key), "\": ", what));
}

absl::Status CheckEntry(std::string_view key, std::string_view value) {
  if (key.empty()) return Wrong(key, "is empty");
  if (const auto bad = std::ranges::find_if_not(key, IsKeyByte); bad != key.end()) {
    return Wrong(key, Cat("has the byte ", Hex(*bad), ", allowed are 0-9 a-z _ . -"));
  }
  // The trace context is the application's, whatever its name (A72).
  if (key.starts_with("grpc-") && key != "grpc-trace-bin")
    return Wrong(key, "names that begin with grpc- are gRPC's own");
  if (IsProtocolField(key)) return Wrong(key, "belongs to the protocol");
  if (IsBinaryKey(key)) return absl::OkStatus();
  if (const auto bad = std::ranges::find_if_not(value, IsValueByte); bad != value.end()) {
    return Wrong(key, Cat("its value has the byte ", Hex(*bad),
                          ", only printable ASCII is allowed; end the key in -bin for any bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAuthority(std::string_view authority) {
  constexpr std::string_view kKey = ":authority";
  if (authority.empty()) return Wrong(kKey, "its value is empty");
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (const auto bad = std::ranges::find_if_not(authority, visible); bad != authority.end()) {
    return Wrong(kKey,
                 Cat("its value has the byte ", Hex(*bad), ", only visible ASCII is allowed"));
  }
  return absl::OkStatus();
}

bool IsProtocolField(std::string_view name) {
  return name.starts_with(':') ||
         std::ranges::find(kProtocolFields, name) != std::ranges::end(kProtocolFields);
}

absl::Status EncodeMetadata(const Metadata& metadata, Fields& out, std::string_view except) {
  out.clear();
  size_t size = 0;
  for (const auto& [key, value] : metadata) {
    if (key == "user-agent" || key == except) continue;
    if (absl::Status wrong = CheckEntry(key, value); !wrong.ok()) return wrong;
    if (IsBinaryKey(key)) size += Base64Size(value.size());
  }
  std::string& room = out.Reset(size);
  for (const auto& [key, value] : metadata) {
    if (key == "user-agent" || key == except) continue;
    if (!IsBinaryKey(key)) {
      out.Add(key, WithoutSpaces(value));
      continue;
    }
    const size_t from = room.size();
    AppendBase64(room, value);
    out.Add(key, std::string_view(room).substr(from));
  }
  return absl::OkStatus();
}

absl::Status DecodeField(std::string_view name, std::string_view value, Metadata& out) {
  if (IsProtocolField(name)) return absl::OkStatus();
  if (!IsBinaryKey(name)) {
    out.Add(name, value);
    return absl::OkStatus();
  }
  std::string bytes;
  while (true) {
    const size_t comma = value.find(',');
    const std::string_view one = WithoutSpaces(value.substr(0, comma));
    bytes.clear();
    if (!AppendDecodedBase64(bytes, one)) {
      return Wrong(name, Cat("\"", Shown(one), "\" is not base64"));
    }
    out.Add(name, bytes);
    if (comma == std::string_view::npos) return absl::OkStatus();
    value.remove_prefix(comma + 1);
  }
}

}  // namespace rondo::wire
