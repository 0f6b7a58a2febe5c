// A server of one loop that sends each request back, over the public API without types. Its first
// line is its port; it ends with its stdin.
// server [cpu=N]
#include "rondo/server.h"

#include "floor/harness.h"

namespace bench {
namespace {

const rondo::Method kEcho{kPath};

void Echo(rondo::ServerCall& call, rondo::Bytes request) {
  call.Reply(rondo::FrameMessage(
      request.size(), [&](uint8_t* body) { std::memcpy(body, request.data(), request.size()); }));
}

int Main(const Arguments& arguments) {
  Prepare(arguments);
  rondo::LoopPool loops(1);
  rondo::Server server({.credentials = rondo::Insecure(),
                        .listen = {"127.0.0.1:0"},
                        .loops = &loops,
                        .max_concurrent_streams = 1000});
  server.Handle({.method = &kEcho, .start = &Echo});
  if (const absl::Status status = server.Start(); !status.ok()) {
    std::fprintf(stderr, "bench: %s\n", status.ToString().c_str());
    return 1;
  }
  std::printf("%d\n", server.port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
