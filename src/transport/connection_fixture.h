#pragma once
// Two connections joined by strings of bytes, a call that writes down what it hears, and an echoing
// server.
// Threads: one; for tests only.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/free_list.h"
#include "http2/session_fixture.h"
#include "transport/connection.h"

namespace rondo::transport {

using http2::Body;
using http2::Text;

// A call on either side. "H" headers, "M" message, "C" half-close, "W" writable, "E" end.
struct Call final : StreamHandler {
  std::string log, status;
  std::vector<std::string> messages;
  End end;
  bool pull_more = false;
  bool take_storage = false;
  int in_place = 0;  // Messages that were moved, not copied.
  std::function<void()> on_headers, on_message, on_half_close, on_end;
  Stream stream;  // Last: goes first.

  void OnHeaders(const http2::Headers&) override {
    log += "H";
    if (on_headers) on_headers();
  }
  void OnMessage(const Message& m) override {
    log += "M";
    if (take_storage) {
      in_place += m.storage != nullptr ? 1 : 0;
      ByteVector mine;
      const Bytes body = m.MoveInto(mine);
      messages.emplace_back(body.begin(), body.end());
    } else {
      messages.emplace_back(m.bytes.begin(), m.bytes.end());
    }
    if (pull_more) stream.Pull();
    if (on_message) on_message();
  }
  void OnHalfClose() override {
    log += "C";
    if (on_half_close) on_half_close();
  }
  void OnWritable() override { log += "W"; }
  void OnEnd(const End& e) override {
    log += "E";
    end = e;
    if (e.trailers != nullptr) {
      const http2::Header* found = e.trailers->Find(http2::Token::kGrpcStatus);
      status = found != nullptr ? std::string(found->value) : "none";
    }
    end.trailers = nullptr;
    if (on_end) on_end();
  }
  int ends() const { return static_cast<int>(std::count(log.begin(), log.end(), 'E')); }
};

struct Owner : ConnectionOwner {
  int dirty = 0, settings = 0, opened = 0, ended = 0;
  uint64_t pong = 0;
  std::string goaway;
  void OnDirty() override { ++dirty; }
  void OnSettings() override { ++settings; }
  void OnGoAway(const GoAway& g) override { goaway = std::string(http2::Name(g.code)) + g.debug; }
  void OnPong(uint64_t payload) override { pong = payload; }
  void OnStreamOpened() override { ++opened; }
  void OnStreamEnded() override { ++ended; }
};

// Answers every call by `prepare`, which is echoing unless the test says otherwise.
struct EchoAcceptor : Acceptor {
  std::vector<std::unique_ptr<Call>> calls;
  std::function<void(Call&)> prepare = [](Call& call) { Echo(call); };
  bool accept = true;

  static void Echo(Call& call) {
    call.pull_more = true;
    call.stream.Pull();
    call.on_half_close = [&call] {
      call.stream.Respond(http2::kResponse, {}, false);
      for (const std::string& m : call.messages) call.stream.Send(FrameMessage(m), false);
      call.stream.Finish(http2::kOk, {});
    };
  }
  Stream* OnCall(const http2::Headers&, StreamHandler** handler) override {
    if (!accept) return nullptr;
    calls.push_back(std::make_unique<Call>());
    prepare(*calls.back());
    *handler = calls.back().get();
    return &calls.back()->stream;
  }
};

class ConnectionTest : public testing::TestWithParam<size_t> {
 protected:
  void Start(const http2::Options& options = {}, const Limits& limits = {}) {
    Start(options, limits, options, limits);
  }
  void Start(const http2::Options& up_options, const Limits& up_limits,
             const http2::Options& down_options, const Limits& down_limits) {
    up = Connection::Make(&http2::MakeHttp2Session, http2::Role::kClient, up_options, up_limits,
                          up_owner, nullptr, memory);
    down = Connection::Make(&http2::MakeHttp2Session, http2::Role::kServer, down_options,
                            down_limits, down_owner, &server, memory);
    Run();
    ASSERT_EQ(up_owner.settings, 1);
  }
  static std::string Take(Connection& from, Time now) {
    std::string bytes;
    for (const iovec& v : from.Gather(now)) {
      bytes.append(static_cast<char*>(v.iov_base), v.iov_len);
    }
    from.Wrote(bytes.size());
    return bytes;
  }
  // Hands over what `from` has to say; by ref to the pointer, for it may be dropped on the way.
  bool Move(Connection::Pointer& from, Connection::Pointer& to) {
    if (from == nullptr || to == nullptr) return false;
    const std::string bytes = Take(*from, now);
    moved += bytes.size();
    if (to == nullptr) return false;
    http2::Give([&](Bytes b) { return to != nullptr && to->Receive(b, now); }, bytes, GetParam(),
                random);
    return !bytes.empty();
  }
  void Run() {
    for (int i = 0; i < 100000; ++i) {
      const bool a = Move(up, down), b = Move(down, up);
      if (!a && !b) return;
    }
    FAIL() << "never quiet";
  }
  bool Begin(Call& call, Slice first, bool end, int pulls = 2) {
    return up->Start(call.stream, call, http2::kEcho, {}, std::move(first), end, pulls);
  }
  // Gives raw bytes of a client to a server of its own.
  bool Hear(std::string_view bytes) {
    return http2::Give([&](Bytes b) { return down->Receive(b, now); }, bytes, GetParam(), random);
  }
  void Serve(const http2::Options& options = {}, const Limits& limits = {}) {
    down = Connection::Make(&http2::MakeHttp2Session, http2::Role::kServer, options, limits,
                            down_owner, &server, memory);
  }

  std::mt19937 random{42};
  Time now{std::chrono::hours(1)};
  size_t moved = 0;
  FreeList memory;
  Owner up_owner, down_owner;
  EchoAcceptor server;
  Connection::Pointer up, down;
};

}  // namespace rondo::transport
