// A backend whose process hangs, with a channel's defaults: no keepalive, no retries.
#include "backends_under_load.h"

namespace rondo::sockets {
namespace {

// Each call has two seconds.
class StallTest : public BackendsUnderLoad {
 protected:
  StallTest() : BackendsUnderLoad({}, 2s) {}
};

TEST_F(StallTest, OneThatHangsCostsTheCallsThatItHasAndThenNoneUntilItGoesOn) {
  const std::string hung = backends_[1].address();
  BeginLoad();
  ASSERT_TRUE(WaitForMore(100));
  backends_[1].Stop();
  // A caller meets it once, waits for its deadline, and meets it no more.
  ASSERT_TRUE(counts.Wait([](const Counts& c) { return !c.failed.empty(); }));
  ASSERT_TRUE(WaitForMore(500));
  const Counts meanwhile = counts.Get();
  for (const auto& [peer, n] : meanwhile.failed) EXPECT_EQ(peer, hung) << n << " calls";
  backends_[1].Continue();
  EXPECT_TRUE(
      counts.Wait([&](const Counts& c) { return c.ok.at(hung) > meanwhile.ok.at(hung) + 100; }));
  ASSERT_TRUE(EndLoad());
  for (const Caller& caller : callers_) EXPECT_LE(caller.failed, 1);
}

}  // namespace
}  // namespace rondo::sockets
