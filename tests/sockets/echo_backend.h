#pragma once
// An echo server on real sockets, and what tests wait with: whoever waits gives up after a minute.
// Threads: any, unless said.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "echo.rondo.pb.h"
#include "rondo/rondo.h"

namespace rondo::sockets {

using grpc::examples::echo::EchoMethods;
using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoResponse;
using grpc::examples::echo::EchoStub;
using Reply = absl::StatusOr<EchoResponse>;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

inline constexpr Duration kLong = 60s;  // Longer than anything that goes well takes.
inline constexpr const char* kRoundRobin = R"({"loadBalancingConfig": [{"round_robin": {}}]})";

// A value that some threads change and others wait for.
template <class T>
class Shared {
 public:
  template <class F>
  void Change(F change) {
    const std::lock_guard lock(mutex_);
    change(value_);
    changed_.notify_all();
  }
  // False: it didn't come to that.
  template <class P>
  bool Wait(P is_so, Duration limit = kLong) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return is_so(value_); });
  }
  T Get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  T value_{};
};

inline EchoRequest Request(std::string text) {
  EchoRequest request;
  request.set_message(std::move(text));
  return request;
}
inline std::string TextOf(const Reply& reply) {
  return reply.ok() ? reply->message() : reply.status().ToString();
}
inline EchoStub Stub(const std::string& target, ChannelOptions options = {}) {
  if (!options.credentials.given()) options.credentials = Insecure();
  return EchoStub(*Channel::Create(target, std::move(options)));
}
inline std::string Words(const absl::Status& status) { return std::string(status.message()); }
// "static:///a,b"
inline std::string TargetOf(const std::vector<std::string>& addresses) {
  std::string target = "static:///";
  for (const std::string& a : addresses) target += (target.back() == '/' ? "" : ",") + a;
  return target;
}

// Answers a unary call with what it says, except: "hold" is answered by Release(), or when its
// caller has gone; "refuse" is refused; "big N" gets N bytes; "who" is told who is known to ask.
// Metadata "x-..." comes back as headers, and with "t" before it as trailers.
class EchoBackend {
 public:
  struct Seen {
    int started = 0, cancelled = 0, most_at_once = 0;  // Of unary calls.
    std::set<ServerCall*> held;
    std::set<std::string> peers;
  };

  explicit EchoBackend(std::string listen = "127.0.0.1:0", ServerOptions options = {},
                       size_t threads = 1)
      : loops_(threads) {
    if (!options.credentials.given()) options.credentials = Insecure();
    options.listen = {std::move(listen)};
    options.loops = &loops_;
    server_.emplace(std::move(options));
    server_->Handle(
        {&EchoMethods::UnaryEcho, [this](ServerCall& call, Bytes bytes) { OnUnary(call, bytes); }});
    Handle(*server_, EchoMethods::ServerStreamingEcho, &Count);
    Handle(*server_, EchoMethods::ClientStreamingEcho, &Join);
    Handle(*server_, EchoMethods::BidirectionalStreamingEcho, &Echo);
  }
  EchoBackend(const EchoBackend&) = delete;
  EchoBackend& operator=(const EchoBackend&) = delete;
  ~EchoBackend() {
    server_.reset();
    EXPECT_TRUE(seen.Wait([](const Seen& s) { return s.held.empty(); }));
  }
  EchoBackend& Start() {
    const absl::Status started = server_->Start();
    EXPECT_TRUE(started.ok()) << started;
    return *this;
  }
  Server& server() { return *server_; }
  const std::string& address() const { return server_->addresses().at(0); }
  EchoStub Stub(ChannelOptions options = {}) const {
    return sockets::Stub(address(), std::move(options));
  }

  bool WaitForHeld(size_t n) {
    return seen.Wait([n](const Seen& s) { return s.held.size() >= n; });
  }
  bool WaitForCancelled(int n) {
    return seen.Wait([n](const Seen& s) { return s.cancelled >= n; });
  }
  void Release() {
    for (ServerCall* call : seen.Get().held) {
      call->loop().Post([this, call] {
        if (Forget(call)) Answer(*call, "released");
      });
    }
  }

  Shared<Seen> seen;

 private:
  static void SendBack(ServerCall& call) {
    for (const auto& [key, value] : call.metadata()) {
      if (!key.starts_with("x-")) continue;
      call.AddHeader(key, value);
      call.AddTrailer("t" + key, value);
    }
  }
  static void Answer(ServerCall& call, std::string text) {
    EchoResponse reply;
    reply.set_message(std::move(text));
    call.Reply(FrameMessage(reply.ByteSizeLong(),
                            [&](uint8_t* to) { reply.SerializeWithCachedSizesToArray(to); }));
  }
  static std::string Who(const PeerIdentity* caller) {
    if (caller == nullptr) return "nobody";
    if (caller->proof == PeerIdentity::Proof::kUnixSocket) {
      return "user " + std::to_string(caller->user) + " process " + std::to_string(caller->process);
    }
    return "certificate " + (caller->names.empty() ? caller->common_name : caller->names[0]);
  }
  bool Forget(ServerCall* call) {
    bool was_held = false;
    seen.Change([&](Seen& s) { was_held = s.held.erase(call) > 0; });
    return was_held;
  }

  void OnUnary(ServerCall& call, Bytes bytes) {
    EchoRequest request;
    if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return call.Finish(absl::InternalError("no EchoRequest"));
    }
    SendBack(call);
    const std::string& text = request.message();
    seen.Change([&](Seen& s) {
      ++s.started;
      s.peers.insert(call.peer());
      if (text != "hold") return;
      s.held.insert(&call);
      s.most_at_once = std::max(s.most_at_once, static_cast<int>(s.held.size()));
    });
    if (text == "hold") {
      call.OnCancel([this, &call] {
        if (!Forget(&call)) return;
        call.Finish(absl::CancelledError("the caller has gone"));
        seen.Change([](Seen& s) { ++s.cancelled; });
      });
    } else if (text == "refuse") {
      call.Finish(absl::PermissionDeniedError("no, thanks"));
    } else {
      Answer(call, text == "who"              ? Who(call.peer_identity())
                   : text.starts_with("big ") ? std::string(std::stoul(text.substr(4)), 'b')
                                              : text);
    }
  }
  // "3": "0", "1", "2".
  static Task<absl::Status> Count(ServerCall& call, EchoRequest request,
                                  Writer<EchoResponse>& writer) {
    SendBack(call);
    const int n = std::stoi(request.message());
    for (int i = 0; i < n; ++i) {
      EchoResponse reply;
      reply.set_message(std::to_string(i));
      if (!co_await writer.Write(reply)) break;
    }
    co_return absl::OkStatus();
  }
  static Task<Reply> Join(ServerCall& call, Reader<EchoRequest>& reader) {
    SendBack(call);
    EchoResponse all;
    while (auto request = co_await reader.Read()) *all.mutable_message() += request->message();
    co_return all;
  }
  static Task<absl::Status> Echo(ServerCall& call,
                                 ReaderWriter<EchoRequest, EchoResponse>& stream) {
    SendBack(call);
    while (auto request = co_await stream.Read()) {
      if (request->message() == "refuse") co_return absl::PermissionDeniedError("no, thanks");
      EchoResponse reply;
      reply.set_message(request->message());
      if (!co_await stream.Write(reply)) break;
    }
    co_return absl::OkStatus();
  }

  LoopPool loops_;
  std::optional<Server> server_;
};

}  // namespace rondo::sockets
