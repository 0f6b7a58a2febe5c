#include "channel/retry_state.h"

#include "gtest/gtest.h"

namespace rondo::channel::retry {
namespace {

using namespace std::chrono_literals;
using Code = absl::StatusCode;

Codes Only(Code code) { return {1u << static_cast<int>(code)}; }

const Policy kPolicy{.max_attempts = 4,
                     .initial_backoff = 100ms,
                     .max_backoff = 1s,
                     .multiplier = 3,
                     .codes = Only(Code::kUnavailable)};
constexpr double kMiddle = 0.5;  // No jitter.

struct Row {
  const char* rule;
  State state;
  Failed failed;
  Verdict verdict;
  State next;
  Duration delay;
};

// 3.3, the decision after an attempt has ended, in its order.
const Row kRows[] = {
    {"first backoff", {1, 0}, {Code::kUnavailable}, Verdict::kRetry, {2, 1}, 100ms},
    {"second backoff", {2, 1}, {Code::kUnavailable}, Verdict::kRetry, {3, 2}, 300ms},
    {"third backoff", {3, 2}, {Code::kUnavailable}, Verdict::kRetry, {4, 3}, 900ms},
    {"last attempt", {4, 3}, {Code::kUnavailable}, Verdict::kExhausted, {4, 3}, 0s},
    {"committed", {1, 0}, {Code::kUnavailable, true}, Verdict::kFinal, {1, 0}, 0s},
    {"other code", {1, 0}, {Code::kInternal}, Verdict::kFinal, {1, 0}, 0s},
    {"server says when, and the backoff begins anew",
     {2, 1},
     {Code::kUnavailable, false, {Pushback::kDelay, 7s}},
     Verdict::kRetry,
     {3, 0},
     7s},
    {"server says when, but the code isn't retried",
     {1, 0},
     {Code::kInternal, false, {Pushback::kDelay, 7s}},
     Verdict::kFinal,
     {1, 0},
     0s},
    {"server says no",
     {1, 0},
     {Code::kUnavailable, false, {Pushback::kStop}},
     Verdict::kTold,
     {1, 0},
     0s},
};

TEST(RetryState, EachRowOfTheTableHolds) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.rule);
    Budget budget;
    const Step step = Next(&kPolicy, row.state, row.failed, 5, budget, kMiddle);
    EXPECT_EQ(step.verdict, row.verdict);
    EXPECT_EQ(step.next.attempts, row.next.attempts);
    EXPECT_EQ(step.next.backoffs, row.next.backoffs);
    EXPECT_EQ(step.delay, row.delay);
  }
}
TEST(RetryState, WithoutAPolicyNothingIsRetried) {
  Budget budget;
  EXPECT_EQ(Next(nullptr, {}, {Code::kUnavailable}, 5, budget, kMiddle).verdict, Verdict::kFinal);
}
TEST(RetryState, TheBackoffHasItsLargestValueAndAFifthOfJitter) {
  Budget budget;
  Policy policy = kPolicy;
  policy.max_attempts = 9;
  const auto delay = [&](double chance) {
    return Next(&policy, {6, 5}, {Code::kUnavailable}, 9, budget, chance).delay;
  };
  EXPECT_EQ(delay(0), 800ms);
  EXPECT_EQ(delay(kMiddle), 1s);
  EXPECT_EQ(delay(0.75), 1100ms);
}
TEST(RetryState, TheSmallerOfPolicyAndChannelLimitsTheAttempts) {
  Budget budget;
  EXPECT_EQ(Next(&kPolicy, {2, 1}, {Code::kUnavailable}, 3, budget, kMiddle).verdict,
            Verdict::kRetry);
  EXPECT_EQ(Next(&kPolicy, {3, 2}, {Code::kUnavailable}, 3, budget, kMiddle).verdict,
            Verdict::kExhausted);
}

