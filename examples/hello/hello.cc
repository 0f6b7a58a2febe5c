// A server, a channel, a call: the least there is. The server picks a free port.
#include <chrono>
#include <cstdio>

#include "echo.rondo.pb.h"
#include "rondo/channel.h"
#include "rondo/server.h"

using namespace std::chrono_literals;
using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoResponse;
using grpc::examples::echo::EchoService;
using grpc::examples::echo::EchoStub;

class Hello final : public EchoService {
  rondo::Task<absl::StatusOr<EchoResponse>> UnaryEcho(rondo::ServerCall&,
                                                      EchoRequest request) override {
    EchoResponse reply;
    reply.set_message("hello, " + request.message());
    co_return reply;
  }
};

int main() {
  Hello hello;
  rondo::Server server({.credentials = rondo::Insecure(), .listen = {"127.0.0.1:0"}});
  server.Add(hello);
  if (absl::Status s = server.Start(); !s.ok()) {
    std::fprintf(stderr, "%s\n", s.ToString().c_str());
    return 1;
  }
  auto channel = rondo::Channel::Create(server.addresses()[0], {.credentials = rondo::Insecure()});
  if (!channel.ok()) {
    std::fprintf(stderr, "%s\n", channel.status().ToString().c_str());
    return 1;
  }
  EchoStub echo(*channel);
  EchoRequest request;
  request.set_message("world");
  auto reply = echo.UnaryEcho(request, {.timeout = 1s});
  if (!reply.ok()) {
    std::fprintf(stderr, "%s\n", reply.status().ToString().c_str());
    return 1;
  }
  std::puts(reply->message().c_str());
  return 0;
}
