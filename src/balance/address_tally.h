#pragma once
// What a child's handles say of its addresses. An address counts once, however many handles the
// child has on it, and by those that watch health if there are any.
// Threads: home.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "rondo/balance.h"

namespace rondo {

class AddressTally {
 public:
  // How an address stands, worst first. Failed: and hasn't been ready since, be it idle or
  // connecting meanwhile. Unknown: connected, but its health isn't told yet.
  enum class Seen : uint8_t { kIdle, kConnecting, kFailed, kUnknown, kUnhealthy, kReady };
  static constexpr size_t kSeen = 6;
  // Called whenever an address stands otherwise than before. Nobody asks for it: kIdle.
  using OnChange = std::function<void(const std::string& address, Seen before, Seen now)>;
  class Part;

  explicit AddressTally(OnChange on_change = nullptr) : on_change_(std::move(on_change)) {}
  AddressTally(const AddressTally&) = delete;
  AddressTally& operator=(const AddressTally&) = delete;
  Seen Of(const std::string& address) const {
    const auto it = addresses_.find(address);
    return it == addresses_.end() ? Seen::kIdle : it->second.Sum();
  }
  uint32_t of(Seen seen) const { return count_[static_cast<size_t>(seen)]; }
  uint32_t ready() const { return of(Seen::kReady); }
  // Those that the child connects to: all that it has opened and that aren't idle.
  uint32_t in_use() const {
    uint32_t sum = 0;
    for (size_t i = 1; i < kSeen; ++i) sum += count_[i];
    return sum;
  }

 private:
  struct Address {
    uint32_t told[2][kSeen] = {};  // Handles that were told so; the second row's watch health.
    uint32_t handles[2] = {};
    Seen Sum() const {
      const uint32_t* row = told[handles[1] > 0 ? 1 : 0];
      for (size_t i = kSeen; i-- > 1;) {
        if (row[i] > 0) return static_cast<Seen>(i);
      }
      return Seen::kIdle;
    }
  };
  void Move(const std::string& address, bool watches, std::optional<Seen> from,
            std::optional<Seen> to);

  const OnChange on_change_;
  std::unordered_map<std::string, Address> addresses_;
  uint32_t count_[kSeen] = {};
};

// A handle's. It counts from the first thing that it is told until its end; the tally outlives it.
class AddressTally::Part {
 public:
  Part(AddressTally& tally, std::string_view address, bool watches)
      : tally_(tally), address_(address), watches_(watches) {}
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() { tally_.Move(address_, watches_, seen_, std::nullopt); }
  const std::string& address() const { return address_; }
  void Tell(const SubchannelState& state) {
    const Seen now = SeenOf(state);
    tally_.Move(address_, watches_, std::exchange(seen_, now), now);
  }

 private:
  Seen SeenOf(const SubchannelState& state) {
    const bool connected = state.connectivity == Connectivity::kReady;
    if (connected && state.health == Connectivity::kReady) {
      failed_ = false;
      return Seen::kReady;
    }
    failed_ = failed_ || state.connectivity == Connectivity::kTransientFailure ||
              (connected && state.health == Connectivity::kTransientFailure);
    if (connected) return failed_ ? Seen::kUnhealthy : Seen::kUnknown;
    if (failed_) return Seen::kFailed;
    return state.connectivity == Connectivity::kIdle ? Seen::kIdle : Seen::kConnecting;
  }

  AddressTally& tally_;
  const std::string address_;
  const bool watches_;
  bool failed_ = false;
  std::optional<Seen> seen_;
};

inline void AddressTally::Move(const std::string& address, bool watches, std::optional<Seen> from,
                               std::optional<Seen> to) {
  if (from == to) return;
  Address& at = addresses_[address];
  const bool known = at.handles[0] + at.handles[1] > 0;
  const Seen before = at.Sum();
  if (from) --at.told[watches][static_cast<size_t>(*from)], --at.handles[watches];
  if (to) ++at.told[watches][static_cast<size_t>(*to)], ++at.handles[watches];
  const Seen now = at.Sum();
  const bool gone = at.handles[0] + at.handles[1] == 0;
  if (known) --count_[static_cast<size_t>(before)];
  if (gone) {
    addresses_.erase(address);
  } else {
    ++count_[static_cast<size_t>(now)];
  }
  if (before != now && on_change_) on_change_(address, before, now);
}

}  // namespace rondo
