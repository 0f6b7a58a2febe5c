#pragma once
// The data plane's half of the balancing contract: one pick, on the caller's own thread.
// Threads: any, many at once on one Picker; a PickResult belongs to its call.
#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "rondo/backend.h"
#include "rondo/metadata.h"
#include "rondo/time.h"

namespace rondo {

class Picker;

// How a picker, which owns only memory, asks its policy for something (mostly: connect). Many
// raises before the home loop runs are one. Once its NudgeHandle is gone, raising does nothing.
class Nudge {
 public:
  virtual ~Nudge() = default;
  mutable std::atomic<bool> raised{false};  // The runtime clears it just before it reacts.
};
using NudgeRef = std::shared_ptr<const Nudge>;

class Post {  // The runtime's end of a pick: carries nudges to the home loop.
 public:
  virtual ~Post() = default;
  virtual void Deliver(NudgeRef nudge) = 0;
};

// Seeded randomness (splitmix64): the same seed gives the same calls. One thread at a time.
class Chance {
 public:
  explicit Chance(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Uniform in [0, n), with a bias below n / 2^32; n > 0.
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(((Next() >> 32) * n) >> 32); }

 private:
  uint64_t state_;
};

// What a picker may know of a call. All of it is lent for the pick.
struct PickArgs {
  std::string_view method;             // "/package.Service/Method"
  const Metadata* metadata = nullptr;  // Of the request; null: none.
  Chance* chance = nullptr;            // Of this shard; never null.
  Post* post = nullptr;                // Never null.
  Time now{};                          // The loop's time: a clock read costs more than a pick.
  std::optional<Duration> left{};      // Until the deadline.
  uint32_t shard = 0;                  // < Control::Shards(). Two threads rarely share one.
  uint32_t attempt = 1;                // Of this call, counted from 1.
  std::span<const Subchannel* const> tried{};  // By earlier attempts of this call.
  std::optional<uint64_t> affinity{};          // The caller's key, for policies that hash.

  bool Tried(const Subchannel* s) const {
    for (const Subchannel* t : tried) {
      if (t == s) return true;
    }
    return false;
  }
  void Raise(const NudgeRef& nudge) const {
    // The plain load keeps the line shared while somebody else's raise is on its way.
    if (!nudge->raised.load(std::memory_order_relaxed) && !nudge->raised.exchange(true)) {
      post->Deliver(nudge);
    }
  }
};

// Metadata that a pick adds to the request (A48's `metadata` of a pick result).
struct PickHeaders {
  Metadata metadata;
};

struct Picked {
  const Subchannel* subchannel;          // Lent by the picker.
  std::string_view reason{};             // For the attempt's record: text that outlives everything.
  const PickHeaders* headers = nullptr;  // Lent by the picker; null: none.
};
struct Queue {};  // Ask the next picker.
struct Fail {
  absl::Status status;
};  // Ends the call unless it waits for ready.
struct Drop {
  absl::Status status;
};  // Ends the call always; no retry.

// Exactly one of the four. A Picked also carries who is told when the call ends: each level of a
// tree may add itself once. Throwing the result away forgets that; Picker::OnDone isn't called.
class PickResult {
 public:
  enum class Kind : uint8_t { kPicked, kQueue, kFail, kDrop };
  struct Watch {
    const Picker* picker;
    uint64_t token;
  };
  static constexpr int kMaxWatches = 4;

  PickResult(const Picked& p)  // NOLINT(google-explicit-constructor): all four convert.
      : subchannel_(p.subchannel), headers_(p.headers), reason_(p.reason) {}
  PickResult(Queue) : kind_(Kind::kQueue) {}                                // NOLINT
  PickResult(Fail f) : kind_(Kind::kFail), status_(std::move(f.status)) {}  // NOLINT
  PickResult(Drop d) : kind_(Kind::kDrop), status_(std::move(d.status)) {}  // NOLINT

  Kind kind() const { return kind_; }
  bool picked() const { return kind_ == Kind::kPicked; }
  const Subchannel* subchannel() const { return subchannel_; }  // Null unless picked.
  const absl::Status& status() const { return status_; }        // OK unless Fail or Drop.
  std::string_view reason() const { return reason_; }
  const PickHeaders* headers() const { return headers_; }
  std::span<const Watch> watches() const { return {watches_, watch_count_}; }

  // Asks for picker->OnDone(token, end). A factory's `watches` says how often that happens on a
  // path, and the sum is checked when a config is read: more than 4 can only be a wrong `watches`.
  void Tell(const Picker* picker, uint64_t token) {
    assert(watch_count_ < kMaxWatches && "PolicyFactory::watches is too small");
    if (watch_count_ < kMaxWatches) watches_[watch_count_++] = {picker, token};
  }

 private:
  Kind kind_ = Kind::kPicked;
  uint8_t watch_count_ = 0;
  const Subchannel* subchannel_ = nullptr;
  const PickHeaders* headers_ = nullptr;
  std::string_view reason_;
  absl::Status status_;
  Watch watches_[kMaxWatches];
};

// One immutable answer to "where does the next call go?". Never blocks or allocates, owns only
// memory, is destroyed on any thread. The runtime keeps it until the calls that watch it end.
class Picker {
 public:
  virtual ~Picker() = default;
  virtual PickResult Pick(const PickArgs& args) const = 0;
  // For each Picked that reached the runtime with a Tell(this, token): once, on any thread.
  virtual void OnDone(uint64_t /*token*/, const CallEnd& /*end*/) const {}
  // The backend it always picks, if it does and has nothing to add: parents flatten such children.
  virtual SubchannelRef Sole() const { return nullptr; }
};
using PickerRef = std::shared_ptr<const Picker>;

}  // namespace rondo
