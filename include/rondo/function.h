#pragma once
// A callable that is moved, never copied, so that it may own what it needs. Small ones (48 bytes)
// are kept inside. Stands for std::move_only_function, which g++ 12 doesn't have. Threads: as the
// callable inside.
#include <concepts>
#include <cstddef>
#include <cstring>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

namespace rondo {

template <class Signature>
class Function;

template <class R, class... Args>
class Function<R(Args...)> {
 public:
  Function() = default;
  Function(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  template <class F>
    requires(!std::same_as<std::decay_t<F>, Function> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  Function(F&& f) {  // NOLINT(google-explicit-constructor): any callable is one.
    using Held = std::decay_t<F>;
    if constexpr (std::is_pointer_v<Held>) {
      if (f == nullptr) return;
    }
    if constexpr (kFits<Held>) {
      new (room_) Held(std::forward<F>(f));
      ops_ = &kInside<Held>;
    } else {
      *reinterpret_cast<Held**>(room_) = new Held(std::forward<F>(f));
      ops_ = &kOutside<Held>;
    }
  }
  Function(Function&& other) noexcept { Take(other); }
  Function& operator=(Function&& other) noexcept {
    if (this == &other) return *this;
    // What is dropped may own us: it dies last.
    Function old(std::move(*this));
    Take(other);
    return *this;
  }
  Function& operator=(std::nullptr_t) noexcept {
    Function old(std::move(*this));
    return *this;
  }
  ~Function() {
    if (ops_ != nullptr && ops_->destroy != nullptr) ops_->destroy(room_);
  }

  explicit operator bool() const { return ops_ != nullptr; }
  R operator()(Args... args) { return ops_->call(room_, std::forward<Args>(args)...); }

 private:
  static constexpr size_t kRoom = 48;
  struct Ops {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to);  // And destroys `from`. Null: the bytes are copied.
    void (*destroy)(void*);              // Null: nothing to do.
  };
  template <class F>
  static constexpr bool kFits = sizeof(F) <= kRoom && alignof(F) <= alignof(std::max_align_t) &&
                                std::is_nothrow_move_constructible_v<F>;
  template <class F>
  static constexpr bool kPlain =
      std::is_trivially_copyable_v<F> && std::is_trivially_destructible_v<F>;
  template <class F>
  static void Move(void* from, void* to) {
    new (to) F(std::move(*static_cast<F*>(from)));
    Destroy<F>(from);
  }
  template <class F>
  static void Destroy(void* p) {
    static_cast<F*>(p)->~F();
  }
  template <class F>
  static R Call(F& f, Args&&... args) {
    if constexpr (std::is_void_v<R>) {
      std::invoke(f, std::forward<Args>(args)...);
    } else {
      return std::invoke(f, std::forward<Args>(args)...);
    }
  }
  template <class F>
  static constexpr Ops kInside = {[](void* p, Args&&... args) -> R {
                                    return Call(*static_cast<F*>(p), std::forward<Args>(args)...);
                                  },
                                  kPlain<F> ? nullptr : &Move<F>,
                                  kPlain<F> ? nullptr : &Destroy<F>};
  template <class F>
  static constexpr Ops kOutside = {[](void* p, Args&&... args) -> R {
                                     return Call(**static_cast<F**>(p),
                                                 std::forward<Args>(args)...);
                                   },
                                   nullptr, [](void* p) { delete *static_cast<F**>(p); }};

  void Take(Function& other) noexcept {
    ops_ = std::exchange(other.ops_, nullptr);
    if (ops_ == nullptr) return;
    if (ops_->move != nullptr) return ops_->move(other.room_, room_);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // What lies behind a small callable.
#endif
    std::memcpy(room_, other.room_, kRoom);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
  }

  const Ops* ops_ = nullptr;
  alignas(std::max_align_t) std::byte room_[kRoom];
};

}  // namespace rondo
