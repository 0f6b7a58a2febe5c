// Any bytes as the body of a gRPC request, cut anywhere, pulled at any pace. The messages must be
// those that a plain reading of the whole body finds, and the end the right one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/free_list.h"
#include "transport/connection.h"

namespace grpc_framing {

using namespace rondo;
using namespace rondo::transport;

constexpr size_t kMaxMessage = 300;
const http2::HeaderTemplate kRequest({{":method", "POST"},
                                      {":scheme", "http"},
                                      {":path", "/a.B/C"},
                                      {":authority", "h"},
                                      {"te", "trailers"},
                                      {"content-type", "application/grpc"}});

void Check(bool holds) {
  if (!holds) std::abort();
}

enum class How : uint8_t { kOpen, kHalfClosed, kEnded };

struct Heard {
  std::vector<std::string> messages;
  How how = How::kOpen;
  Why why = Why::kWire;
};

// The whole body, read plainly.
Heard Expected(Bytes body) {
  Heard heard;
  while (body.size() >= kMessagePrefix) {
    const size_t length =
        static_cast<size_t>(body[1]) << 24 | body[2] << 16 | body[3] << 8 | body[4];
    heard.how = How::kEnded;
    heard.why = body[0] > 1 ? Why::kBadPrefix : Why::kMessageTooLong;
    if (body[0] > 1 || length > kMaxMessage) return heard;
    heard.why = Why::kTruncatedMessage;
    if (body.size() < kMessagePrefix + length) return heard;
    const Bytes message = body.subspan(kMessagePrefix, length);
    heard.messages.emplace_back(message.begin(), message.end());
    body = body.subspan(kMessagePrefix + length);
  }
  heard.how = body.empty() ? How::kHalfClosed : How::kEnded;
  heard.why = body.empty() ? Why::kWire : Why::kTruncatedMessage;
  return heard;
}

struct Quiet : ConnectionOwner {
  void OnDirty() override {}
};

class Call final : public StreamHandler, public Acceptor {
 public:
  explicit Call(size_t pace) : pace_(pace) {}
  Heard heard;
  Stream stream;

  Stream* OnCall(const http2::Headers&, StreamHandler** handler) override {
    stream.set_max_message(kMaxMessage);
    *handler = this;
    if (pace_ == 0) stream.Pull(1 << 20);
    return &stream;
  }
  void OnHeaders(const http2::Headers&) override { Check(false); }
  void OnMessage(const Message& message) override {
    Check(heard.how == How::kOpen);
    heard.messages.emplace_back(message.bytes.begin(), message.bytes.end());
    if (pace_ == 1) stream.Pull();
  }
  void OnHalfClose() override {
    Check(heard.how == How::kOpen);
    heard.how = How::kHalfClosed;
  }
  void OnEnd(const End& end) override {
    Check(heard.how == How::kOpen);
    heard.how = How::kEnded;
    heard.why = end.why;
  }

 private:
  const size_t pace_;  // 0: all at once; 1: one in each event; else between events.
};

// Sends `body` through a client's session to a server's connection.
void Run(Bytes body, size_t seed) {
  FreeList memory;
  Quiet owner;
  Call call(seed % 3);
  Limits limits;
  limits.max_held = 2000;
  http2::Options options;
  options.stream_window = 1000 + seed % 500;
  const auto server = Connection::Make(&http2::MakeHttp2Session, http2::Role::kServer, options,
                                       limits, owner, &call, memory);
  struct NoEvents final : http2::Visitor {
    bool OnRequest(http2::Stream&, const http2::Headers&, bool) override { return false; }
    void OnHeaders(http2::Stream&, const http2::Headers&, bool) override {}
    void OnData(http2::Stream&, Bytes, bool) override {}
    void OnClosed(http2::Stream&, const http2::Closed&) override { open = false; }
    void OnWritable(http2::Stream&) override {}
    void OnSettings() override {}
    void OnGoAway(uint32_t, http2::Code, std::string_view) override {}
    void OnPong(uint64_t) override {}
    bool OnOffence(http2::Offence, const http2::Stream*) override { return true; }
    bool open = true;
  } events;
  const auto client = http2::MakeHttp2Session(http2::Role::kClient, {}, events, memory);
  const Time now{};
  const auto pass = [&] {
    bool moved = false;
    std::vector<uint8_t> bytes;
    const auto take = [&](std::span<const iovec> views, auto& from) {
      bytes.clear();
      for (const iovec& v : views) {
        const auto* first = static_cast<const uint8_t*>(v.iov_base);
        bytes.insert(bytes.end(), first, first + v.iov_len);
      }
      from.Wrote(bytes.size());
      moved |= !bytes.empty();
    };
    take(client->Gather(), *client);
    for (Bytes left = bytes; !left.empty();) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      const size_t piece = std::min<size_t>(left.size(), 1 + (seed >> 33) % 100);
      server->Receive(left.first(piece), now);
      left = left.subspan(piece);
    }
    take(server->Gather(now), *server);
    client->Receive(bytes);
    return moved;
  };
  while (pass()) {
  }
  http2::Stream* stream = client->Open(kRequest, {}, Slice::Copy(body), true, nullptr);
  Check(stream != nullptr);
  for (int idle = 0; idle < 3;) {
    idle = pass() ? 0 : idle + 1;
    if (call.stream.open() && call.heard.how == How::kOpen) {
      const size_t before = call.heard.messages.size();
      call.stream.Pull();
      Check(call.heard.messages.size() == before);  // Never inside Pull.
      if (idle > 0) server->Gather(now);
      if (call.heard.messages.size() > before || call.heard.how != How::kOpen) idle = 0;
    }
  }
  call.stream.Cancel();
  const Heard expected = Expected(body);
  Check(call.heard.messages == expected.messages);
  Check(call.heard.how == expected.how);
  Check(call.heard.why == expected.why);
}

}  // namespace grpc_framing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  grpc_framing::Run(rondo::Bytes(data, size).subspan(1), data[0]);
  return 0;
}
