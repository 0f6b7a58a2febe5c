#pragma once
// A random walk through all that can happen to a policy, with what must hold after every step.
// Threads: the test's.
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "rondo/testing.h"

namespace rondo::testing {

// The first `n` backends.
std::vector<Endpoint> EndpointsOf(const ConformanceOptions& options, int n);

class Storm {
 public:
  Storm(const ConformanceOptions& options, uint64_t seed);
  // What happened, and where calls went: the same for the same seed.
  std::string Run();
  const std::string& broken() const { return broken_; }  // Empty: all held.

 private:
  void Step();
  void List();
  void ChangeOne();
  void PassTime();
  void Switch();
  void Call();
  void Look();
  void End();
  void Broken(std::string_view rule, std::string_view what);
  uint32_t Below(uint32_t n) { return chance_.Below(n); }

  const ConformanceOptions& options_;
  const uint64_t seed_;
  Chance chance_;
  PolicyHarness harness_;
  std::deque<PolicyHarness::Call> flying_;
  bool switched_ = false;  // To another policy, for a while.
  uint32_t step_ = 0;
  std::string trace_, broken_;
};

}  // namespace rondo::testing
