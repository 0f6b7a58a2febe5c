// rpc_soak and channel_soak: many large unary calls, each within a time, on one channel or on a new
// one each.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "interop_cases.h"

namespace rondo::interop {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class Soak {
 public:
  Soak(const Client& client, bool new_channels) : client_(client), new_channels_(new_channels) {}

  void Run() {
    const Settings& s = client_.settings;
    std::vector<std::thread> threads;
    for (int i = 0; i < s.soak_num_threads; ++i) {
      threads.emplace_back([this, &s] { Work(s.soak_iterations / s.soak_num_threads); });
    }
    for (std::thread& t : threads) t.join();
    const int wanted = s.soak_iterations / s.soak_num_threads * s.soak_num_threads;
    std::printf("%d of %d calls done, %d of them failed or late\n", done_.load(), wanted,
                failed_.load());
    Require(done_ == wanted, "the time ran out after " + std::to_string(done_.load()) + " of " +
                                 std::to_string(wanted) + " calls");
    Require(failed_ <= s.soak_max_failures,
            std::to_string(failed_.load()) + " calls failed or were late");
  }

 private:
  void Work(int calls) {
    const Settings& s = client_.settings;
    const auto end = start_ + std::chrono::seconds(s.soak_overall_timeout_seconds);
    for (int i = 0; i < calls && Clock::now() < end; ++i) {
      const auto next = Clock::now() + milliseconds(s.soak_min_time_ms_between_rpcs);
      if (!CallOnce(end)) ++failed_;
      ++done_;
      std::this_thread::sleep_until(next);
    }
  }

  bool CallOnce(Time end) {
    const Settings& s = client_.settings;
    const auto request = SizedRequest(s.soak_request_size, s.soak_response_size);
    const auto began = Clock::now();
    const grpc::testing::TestServiceStub stub =
        new_channels_ ? grpc::testing::TestServiceStub(OpenChannel(s)) : client_.stub;
    const auto reply = stub.UnaryCall(request, {.deadline = end});
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
    if (!reply.ok()) {
      std::fprintf(stderr, "a call failed: %s\n", reply.status().ToString().c_str());
    } else if (took.count() > s.soak_per_iteration_max_acceptable_latency_ms) {
      std::fprintf(stderr, "a call took %lld ms\n", static_cast<long long>(took.count()));
    } else {
      return static_cast<int>(reply->payload().body().size()) == s.soak_response_size;
    }
    return false;
  }

  const Client& client_;
  const bool new_channels_;
  const Time start_ = Clock::now();
  std::atomic<int> done_{0}, failed_{0};
};

}  // namespace

void AddSoakCases(Cases& cases) {
  cases["rpc_soak"] = [](const Client& client) { Soak(client, false).Run(); };
  cases["channel_soak"] = [](const Client& client) { Soak(client, true).Run(); };
}

}  // namespace rondo::interop
