#include "balance/hash_spread.h"

#include <algorithm>
#include <chrono>

#include "balance/builtin.h"
#include "balance/groups.h"
#include "balance/lazy.h"
#include "base/text.h"

namespace rondo {
namespace {

FactoryRef LazyPickFirst() {
  return std::make_shared<const PolicyFactory>(
      LazyPolicy(std::make_shared<const PolicyFactory>(PickFirstPolicy())));
}

std::string_view KeyOf(const Endpoint& e) {
  return e.hash_key.empty() ? e.addresses[0] : e.hash_key;
}

}  // namespace

void LoadBound::Read(ConfigReader& reader) {
  constexpr std::string_view kField = "hashBalanceFactor";
  constexpr uint32_t kLeast = 100, kMost = 10000;  // At less than the mean there is never room.
  reader.Number(kField, percent, 0u, kMost);
  if (percent == 0 || percent >= kLeast) return;
  reader.Bad(kField, Cat(percent, " is not within ", kLeast, "..", kMost, "; 0: no bound"));
}

HashSpread::HashSpread(std::string name)
    : Spread(std::move(name), LazyPickFirst(), Reconnect::kWhenAsked) {}

absl::Status HashSpread::OnUpdate(const Update& update, Control& control) {
  std::vector<Endpoint> list = WithAddresses(update.endpoints);
  std::sort(list.begin(), list.end(), [](const Endpoint& a, const Endpoint& b) {
    return KeyOf(a) != KeyOf(b) ? KeyOf(a) < KeyOf(b) : a.addresses < b.addresses;
  });
  Update sorted = update;
  sorted.endpoints = std::move(list);
  absl::Status status = Spread::OnUpdate(sorted, control);
  std::vector<HashMember> members;
  for (const auto& child : children()) {
    members.push_back({std::string(KeyOf(child->endpoint)), std::max(child->endpoint.weight, 1u)});
  }
  if (TableOutdated() || members != members_) {
    members_ = std::move(members);
    OnMembers(members_);
  }
  Wake(control);  // Whoever connected may have left.
  return status;
}

void HashSpread::SetBound(const LoadBound& bound, Control& control) {
  bound_ = bound;
  if ((bound.percent > 0) == (total_ != nullptr)) return;
  settle_ = nullptr;
  total_ = nullptr;
  counted_.clear();
  if (bound.percent == 0) return;
  total_ = std::make_shared<TotalInFlight>(control.Shards());
  Arm(control);
}

void HashSpread::Settle() {
  int64_t calls = 0;
  for (const SubchannelRef& one : counted_) calls += one->load.in_flight();
  total_->Settle(calls);
}

void HashSpread::Arm(Control& control) {
  settle_ = control.After(std::chrono::seconds(1), [this](Control& c) {
    Settle();
    Arm(c);
  });
}

void HashSpread::OnChange(Child&, Connectivity, Control& control) { Wake(control); }

// So that it recovers without calls: when it doesn't work, somebody is always connecting.
void HashSpread::Wake(Control& control) {
  const Connectivity sum = Aggregate();
  if (sum == Connectivity::kReady || sum == Connectivity::kIdle) return;
  if (tally().of(Connectivity::kConnecting) > 0) return;
  for (const auto& child : children()) {
    if (child->state() == Connectivity::kIdle) return child->OnIdleExit(control);
  }
}

// Two failures fail it: a parent, such as priority, then looks elsewhere, though others are idle.
Connectivity HashSpread::Aggregate() const {
  const int failed = tally().of(Connectivity::kTransientFailure);
  if (tally().of(Connectivity::kReady) > 0) return Connectivity::kReady;
  if (failed >= 2) return Connectivity::kTransientFailure;
  if (tally().of(Connectivity::kConnecting) > 0) return Connectivity::kConnecting;
  if (failed == 1 && children().size() > 1) return Connectivity::kConnecting;
  if (tally().of(Connectivity::kIdle) > 0) return Connectivity::kIdle;
  return Connectivity::kTransientFailure;
}

}  // namespace rondo
