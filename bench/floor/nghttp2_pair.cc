// The floor under gRPC: calls in gRPC's shape over nghttp2 and epoll, without a runtime.
// nghttp2_pair server [ports=N cpu=N expect=N mode=unary|both|many size=N]
//   A server on N ports, for clients of the same mode and size. `expect`: tells `ready NS` once so
//   many clients have acknowledged its SETTINGS (they are READY then), in CLOCK_MONOTONIC's ns.
// nghttp2_pair client port=N[,N...] [mode=unary|both|many size=N inflight=N streams=N rate=N cpu=N
//   server=PID seconds=S warm=S]
//   One connection a port, calls go round.
#include "nghttp2_client.h"
#include "nghttp2_server.h"

namespace bench {
namespace {

int Serve(const Arguments& arguments) {
  EpollLoop loop;
  Expected expected{arguments.Int("expect", 0)};
  const Message message(arguments);
  std::vector<int> ports;
  for (int i = arguments.Int("ports", 1); i > 0; --i) {
    ports.push_back(loop.Listen(
        [&] { return std::make_unique<ServerSession>(expected, message, KindOf(arguments)); }));
  }
  PrintPorts(ports);
  loop.StopWithStdin();
  loop.Run();
  return 0;
}

int Measure(const Arguments& arguments) {
  EpollLoop loop;
  Calls calls(loop, arguments);
  const std::string ports = arguments.Text("port");
  if (ports.empty()) Die("port= is missing");
  PrintStarted();
  for (const char* p = ports.c_str(); *p != 0; p += *p == ',') {
    calls.Connect(static_cast<int>(std::strtol(p, const_cast<char**>(&p), 10)));
  }
  calls.Begin();
  loop.Run();
  calls.Print();
  return 0;
}

int Main(const Arguments& arguments) {
  Prepare(arguments);
  return arguments.Has("server") ? Serve(arguments) : Measure(arguments);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
