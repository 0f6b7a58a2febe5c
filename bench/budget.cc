// A fixed number of unary calls, client and server in one process, for a tool that counts: the same
// run costs the same, however busy the machine is.
// budget calls=N inflight=1     two loops, one call at a time: each side has a thread of its own
// budget calls=N inflight=K     one loop, so that which calls share a turn is no matter of chance
// Prints how often the loops' threads have asked for memory.
#include <cstring>
#include <future>

#include "count_malloc.h"
#include "floor/message.h"
#include "rondo/channel.h"
#include "rondo/server.h"

namespace bench {
namespace {

const rondo::Method kEcho{PathOf(Kind::kUnary)};

class Calls {
 public:
  Calls(rondo::Channel channel, const Arguments& arguments)
      : channel_(std::move(channel)),
        message_(arguments),
        left_(arguments.Int("calls", 1000)),
        in_flight_(arguments.Int("inflight", 1)) {}
  void Run() {
    channel_.loop().Post([this] {
      for (int i = in_flight_; i > 0; --i) Start();
    });
    over_.get_future().wait();
  }

 private:
  void Start() {
    ++running_;
    --left_;
    const Bytes body = message_.body();
    rondo::UnaryCall call = channel_.Unary(kEcho, {}, body.size());
    std::memcpy(call.body(), body.data(), body.size());
    std::move(call).Start([this](const rondo::UnaryResult& result) {
      if (!result.status.ok() || result.message.size() != message_.body().size()) {
        std::fprintf(stderr, "budget: %s\n", result.status.ToString().c_str());
        std::_Exit(1);
      }
      --running_;
      if (left_ > 0) {
        Start();
      } else if (running_ == 0) {
        over_.set_value();
      }
    });
  }

  rondo::Channel channel_;
  const Message message_;
  int left_, running_ = 0;
  const int in_flight_;
  std::promise<void> over_;
};

uint64_t AllocationsOf(rondo::Loop& loop) {
  std::promise<uint64_t> count;
  loop.Post([&] { count.set_value(mallocs); });
  return count.get_future().get();
}

int Main(const Arguments& arguments) {
  rondo::LoopPool first(1), second(1);
  rondo::LoopPool& servers = arguments.Int("inflight", 1) == 1 ? second : first;
  rondo::Server server({.credentials = rondo::Insecure(),
                        .listen = {"127.0.0.1:0"},
                        .loops = &servers,
                        .max_concurrent_streams = 1000});
  server.Handle({.method = &kEcho, .start = [](rondo::ServerCall& call, rondo::Bytes request) {
                   call.Reply(rondo::FrameMessage(request.size(), [&](uint8_t* body) {
                     std::memcpy(body, request.data(), request.size());
                   }));
                 }});
  absl::StatusOr<rondo::Channel> channel(absl::UnavailableError("the server doesn't listen"));
  if (server.Start().ok()) {
    channel = rondo::Channel::Create("ipv4:127.0.0.1:" + std::to_string(server.port()),
                                     {.credentials = rondo::Insecure(), .loops = &first});
  }
  if (!channel.ok()) {
    std::fprintf(stderr, "budget: %s\n", channel.status().ToString().c_str());
    return 1;
  }
  Calls(*channel, arguments).Run();
  std::printf("%llu %llu\n", static_cast<unsigned long long>(AllocationsOf(first.loop(0))),
              static_cast<unsigned long long>(AllocationsOf(second.loop(0))));
  std::fflush(stdout);
  std::_Exit(0);  // Taking it all down again is not part of a call.
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
