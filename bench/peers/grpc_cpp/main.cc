// grpc C++ beside the floors: the same command line and line of result as bench/client.cc.
// grpc_cpp server async|callback [cpu=N]
// grpc_cpp client async|callback port=N[,N...] [mode=unary|both|many size=N inflight=N streams=N
//   rate=N ...]     (rate= with async only)
// grpc_cpp idle port=N[,N...] [channels=N] [connect=0]
#include "programs.h"

namespace bench {

std::shared_ptr<grpc::Channel> Open(const std::string& ports, bool own) {
  std::string target = "ipv4:127.0.0.1:";
  for (const char c : ports) target += c == ',' ? ",127.0.0.1:" : std::string(1, c);
  grpc::ChannelArguments options;
  options.SetLoadBalancingPolicyName("round_robin");
  options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, own ? 1 : 0);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), options);
}

Text Request(const Arguments& arguments) {
  Text request;
  request.set_text(std::string(static_cast<size_t>(arguments.Int("size", 16)), 'a'));
  return request;
}

void ServeUntilStdinEnds(grpc::Server& server, int port) {
  std::printf("%d\n", port);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  (void)server;
  std::_Exit(0);  // At once, with its clients' calls open.
}

namespace {

int Main(const Arguments& arguments) {
  Prepare(arguments);
  if (arguments.Has("idle")) {
    Idle(arguments);
  } else if (arguments.Has("server")) {
    arguments.Has("callback") ? CallbackServer(arguments) : AsyncServer(arguments);
  } else {
    PrintStarted();
    arguments.Has("callback") ? CallbackClient(arguments) : AsyncClient(arguments);
  }
  std::_Exit(0);  // Streams may still be open.
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
