// Calls over the public API, without types: against any server of the floor's messages and paths.
// client port=N[,N...] [policy=NAME mode=unary|both|many size=N inflight=N streams=N rate=N cpu=N
// server=PID seconds=S warm=S]
#include "stream_load.h"
#include "unary_load.h"

namespace bench {
namespace {

// "a,b" as "ipv4:127.0.0.1:a,127.0.0.1:b".
std::string Target(const std::string& ports) {
  std::string target = "ipv4:127.0.0.1:";
  for (const char c : ports) target += c == ',' ? ",127.0.0.1:" : std::string(1, c);
  return target;
}

int Main(const Arguments& arguments) {
  Prepare(arguments);
  rondo::LoopPool loops(1);
  const std::string policy = arguments.Text("policy", "round_robin");
  absl::StatusOr<rondo::Channel> channel = rondo::Channel::Create(
      Target(arguments.Text("port")),
      {.credentials = rondo::Insecure(),
       .default_service_config = R"({"loadBalancingConfig":[{")" + policy + R"(":{}}]})",
       .loops = &loops});
  if (!channel.ok()) {
    std::fprintf(stderr, "bench: %s\n", channel.status().ToString().c_str());
    return 1;
  }
  PrintStarted();
  switch (KindOf(arguments)) {
    case Kind::kBoth:
      BothLoad(*std::move(channel), arguments).Run();
    case Kind::kMany:
      ManyLoad(*std::move(channel), arguments).Run();
    default:
      UnaryLoad(*std::move(channel), arguments).Run();
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
