#include "balance/select/hash_ring.h"

#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "base/hash.h"

namespace rondo {

// The steps, sums of doubles included, are those of A42: otherwise two clients' rings would differ.
HashRing::HashRing(const std::vector<HashMember>& members, uint32_t min, uint32_t max) {
  double sum = 0, least = 1;
  for (const HashMember& m : members) sum += m.weight;
  for (const HashMember& m : members) least = std::min(least, m.weight / sum);
  const double scale = std::min(std::ceil(least * min) / least, static_cast<double>(max));

  std::vector<std::pair<uint64_t, uint32_t>> entries;
  double target = 0, current = 0;
  for (uint32_t i = 0; i < members.size(); ++i) {
    target += scale * (members[i].weight / sum);
    std::string text = members[i].key + "_";
    const size_t key = text.size();
    for (uint32_t k = 0; current < target; ++current, ++k) {
      char digits[16];
      text.resize(key);
      text.append(digits, std::to_chars(digits, digits + sizeof digits, k).ptr);
      entries.emplace_back(Hash64(text), i);
    }
  }
  std::sort(entries.begin(), entries.end());
  for (const auto& [hash, member] : entries) {
    hashes_.push_back(hash);
    members_.push_back(member);
  }
}

}  // namespace rondo
