// prequal (Wydrowski and others, NSDI'24): servers are asked a little ahead of the calls how busy
// they are; a call goes to the quickest of those that aren't hot.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/load/probe_pool.h"
#include "balance/seconds_within.h"
#include "balance/select/best_of.h"
#include "balance/select/draw.h"
#include "balance/spread.h"
#include "rondo/config.h"

namespace rondo {
namespace {

constexpr double kMostUses = 2;  // The paper's formula has a pole where few probes are sent.
constexpr uint32_t kMostProbes = DifferentDraws::kMost;  // At once.

struct PrequalConfig {
  double rate = 3, removals = 1, delta = 1, quantile = 0.84;
  uint32_t pool = 16;
  Duration oldest = std::chrono::seconds(1), timeout = std::chrono::milliseconds(100);

  void Read(ConfigReader& r) {
    r.Number("probeRate", rate, 0.0, 10.0);
    r.Number("removeRate", removals, 0.0, 10.0);
    r.Number("reuseDelta", delta, 0.0, 100.0);
    r.Number("hotQuantile", quantile, 0.0, 1.0);
    r.Number("poolSize", pool, 2u, 64u);
    SecondsWithin(r, "probeMaxAge", oldest, std::chrono::milliseconds(10), std::chrono::minutes(1));
    SecondsWithin(r, "probeTimeout", timeout, std::chrono::milliseconds(1),
                  std::chrono::seconds(10));
  }
  // For n backends, as published: pool and probes are so large that a probe may be used so often.
  ProbeRules Rules(size_t n) const {
    const double left = (1 - pool / static_cast<double>(n)) * rate - removals;
    const double uses = left > 0 ? (1 + delta) / left : kMostUses;
    return {pool, oldest, quantile, std::clamp(uses, 1.0, kMostUses), removals};
  }
};

// Of one shard: its pool, and the probes that its picks have asked for.
struct ProbeShard {
  SharedProbePool pool;
  std::atomic<uint32_t> due{0};
};
using ProbeShards = std::vector<ProbeShard>;

struct PrequalPicker final : Picker {
  explicit PrequalPicker(uint32_t n) : shards(std::make_shared<ProbeShards>(n)) {}

  PickResult Pick(const PickArgs& args) const override {
    ProbeShard& shard = (*shards)[args.shard];
    if (const uint32_t n = RoundedByChance(rate, *args.chance); n > 0) {
      shard.due.fetch_add(n, std::memory_order_relaxed);
      args.Raise(ask);
    }
    std::optional<uint32_t> best;
    shard.pool.TryUse([&](ProbePool& pool) {
      best = pool.Choose(
          rules, args.now, *args.chance, [&](uint32_t i) { return args.Tried(all[i]); },
          [&](uint32_t i) { return inverse[i]; });
    });
    if (best) return Picked{all[*best], "what its probe said"};
    uint32_t any = draw(*args.chance);
    if (!args.tried.empty()) any = Untried(any, all, args);
    return Picked{all[any], "at random, for want of probes"};
  }

  // The probes of an earlier picker whose backends are here too, and what it was owed.
  void TakeOver(const PrequalPicker& earlier) {
    std::unordered_map<const Subchannel*, uint32_t> numbers;
    for (uint32_t i = 0; i < all.size(); ++i) numbers.emplace(all[i], i);
    std::vector<uint32_t> to;
    for (const Subchannel* s : earlier.all) {
      const auto found = numbers.find(s);
      to.push_back(found == numbers.end() ? ProbePool::kGone : found->second);
    }
    for (size_t i = 0; i < shards->size(); ++i) {
      ProbeShard& from = (*earlier.shards)[i];
      ProbePool copy;  // Empty if a pick is at it right now.
      from.pool.TryUse([&](const ProbePool& pool) { copy = pool; });
      copy.Renumber(to);
      (*shards)[i].pool.TryUse([&](ProbePool& pool) { pool = std::move(copy); });
      (*shards)[i].due.store(from.due.exchange(0, std::memory_order_relaxed),
                             std::memory_order_relaxed);
    }
  }

  double rate = 0;
  ProbeRules rules;
  ReadySet ready;  // Holds what `all` points to.
  std::vector<const Subchannel*> all;
  std::vector<double>
      inverse;  // By how much a call counts: less for who has more than mean weight.
  Draw draw;
  NudgeRef ask;
  std::shared_ptr<ProbeShards> shards;
};

class Prequal final : public Spread {
 public:
  Prequal()
      : Spread("prequal", std::make_shared<const PolicyFactory>(PickFirstPolicy()),
               Reconnect::kAtOnce) {}

 private:
  // Of a child since it got ready: a second handle, only to probe.
  struct Source {
    SubchannelRef subchannel;
    std::unique_ptr<SubchannelHandle> handle;
    uint32_t number = ProbePool::kGone;  // Among `numbered_`, if it is.
  };

  void OnConfig(const ConfigRef& config, Control& control) override {
    config_ = ConfigAs<PrequalConfig>(config);
    if (ask_ != nullptr) return;
    chance_ = Chance(control.Random(UINT64_MAX));
    ask_ = control.OnNudge([this](Control& c) { SendDue(c); });
    asked_.resize(control.Shards());
  }
  void OnChange(Child& child, Connectivity before, Control& control) override;
  void OnGone(Child& child) override {
    numbered_.clear();
    sources_.erase(&child);
  }
  void SendDue(Control& control);
  void KeepWarm(Control& control);
  void Send(uint32_t shard, uint32_t n);
  void OnReply(uint32_t shard, const Source& from, const LoadReport& report);
  PickerRef Build(const View& view) override;
  void Number(const PrequalPicker& next);

