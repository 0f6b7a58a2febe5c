#include "channel/hedges.h"

#include <algorithm>

#include "base/text.h"
#include "channel/call.h"
#include "channel/retry.h"
#include "wire/status_codec.h"

namespace rondo::channel {

// One hedge: a call that is an attempt of another. Owned by Hedges; its Repeats by its Call.
class Hedge {
 public:
  // What the hedge's call asks.
  class Part final : public Repeats {
   public:
    Part(Hedges& all, Hedge& hedge, int before)
        : all_(all), hedge_(hedge), previous_(Cat(before)) {}
    void OnAnswer() override { all_.OnHedgeAnswer(hedge_); }
    bool Decide(absl::Status& status, bool is_committed, const http2::Headers* trailers) override {
      hedge_.committed = is_committed;
      hedge_.pushback = PushbackOf(trailers);
      if (hedge_.call != nullptr) hedge_.call->NoteSequel(all_.LastOf(status, is_committed));
      return false;
    }
    void AddHeader(std::vector<http2::Header>& fields) const override {
      fields.push_back({"grpc-previous-rpc-attempts", previous_});
    }
    void AddTried(std::vector<const Subchannel*>& tried) const override {
      all_.call().NoteTried(tried);
      all_.AddTried(tried);
    }
    std::string WhyItWaits() const override { return {}; }
    bool first() const override { return true; }
    bool part() const override { return true; }
    void Stop() override {}

   private:
    Hedges& all_;
    Hedge& hedge_;
    const std::string previous_;
  };

  ~Hedge() { Drop(); }
  // Its share of the call goes, and no callback comes any more.
  void Drop() {
    if (call == nullptr) return;
    Call* dropped = std::exchange(call, nullptr);
    dropped->End(absl::CancelledError("another attempt was answered"));  // Fills in the report.
    dropped->Abandon();
  }

  Call* call = nullptr;
  CallReport report;
  bool committed = false, over = false;
  retry::PushbackSeen pushback;
};

Hedges::Hedges(Call& call, Core& core, const retry::Hedging& policy)
    : call_(call), core_(core), policy_(policy) {}

Hedges::~Hedges() = default;

int Hedges::most() const { return std::min(policy_.max_attempts, AttemptLimit(core_)); }

void Hedges::OnArrive() { SendOrWait(); }

void Hedges::OnTimer() {
  Send();
  // The budget was spent while the server's word was waited for.
  if (state_.running == 0) return call_.EndAs({}, {failed_, {}});
  SendOrWait();
}

// Without a delay all are sent at once; else the timer sends the next.
void Hedges::SendOrWait() {
  while (policy_.delay <= Duration{} && !state_.stopped && state_.begun < most() &&
         core_.retry_budget().allows()) {
    Send();
  }
  if (state_.begun < most() && !state_.stopped && policy_.delay > Duration{}) {
    core_.home().Arm(*this, After(core_.home().Now(), policy_.delay));
  }
}

// The first attempt is never throttled, hedges are.
void Hedges::Send() {
  if (state_.stopped || state_.begun >= most() || !core_.retry_budget().allows()) return;
  hedges_.push_back(std::make_unique<Hedge>());
  Hedge& hedge = *hedges_.back();
  hedge.call = call_.NewHedge(hedge.report);
  hedge.call->BePart(std::make_unique<Hedge::Part>(*this, hedge, state_.begun));
  hedge.call->Ref();  // This object's share; StartUnary takes the first one.
  ++state_.begun;
  ++state_.running;
  hedge.call->StartUnary(
      [this, &hedge](UnaryResult result) { OnHedgeEnd(hedge, std::move(result)); });
}

bool Hedges::Go(const retry::HedgeStep& step) {
  state_ = step.next;
  if (state_.stopped) Disarm();
  switch (step.verdict) {
    case retry::HedgeVerdict::kDeliver:
      return false;
    case retry::HedgeVerdict::kWait:
      return true;
    case retry::HedgeVerdict::kNextNow:
      Disarm();
      Send();
      SendOrWait();
      return true;
    case retry::HedgeVerdict::kNextIn:
      core_.home().Arm(*this, After(core_.home().Now(), step.delay));
      return true;
  }
  return false;
}

bool Hedges::Decide(absl::Status& status, bool committed, const http2::Headers* trailers) {
  failed_ = status;
  const bool waits = Go(retry::NextHedge(policy_, state_,
                                         {.code = status.code(),
                                          .committed = committed || core_.closed(),
                                          .pushback = PushbackOf(trailers)},
                                         AttemptLimit(core_), core_.retry_budget()));
  call_.NoteSequel(waits ? Sequel::kHedged : LastOf(status, committed));
  return waits;
}

// Why nothing follows it.
Sequel Hedges::LastOf(const absl::Status& status, bool committed) const {
  if (committed) return Sequel::kCommitted;
  return policy_.non_fatal.Has(status.code()) ? Sequel::kExhausted : Sequel::kBadCode;
}

void Hedges::OnHedgeAnswer(const Hedge& hedge) {
  DropAllBut(&hedge);
  call_.Yield();
}

void Hedges::OnHedgeEnd(Hedge& hedge, UnaryResult result) {
  hedge.over = true;
  failed_ = result.status;
  if (!result.status.ok() && Go(retry::NextHedge(policy_, state_,
                                                 {.code = result.status.code(),
                                                  .committed = hedge.committed || core_.closed(),
                                                  .pushback = hedge.pushback},
                                                 AttemptLimit(core_), core_.retry_budget()))) {
    if (!hedge.report.attempts.empty()) hedge.report.attempts.back().sequel = Sequel::kHedged;
    return;
  }
  DropAllBut(&hedge);
  call_.Yield();
  for (const auto& other : hedges_) {
    if (other.get() != &hedge) call_.KeepAttempts(std::exchange(other->report.attempts, {}));
  }
  call_.EndAs(std::move(hedge.report), std::move(result));
}

// One of them is answered: the others are cancelled, and no more are sent.
void Hedges::DropAllBut(const Hedge* winner) {
  state_.stopped = true;
  Disarm();
  for (const auto& hedge : hedges_) {
    if (hedge.get() != winner && !hedge->over) hedge->Drop();
  }
}

void Hedges::AddTried(std::vector<const Subchannel*>& tried) const {
  for (const auto& hedge : hedges_) {
    if (hedge->call != nullptr) hedge->call->NoteTried(tried);
  }
}

std::string Hedges::WhyItWaits() const {
  return Cat("all attempts failed, last with ", wire::CodeName(failed_.code()));
}

void Hedges::Stop() {
  DropAllBut(nullptr);
  for (const auto& hedge : hedges_) {
    hedge->Drop();
    call_.KeepAttempts(std::exchange(hedge->report.attempts, {}));
  }
}

}  // namespace rondo::channel
