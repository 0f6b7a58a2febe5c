// least_request (A48): a short form that reads load cells.
#include <algorithm>
#include <limits>

#include "contract/policies.h"
#include "rondo/policy.h"

namespace rondo::contract {
namespace {

struct LeastRequest {
  static constexpr std::string_view kName = "least_request";
  struct Config {
    uint32_t choices = 2;
    void Read(ConfigReader& r) {
      r.Number("choiceCount", choices, 2u);
      choices = std::min(choices, 10u);
    }
  };
  struct Picker {
    std::vector<const Subchannel*> ready;
    uint32_t choices;
    PickResult Pick(const PickArgs& args) const {
      const Subchannel* best = nullptr;
      int32_t least = std::numeric_limits<int32_t>::max();
      for (uint32_t i = 0; i < choices; ++i) {
        const Subchannel* s = ready[args.chance->Below(static_cast<uint32_t>(ready.size()))];
        const int32_t load = s->load.in_flight() + (args.Tried(s) ? 1 << 20 : 0);
        if (load < least) best = s, least = load;
      }
      return Picked{best};
    }
  };
  Picker Build(const Config& c, const ReadySet& all) {
    Picker p{{}, c.choices};
    for (const Ready& r : all) p.ready.push_back(r.subchannel.get());
    return p;
  }
};

}  // namespace

PolicyFactory LeastRequestPolicy() { return Adapt<LeastRequest>(); }

}  // namespace rondo::contract
