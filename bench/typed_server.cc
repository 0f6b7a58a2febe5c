// A server of one loop that sends each request back, by a generated service whose handlers are
// coroutines. Its first line is its port; it ends with its stdin.
// typed_server [cpu=N]
#include "echo.rondo.pb.h"
#include "floor/message.h"
#include "rondo/server.h"

namespace bench {
namespace {

using rondo::bench::Message;

class Echo final : public rondo::bench::EchoService {
  rondo::Task<absl::StatusOr<Message>> Unary(rondo::ServerCall&, Message request) override {
    co_return request;
  }
  rondo::Task<absl::Status> Both(rondo::ServerCall&,
                                 rondo::ReaderWriter<Message, Message>& stream) override {
    while (std::optional<Message> message = co_await stream.Read()) {
      if (!co_await stream.Write(*message)) break;
    }
    co_return absl::OkStatus();
  }
  rondo::Task<absl::Status> Many(rondo::ServerCall&, Message request,
                                 rondo::Writer<Message>& stream) override {
    for (uint64_t left = kMany; left > 0; --left) {
      if (!co_await stream.Write(request)) break;
    }
    co_return absl::OkStatus();
  }
};

int Main(const Arguments& arguments) {
  Prepare(arguments);
  rondo::LoopPool loops(1);
  Echo echo;
  rondo::Server server({.credentials = rondo::Insecure(),
                        .listen = {"127.0.0.1:0"},
                        .loops = &loops,
                        .max_concurrent_streams = 1000});
  server.Add(echo);
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
