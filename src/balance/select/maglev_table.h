#pragma once
// Maglev's table (Eisenbud et al., NSDI 2016, section 3.4): shares as even as weights allow, a
// look-up in constant time; a change of members moves a few keys more than a ring does. Threads:
// immutable once built.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "balance/select/hash_ring.h"

namespace rondo {

class MaglevTable {
 public:
  // `size` is a prime; more than 100 times the members keeps shares within 1 %. Where there are
  // more members than `size`, some have no slot.
  MaglevTable(const std::vector<HashMember>& members, uint32_t size);

  size_t size() const { return slots_.size(); }
  uint32_t member(size_t slot) const { return slots_[slot]; }

  // Slots from the one of a hash on, in steps that depend on the hash: so that those of a failed
  // member go to all the others, not to one neighbour. Meets each slot once.
  class Walk {
   public:
    Walk(const MaglevTable& table, uint64_t hash)
        : table_(table), hash_(hash), at_(hash % table.size()) {}
    uint32_t member() const { return table_.slots_[at_]; }
    void Next() {
      if (step_ == 0) step_ = 1 + (hash_ >> 32) % (table_.size() - 1);
      at_ += step_;
      if (at_ >= table_.size()) at_ -= table_.size();
    }

   private:
    const MaglevTable& table_;
    const uint64_t hash_;
    size_t at_;
    size_t step_ = 0;
  };

 private:
  std::vector<uint32_t> slots_;
};

}  // namespace rondo
