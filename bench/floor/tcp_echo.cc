// The floor under everything: bytes over TCP and back, without any protocol.
// tcp_echo server [cpu=N]
// tcp_echo client port=N [size=N inflight=N cpu=N server=PID seconds=S warm=S]
#include "epoll_loop.h"

namespace bench {
namespace {

constexpr size_t kAround = 34;  // About what a unary call puts on the wire besides its text.

class Echo final : public Peer {
 public:
  void OnBytes(Bytes bytes) override { back_.insert(back_.end(), bytes.begin(), bytes.end()); }
  void Fill(std::vector<uint8_t>& out) override {
    out.insert(out.end(), back_.begin(), back_.end());
    back_.clear();
  }

 private:
  std::vector<uint8_t> back_;
};

// Messages come back in order, so a ring of starting times is all there is to remember.
class Client final : public Peer {
 public:
  Client(EpollLoop& loop, Meter& meter, int size, int in_flight)
      : loop_(loop),
        meter_(meter),
        message_(static_cast<size_t>(size) + kAround),
        begun_(static_cast<size_t>(in_flight)) {
    for (uint64_t& b : begun_) b = meter_.Begin();
    to_send_ = begun_.size();
  }
  void OnBytes(Bytes bytes) override {
    for (received_ += bytes.size(); received_ >= message_; received_ -= message_) {
      begun_[next_] = meter_.Ended(begun_[next_]);
      if (begun_[next_] != 0) ++to_send_;
      if (++next_ == begun_.size()) next_ = 0;
    }
    if (meter_.over()) loop_.Stop();
  }
  void Fill(std::vector<uint8_t>& out) override {
    out.resize(out.size() + std::exchange(to_send_, 0) * message_);
  }

 private:
  EpollLoop& loop_;
  Meter& meter_;
  const size_t message_;
  std::vector<uint64_t> begun_;
  size_t to_send_ = 0, next_ = 0, received_ = 0;
};

int Main(const Arguments& arguments) {
  Prepare(arguments);
  EpollLoop loop;
  if (arguments.Has("server")) {
    PrintPorts({loop.Listen([] { return std::make_unique<Echo>(); })});
    loop.StopWithStdin();
    loop.Run();
    return 0;
  }
  Meter meter(arguments);
  PrintStarted();
  Client client(loop, meter, arguments.Int("size", 16), arguments.Int("inflight", 100));
  loop.Connect(client, arguments.Int("port", 0));
  loop.Run();
  meter.Print();
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
