#pragma once
// A ring of hashes, the same as all of gRPC's (A42): a key belongs to the first entry at or behind
// it. Threads: immutable once built.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rondo {

// Someone on a ring or in a table: known there by its key.
struct HashMember {
  std::string key;
  uint32_t weight = 1;  // At least 1.
  bool operator==(const HashMember&) const = default;
};

class HashRing {
 public:
  // About `min` to `max` entries, each member's in proportion to its weight. Members are sorted by
  // key, so that all clients build the same. Where there are more members than `max`, some have no
  // entry.
  HashRing(const std::vector<HashMember>& members, uint32_t min, uint32_t max);

  size_t size() const { return hashes_.size(); }
  uint64_t hash(size_t entry) const { return hashes_[entry]; }
  uint32_t member(size_t entry) const { return members_[entry]; }

  // Entries from the one that a hash belongs to on, going round.
  class Walk {
   public:
    Walk(const HashRing& ring, uint64_t hash) : ring_(ring), at_(ring.Find(hash)) {}
    uint32_t member() const { return ring_.members_[at_]; }
    void Next() { at_ = at_ + 1 == ring_.size() ? 0 : at_ + 1; }

   private:
    const HashRing& ring_;
    size_t at_;
  };

 private:
  size_t Find(uint64_t hash) const {
    const auto it = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
    return it == hashes_.end() ? 0 : static_cast<size_t>(it - hashes_.begin());
  }
  std::vector<uint64_t> hashes_;   // Sorted.
  std::vector<uint32_t> members_;  // Of the same entries.
};

}  // namespace rondo
