#include "json_text.h"

#include <cctype>
#include <cstdio>

namespace rondo::cli {
namespace {

bool IsSpace(int c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// How many bytes of well-formed UTF-8 begin here; 0: none.
size_t Character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t length = byte(0) < 0x80   ? 1
                        : byte(0) < 0xc2 ? 0
                        : byte(0) < 0xe0 ? 2
                        : byte(0) < 0xf0 ? 3
                        : byte(0) < 0xf5 ? 4
                                         : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (byte(0) == 0xe0 && byte(1) < 0xa0) return 0;  // Longer than need be.
  if (byte(0) == 0xed && byte(1) > 0x9f) return 0;  // Half of a pair.
  if (byte(0) == 0xf0 && byte(1) < 0x90) return 0;
  if (byte(0) == 0xf4 && byte(1) > 0x8f) return 0;  // Beyond Unicode.
  return length;
}

}  // namespace

std::optional<std::string> JsonValues::Next() {
  int c = in_.get();
  while (IsSpace(c)) c = in_.get();
  if (c == std::char_traits<char>::eof()) return std::nullopt;
  std::string out;
  const bool nests = c == '{' || c == '[';
  int depth = 0;
  bool quoted = false;
  for (; c != std::char_traits<char>::eof(); c = in_.get()) {
    if (!quoted && !nests && depth == 0 && !out.empty() && IsSpace(c)) break;
    out += static_cast<char>(c);
    if (quoted && c == '\\') {
      const int next = in_.get();
      if (next != std::char_traits<char>::eof()) out += static_cast<char>(next);
    } else if (c == '"') {
      quoted = !quoted;
      if (!quoted && depth == 0) break;
    } else if (!quoted && (c == '{' || c == '[')) {
      ++depth;
    } else if (!quoted && (c == '}' || c == ']') && --depth <= 0) {
      break;
    }
  }
  return out;
}

std::string Quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t length = Character(text);
    const char c = text[0];
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out += '"';
}

std::string List(const std::vector<std::string>& values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    out += (i == 0 ? "\n  " : ",\n  ") + values[i];
  }
  return out += values.empty() ? "]" : "\n]";
}

}  // namespace rondo::cli
