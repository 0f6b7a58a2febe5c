#pragma once
// RFC 9113 section 4 and 6: how frames look. Numbers are big-endian.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rondo::http2::frame {

enum Type : uint8_t {
  kData,
  kHeaders,
  kPriority,
  kRstStream,
  kSettings,
  kPushPromise,
  kPing,
  kGoAway,
  kWindowUpdate,
  kContinuation,
};
enum Flag : uint8_t { kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8, kHasPriority = 32 };
inline unsigned EndFlag(bool end) { return end ? unsigned{kEndStream} : 0u; }
enum Setting : uint16_t {
  kHeaderTableSize = 1,
  kEnablePush,
  kMaxConcurrentStreams,
  kInitialWindowSize,
  kMaxFrameSize,
  kMaxHeaderListSize,
  kEnableConnectProtocol = 8,
};

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr size_t kHeadSize = 9;
inline constexpr size_t kSettingSize = 6;
inline constexpr uint32_t kMinMaxFrame = 16384;  // What everyone must take.
inline constexpr uint32_t kMostMaxFrame = 0xffffff;
inline constexpr uint32_t kMaxId = 0x7fffffff;
inline constexpr int64_t kMaxWindow = 0x7fffffff;
inline constexpr int64_t kFirstWindow = 65535;  // Before SETTINGS says otherwise.

inline uint32_t Get32(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 |
         static_cast<uint32_t>(p[2]) << 8 | p[3];
}
inline void Put32(uint8_t* p, uint32_t v) {
  p[0] = static_cast<uint8_t>(v >> 24);
  p[1] = static_cast<uint8_t>(v >> 16);
  p[2] = static_cast<uint8_t>(v >> 8);
  p[3] = static_cast<uint8_t>(v);
}
inline void PutLength(uint8_t* p, size_t length) {
  p[0] = static_cast<uint8_t>(length >> 16);
  p[1] = static_cast<uint8_t>(length >> 8);
  p[2] = static_cast<uint8_t>(length);
}

struct Head {
  uint32_t length = 0, id = 0;
  uint8_t type = 0, flags = 0;

  bool Has(Flag flag) const { return (flags & flag) != 0; }
};
inline Head ReadHead(const uint8_t* p) {
  return {static_cast<uint32_t>(p[0]) << 16 | static_cast<uint32_t>(p[1]) << 8 | p[2],
          Get32(p + 5) & kMaxId, p[3], p[4]};
}
inline uint8_t* WriteHead(uint8_t* p, Type type, unsigned flags, uint32_t id, size_t length) {
  PutLength(p, length);
  p[3] = type;
  p[4] = static_cast<uint8_t>(flags);
  Put32(p + 5, id);
  return p + kHeadSize;
}

}  // namespace rondo::http2::frame
