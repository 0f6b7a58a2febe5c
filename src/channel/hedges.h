#pragma once
// The hedges of a unary call (gRFC A6): the call itself is the first attempt, each hedge is a call
// of its own with the same request; the first to get an answer wins, the others are cancelled.
// Threads: home, but for the constructor.
#include <memory>
#include <vector>

#include "channel/repeats.h"
#include "channel/retry_state.h"
#include "event/event_loop.h"
#include "rondo/attempt.h"
#include "rondo/call.h"

namespace rondo::channel {

class Call;
class Core;
class Hedge;

class Hedges final : public Repeats, private event::TimerNode {
 public:
  Hedges(Call& call, Core& core, const retry::Hedging& policy);
  ~Hedges() override;

  void OnArrive() override;
  void OnAnswer() override { DropAllBut(nullptr); }
  bool Decide(absl::Status& status, bool committed, const http2::Headers* trailers) override;
  void AddHeader(std::vector<http2::Header>&) const override {}
  void AddTried(std::vector<const Subchannel*>& tried) const override;
  std::string WhyItWaits() const override;
  bool first() const override { return true; }
  int hedges() const override { return state_.begun - 1; }
  void Stop() override;

  // ---- Of its hedges.
  void OnHedgeAnswer(const Hedge& hedge);
  void OnHedgeEnd(Hedge& hedge, UnaryResult result);
  const Call& call() const { return call_; }
  Sequel LastOf(const absl::Status& status, bool committed) const;

 private:
  void OnTimer() override;
  void Send();
  void SendOrWait();
  bool Go(const retry::HedgeStep& step);
  void DropAllBut(const Hedge* winner);
  int most() const;

  Call& call_;
  Core& core_;
  const retry::Hedging policy_;
  retry::HedgeState state_;
  absl::Status failed_;                         // How the last attempt that failed ended.
  std::vector<std::unique_ptr<Hedge>> hedges_;  // In the order of their beginning.
};

}  // namespace rondo::channel
