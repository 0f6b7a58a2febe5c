#pragma once
// Unary calls in a closed loop, or at a given rate.
#include <cstring>

#include "load.h"

namespace bench {

class UnaryLoad final : public Load {
 public:
  UnaryLoad(rondo::Channel channel, const Arguments& arguments)
      : Load(std::move(channel), arguments), pace_(arguments) {}

 private:
  void Begin() override {
    if (pace_.open_loop()) {
      pace_.Begin(meter_.Begin());
      StartDue();
      return;
    }
    for (size_t i = in_flight_; i > 0; --i) Start(meter_.Begin());
  }
  void StartDue() {
    const uint64_t now = NowNs();
    while (pace_.next() <= now && !meter_.over()) Start(pace_.Take());
    if (meter_.over()) return;
    due_ =
        channel_.loop().After(std::chrono::nanoseconds(pace_.next() - now), [this] { StartDue(); });
  }
  void Start(uint64_t begin) {
    const Bytes body = message_.body();
    ++running_;
    rondo::UnaryCall call = channel_.Unary(method_, {}, body.size());
    std::memcpy(call.body(), body.data(), body.size());
    std::move(call).Start([this, begin, size = body.size()](rondo::UnaryResult result) {
      if (!result.status.ok()) {
        Failed(result.status.ToString());
      } else if (result.message.size() != size) {
        Failed("a reply has another size");
      }
      --running_;
      if (const uint64_t now = meter_.Ended(begin); now == 0) {
        if (running_ == 0 || pace_.open_loop()) Over();
      } else if (!pace_.open_loop()) {
        Start(now);
      }
    });
  }

  Pace pace_;
  size_t running_ = 0;
  std::unique_ptr<rondo::Timer> due_;
};

}  // namespace bench
