#pragma once
// Overload{lambda...}: one visitor out of several, for std::visit.

namespace rondo {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

}  // namespace rondo
