// A resolver of the user's own: endpoints and service config come from a file's text and change
// while calls run, as they would in a registry.
#include <chrono>
#include <cstdio>
#include <string>

#include "../load_balancing/backend_process.h"
#include "rondo/channel.h"

using namespace std::chrono_literals;
using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoStub;

// Looks a name up in a table whenever it is asked to.
class TableResolver final : public rondo::Resolver {
 public:
  using Table = std::vector<std::vector<std::string>>;  // What each look-up finds, in order.
  TableResolver(Table table, rondo::Loop& loop, rondo::OnResolution publish)
      : table_(std::move(table)), loop_(loop), publish_(std::move(publish)) {}
  void Start() override { LookUp(); }
  void Refresh() override {
    if (next_ < table_.size()) LookUp();
  }

 private:
  void LookUp() {
    timer_ = loop_.After(0s, [this] {
      std::vector<rondo::Endpoint> endpoints;
      for (const std::string& address : table_[next_])
        endpoints.push_back({.addresses = {address}});
      ++next_;
      publish_({.endpoints = endpoints,
                .service_config_json = R"({"loadBalancingConfig": [{"round_robin": {}}]})",
                .note = "table, line " + std::to_string(next_)})
          .IgnoreError();
    });
  }
  const Table table_;
  rondo::Loop& loop_;
  const rondo::OnResolution publish_;
  size_t next_ = 0;
  std::unique_ptr<rondo::Timer> timer_;
};

int main() {
  PortEcho blue(1), green(2);
  rondo::Server a({.credentials = rondo::Insecure(), .listen = {"127.0.0.1:0"}});
  rondo::Server b({.credentials = rondo::Insecure(), .listen = {"127.0.0.1:0"}});
  a.Add(blue);
  b.Add(green);
  if (!a.Start().ok() || !b.Start().ok()) return 1;

  const TableResolver::Table table = {{a.addresses()[0]}, {b.addresses()[0]}};
  rondo::ResolverFactory factory{
      .scheme = "table",
      .make = [table](const rondo::Target&, rondo::Loop& loop, rondo::OnResolution publish,
                      const rondo::ResolverOptions&)
          -> absl::StatusOr<std::unique_ptr<rondo::Resolver>> {
        return std::make_unique<TableResolver>(table, loop, std::move(publish));
      }};
  auto channel = rondo::Channel::Create("table:///shop",
                                        {.credentials = rondo::Insecure(), .resolvers = {factory}});
  if (!channel.ok()) return 1;
  EchoStub echo(*channel);
  const auto ask = [&echo](const char* text) {
    EchoRequest request;
    request.set_message(text);
    auto reply = echo.UnaryEcho(request, {.timeout = 10s, .wait_for_ready = true});
    std::puts(reply.ok() ? reply->message().c_str() : reply.status().ToString().c_str());
  };
  ask("before");
  a.Stop();  // The channel asks its resolver for news, and hears of the other backend.
  ask("after");
  return 0;
}
