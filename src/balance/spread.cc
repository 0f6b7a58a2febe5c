#include "balance/spread.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "balance/turns.h"
#include "base/hash.h"
#include "base/text.h"

namespace rondo {
namespace {

// Children in one state take turns.
struct TurnPicker final : Picker {
  TurnPicker(const View& view, std::vector<PickerRef> all)
      : pickers(std::move(all)), turns(view.shards) {
    for (uint32_t s = 0; s < view.shards; ++s) {
      turns.Set(s, view.chance.Below(static_cast<uint32_t>(pickers.size())));
    }
  }
  PickResult Pick(const PickArgs& args) const override {
    const auto n = static_cast<uint32_t>(pickers.size());
    return pickers[turns.Next(args.shard, n)]->Pick(args);
  }
  const std::vector<PickerRef> pickers;
  const Turns turns;
};

bool IsSuspect(const PickerRef& picker) {
  const SubchannelRef one = picker->Sole();
  return one != nullptr && one->load.suspect();
}

// Leaves out those that are suspect, unless all are: then waiting for one of them is the best there
// is.
template <class T, class F>
void LeaveOut(std::vector<T>& all, F suspect) {
  if (!std::all_of(all.begin(), all.end(), suspect)) std::erase_if(all, suspect);
}

// All children have failed: a call is told so, and the reason of one of them.
struct FailedPicker final : Picker {
  FailedPicker(std::string t, std::shared_ptr<const TurnPicker> all)
      : text(std::move(t)), children(std::move(all)) {}
  PickResult Pick(const PickArgs& args) const override {
    PickResult r = children->Pick(args);
    if (r.kind() != PickResult::Kind::kFail) return r;
    return Fail{absl::Status(r.status().code(), Cat(text, r.status().message()))};
  }
  const std::string text;
  const std::shared_ptr<const TurnPicker> children;
};

// An endpoint's identity is the set of its addresses.
uint64_t Identity(const Endpoint& endpoint) {
  uint64_t sum = 0;
  for (const std::string& address : endpoint.addresses) sum += Hash64(address);
  return sum;
}
bool SameAddresses(const Endpoint& a, const Endpoint& b) {
  return std::is_permutation(a.addresses.begin(), a.addresses.end(), b.addresses.begin(),
                             b.addresses.end());
}

}  // namespace

// Endpoints by their identity: a table with open addressing, at most half full.
class Spread::Roster {
 public:
  struct Entry {
    const Endpoint* endpoint = nullptr;  // Null: the place is free.
    uint64_t identity = 0;
    std::unique_ptr<Child>* child = nullptr;  // The one that it had before.
    bool told = false;                        // It is in the update.
  };

  explicit Roster(size_t most) : places_(std::bit_ceil(2 * most + 1)) {}
  // Its entry, or a new one. The endpoint must live as long as this does.
  Entry& Find(const Endpoint& endpoint, uint64_t identity) {
    for (size_t i = identity;; ++i) {
      Entry& entry = places_[i & (places_.size() - 1)];
      if (entry.endpoint == nullptr) {
        entry.endpoint = &endpoint;
        entry.identity = identity;
        return entry;
      }
      if (entry.identity == identity && SameAddresses(*entry.endpoint, endpoint)) return entry;
    }
  }

