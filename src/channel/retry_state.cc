#include "channel/retry_state.h"

#include <algorithm>

namespace rondo::channel::retry {
namespace {

// A6: min(initial * multiplier^n, max), and up to a fifth more or less.
Duration BackoffOf(const Policy& policy, int n, double chance) {
  const double most = static_cast<double>(policy.max_backoff.count());
  double delay = static_cast<double>(policy.initial_backoff.count());
  for (int i = 0; i < n && delay < most; ++i) delay *= policy.multiplier;
  delay = std::min(delay, most) * (0.8 + 0.4 * chance);
  constexpr double kMost = 9.2e18;  // Fits into int64.
  return Duration(static_cast<int64_t>(std::min(delay, kMost)));
}

}  // namespace

void Budget::Configure(const std::optional<Throttling>& throttling) {
  if (!throttling.has_value()) {
    on_ = false;
    return;
  }
  if (on_ && *throttling == now_) return;
  const double filled = on_ ? static_cast<double>(tokens_) / static_cast<double>(now_.max) : 1.0;
  now_ = *throttling;
  tokens_ = static_cast<int64_t>(filled * static_cast<double>(now_.max));
  on_ = true;
}

bool Budget::OnFailure() {
  if (!on_) return true;
  tokens_ = std::max<int64_t>(tokens_ - 1000, 0);
  return allows();
}

Step Next(const Policy* policy, const State& state, const Failed& failed, int limit, Budget& budget,
          double chance) {
  const auto stop = [&](Verdict verdict) { return Step{verdict, state, {}}; };
  if (policy == nullptr || failed.committed) return stop(Verdict::kFinal);
  if (failed.pushback.kind == Pushback::kStop) {
    budget.OnFailure();
    return stop(Verdict::kTold);
  }
  if (!policy->codes.Has(failed.code)) return stop(Verdict::kFinal);
  if (!budget.OnFailure()) return stop(Verdict::kThrottled);
  if (state.attempts >= std::min(policy->max_attempts, limit)) return stop(Verdict::kExhausted);
  if (failed.pushback.kind == Pushback::kDelay) {
    return {Verdict::kRetry, {state.attempts + 1, 0}, failed.pushback.delay};
  }
  return {Verdict::kRetry,
          {state.attempts + 1, state.backoffs + 1},
          BackoffOf(*policy, state.backoffs, chance)};
}

HedgeStep NextHedge(const Hedging& policy, const HedgeState& state, const Failed& failed, int limit,
                    Budget& budget) {
  HedgeState next = state;
  --next.running;
  if (failed.committed || !policy.non_fatal.Has(failed.code)) {
    return {HedgeVerdict::kDeliver, next, {}};
  }
  const bool allowed = budget.OnFailure();
  if (failed.pushback.kind == Pushback::kStop) next.stopped = true;
  if (!next.stopped && allowed && next.begun < std::min(policy.max_attempts, limit)) {
    if (failed.pushback.kind == Pushback::kDelay) {
      return {HedgeVerdict::kNextIn, next, failed.pushback.delay};
    }
    return {HedgeVerdict::kNextNow, next, {}};
  }
  return {next.running > 0 ? HedgeVerdict::kWait : HedgeVerdict::kDeliver, next, {}};
}

}  // namespace rondo::channel::retry
