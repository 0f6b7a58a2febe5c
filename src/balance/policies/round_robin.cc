// round_robin (A61, A62): the backends that are ready take turns; by weight, if theirs differ.
#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/select/best_of.h"
#include "balance/select/weighted_turns.h"
#include "balance/turns.h"
#include "rondo/policy.h"

namespace rondo {
namespace {

struct RoundRobin {
  static constexpr std::string_view kName = "round_robin";

  // One ready set and whose turn it is there. Shared by the picker and, for the next one, the
  // policy.
  struct Round {
    Round(const ReadySet& all, uint32_t shards) : ready(all), turns(shards) {
      order.reserve(all.size());
      std::vector<double> weights;
      for (const Ready& r : all) {
        order.push_back(r.subchannel.get());
        weights.push_back(std::max(r.endpoint.weight, 1u));
      }
      if (std::ranges::adjacent_find(weights, std::ranges::not_equal_to()) == weights.end()) return;
      by_weight = std::make_unique<const WeightedTurns>(weights);
    }
    const ReadySet ready;
    std::vector<const Subchannel*> order;
    const Turns turns;
    std::unique_ptr<const WeightedTurns> by_weight;  // Null: all weigh the same.
    std::shared_ptr<const Turns> steps;              // Of by_weight: they go on from set to set.
  };
  struct Picker {
    PickResult Pick(const PickArgs& args) const {
      const std::vector<const Subchannel*>& all = round->order;
      if (round->by_weight != nullptr) return PickByWeight(args);
      const auto n = static_cast<uint32_t>(all.size());
      const Subchannel* s = all[round->turns.Next(args.shard, n)];
      // A retry goes on to a backend that it hasn't tried, if there is one.
      for (size_t i = 0; i < args.tried.size() && args.Tried(s); ++i) {
        s = all[round->turns.Next(args.shard, n)];
      }
      return Picked{s, "its turn"};
    }
    PickResult PickByWeight(const PickArgs& args) const {
      uint32_t i = round->by_weight->Next(*round->steps, args);
      if (!args.tried.empty()) i = Untried(i, round->order, args);
      return Picked{round->order[i], "its turn by weight"};
    }
    std::shared_ptr<const Round> round;
  };
  Picker Build(const ReadySet& all, const View& view) {
    auto round = std::make_shared<Round>(all, view.shards);
    if (round->by_weight != nullptr) round->steps = Steps(view);
    std::unordered_map<const Subchannel*, uint32_t> place;
    for (uint32_t i = 0; last != nullptr && i < round->order.size(); ++i) {
      place.emplace(round->order[i], i);
    }
    for (uint32_t s = 0; s < view.shards; ++s) {
      round->turns.Set(s, FirstTurn(s, place, view.chance));
    }
    last = round;
    return {std::move(round)};
  }

 private:
  // A turn that nobody has taken yet: any number from here on. Real turns are far below.
  static constexpr uint32_t kFresh = uint32_t{1} << 31;

  // The turn goes on with the backend whose turn it was, or the first behind it that is still
  // there: an index carried over would pass some by whenever another one comes or goes. A turn not
  // yet taken begins anywhere, or else all would begin with whichever backend was ready first.
  uint32_t FirstTurn(uint32_t shard, const std::unordered_map<const Subchannel*, uint32_t>& place,
                     Chance& chance) const {
    const size_t from = last == nullptr ? kFresh : last->turns.Peek(shard);
    for (size_t i = 0; from < kFresh && i < last->order.size(); ++i) {
      auto it = place.find(last->order[(from + i) % last->order.size()]);
      if (it != place.end()) return it->second;
    }
    return kFresh | static_cast<uint32_t>(chance.Next());
  }
  // Each shard of each client begins anywhere, so that they don't go in step.
  const std::shared_ptr<const Turns>& Steps(const View& view) {
    if (steps == nullptr) {
      steps = std::make_shared<const Turns>(view.shards);
      for (uint32_t s = 0; s < view.shards; ++s) {
        steps->Set(s, static_cast<uint32_t>(view.chance.Next()));
      }
    }
    return steps;
  }
  std::shared_ptr<const Round> last;
  std::shared_ptr<const Turns> steps;  // Made when weights first differ.
};

}  // namespace

PolicyFactory RoundRobinPolicy() { return Adapt<RoundRobin>(); }

}  // namespace rondo