  PrequalConfig config_;
  Chance chance_{0};
  std::unordered_map<const Child*, Source> sources_;
  std::unique_ptr<NudgeHandle> ask_;
  std::shared_ptr<const PrequalPicker> last_;
  // By their numbers in `last_`; null: not to be probed. Empty once they may have changed, until
  // the next picker is made.
  std::vector<Source*> numbered_;
  std::vector<Time> asked_;         // When each shard's picks wanted probes last.
  std::unique_ptr<Timer> warming_;  // While some did of late.
};

// ---- Probes -------------------------------------------------------------------------------------

void Prequal::OnChange(Child& child, Connectivity before, Control& control) {
  if (child.state() != Connectivity::kReady) {
    numbered_.clear();
    sources_.erase(&child);
    return;
  }
  SubchannelRef now = SoleOf(child, control);
  if (now == nullptr) return;
  Source& source = sources_[&child];
  if (before == Connectivity::kReady && source.subchannel == now) return;
  numbered_.clear();
  source.subchannel = std::move(now);
  source.handle =
      control.Open({.address = source.subchannel->address, .transport = &child.endpoint.transport},
                   [](const SubchannelState&, Control&) {});
}

void Prequal::SendDue(Control& control) {
  if (last_ == nullptr) return;
  for (uint32_t s = 0; s < asked_.size(); ++s) {
    const uint32_t due = (*last_->shards)[s].due.exchange(0, std::memory_order_relaxed);
    if (due == 0) continue;
    asked_[s] = control.Now();
    Send(s, due);
  }
  if (warming_ == nullptr) KeepWarm(control);
}

// So that the pool isn't empty after a pause: a probe now and then, for a while.
void Prequal::KeepWarm(Control& control) {
  constexpr Duration kWhile = std::chrono::minutes(1);
  const Duration period = config_.oldest / 4;
  warming_ = nullptr;
  bool used = false;
  for (uint32_t s = 0; s < asked_.size(); ++s) {
    if (asked_[s] == Time{} || control.Now() - asked_[s] >= kWhile) continue;
    used = true;
    if (control.Now() - asked_[s] >= period) Send(s, 1);
  }
  if (used && config_.rate > 0) {
    warming_ = control.After(period, [this](Control& c) { KeepWarm(c); });
  }
}

// To backends drawn without replacement.
void Prequal::Send(uint32_t shard, uint32_t n) {
  const auto all = static_cast<uint32_t>(numbered_.size());
  if (all == 0) return;
  DifferentDraws draw(all, chance_);
  for (n = std::min({n, all, kMostProbes}); n > 0; --n) {
    const Source* source = numbered_[draw()];
    if (source == nullptr) continue;
    source->handle->Probe(config_.timeout, [this, shard, source](const LoadReport& report) {
      OnReply(shard, *source, report);
    });
  }
}

void Prequal::OnReply(uint32_t shard, const Source& from, const LoadReport& report) {
  if (numbered_.empty() || from.number == ProbePool::kGone) return;
  double in_flight = -1, latency = -1;
  for (const NamedFigure& figure : report.named) {
    if (figure.name == "named_metrics.rif") in_flight = figure.value;
    if (figure.name == "named_metrics.latency") latency = figure.value;
  }
  if (!(in_flight >= 0) || !(latency >= 0)) return;  // It doesn't say what it should.
  // Calls are in flight and none has ended yet: 0 would be the best of all.
  if (latency == 0 && in_flight > 0) latency = ProbePool::kUnknown;
  const double counts = last_->inverse[from.number];
  const ProbePool::Probe probe{from.number, in_flight * counts, latency * counts, report.at,
                               RoundedByChance(last_->rules.uses, chance_)};
  (*last_->shards)[shard].pool.TryUse([&](ProbePool& pool) { pool.Insert(probe, last_->rules); });
}

// ---- Pickers
// -------------------------------------------------------------------------------------

PickerRef Prequal::Build(const View& view) {
  numbered_.clear();
  const auto before = std::exchange(last_, nullptr);
  if (Aggregate() != Connectivity::kReady) return Spread::Build(view);
  auto picker = std::make_shared<PrequalPicker>(view.shards);
  picker->ready = ReadyChildren(view);
  if (picker->ready.empty()) return QueuePicker()(view);
  std::vector<uint32_t> weights;
  double sum = 0;
  for (const Ready& r : picker->ready) {
    picker->all.push_back(r.subchannel.get());
    weights.push_back(std::max(r.endpoint.weight, 1u));
    sum += weights.back();
  }
  for (uint32_t w : weights)
    picker->inverse.push_back(sum / static_cast<double>(weights.size()) / w);
  picker->draw = Draw(weights);
  picker->rate = config_.rate;
  picker->rules = config_.Rules(weights.size());
  picker->ask = ask_->Ref();
  if (before != nullptr) picker->TakeOver(*before);
  Number(*picker);
  last_ = picker;
  return picker;
}

void Prequal::Number(const PrequalPicker& next) {
  std::unordered_map<const Subchannel*, Source*> by_subchannel;
  for (auto& [child, source] : sources_) {
    source.number = ProbePool::kGone;  // A suspect one isn't among them.
    by_subchannel[source.subchannel.get()] = &source;
  }
  for (const Subchannel* s : next.all) {
    const auto source = by_subchannel.find(s);
    numbered_.push_back(source == by_subchannel.end() ? nullptr : source->second);
    if (numbered_.back() != nullptr) {
      numbered_.back()->number = static_cast<uint32_t>(numbered_.size() - 1);
    }
  }
}

}  // namespace

PolicyFactory PrequalPolicy() {
  return {.name = "prequal", .parse = ParseInto<PrequalConfig>, .make = [] {
            return std::make_unique<Prequal>();
          }};
}

}  // namespace rondo
