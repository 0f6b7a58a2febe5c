// Two clients of one service name: the first with pick_first, the default, the second with
// round_robin, chosen by the default service config.
//
//   load_balancing_client [PORT PORT]      default: 50051 50052
#include <chrono>
#include <cstdio>
#include <string>

#include "echo.rondo.pb.h"
#include "example_resolver.h"
#include "rondo/channel.h"

namespace {

using namespace std::chrono_literals;
using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoStub;

bool MakeCalls(const rondo::Channel& channel, int n) {
  EchoStub echo(channel);
  EchoRequest request;
  request.set_message("this is examples/load_balancing");
  for (int i = 0; i < n; ++i) {
    auto reply = echo.UnaryEcho(request, {.timeout = 1s});
    if (!reply.ok()) {
      std::fprintf(stderr, "could not greet: %s\n", reply.status().ToString().c_str());
      return false;
    }
    std::puts(reply->message().c_str());
  }
  return true;
}

// Calls until each of the two has answered, so that what is printed doesn't depend on which one was
// connected first.
void WaitForBoth(const rondo::Channel& channel) {
  EchoStub echo(channel);
  std::string first;
  for (int i = 0; i < 1000; ++i) {
    rondo::CallReport report;
    if (!echo.UnaryEcho(EchoRequest(), {.timeout = 1s, .report = &report}).ok()) continue;
    if (first.empty()) first = report.peer;
    if (report.peer != first) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string a = argc == 3 ? argv[1] : "50051", b = argc == 3 ? argv[2] : "50052";
  const rondo::ResolverFactory names = ExampleResolver({"127.0.0.1:" + a, "127.0.0.1:" + b});
  const std::string target = std::string("example:///") + kServiceName;

  // "pick_first" is the default, so no policy needs to be named.
  auto pick_first =
      rondo::Channel::Create(target, {.credentials = rondo::Insecure(), .resolvers = {names}});
  if (!pick_first.ok()) return 1;
  std::puts("--- calling helloworld.Greeter/SayHello with pick_first ---");
  if (!MakeCalls(*pick_first, 10)) return 1;
  std::puts("");

  auto round_robin = rondo::Channel::Create(
      target, {.credentials = rondo::Insecure(),
               .default_service_config = R"({"loadBalancingConfig": [{"round_robin":{}}]})",
               .resolvers = {names}});
  if (!round_robin.ok()) return 1;
  WaitForBoth(*round_robin);
  std::puts("--- calling helloworld.Greeter/SayHello with round_robin ---");
  return MakeCalls(*round_robin, 10) ? 0 : 1;
}
