// The owner of a service switches its policy by service config while calls run. No call fails, and
// addresses that stay keep their connections.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "../custom_policy/third_second.h"
#include "../load_balancing/backend_process.h"
#include "rondo/channel.h"

using namespace std::chrono_literals;
using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoStub;

int main() {
  std::vector<std::unique_ptr<PortEcho>> services;
  std::vector<std::unique_ptr<rondo::Server>> servers;
  std::vector<rondo::Endpoint> endpoints;
  for (int i = 1; i <= 2; ++i) {
    services.push_back(std::make_unique<PortEcho>(i));
    servers.push_back(std::make_unique<rondo::Server>(
        rondo::ServerOptions{.credentials = rondo::Insecure(), .listen = {"127.0.0.1:0"}}));
    servers.back()->Add(*services.back());
    if (!servers.back()->Start().ok()) return 1;
    endpoints.push_back({.addresses = {servers.back()->addresses()[0]}});
  }
  // Whoever owns the service: its config comes with the names.
  rondo::ManualResolver names("shop");
  const auto publish = [&](const char* policy) {
    names.Publish({.endpoints = endpoints,
                   .service_config_json =
                       std::string(R"({"loadBalancingConfig": [{")") + policy + R"(": {}}]})"});
  };
  publish("pick_first");
  auto channel = rondo::Channel::Create("shop:///shop", {.credentials = rondo::Insecure(),
                                                         .policies = {rondo::Adapt<ThirdSecond>()},
                                                         .resolvers = {names.Factory()}});
  if (!channel.ok()) return 1;

  // The client: calls all the time, and knows nothing of policies.
  std::atomic<bool> stop{false};
  std::atomic<int> failed{0};
  std::thread client([&] {
    EchoStub echo(*channel);
    while (!stop.load()) {
      if (!echo.UnaryEcho(EchoRequest(), {.timeout = 5s}).ok()) ++failed;
    }
  });
  // 12 calls in a row that go as the policy in force sends them; at most 5 s of trying.
  EchoStub echo(*channel);
  const auto becomes = [&](const char* what, auto fits) {
    std::map<std::string, int> share;
    const auto give_up = std::chrono::steady_clock::now() + 5s;
    do {
      share.clear();
      for (int i = 0; i < 12; ++i) {
        auto reply = echo.UnaryEcho(EchoRequest(), {.timeout = 5s});
        if (reply.ok()) ++share[reply->message()];
      }
    } while (!fits(share.size()) && std::chrono::steady_clock::now() < give_up);
    std::printf("%s: calls go to %zu backend%s\n", what, share.size(),
                share.size() == 1 ? "" : "s");
    return fits(share.size());
  };
  const auto one = [](size_t n) { return n == 1; };
  const auto two = [](size_t n) { return n == 2; };
  bool ok = becomes("pick_first", one);
  publish("round_robin");
  ok = becomes("round_robin", two) && ok;
  publish("third_second");
  ok = becomes("third_second", two) && ok;
  publish("pick_first");
  ok = becomes("pick_first", one) && ok;
  stop = true;
  client.join();

  size_t connections = 0;
  for (const auto& server : servers) connections += server->connections_accepted();
  std::printf("failed calls: %d\nconnections opened: %zu\n", failed.load(), connections);
  return ok && failed == 0 && connections == 2 ? 0 : 1;
}
