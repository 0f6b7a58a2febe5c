#pragma once
// What policies that hash have in common (A42, A61, A76): children that connect when a call comes
// for them, states that count them, and the walk from a call's hash to a backend that works and, if
// loads are bounded, isn't full.
// Threads: home; pickers any.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "balance/load/total_in_flight.h"
#include "balance/select/hash_ring.h"
#include "balance/select/request_hash.h"
#include "balance/spread.h"

namespace rondo {

// How far a backend may be above the mean (Mirrokni, Thorup, Zadimoghaddam: "Consistent Hashing
// with Bounded Loads", 2016).
struct LoadBound {
  uint32_t percent = 0;  // Of the mean of the calls in flight, for its weight; 0: any number.

  void Read(ConfigReader& reader);  // `hashBalanceFactor`, as Envoy has it.
};

class HashSpread : public Spread {
 public:
  explicit HashSpread(std::string name);
  absl::Status OnUpdate(const Update& update, Control& control) override;
  void OnIdleExit(Control&) override {}  // Only calls connect (A42).

 protected:
  // The members, or what a table depends on besides, have changed. In the order of the children.
  virtual void OnMembers(const std::vector<HashMember>& members) = 0;
  virtual bool TableOutdated() { return false; }
  Connectivity Aggregate() const override;
  void OnChange(Child& child, Connectivity before, Control& control) override;
  // Of the pickers that are made from now on.
  void SetBound(const LoadBound& bound, Control& control);
  // There is at least one child.
  template <class Table>
  PickerRef MakePicker(std::shared_ptr<const Table> table, const RequestHash& request,
                       const View& view);

 private:
  void Wake(Control& control);
  void Settle();
  void Arm(Control& control);
  std::vector<HashMember> members_;  // Sorted by key.
  LoadBound bound_;
  std::shared_ptr<TotalInFlight> total_;  // Null: no bound.
  std::vector<SubchannelRef> counted_;    // Of the last picker.
  std::unique_ptr<Timer> settle_;
};

// One backend as a picker sees it.
struct HashTarget {
  Connectivity state;
  PickerRef picker;
  SubchannelRef sole;  // If the picker always picks this one.
  double bound = 0;    // Calls in flight for each one in flight on all; 0: no bound.

  PickResult Pick(const PickArgs& args, std::string_view reason) const {
    if (sole != nullptr) return Picked{sole.get(), reason};
    return picker->Pick(args);
  }
  // Whether the call that makes it `calls` on all would be too many here: what is in flight has
  // reached bound * calls, rounded up. Of one that isn't connected nothing is in flight.
  bool IsFull(double calls) const {
    constexpr double kRounding = 1e-6;
    return sole != nullptr && InFlight() + kRounding >= bound * calls;
  }
  double Fullness() const { return sole == nullptr ? 0 : InFlight() / bound; }

 private:
  double InFlight() const { return sole->load.in_flight(); }
};

// Table: size(), and Walk(const Table&, uint64_t hash) with member() and Next(), which meets all
// members within size() steps.
template <class Table>
struct HashPicker final : Picker {
  PickResult Pick(const PickArgs& args) const override {
    if (const std::optional<uint64_t> hash = request.Of(args)) {
      const auto find = [&](uint64_t at) { return FindKnown(at, args); };
      return PickFrom(*hash, find, "its hash", "its hash, others being full", args);
    }
    if (!request.optional()) return Drop{no_hash};
    bool waiting = any_connecting;
    const auto find = [&](uint64_t at) { return FindRandom(at, waiting, args); };
    return PickFrom(args.chance->Next(), find, "a random hash", "a random hash, others being full",
                    args);
  }
  void OnDone(uint64_t shard, const CallEnd&) const override {
    total->End(static_cast<uint32_t>(shard));
  }

