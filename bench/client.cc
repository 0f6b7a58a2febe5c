// Unary calls in a closed loop over the public API, without types: against any server of the
// floor's message and path. client port=N[,N...] [policy=NAME inflight=N cpu=N server=PID seconds=S
// warm=S]
#include <future>
#include <span>

#include "floor/harness.h"
#include "rondo/channel.h"

namespace bench {
namespace {

const rondo::Method kEcho{kPath};

// "a,b" as "ipv4:127.0.0.1:a,127.0.0.1:b".
std::string Target(const std::string& ports) {
  std::string target = "ipv4:127.0.0.1:";
  for (const char c : ports) target += c == ',' ? ",127.0.0.1:" : std::string(1, c);
  return target;
}

class Load {
 public:
  Load(rondo::Channel channel, const Arguments& arguments)
      : channel_(std::move(channel)),
        meter_(arguments),
        left_(static_cast<size_t>(arguments.Int("inflight", 100))) {}
  void Run() {
    channel_.loop().Post([this] {
      for (size_t i = left_; i > 0; --i) Start(meter_.Begin());
    });
    over_.get_future().wait();
    meter_.Print();
  }

 private:
  void Start(uint64_t begin) {
    const std::span<const uint8_t> body = std::span(kFramed).subspan(rondo::kMessagePrefix);
    rondo::UnaryCall call = channel_.Unary(kEcho, {}, body.size());
    std::memcpy(call.body(), body.data(), body.size());
    std::move(call).Start([this, begin, size = body.size()](rondo::UnaryResult result) {
      if (!result.status.ok() || result.message.size() != size) Failed(result.status);
      if (const uint64_t now = meter_.Ended(begin); now != 0) {
        Start(now);
      } else if (--left_ == 0) {
        over_.set_value();
      }
    });
  }
  void Failed(const absl::Status& status) {
    if (!said_) std::fprintf(stderr, "bench: %s\n", status.ToString().c_str());
    said_ = true;
    meter_.Failed();
  }

  rondo::Channel channel_;
  Meter meter_;
  size_t left_;
  bool said_ = false;
  std::promise<void> over_;
};

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
  Load(*std::move(channel), arguments).Run();
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
