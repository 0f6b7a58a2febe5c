#pragma once
// Three backends in processes of their own, and callers that call them by turns without a pause.
// Threads: the test's; what is counted, on the channel's loop.
#include "backend_process.h"

namespace rondo::sockets {

class BackendsUnderLoad : public testing::Test {
 protected:
  struct Counts {
    std::map<std::string, int> ok;      // By backend.
    std::map<std::string, int> failed;  // By backend.
    std::vector<absl::Status> failures;
    int all_ok = 0, running = 0;
    bool enough = false;
  };
  // One call after another, until there are enough.
  struct Caller {
    CallReport report;
    int failed = 0;
  };

  // `options` of the channel, but round_robin; `timeout` of each call.
  BackendsUnderLoad(ChannelOptions options, Duration timeout)
      : options_(std::move(options)), timeout_(timeout) {
    options_.default_service_config = kRoundRobin;
  }
  void SetUp() override {
    std::vector<std::string> addresses;
    for (BackendProcess& b : backends_) {
      ASSERT_TRUE(b.Start());
      addresses.push_back(b.address());
    }
    stub_.emplace(Stub(TargetOf(addresses), options_));
    std::set<std::string> seen;
    while (seen.size() < 3) {
      CallReport report;
      ASSERT_TRUE(stub_->UnaryEcho(Request("a"), {.timeout = kLong, .report = &report}).ok());
      seen.insert(report.peer);
    }
  }
  void TearDown() override { EXPECT_TRUE(EndLoad()); }

  void BeginLoad() {
    counts.Change([](Counts& c) { c.running = kCallers; });
    for (Caller& caller : callers_) Next(caller);
  }
  bool EndLoad() {
    counts.Change([](Counts& c) { c.enough = true; });
    return counts.Wait([](const Counts& c) { return c.running == 0; });
  }
  bool WaitForMore(int n) {
    const int before = counts.Get().all_ok;
    return counts.Wait([&](const Counts& c) { return c.all_ok >= before + n; });
  }

  static constexpr int kCallers = 8;
  BackendProcess backends_[3];
  std::optional<EchoStub> stub_;
  Caller callers_[kCallers];
  Shared<Counts> counts;

 private:
  void Next(Caller& caller) {
    stub_->UnaryEcho(Request("a"), {.timeout = timeout_, .report = &caller.report},
                     [this, &caller](const Reply& reply) {
                       if (Count(caller, reply)) Next(caller);
                     });
  }
  bool Count(Caller& caller, const Reply& reply) {
    bool more = false;
    counts.Change([&](Counts& c) {
      ++(reply.ok() ? c.ok : c.failed)[caller.report.peer];
      if (reply.ok()) {
        ++c.all_ok;
      } else {
        ++caller.failed;
        c.failures.push_back(reply.status());
      }
      more = !c.enough;
      if (!more) --c.running;
    });
    return more;
  }

  ChannelOptions options_;
  const Duration timeout_;
};

}  // namespace rondo::sockets
