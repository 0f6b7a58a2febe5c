#pragma once
// For owners that post: what they have posted falls on the floor once they are gone.
// Threads: one loop's.
#include <memory>
#include <utility>

namespace rondo {

class Lifetime {
 public:
  // `work`, but only as long as this object lives.
  template <class F>
  auto Bind(F work) const {
    return [alive = std::weak_ptr<const bool>(alive_), work = std::move(work)]() mutable {
      if (!alive.expired()) work();
    };
  }

 private:
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace rondo