// ---- Hedging (3.5)
TEST(HedgeState, EachRowOfTheTableHolds) {
  const Hedging policy{.max_attempts = 3, .delay = 1s, .non_fatal = Only(Code::kUnavailable)};
  struct {
    const char* rule;
    HedgeState state;
    Failed failed;
    HedgeVerdict verdict;
    bool stopped = false;
    Duration delay{};
  } const rows[] = {
      {"fatal", {2, 2}, {Code::kInternal}, HedgeVerdict::kDeliver},
      {"committed", {2, 2}, {Code::kUnavailable, true}, HedgeVerdict::kDeliver},
      {"one more", {1, 1}, {Code::kUnavailable}, HedgeVerdict::kNextNow},
      {"all sent, others run", {3, 2}, {Code::kUnavailable}, HedgeVerdict::kWait},
      {"the last of all", {3, 1}, {Code::kUnavailable}, HedgeVerdict::kDeliver},
      {"server says when",
       {1, 1},
       {Code::kUnavailable, false, {Pushback::kDelay, 7s}},
       HedgeVerdict::kNextIn,
       false,
       7s},
      {"server says no, others run",
       {2, 2},
       {Code::kUnavailable, false, {Pushback::kStop}},
       HedgeVerdict::kWait,
       true},
      {"server says no, none runs",
       {1, 1},
       {Code::kUnavailable, false, {Pushback::kStop}},
       HedgeVerdict::kDeliver,
       true},
      {"server said no", {2, 1, true}, {Code::kUnavailable}, HedgeVerdict::kDeliver, true},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.rule);
    Budget budget;
    const HedgeStep step = NextHedge(policy, row.state, row.failed, 5, budget);
    EXPECT_EQ(step.verdict, row.verdict);
    EXPECT_EQ(step.next.running, row.state.running - 1);
    EXPECT_EQ(step.next.stopped, row.stopped);
    EXPECT_EQ(step.delay, row.delay);
  }
}

// ---- Throttling (3.4)
TEST(RetryBudget, AtHalfNothingIsRetried) {
  Budget budget;
  budget.Configure(Throttling{4000, 500});
  EXPECT_TRUE(budget.OnFailure());   // 3
  EXPECT_FALSE(budget.OnFailure());  // 2, which is half.
  budget.OnSuccess();                // 2.5
  budget.OnSuccess();
  budget.OnSuccess();               // 3.5
  EXPECT_TRUE(budget.OnFailure());  // 2.5
}
TEST(RetryBudget, TokensStayBetweenNoneAndAll) {
  Budget budget;
  budget.Configure(Throttling{2000, 700});
  budget.OnSuccess();
  EXPECT_EQ(budget.tokens(), 2000);
  for (int i = 0; i < 5; ++i) budget.OnFailure();
  EXPECT_EQ(budget.tokens(), 0);
}
TEST(RetryBudget, NewParametersKeepTheFilledFraction) {
  Budget budget;
  budget.Configure(Throttling{10000, 100});
  for (int i = 0; i < 4; ++i) budget.OnFailure();
  budget.Configure(Throttling{10000, 100});
  EXPECT_EQ(budget.tokens(), 6000);
  budget.Configure(Throttling{100000, 200});
  EXPECT_EQ(budget.tokens(), 60000);
}
TEST(RetryBudget, OneThatWasTakenAwayBeginsFull) {
  Budget budget;
  budget.Configure(Throttling{10000, 100});
  budget.OnFailure();
  budget.Configure(std::nullopt);
  EXPECT_TRUE(budget.OnFailure());
  budget.Configure(Throttling{10000, 100});
  EXPECT_EQ(budget.tokens(), 10000);
}
TEST(RetryState, AFailureThatIsNotRetriedForItsCodeCostsNoToken) {
  Budget budget;
  budget.Configure(Throttling{10000, 100});
  Next(&kPolicy, {}, {Code::kInternal}, 5, budget, kMiddle);
  EXPECT_EQ(budget.tokens(), 10000);
  Next(&kPolicy, {}, {Code::kInternal, false, {Pushback::kStop}}, 5, budget, kMiddle);
  EXPECT_EQ(budget.tokens(), 9000);
  EXPECT_EQ(Next(&kPolicy, {4, 3}, {Code::kUnavailable}, 5, budget, kMiddle).verdict,
            Verdict::kExhausted);
  EXPECT_EQ(budget.tokens(), 8000);
}

}  // namespace
}  // namespace rondo::channel::retry
