// The four kinds of calls, and three ways to wait: blocking, a callback, a coroutine.
#include <chrono>
#include <cstdio>
#include <future>
#include <string>

#include "echo.rondo.pb.h"
#include "rondo/channel.h"
#include "rondo/server.h"
#include "rondo/spawn.h"

using namespace std::chrono_literals;
using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoResponse;
using grpc::examples::echo::EchoService;
using grpc::examples::echo::EchoStub;

EchoRequest Say(const std::string& text) {
  EchoRequest request;
  request.set_message(text);
  return request;
}
EchoResponse Reply(const std::string& text) {
  EchoResponse reply;
  reply.set_message(text);
  return reply;
}

class Streams final : public EchoService {
  rondo::Task<absl::StatusOr<EchoResponse>> UnaryEcho(rondo::ServerCall&,
                                                      EchoRequest request) override {
    co_return Reply("one for one: " + request.message());
  }
  rondo::Task<absl::Status> ServerStreamingEcho(rondo::ServerCall&, EchoRequest request,
                                                rondo::Writer<EchoResponse>& replies) override {
    for (int i = 1; i <= 3; ++i) {
      EchoResponse reply = Reply(request.message() + " " + std::to_string(i));
      if (!co_await replies.Write(reply)) break;  // The caller has gone.
    }
    co_return absl::OkStatus();
  }
  rondo::Task<absl::StatusOr<EchoResponse>> ClientStreamingEcho(
      rondo::ServerCall&, rondo::Reader<EchoRequest>& requests) override {
    std::string all;
    while (auto request = co_await requests.Read()) all += request->message();
    co_return Reply("all of it: " + all);
  }
  rondo::Task<absl::Status> BidirectionalStreamingEcho(
      rondo::ServerCall&, rondo::ReaderWriter<EchoRequest, EchoResponse>& stream) override {
    while (auto request = co_await stream.Read()) {
      EchoResponse reply = Reply("re: " + request->message());
      if (!co_await stream.Write(reply)) break;
    }
    co_return absl::OkStatus();
  }
};

// A conversation, as a coroutine on the channel's loop.
rondo::Task<absl::Status> Chat(const EchoStub& echo) {
  auto stream = echo.BidirectionalStreamingEcho({.timeout = 5s});
  for (const char* text : {"ping", "pong"}) {
    EchoRequest request = Say(text);
    if (!co_await stream.Write(request, rondo::use_task)) break;
    auto reply = co_await stream.Read(rondo::use_task);
    if (!reply.has_value()) break;
    std::puts(reply->message().c_str());
  }
  stream.WritesDone();
  co_return co_await stream.Finish(rondo::use_task);
}

int main() {
  Streams streams;
  rondo::Server server({.credentials = rondo::Insecure(), .listen = {"127.0.0.1:0"}});
  server.Add(streams);
  if (!server.Start().ok()) return 1;
  auto channel = rondo::Channel::Create(server.addresses()[0], {.credentials = rondo::Insecure()});
  if (!channel.ok()) return 1;
  EchoStub echo(*channel);

  // Unary, with a callback: it runs on the channel's loop.
  std::promise<std::string> told;
  echo.UnaryEcho(Say("hi"), {.timeout = 5s}, [&told](absl::StatusOr<EchoResponse> reply) {
    told.set_value(reply.ok() ? reply->message() : reply.status().ToString());
  });
  std::puts(told.get_future().get().c_str());

  // One request, many replies, blocking.
  auto many = echo.ServerStreamingEcho(Say("count"), {.timeout = 5s});
  while (auto reply = many.Read()) std::puts(reply->message().c_str());
  if (!many.Finish().ok()) return 1;

  // Many requests, one reply, blocking.
  auto sum = echo.ClientStreamingEcho({.timeout = 5s});
  for (const char* part : {"a", "b", "c"}) sum.Write(Say(part));
  auto all = sum.Finish();
  if (!all.ok()) return 1;
  std::puts(all->message().c_str());

  // Both ways, in a coroutine.
  const absl::Status chat = rondo::Run(channel->loop(), Chat(echo));
  std::printf("chat: %s\n", chat.ToString().c_str());
  return chat.ok() ? 0 : 1;
}
