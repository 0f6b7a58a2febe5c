// The probe service: counts calls by an interceptor, and tells how busy the server is.
#include <chrono>
#include <mutex>
#include <utility>

#include "rondo/load_probe.h"
#include "server/load_estimate.h"
#include "wire/load_report.h"

namespace rondo {
namespace {

constexpr Method kLoadProbe{"/rondo.load.v1.LoadProbe/Probe", false, false};

}  // namespace

class LoadProbeService::State {
 public:
  int64_t Begin() {
    const std::lock_guard lock(mutex_);
    return in_flight_++;
  }
  void End() {
    const std::lock_guard lock(mutex_);
    --in_flight_;
  }
  void Add(int64_t in_flight, Duration latency, Time now) {
    const std::lock_guard lock(mutex_);
    estimate_.Add(in_flight, latency, now);
  }
  LoadReport Report(Time now) {
    const std::lock_guard lock(mutex_);
    const std::chrono::duration<double> latency = estimate_.At(in_flight_, now);
    return {.named = {{"named_metrics.rif", static_cast<double>(in_flight_)},
                      {"named_metrics.latency", latency.count()}}};
  }

 private:
  std::mutex mutex_;  // Guards all that follows.
  int64_t in_flight_ = 0;
  server::LoadEstimate estimate_;
};

namespace {

// A call that is in flight: also one whose interceptors are dropped ends here.
template <class State>
class CountedCall {
 public:
  explicit CountedCall(std::shared_ptr<State> state)
      : state_(std::move(state)), number_(state_->Begin()) {}
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;
  ~CountedCall() { state_->End(); }
  void Answered(Duration latency, Time now) { state_->Add(number_, latency, now); }

 private:
  const std::shared_ptr<State> state_;
  const int64_t number_;  // Calls that were in flight before.
};

template <class State>
Task<absl::Status> CountCall(std::shared_ptr<State> state, ServerCall& call, ServerNext next) {
  CountedCall<State> counted(std::move(state));
  Loop& loop = call.loop();
  const Time begin = loop.Now();
  absl::Status status = co_await next(call);
  const Time now = loop.Now();
  counted.Answered(now - begin, now);
  co_return status;
}

}  // namespace

LoadProbeService::LoadProbeService() : state_(std::make_shared<State>()) {}
LoadProbeService::~LoadProbeService() = default;

ServerInterceptor LoadProbeService::Counter() const {
  return [s = state_](ServerCall& call, ServerNext next) -> Task<absl::Status> {
    if (call.method() == kLoadProbe.path) return next(call);
    return CountCall(s, call, std::move(next));
  };
}

std::vector<ServerMethod> LoadProbeService::Methods() {
  return {{&kLoadProbe,
           [s = state_](ServerCall& call, Bytes) {
             call.Reply(FrameMessage(wire::EncodeLoadReport(s->Report(call.loop().Now()))));
           },
           /*always_admitted=*/true}};
}

}  // namespace rondo
