// The day a backend dies without a word, and comes back.
#include "backends_under_load.h"

namespace rondo::sockets {
namespace {

class KillTest : public BackendsUnderLoad {
 protected:
  KillTest() : BackendsUnderLoad({.backoff = {.base = 50ms, .max = 200ms}}, kLong) {}
};

TEST_F(KillTest, LosesTheCallsInFlightOnTheDeadBackendAndNoOther) {
  const std::string dead = backends_[1].address();
  // One call that never ends on each of them: in flight for certain.
  CallReport reports[3];
  Shared<std::vector<absl::Status>> held;
  CallCanceller cancels[3];
  const EchoRequest hold = Request("hold");
  for (int i = 0; i < 3; ++i) {
    UnaryCall call = stub_->channel().Unary(EchoMethods::UnaryEcho, {.report = &reports[i]},
                                            hold.ByteSizeLong());
    hold.SerializeWithCachedSizesToArray(call.body());
    std::move(call).Start(
        [&](const UnaryResult& r) {
          held.Change([&](std::vector<absl::Status>& all) { all.push_back(r.status); });
        },
        &cancels[i]);
  }
  BeginLoad();
  ASSERT_TRUE(WaitForMore(200));
  EXPECT_TRUE(counts.Get().failures.empty());
  backends_[1].Kill();
  ASSERT_TRUE(held.Wait([](const auto& all) { return !all.empty(); }));
  ASSERT_TRUE(WaitForMore(300));
  // Of the calls without an end, the one on the dead backend alone has ended.
  ASSERT_EQ(held.Get().size(), 1u);
  const absl::Status why = held.Get()[0];
  EXPECT_EQ(why.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(Words(why).find("the connection was lost"), std::string::npos) << why;
  EXPECT_NE(Words(why).find(dead), std::string::npos) << why;
  // Of the others, at most those that were on their way to it.
  const Counts c = counts.Get();
  for (const auto& [peer, n] : c.failed) EXPECT_EQ(peer, dead) << n << " calls";
  for (const Caller& caller : callers_) EXPECT_LE(caller.failed, 1);
  for (const absl::Status& s : c.failures) {
    EXPECT_EQ(s.code(), absl::StatusCode::kUnavailable) << s;
    EXPECT_NE(Words(s).find(dead), std::string::npos) << s;
  }
  for (CallCanceller& cancel : cancels) cancel.Cancel();
  EXPECT_TRUE(held.Wait([](const auto& all) { return all.size() == 3; }));
}

TEST_F(KillTest, OneThatComesBackOnItsPortGetsItsShareAgain) {
  const std::string dead = backends_[1].address();
  BeginLoad();
  ASSERT_TRUE(WaitForMore(50));
  backends_[1].Kill();
  ASSERT_TRUE(WaitForMore(300));
  const int before = counts.Get().ok[dead];
  const size_t failures = counts.Get().failures.size();
  ASSERT_TRUE(WaitForMore(300));
  EXPECT_EQ(counts.Get().ok[dead], before);  // The others get all.
  ASSERT_TRUE(backends_[1].Start());
  ASSERT_EQ(backends_[1].address(), dead);
  EXPECT_TRUE(counts.Wait([&](const Counts& c) { return c.ok.at(dead) > before + 100; }));
  EXPECT_EQ(counts.Get().failures.size(),
            failures);  // Neither its absence nor its return lost any.
}

}  // namespace
}  // namespace rondo::sockets
