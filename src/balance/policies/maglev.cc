// maglev (NSDI 2016): calls with the same key go to the same backend, found in a table: more even
// and faster than a ring, a few more keys move when backends come or go.
#include <memory>
#include <vector>

#include "balance/builtin.h"
#include "balance/hash_spread.h"
#include "balance/select/maglev_table.h"
#include "base/text.h"
#include "rondo/config.h"

namespace rondo {
namespace {

constexpr uint32_t kLargestTable = 5000011;

bool IsPrime(uint32_t n) {
  for (uint32_t i = 2; i * i <= n; ++i) {
    if (n % i == 0) return false;
  }
  return n >= 2;
}

struct MaglevConfig {
  uint32_t size = 65537;
  RequestHash request;
  LoadBound bound;

  void Read(ConfigReader& r) {
    r.Number("tableSize", size, 2u, kLargestTable);
    if (!IsPrime(size))
      r.Bad("tableSize", Cat(size, " is not a prime number within 2..", kLargestTable));
    request.Read(r);
    bound.Read(r);
  }
};

class Maglev final : public HashSpread {
 public:
  Maglev() : HashSpread("maglev") {}

 private:
  void OnConfig(const ConfigRef& config, Control& control) override {
    config_ = ConfigAs<MaglevConfig>(config);
    SetBound(config_.bound, control);
  }
  bool TableOutdated() override { return config_.size != made_; }
  void OnMembers(const std::vector<HashMember>& members) override {
    made_ = config_.size;
    table_ = std::make_shared<const MaglevTable>(members, made_);
  }
  PickerRef Build(const View& view) override {
    if (children().empty()) return Spread::Build(view);
    return MakePicker(table_, config_.request, view);
  }

  MaglevConfig config_;
  uint32_t made_ = 0;  // The size of the table.
  std::shared_ptr<const MaglevTable> table_;
};

}  // namespace

PolicyFactory MaglevPolicy() {
  return {.name = "maglev",
          .parse = ParseInto<MaglevConfig>,
          .make = [] { return std::make_unique<Maglev>(); },
          .watches = 1};
}

}  // namespace rondo
