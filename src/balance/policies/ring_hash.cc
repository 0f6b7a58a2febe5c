// ring_hash (A42, A61, A76): calls with the same key go to the same backend, found on a ring.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/hash_spread.h"
#include "balance/select/hash_ring.h"
#include "base/text.h"
#include "rondo/config.h"

namespace rondo {
namespace {

constexpr uint32_t kLargestRing = 8388608;  // A42

struct RingHashConfig {
  uint32_t min = 1024, max = 4096;
  RequestHash request;
  LoadBound bound;

  void Read(ConfigReader& r) {
    Size("minRingSize", min, r);
    Size("maxRingSize", max, r);
    if (min > max) r.Bad("minRingSize", Cat(min, " is more than maxRingSize, which is ", max));
    request.Read(r);
    bound.Read(r);
  }
  // 0 is proto3's way to say nothing.
  static void Size(std::string_view name, uint32_t& out, ConfigReader& r) {
    uint32_t given = 0;
    r.Number(name, given, 0u, kLargestRing);
    if (given > 0) out = given;
  }
};

class RingHash final : public HashSpread {
 public:
  RingHash() : HashSpread("ring_hash") {}

  absl::Status OnUpdate(const Update& update, Control& control) override {
    const auto* cap = update.settings.Get<RingSizeCap>();
    cap_ = std::clamp(cap == nullptr ? RingSizeCap().value : cap->value, 1u, kLargestRing);
    config_ = ConfigAs<RingHashConfig>(update.config);
    SetBound(config_.bound, control);
    return HashSpread::OnUpdate(update, control);
  }

 private:
  std::pair<uint32_t, uint32_t> Sizes() const {
    return {std::min(config_.min, cap_), std::min(config_.max, cap_)};
  }
  bool TableOutdated() override { return Sizes() != made_; }
  void OnMembers(const std::vector<HashMember>& members) override {
    made_ = Sizes();
    ring_ = std::make_shared<const HashRing>(members, made_.first, made_.second);
  }
  PickerRef Build(const View& view) override {
    if (children().empty()) return Spread::Build(view);
    return MakePicker(ring_, config_.request, view);
  }

  RingHashConfig config_;
  uint32_t cap_ = 0;
  std::pair<uint32_t, uint32_t> made_{};  // The sizes of the ring.
  std::shared_ptr<const HashRing> ring_;
};

}  // namespace

PolicyFactory RingHashPolicy() {
  return {.name = "ring_hash",
          .parse = ParseInto<RingHashConfig>,
          .make = [] { return std::make_unique<RingHash>(); },
          .watches = 1};
}

}  // namespace rondo