 private:
  std::vector<Entry> places_;
};

Spread::Spread(std::string name, FactoryRef child, Reconnect reconnect)
    : name_(std::move(name)), child_(std::move(child)), reconnect_(reconnect) {}

// Reuses the children of endpoints that stay, ends those of the others. Returns them in the order
// of the endpoints; a second endpoint with the same addresses is skipped.
std::vector<Spread::Adopted> Spread::Adopt(const std::vector<Endpoint>& endpoints) {
  Children old = std::exchange(children_, {});
  Roster roster(old.size() + endpoints.size());
  for (std::unique_ptr<Child>& c : old) roster.Find(c->endpoint, c->identity).child = &c;

  std::vector<Adopted> all;
  all.reserve(endpoints.size());
  children_.reserve(endpoints.size());
  for (const Endpoint& endpoint : endpoints) {
    const uint64_t identity = Identity(endpoint);
    Roster::Entry& entry = roster.Find(endpoint, identity);
    if (entry.told) continue;
    entry.told = true;
    const bool fresh = entry.child == nullptr;
    children_.push_back(fresh ? std::make_unique<Child>(child_, *this) : std::move(*entry.child));
    Child& child = *children_.back();
    if (fresh) tally_.Add(child.counted);
    const bool changed = fresh || !(child.endpoint == endpoint);
    if (changed) {
      child.endpoint = endpoint;
      child.identity = identity;
      child.ready = nullptr;
    }
    all.push_back({&child, changed});
  }
  for (const std::unique_ptr<Child>& gone : old) {
    if (gone == nullptr) continue;
    tally_.Add(gone->counted, -1);
    OnGone(*gone);
  }
  return all;
}

absl::Status Spread::OnUpdate(const Update& update, Control& control) {
  OnConfig(update.config, control);
  std::vector<Adopted> order = Adopt(update.endpoints);
  const bool same_settings = settings_ == update.settings;
  settings_ = update.settings;
  if (const auto* wait = update.settings.Get<StartupWait>(); wait != nullptr && !began_) {
    startup_ = *wait;
    startup_over_ = control.After(startup_.at_most, [this](Control& c) {
      startup_over_ = nullptr;
      Publish(c);
    });
  }
  began_ = true;
  if (order.empty()) {
    const absl::Status why =
        absl::UnavailableError(Cat(name_, ": the resolver returned no endpoints",
                                   update.note.empty() ? "" : ": ", update.note));
    control.Publish(Connectivity::kTransientFailure, FailPicker(why));
    return why;
  }
  // So that the clients of a fleet don't all dial in the same order.
  const auto shift = static_cast<ptrdiff_t>(control.Random(order.size()));
  std::rotate(order.begin(), order.begin() + shift, order.end());
  absl::Status first;
  for (const auto& [child, changed] : order) {
    // Nothing in this update is news to it; of ten thousand, most are like that.
    if (!changed && same_settings && child->state() == Connectivity::kReady) continue;
    const Update inner{.endpoints = {child->endpoint},
                       .note = update.note,
                       .watch_health = true,
                       .settings = update.settings};
    absl::Status status = child->OnUpdate(inner, control);
    if (first.ok()) first = std::move(status);
  }
  Publish(control);
  return first;
}

void Spread::OnResolverError(const absl::Status& why, Control& control) {
  for (auto& child : children_) child->OnResolverError(why, control);
  if (!children_.empty()) return;
  const absl::Status failed(why.code(), Cat(name_, ": ", why.message()));
  control.Publish(Connectivity::kTransientFailure, FailPicker(failed));
}

void Spread::OnIdleExit(Control& control) {
  for (auto& child : children_) {
    if (child->state() == Connectivity::kIdle) child->OnIdleExit(control);
  }
}

void Spread::OnChild(Seat& seat, Control& control) {
  Child& child = static_cast<Child&>(seat);
  const Connectivity before = std::exchange(child.counted, child.state());
  tally_.Move(before, child.counted);
  child.ready = nullptr;
  if (child.counted == Connectivity::kReady && before != Connectivity::kReady) {
    child.ready_since = control.Now();
  }
  OnChange(child, before, control);
  if (child.state() == Connectivity::kIdle && reconnect_ == Reconnect::kAtOnce) {
    return child.OnIdleExit(control);  // Its next word is published.
  }
  Publish(control);
}

// Held back until enough are ready, or until nobody is on the way any more.
bool Spread::MayStart() {
  const auto ready = static_cast<uint32_t>(tally_.of(Connectivity::kReady));
  const bool waiting = ready < startup_.ready && tally_.of(Connectivity::kConnecting) > 0 &&
                       startup_over_ != nullptr;
  if (waiting) return false;
  started_ = started_ || ready > 0;
  return true;
}

void Spread::Publish(Control& control) {
  if (!started_ && Aggregate() == Connectivity::kReady && !MayStart()) {
    return control.Publish(Connectivity::kConnecting, QueuePicker());
  }
  control.Publish(Aggregate(), [this](const View& view) { return Build(view); });
}

PickerRef Spread::Build(const View& view) {
  const Connectivity state = Aggregate();
  std::vector<PickerRef> pickers;
  for (auto& child : children_) {
    if (child->state() == state) pickers.push_back(child->picker(view));
  }
  if (state == Connectivity::kReady) LeaveOut(pickers, IsSuspect);
  if (pickers.empty()) return QueuePicker()(view);
  auto turns = std::make_shared<const TurnPicker>(view, std::move(pickers));
  if (state != Connectivity::kTransientFailure) return turns;
  return std::make_shared<FailedPicker>(
      Cat(name_, ": none of ", children_.size(), " endpoints can be reached; last: "),
      std::move(turns));
}

SubchannelRef Spread::SoleOf(Child& child, Control& control) {
  Chance unused(0);  // A picker of one backend draws nothing.
  return child.picker({control.Now(), control.Shards(), unused})->Sole();
}

ReadySet Spread::ReadyChildren(const View& view) {
  std::vector<ReadySet::Entry> ready;
  for (auto& child : children_) {
    if (child->state() != Connectivity::kReady) continue;
    if (child->ready == nullptr) {
      SubchannelRef backend = child->picker(view)->Sole();
      if (backend == nullptr) continue;
      child->ready = std::make_shared<const Ready>(
          Ready{std::move(backend), child->endpoint, child->ready_since});
    }
    ready.push_back(child->ready);
  }
  LeaveOut(ready, [](const ReadySet::Entry& e) { return e->load().suspect(); });
  return ReadySet(std::move(ready));
}

}  // namespace rondo
