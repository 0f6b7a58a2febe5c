#pragma once
// What policies that hash have in common (A42, A61, A76): children that connect when a call comes
// for them, states that count them, and the walk from a call's hash to a backend that works.
// Threads: home; pickers any.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "balance/select/hash_ring.h"
#include "balance/select/request_hash.h"
#include "balance/spread.h"

namespace rondo {

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

 private:
  void Wake(Control& control);
  std::vector<HashMember> members_;  // Sorted by key.
};

// One backend as a picker sees it.
struct HashTarget {
  Connectivity state;
  PickerRef picker;
  SubchannelRef sole;  // If the picker always picks this one.

  PickResult Pick(const PickArgs& args, std::string_view reason) const {
    if (sole != nullptr) return Picked{sole.get(), reason};
    return picker->Pick(args);
  }
};

// Table: size(), and Walk(const Table&, uint64_t hash) with member() and Next(), which meets all
// members within size() steps.
template <class Table>
struct HashPicker final : Picker {
  PickResult Pick(const PickArgs& args) const override {
    if (const std::optional<uint64_t> hash = request.Of(args)) return PickKnown(*hash, args);
    if (request.optional()) return PickRandom(args);
    return Drop{no_hash};
  }
  // The first that hasn't failed, connecting or not, so that a key stays with its backend. What the
  // call has tried before is passed by once.
  PickResult PickKnown(uint64_t hash, const PickArgs& args) const {
    const HashTarget* tried = nullptr;
    typename Table::Walk walk(*table, hash);
    const HashTarget& first = targets[walk.member()];
    for (size_t i = all_failed ? table->size() : 0; i < table->size(); ++i, walk.Next()) {
      const HashTarget& target = targets[walk.member()];
      if (target.state == Connectivity::kTransientFailure) continue;
      if (target.sole == nullptr || !args.Tried(target.sole.get())) {
        return target.Pick(args, "its hash");
      }
      if (tried == nullptr) tried = &target;
    }
    return (tried == nullptr ? first : *tried).Pick(args, "its hash");
  }
  // Anyone who is ready; on the way one idle backend is woken, unless another is connecting (A76).
  PickResult PickRandom(const PickArgs& args) const {
    bool waiting = any_connecting;
    const HashTarget* tried = nullptr;
    typename Table::Walk walk(*table, args.chance->Next());
    const HashTarget& first = targets[walk.member()];
    for (size_t i = all_failed ? table->size() : 0; i < table->size(); ++i, walk.Next()) {
      const HashTarget& target = targets[walk.member()];
      if (target.state == Connectivity::kReady) {
        if (target.sole == nullptr || !args.Tried(target.sole.get())) {
          return target.Pick(args, "a random hash");
        }
        if (tried == nullptr) tried = &target;
      } else if (target.state == Connectivity::kIdle && !waiting) {
        waiting = true;
        // Its picker asks it to connect, and queues: this call goes on looking.
        static_cast<void>(target.picker->Pick(args));
      }
    }
    if (tried != nullptr) return tried->Pick(args, "a random hash");
    if (waiting) return Queue{};
    return first.Pick(args, "a random hash");
  }

  std::shared_ptr<const Table> table;
  std::vector<HashTarget> targets;
  RequestHash request;
  absl::Status no_hash;
  bool any_connecting = false, all_failed = false;
};

// `form` of the policy, filled in with the children.
template <class Table>
PickerRef MakeHashPicker(const std::string& name, std::shared_ptr<const Table> table,
                         const RequestHash& request, const Spread::Children& children,
                         const StateTally& tally, const View& view) {
  auto picker = std::make_shared<HashPicker<Table>>();
  picker->table = std::move(table);
  picker->request = request;
  picker->no_hash = absl::InternalError(
      name +
      ": the call has no hash; give it an affinity key, or name a requestHashHeader in the config");
  picker->any_connecting = tally.of(Connectivity::kConnecting) > 0;
  picker->all_failed =
      tally.of(Connectivity::kTransientFailure) == static_cast<int>(children.size());
  picker->targets.reserve(children.size());
  for (const auto& child : children) {
    const PickerRef& one = child->picker(view);
    picker->targets.push_back({child->state(), one, one->Sole()});
  }
  return picker;
}

}  // namespace rondo
