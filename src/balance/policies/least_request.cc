// least_request (A48): of a few backends drawn by chance the one with the fewest calls in flight.
#include <algorithm>
#include <memory>
#include <vector>

#include "balance/builtin.h"
#include "balance/select/best_of.h"
#include "balance/select/draw.h"
#include "rondo/policy.h"

namespace rondo {
namespace {

constexpr uint32_t kMostChoices = 10;  // A48

struct LeastRequest {
  static constexpr std::string_view kName = "least_request";
  struct Config {
    uint32_t choices = 2;
    void Read(ConfigReader& r) {
      r.Number("choiceCount", choices, 2u);
      choices = std::min(choices, kMostChoices);
    }
  };
  // The calls in flight are those of the load cells: they outlive pickers and reconnects.
  struct Picker {
    PickResult Pick(const PickArgs& args) const {
      const auto any = [&] { return draw(*args.chance); };
      uint32_t best;
      if (draw.weighted()) {  // For each unit of weight.
        best = BestOf(choices, any, [&](uint32_t i) {
          return static_cast<float>(all[i]->load.in_flight()) * inverse[i];
        });
      } else {
        best = BestOf(choices, any, [&](uint32_t i) { return all[i]->load.in_flight(); });
      }
      if (!args.tried.empty()) best = Untried(best, all, args);
      return Picked{all[best], "few calls in flight"};
    }
    uint32_t choices;
    Draw draw;
    std::vector<const Subchannel*> all;
    std::vector<float> inverse;  // 1 / weight; empty if all weigh the same.
  };
  Picker Build(const Config& config, const ReadySet& ready) {
    Picker picker{config.choices, {}, {}, {}};
    std::vector<uint32_t> weights;
    for (const Ready& r : ready) {
      picker.all.push_back(r.subchannel.get());
      weights.push_back(std::max(r.endpoint.weight, 1u));
    }
    picker.draw = Draw(weights);
    if (picker.draw.weighted()) {
      for (uint32_t w : weights) picker.inverse.push_back(1 / static_cast<float>(w));
    }
    return picker;
  }
};

}  // namespace

PolicyFactory LeastRequestPolicy() { return Adapt<LeastRequest>(); }

}  // namespace rondo
