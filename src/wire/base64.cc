#include "wire/base64.h"

#include <array>
#include <cstdint>

namespace rondo::wire {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNone = 0xff;

constexpr std::array<uint8_t, 256> MakeValues() {
  std::array<uint8_t, 256> values{};
  values.fill(kNone);
  for (uint8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(kAlphabet[i])] = i;
  return values;
}
constexpr std::array<uint8_t, 256> kValues = MakeValues();

// Padding is right only if it fills the last group of four.
bool DropPadding(std::string_view& text) {
  const size_t whole = text.size();
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  const size_t padding = whole - text.size();
  return padding == 0 || (padding <= 2 && whole % 4 == 0);
}

}  // namespace

void AppendBase64(std::string& out, std::string_view bytes) {
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    for (count += 8; count >= 6;) {
      count -= 6;
      out += kAlphabet[bits >> count & 63];
    }
  }
  if (count > 0) out += kAlphabet[bits << (6 - count) & 63];
}

bool AppendDecodedBase64(std::string& out, std::string_view text) {
  if (!DropPadding(text) || text.size() % 4 == 1) return false;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const uint8_t value = kValues[static_cast<uint8_t>(c)];
    if (value == kNone) return false;
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return true;
}

}  // namespace rondo::wire
