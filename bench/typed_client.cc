// Unary calls in a closed loop by a generated stub: with callbacks, or blocking on the main thread.
// typed_client [blocking] port=N [inflight=N cpu=N server=PID seconds=S warm=S]
#include <future>

#include "echo.rondo.pb.h"
#include "floor/harness.h"
#include "rondo/channel.h"

namespace bench {
namespace {

using rondo::bench::EchoStub;
using rondo::bench::Message;

constexpr size_t kText = 16;

class Load {
 public:
  Load(const rondo::Channel& channel, const Arguments& arguments)
      : loop_(channel.loop()),
        stub_(channel),
        meter_(arguments),
        left_(static_cast<size_t>(arguments.Int("inflight", 100))) {
    request_.set_text(std::string(kText, 'a'));
  }
  void RunWithCallbacks() {
    loop_.Post([this] {
      for (size_t i = left_; i > 0; --i) Start(meter_.Begin());
    });
    over_.get_future().wait();
    meter_.Print();
  }
  void RunBlocking() {
    for (uint64_t begin = meter_.Begin(); begin != 0; begin = meter_.Ended(begin)) {
      Check(stub_.Unary(request_));
    }
    meter_.Print();
  }

 private:
  void Start(uint64_t begin) {
    stub_.Unary(request_, [this, begin](const absl::StatusOr<Message>& reply) {
      Check(reply);
      if (const uint64_t now = meter_.Ended(begin); now != 0) {
        Start(now);
      } else if (--left_ == 0) {
        over_.set_value();
      }
    });
  }
  void Check(const absl::StatusOr<Message>& reply) {
    if (reply.ok() && reply->text().size() == kText) return;
    if (!said_) std::fprintf(stderr, "bench: %s\n", reply.status().ToString().c_str());
    said_ = true;
    meter_.Failed();
  }

  rondo::Loop& loop_;
  EchoStub stub_;
  Message request_;
  Meter meter_;
  size_t left_;
  bool said_ = false;
  std::promise<void> over_;
};

int Main(const Arguments& arguments) {
  Prepare(arguments);
  rondo::LoopPool loops(1);
  absl::StatusOr<rondo::Channel> channel =
      rondo::Channel::Create("ipv4:127.0.0.1:" + arguments.Text("port"),
                             {.credentials = rondo::Insecure(), .loops = &loops});
  if (!channel.ok()) {
    std::fprintf(stderr, "bench: %s\n", channel.status().ToString().c_str());
    return 1;
  }
  Load load(*channel, arguments);
  if (arguments.Has("blocking")) {
    load.RunBlocking();
  } else {
    load.RunWithCallbacks();
  }
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
