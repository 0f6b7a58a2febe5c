#include "balance/select/maglev_table.h"

#include <algorithm>

#include "base/hash.h"

namespace rondo {

MaglevTable::MaglevTable(const std::vector<HashMember>& members, uint32_t size) {
  if (members.empty()) return;
  struct Turn {  // A member's own order of the slots: at, at + skip, ... modulo size.
    uint64_t at, skip;
    double due;  // Rounds until it may take a slot.
  };
  double heaviest = 0;
  for (const HashMember& m : members) heaviest = std::max<double>(heaviest, m.weight);
  std::vector<Turn> turns;
  for (const HashMember& m : members) {
    turns.push_back({Hash64(m.key) % size, Hash64(m.key, 1) % (size - 1) + 1, 0});
  }
  // They take turns, each its next free slot; one with half the weight has a turn every other
  // round.
  constexpr uint32_t kFree = UINT32_MAX;
  slots_.assign(size, kFree);
  for (uint32_t taken = 0, round = 1; taken < size; ++round) {
    for (uint32_t i = 0; i < turns.size() && taken < size; ++i) {
      Turn& turn = turns[i];
      if (round * (members[i].weight / heaviest) < turn.due) continue;
      turn.due += 1;
      while (slots_[turn.at] != kFree) turn.at = (turn.at + turn.skip) % size;
      slots_[turn.at] = i;
      ++taken;
    }
  }
}

}  // namespace rondo
