#pragma once
// An owner that writes down what it hears, bytes that are cut as the test says, and raw frames.
// Threads: one; for tests only.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "http2/session.h"

namespace rondo::http2 {

inline const HeaderTemplate kEcho({{":method", "POST"},
                                   {":scheme", "http"},
                                   {":path", "/bench.Echo/Unary"},
                                   {":authority", "127.0.0.1:50051"},
                                   {"te", "trailers"},
                                   {"content-type", "application/grpc"}});
inline const HeaderTemplate kResponse({{":status", "200"}, {"content-type", "application/grpc"}});
inline const HeaderTemplate kTrailersOnly({{":status", "200"},
                                           {"content-type", "application/grpc"},
                                           {"grpc-status", "12"}});
inline const HeaderTemplate kOk(HeaderTemplate::Fields{{"grpc-status", "0"}});

inline const std::string kEchoText =
    ":method=POST,:scheme=http,:path=/bench.Echo/Unary,:authority=127.0.0.1:50051,te=trailers,"
    "content-type=application/grpc";
inline const std::string kAnswerText =
    ":status=200,content-type=application/grpc; data 50; grpc-status=0 end; "
    "complete NO_ERROR maybe-processed; ";

inline Slice Text(std::string_view text) {
  return Slice::Copy({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}
inline Slice Body(size_t n) { return Text(std::string(n, 'x')); }

inline std::string Name(Cause c) {
  const char* names[] = {"complete", "peer-reset", "goaway", "peer-fault", "connection"};
  return names[static_cast<int>(c)];
}
inline std::string Name(Fate f) {
  const char* names[] = {"not-sent", "not-processed", "maybe-processed"};
  return names[static_cast<int>(f)];
}

// Writes down what happens, stream by stream, bodies joined; answers by the functions given.
struct Recorder : Visitor {
  std::map<uint32_t, std::string> log;
  std::map<uint32_t, Stream*> open;
  std::map<uint32_t, size_t> body;
  bool accept = true, credit_stream = true;
  int offences_allowed = 1000000, settings = 0, goaways = 0, writable = 0;
  std::map<Offence, int> offences;
  std::string goaway;
  uint64_t pong = 0;
  std::function<void(Stream&)> on_end;
  Session* session = nullptr;

  void Note(uint32_t id, const std::string& what) { log[id] += what + "; "; }
  static std::string Show(const Headers& headers) {
    std::string text;
    for (const Header& h : headers.fields) {
      EXPECT_EQ(h.token, TokenOf(h.name));
      text += (text.empty() ? "" : ",") + std::string(h.name) + "=" + std::string(h.value);
    }
    return text;
  }
  void FlushBody(uint32_t id) {
    if (body[id] > 0) Note(id, "data " + std::to_string(body[id]));
    body[id] = 0;
  }
  bool OnRequest(Stream& s, const Headers& headers, bool end) override {
    if (!accept) return false;
    open[s.id] = &s;
    s.user = this;
    Note(s.id, Show(headers) + (end ? " end" : ""));
    if (end && on_end) on_end(s);
    return true;
  }
  void OnHeaders(Stream& s, const Headers& headers, bool end) override {
    FlushBody(s.id);
    Note(s.id, Show(headers) + (end ? " end" : ""));
  }
  void OnData(Stream& s, Bytes bytes, bool end) override {
    EXPECT_TRUE(!bytes.empty() || end);
    body[s.id] += bytes.size();
    session->CreditConnection(bytes.size());
    if (credit_stream) session->Credit(s, bytes.size());
    if (!end) return;
    FlushBody(s.id);
    Note(s.id, "end");
    if (on_end) on_end(s);
  }
  void OnClosed(Stream& s, const Closed& c) override {
    FlushBody(s.id);
    open.erase(s.id);
    Note(s.id, Name(c.cause) + " " + std::string(http2::Name(c.code)) + " " + Name(c.fate));
  }
  void OnWritable(Stream&) override { ++writable; }
  void OnSettings() override { ++settings; }
  void OnGoAway(uint32_t last_id, Code code, std::string_view debug) override {
    ++goaways;
    goaway =
        std::to_string(last_id) + " " + std::string(http2::Name(code)) + " " + std::string(debug);
  }
  void OnPong(uint64_t payload) override { pong = payload; }
  bool OnOffence(Offence what, const Stream*) override {
    ++offences[what];
    return --offences_allowed >= 0;
  }
};

inline std::string Take(Session& from, size_t limit = SIZE_MAX) {
  std::string bytes;
  for (const iovec& v : from.Gather()) {
    bytes.append(static_cast<const char*>(v.iov_base), v.iov_len);
  }
  bytes.resize(std::min(bytes.size(), limit));
  from.Wrote(bytes.size());
  return bytes;
}

// Gives each chunk its own heap block, so that ASan sees a view that outlives it. `chunk` 0:
// random.
template <class Receiver>
bool Give(Receiver&& receive, std::string_view bytes, size_t chunk, std::mt19937& random) {
  bool good = true;
  while (!bytes.empty()) {
    const size_t want = std::min(chunk != 0 ? chunk : 1 + random() % 700, bytes.size());
    const std::vector<uint8_t> piece(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(want));
    bytes.remove_prefix(piece.size());
    good = receive(Bytes(piece));
  }
  return good;
}

// -- Raw frames.

inline std::string Frame(uint8_t type, uint8_t flags, uint32_t id, std::string_view payload) {
  const auto byte = [](auto n) { return static_cast<char>(n); };
  std::string f = {byte(payload.size() >> 16),
                   byte(payload.size() >> 8),
                   byte(payload.size()),
                   byte(type),
                   byte(flags),
                   byte(id >> 24),
                   byte(id >> 16),
                   byte(id >> 8),
                   byte(id)};
  return f.append(payload);
}
enum FrameType : uint8_t {
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
inline constexpr uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8;
inline const std::string kMagic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline const std::string kHello = kMagic + Frame(kSettings, 0, 0, "");
// ":method: POST, :scheme: http, :path: /a, :authority: h".
inline const std::string kRequestBlock = "\x83\x86\x44\x02/a\x41\x01h";
inline std::string Ping() { return Frame(kPing, 0, 0, "12345678"); }
inline std::string Rst(uint32_t id, Code code) {
  return Frame(kRstStream, 0, id, std::string{0, 0, 0, static_cast<char>(code)});
}
inline std::string Repeat(int n, std::string_view what) {
  std::string all;
  for (int i = 0; i < n; ++i) all += what;
  return all;
}

// What a session wrote, a word a frame: "rst 1 CANCEL", "goaway PROTOCOL_ERROR"; others by type.
inline std::vector<std::string> Frames(std::string_view bytes) {
  const auto number = [](std::string_view b) {
    uint32_t n = 0;
    for (const char c : b) n = n << 8 | static_cast<uint8_t>(c);
    return n;
  };
  std::vector<std::string> all;
  while (bytes.size() >= 9) {
    const uint32_t length = number(bytes.substr(0, 3)), id = number(bytes.substr(5, 4));
    const auto type = static_cast<FrameType>(bytes[3]);
    const std::string_view payload = bytes.substr(9, length);
    const auto code = [&](size_t at) {
      return std::string(Name(static_cast<Code>(number(payload.substr(at, 4)))));
    };
    if (type == kRstStream) {
      all.push_back("rst " + std::to_string(id) + " " + code(0));
    } else if (type == kGoAway) {
      all.push_back("goaway " + code(4));
    } else {
      static constexpr const char* kNames[] = {"data",     "headers",     "priority", "",
                                               "settings", "push",        "ping",     "",
                                               "window",   "continuation"};
      all.push_back(kNames[type] + std::string(" ") + std::to_string(id));
    }
    bytes.remove_prefix(std::min<size_t>(9 + length, bytes.size()));
  }
  return all;
}
inline size_t Count(const std::vector<std::string>& frames, std::string_view what) {
  return static_cast<size_t>(std::count(frames.begin(), frames.end(), what));
}

inline std::string ChunkText(size_t chunk) {
  return chunk == 0 ? "RandomChunks" : "ChunksOf" + std::to_string(chunk);
}
inline std::string ChunkName(const testing::TestParamInfo<size_t>& info) {
  return ChunkText(info.param);
}

}  // namespace rondo::http2
