#pragma once
// What all loads of `client` share: a channel, a meter, and the end.
// Threads: the channel's loop, but Run: the thread that waits for the end.
#include <future>

#include "floor/message.h"
#include "rondo/channel.h"

namespace bench {

class Load {
 public:
  Load(rondo::Channel channel, const Arguments& arguments)
      : channel_(std::move(channel)),
        meter_(arguments),
        message_(arguments),
        method_{PathOf(KindOf(arguments)), KindOf(arguments) == Kind::kBoth,
                KindOf(arguments) != Kind::kUnary},
        in_flight_(static_cast<size_t>(arguments.Int("inflight", 100))) {}
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  virtual ~Load() = default;

  [[noreturn]] void Run() {
    channel_.loop().Post([this] { Begin(); });
    over_.get_future().wait();
    meter_.Print();
    std::_Exit(0);  // What still runs is of no interest.
  }

 protected:
  virtual void Begin() = 0;
  void Over() {
    if (!std::exchange(told_, true)) over_.set_value();
  }
  void Failed(std::string_view why) {
    if (!said_) std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(why.size()), why.data());
    said_ = true;
    meter_.Failed();
  }

  rondo::Channel channel_;
  Meter meter_;
  const Message message_;
  const rondo::Method method_;
  const size_t in_flight_;

 private:
  bool told_ = false, said_ = false;
  std::promise<void> over_;
};

}  // namespace bench
