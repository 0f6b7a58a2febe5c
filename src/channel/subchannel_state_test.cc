#include "channel/subchannel_state.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo::channel::subchannel {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using A = Action;

const Time t0{};
Duration Doubling(int attempt) { return 1000ms * (1 << attempt); }
Step Do(const State& state, const Event& event, Time now = t0) {
  return Next(state, event, now, Doubling);
}
const absl::Status kRefused = absl::UnavailableError("refused");

TEST(SubchannelState, ConnectActsOnlyWhenIdle) {
  EXPECT_THAT(Do(Idle{}, ConnectAsked{}).actions, ElementsAre(A::kDial, A::kPublish));
  EXPECT_THAT(Do(Connecting{0, t0}, ConnectAsked{}).actions, IsEmpty());
  EXPECT_THAT(Do(Ready{}, ConnectAsked{}).actions, IsEmpty());
  EXPECT_THAT(Do(Backoff{1, t0, kRefused}, ConnectAsked{}).actions, IsEmpty());
}
TEST(SubchannelState, AFailedAttemptBacksOffCountedFromItsStart) {
  Step s = Do(Idle{}, ConnectAsked{}, t0);
  s = Do(s.next, ConnectFailed{kRefused}, t0 + 300ms);
  EXPECT_EQ(std::get<Backoff>(s.next).until, t0 + 1s);
  EXPECT_THAT(s.actions, ElementsAre(A::kHangUp, A::kArmTimer, A::kPublish));
}
TEST(SubchannelState, AnAttemptLongerThanItsBackoffMayBeRepeatedAtOnce) {
  Step s = Do(Do(Idle{}, ConnectAsked{}, t0).next, ConnectFailed{kRefused}, t0 + 20s);
  EXPECT_EQ(std::get<Backoff>(s.next).until, t0 + 20s);
}
TEST(SubchannelState, AfterBackoffItIsIdleAndWaitsToBeAsked) {
  Step s = Do(Backoff{3, t0, kRefused}, BackoffOver{});
  EXPECT_EQ(ConnectivityOf(s.next), Connectivity::kIdle);
  EXPECT_THAT(s.actions, ElementsAre(A::kCancelTimer, A::kPublish));
  s = Do(s.next, ConnectAsked{}, t0);
  EXPECT_EQ(std::get<Connecting>(s.next).attempt, 3);
  EXPECT_EQ(std::get<Connecting>(s.next).retry_not_before, t0 + 8s);
}
TEST(SubchannelState, SuccessResetsTheBackoff) {
  Step s = Do(Connecting{5, t0}, Connected{});
  s = Do(s.next, ConnectionLost{});
  s = Do(s.next, ConnectAsked{});
  EXPECT_EQ(std::get<Connecting>(s.next).attempt, 0);
}
TEST(SubchannelState, AReadyOneThatIsLostGoesIdle) {
  Step s = Do(Ready{}, ConnectionLost{});
  EXPECT_EQ(ConnectivityOf(s.next), Connectivity::kIdle);
  EXPECT_THAT(s.actions, ElementsAre(A::kHangUp, A::kPublish));
}
TEST(SubchannelState, ALateAnswerAfterCloseIsIgnored) {
  Step s = Do(Connecting{0, t0}, CloseAsked{});
  EXPECT_THAT(s.actions, ElementsAre(A::kCancelTimer, A::kHangUp));
  s = Do(s.next, Connected{});
  EXPECT_TRUE(std::holds_alternative<Closed>(s.next));
  EXPECT_THAT(s.actions, IsEmpty());
}
// Every (state, event) pair: it publishes exactly when what others see changes, and once closed
// nothing happens.
TEST(SubchannelState, EveryPairPublishesExactlyWhatChanges) {
  const State states[] = {Idle{},    Connecting{0, t0}, Ready{}, Backoff{1, t0, kRefused},
                          Waited{1}, Closed{}};
  const Event events[] = {ConnectAsked{},   Connected{},   ConnectFailed{kRefused},
                          ConnectionLost{}, BackoffOver{}, CloseAsked{}};
  for (const State& state : states) {
    for (const Event& event : events) {
      const Step s = Do(state, event);
      const bool published = std::ranges::count(s.actions, A::kPublish) > 0;
      const bool changed = ConnectivityOf(state) != ConnectivityOf(s.next);
      const bool closed = std::holds_alternative<Closed>(s.next);
      EXPECT_EQ(published, changed && !closed) << state.index() << " " << event.index();
      EXPECT_TRUE(!std::holds_alternative<Closed>(state) || s.actions.empty());
    }
  }
}

}  // namespace
}  // namespace rondo::channel::subchannel