  // `find` gives the target of a hash; null: there is none, yet.
  template <class Find>
  PickResult PickFrom(uint64_t hash, Find find, std::string_view reason, std::string_view moved,
                      const PickArgs& args) const {
    const HashTarget* target = find(hash);
    if (target == nullptr) return Queue{};
    if (total == nullptr) return target->Pick(args, reason);
    const auto calls = static_cast<double>(total->Get() + 1);
    const bool full = target->IsFull(calls);
    if (full) target = &LessFull(*target, hash, find, calls, args);
    PickResult result = target->Pick(args, full ? moved : reason);
    if (result.picked()) {
      total->Begin(args.shard);
      result.Tell(this, args.shard);
    }
    return result;
  }
  // Jumps, the same ones for the same hash, to the first that isn't full: the next one would get
  // all that a full one can't take (arXiv 1908.08762). After some it looks at those behind a last
  // jump, so that one of few is always found; of very many the least full of those seen is taken.
  template <class Find>
  const HashTarget& LessFull(const HashTarget& home, uint64_t hash, Find find, double calls,
                             const PickArgs& args) const {
    constexpr size_t kJumps = 8, kLooks = 64;
    const HashTarget* best = &home;
    const auto takes = [&](const HashTarget& target) {
      if (target.Fullness() < best->Fullness()) best = &target;
      return !target.IsFull(calls);
    };
    Chance jumps(hash);
    for (size_t i = 0; i < kJumps; ++i) {
      const HashTarget* target = find(jumps.Next());
      if (target != nullptr && takes(*target)) return *target;
    }
    size_t at = jumps.Below(static_cast<uint32_t>(targets.size()));
    for (size_t i = std::min(kLooks, targets.size()); i > 0; --i) {
      const HashTarget& target = targets[at];
      at = at + 1 < targets.size() ? at + 1 : 0;
      if (target.state != Connectivity::kReady || target.sole == nullptr) continue;
      if (!args.Tried(target.sole.get()) && takes(target)) return target;
    }
    return *best;
  }

  // The first that hasn't failed, connecting or not, so that a key stays with its backend. What the
  // call has tried before is passed by once.
  const HashTarget* FindKnown(uint64_t hash, const PickArgs& args) const {
    const HashTarget* tried = nullptr;
    typename Table::Walk walk(*table, hash);
    const HashTarget& first = targets[walk.member()];
    for (size_t i = all_failed ? table->size() : 0; i < table->size(); ++i, walk.Next()) {
      const HashTarget& target = targets[walk.member()];
      if (target.state == Connectivity::kTransientFailure) continue;
      if (target.sole == nullptr || !args.Tried(target.sole.get())) return &target;
      if (tried == nullptr) tried = &target;
    }
    return tried == nullptr ? &first : tried;
  }
  // Anyone who is ready; on the way one idle backend is woken, unless another is connecting (A76).
  const HashTarget* FindRandom(uint64_t hash, bool& waiting, const PickArgs& args) const {
    const HashTarget* tried = nullptr;
    typename Table::Walk walk(*table, hash);
    const HashTarget& first = targets[walk.member()];
    for (size_t i = all_failed ? table->size() : 0; i < table->size(); ++i, walk.Next()) {
      const HashTarget& target = targets[walk.member()];
      if (target.state == Connectivity::kReady) {
        if (target.sole == nullptr || !args.Tried(target.sole.get())) return &target;
        if (tried == nullptr) tried = &target;
      } else if (target.state == Connectivity::kIdle && !waiting) {
        waiting = true;
        // Its picker asks it to connect, and queues: this call goes on looking.
        static_cast<void>(target.picker->Pick(args));
      }
    }
    if (tried != nullptr) return tried;
    return waiting ? nullptr : &first;
  }

  std::shared_ptr<const Table> table;
  std::vector<HashTarget> targets;
  RequestHash request;
  absl::Status no_hash;
  std::shared_ptr<TotalInFlight> total;  // Null: no bound.
  bool any_connecting = false, all_failed = false;
};

template <class Table>
PickerRef HashSpread::MakePicker(std::shared_ptr<const Table> table, const RequestHash& request,
                                 const View& view) {
  auto picker = std::make_shared<HashPicker<Table>>();
  picker->table = std::move(table);
  picker->request = request;
  picker->no_hash = absl::InternalError(
      name() +
      ": the call has no hash; give it an affinity key, or name a requestHashHeader in the config");
  const int failed = tally().of(Connectivity::kTransientFailure);
  picker->any_connecting = tally().of(Connectivity::kConnecting) > 0;
  picker->all_failed = failed == static_cast<int>(children().size());
  picker->targets.reserve(children().size());
  for (const auto& child : children()) {
    const PickerRef& one = child->picker(view);
    picker->targets.push_back({child->state(), one, one->Sole()});
  }
  if (total_ == nullptr) return picker;
  picker->total = total_;
  double weights = 0;  // Of those that haven't failed.
  for (size_t i = 0; i < picker->targets.size(); ++i) {
    HashTarget& target = picker->targets[i];
    target.bound = std::max(children()[i]->endpoint.weight, 1u) * (bound_.percent / 100.0);
    if (target.state == Connectivity::kTransientFailure) continue;
    weights += std::max(children()[i]->endpoint.weight, 1u);
  }
  counted_.clear();
  for (HashTarget& target : picker->targets) {
    target.bound /= std::max(weights, 1.0);
    if (target.sole != nullptr) counted_.push_back(target.sole);
  }
  Settle();
  return picker;
}

}  // namespace rondo
