// Two backends, and a channel whose service config names a policy that this program brings.
#include <chrono>
#include <cstdio>
#include <string>

#include "../load_balancing/backend_process.h"
#include "rondo/channel.h"
#include "third_second.h"

using namespace std::chrono_literals;
using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoStub;

int main() {
  PortEcho first(1), second(2);
  rondo::Server a({.credentials = rondo::Insecure(), .listen = {"127.0.0.1:0"}});
  rondo::Server b({.credentials = rondo::Insecure(), .listen = {"127.0.0.1:0"}});
  a.Add(first);
  b.Add(second);
  if (!a.Start().ok() || !b.Start().ok()) return 1;

  rondo::ChannelOptions options{
      .credentials = rondo::Insecure(),
      .default_service_config =
          R"({"loadBalancingConfig": [{"third_second": {"chooseSecond": 3}}]})",
      .policies = {rondo::Adapt<ThirdSecond>()}};
  // So that the first calls find both backends ready.
  options.policy_settings.Set(rondo::StartupWait{.ready = 2, .at_most = 5s});
  auto channel =
      rondo::Channel::Create("static:///" + a.addresses()[0] + "," + b.addresses()[0], options);
  if (!channel.ok()) {
    std::fprintf(stderr, "%s\n", channel.status().ToString().c_str());
    return 1;
  }
  EchoStub echo(*channel);
  EchoRequest request;
  for (int i = 1; i <= 9; ++i) {
    request.set_message("call " + std::to_string(i));
    rondo::CallReport report;
    auto reply = echo.UnaryEcho(request, {.timeout = 5s, .report = &report});
    if (!reply.ok()) {
      std::fprintf(stderr, "%s\n", reply.status().ToString().c_str());
      return 1;
    }
    std::printf("%s: %s\n", reply->message().c_str(),
                std::string(report.attempts.back().reason).c_str());
  }
  return 0;
}
