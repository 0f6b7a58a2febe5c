// A backend whose process hangs, with a channel's defaults: no keepalive, no retries.
#include "backend_process.h"

namespace rondo::sockets {
namespace {

class StallTest : public testing::Test {
 protected:
  struct Counts {
    std::map<std::string, int> ok;    // By backend.
    std::vector<std::string> failed;  // To whom.
    int all_ok = 0, running = 0;
    bool enough = false;
  };
  struct Caller {
    CallReport report;
    int failed = 0;
  };

  void SetUp() override {
    std::vector<std::string> addresses;
    for (BackendProcess& b : backends_) {
      ASSERT_TRUE(b.Start());
      addresses.push_back(b.address());
    }
    stub_.emplace(Stub(TargetOf(addresses), {.default_service_config = kRoundRobin}));
    std::set<std::string> seen;
    while (seen.size() < 3) {
      CallReport report;
      ASSERT_TRUE(stub_->UnaryEcho(Request("a"), {.timeout = kLong, .report = &report}).ok());
      seen.insert(report.peer);
    }
  }
  void TearDown() override {
    counts_.Change([](Counts& c) { c.enough = true; });
    EXPECT_TRUE(counts_.Wait([](const Counts& c) { return c.running == 0; }));
  }
  // One call after another, each with two seconds.
  void Next(Caller& caller) {
    stub_->UnaryEcho(Request("a"), {.timeout = 2s, .report = &caller.report},
                     [this, &caller](const Reply& reply) {
                       if (Count(caller, reply)) Next(caller);
                     });
  }
  bool Count(Caller& caller, const Reply& reply) {
    bool more = false;
    counts_.Change([&](Counts& c) {
      if (reply.ok()) {
        ++c.ok[caller.report.peer];
        ++c.all_ok;
      } else {
        ++caller.failed;
        c.failed.push_back(caller.report.peer);
      }
      more = !c.enough;
      if (!more) --c.running;
    });
    return more;
  }
  bool WaitForMore(int n) {
    const int before = counts_.Get().all_ok;
    return counts_.Wait([&](const Counts& c) { return c.all_ok >= before + n; });
  }

  static constexpr int kCallers = 8;
  BackendProcess backends_[3];
  std::optional<EchoStub> stub_;
  Caller callers_[kCallers];
  Shared<Counts> counts_;
};

TEST_F(StallTest, OneThatHangsCostsTheCallsThatItHasAndThenNoneUntilItGoesOn) {
  const std::string hung = backends_[1].address();
  counts_.Change([](Counts& c) { c.running = kCallers; });
  for (Caller& caller : callers_) Next(caller);
  ASSERT_TRUE(WaitForMore(100));
  backends_[1].Stop();
  // A caller meets it once, waits for its deadline, and meets it no more.
  ASSERT_TRUE(counts_.Wait([](const Counts& c) { return !c.failed.empty(); }));
  ASSERT_TRUE(WaitForMore(500));
  const Counts meanwhile = counts_.Get();
  for (const std::string& to : meanwhile.failed) EXPECT_EQ(to, hung);
  backends_[1].Continue();
  EXPECT_TRUE(
      counts_.Wait([&](const Counts& c) { return c.ok.at(hung) > meanwhile.ok.at(hung) + 100; }));
  counts_.Change([](Counts& c) { c.enough = true; });
  ASSERT_TRUE(counts_.Wait([](const Counts& c) { return c.running == 0; }));
  for (const Caller& caller : callers_) EXPECT_LE(caller.failed, 1);
}

}  // namespace
}  // namespace rondo::sockets
