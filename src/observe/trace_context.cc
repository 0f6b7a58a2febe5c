// Trace contexts as text and bytes.
#include <algorithm>

#include "rondo/trace.h"

namespace rondo {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// Lower case only, as W3C says.
bool ReadHex(std::string_view text, uint8_t* to) {
  for (size_t i = 0; i < text.size(); i += 2) {
    const size_t high = kHex.find(text[i]), low = kHex.find(text[i + 1]);
    if (high == kHex.npos || low == kHex.npos) return false;
    *to++ = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}
template <size_t kSize>
void WriteHex(std::string& out, const std::array<uint8_t, kSize>& bytes) {
  for (const uint8_t b : bytes) {
    out += kHex[b >> 4];
    out += kHex[b & 15];
  }
}
template <size_t kSize>
bool AllZero(const std::array<uint8_t, kSize>& bytes) {
  return std::ranges::all_of(bytes, [](uint8_t b) { return b == 0; });
}
std::optional<TraceContext> Checked(const TraceContext& context) {
  if (AllZero(context.trace) || AllZero(context.span)) return std::nullopt;
  return context;
}

}  // namespace

std::optional<TraceContext> TraceContext::FromTraceparent(std::string_view text) {
  constexpr size_t kSize = 55;  // Of version 00; later ones may only add to it.
  TraceContext out;
  uint8_t version = 0, flags = 0;
  if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-' ||
      !ReadHex(text.substr(0, 2), &version) || !ReadHex(text.substr(3, 32), out.trace.data()) ||
      !ReadHex(text.substr(36, 16), out.span.data()) || !ReadHex(text.substr(53, 2), &flags)) {
    return std::nullopt;
  }
  if (version == 0xff || (version == 0 && text.size() != kSize)) return std::nullopt;
  if (text.size() > kSize && text[kSize] != '-') return std::nullopt;
  out.sampled = (flags & 1) != 0;
  return Checked(out);
}

std::string TraceContext::Traceparent() const {
  std::string out = "00-";
  WriteHex(out, trace);
  out += '-';
  WriteHex(out, span);
  out += sampled ? "-01" : "-00";
  return out;
}

// Version 0; then fields: 0 trace id, 1 span id, 2 options.
std::optional<TraceContext> TraceContext::FromBinary(std::string_view bytes) {
  if (bytes.size() != 29 || bytes[0] != 0 || bytes[1] != 0 || bytes[18] != 1 || bytes[27] != 2) {
    return std::nullopt;
  }
  TraceContext out;
  std::copy_n(bytes.begin() + 2, 16, out.trace.begin());
  std::copy_n(bytes.begin() + 19, 8, out.span.begin());
  out.sampled = (bytes[28] & 1) != 0;
  return Checked(out);
}

std::string TraceContext::Binary() const {
  std::string out(2, '\0');
  out.append(trace.begin(), trace.end());
  out += '\1';
  out.append(span.begin(), span.end());
  out += '\2';
  out += sampled ? '\1' : '\0';
  return out;
}

std::optional<TraceContext> TraceContext::From(const Metadata& metadata) {
  if (const auto text = metadata.Find("traceparent")) {
    std::optional<TraceContext> out = FromTraceparent(*text);
    const auto state = metadata.Find("tracestate");
    if (out.has_value() && state.has_value()) out->state = *state;
    if (out.has_value()) return out;
  }
  const auto bytes = metadata.Find("grpc-trace-bin");
  return bytes.has_value() ? FromBinary(*bytes) : std::nullopt;
}

}  // namespace rondo
