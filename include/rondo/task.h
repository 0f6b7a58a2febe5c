#pragma once
// Coroutines on a loop: Task<T> is lazy, owned by whoever holds it, and runs on one loop only.
// Threads: a task is made, moved and dropped by one thread at a time; once it runs, its loop's.
//
// With g++ 12, keep arguments in an awaited expression simple: CallOptions in braces and named
// objects are safe, other aggregates in braces and capturing lambdas are miscompiled
// (docs/decisions/0030-coroutines-and-tokens.md).
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "rondo/loop.h"

namespace rondo {

namespace detail {

// Frames come from a free list of the thread that frees or needs them.
void* AllocateFrame(size_t size);
void FreeFrame(void* frame, size_t size) noexcept;

// Who waits for one or several tasks: the one that ends last goes on with the waiter. The starter
// counts as one, so that tasks that end at once don't nest deeper and deeper.
struct Join {
  std::coroutine_handle<> waiter{};
  size_t open = 0;
  std::coroutine_handle<> Ended() {
    return --open == 0 ? waiter : std::coroutine_handle<>(std::noop_coroutine());
  }
};

class PromiseBase {
 public:
  static void* operator new(size_t size) { return AllocateFrame(size); }
  static void operator delete(void* frame, size_t size) { FreeFrame(frame, size); }

  Loop& loop() const { return *loop_; }
  void Begin(Loop& loop, Join* join) {
    loop_ = &loop;
    join_ = join;
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  struct GoOn {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> ended) const noexcept {
      return ended.promise().join_->Ended();
    }
    void await_resume() const noexcept {}
  };
  GoOn final_suspend() const noexcept { return {}; }
  void unhandled_exception() { error_ = std::current_exception(); }

 protected:
  void Rethrow() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  Loop* loop_ = nullptr;
  Join* join_ = nullptr;
  std::exception_ptr error_;
};
// Only tasks may await what rondo offers: their promise knows the loop to go on with.
template <class P>
concept TaskPromise = std::derived_from<P, PromiseBase>;

template <class T>
class Promise final : public PromiseBase {
 public:
  std::coroutine_handle<Promise> get_return_object() {
    return std::coroutine_handle<Promise>::from_promise(*this);
  }
  template <class U = T>
    requires std::convertible_to<U&&, T>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T Take() {
    Rethrow();
    return *std::move(value_);
  }

 private:
  std::optional<T> value_;
};
template <>
class Promise<void> final : public PromiseBase {
 public:
  std::coroutine_handle<Promise> get_return_object() {
    return std::coroutine_handle<Promise>::from_promise(*this);
  }
  void return_void() const {}
  void Take() { Rethrow(); }
};

template <class... T>
class AllOf;

}  // namespace detail

// A computation that may wait without blocking. Nothing runs until it is awaited, spawned
// (spawn.h) or handed to Run. Awaiting it gives its value, or throws what left it. Dropping it ends
// it where it waits: its locals are destroyed, and the call it waits for is cancelled.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task(std::coroutine_handle<promise_type> frame)
      : frame_(frame) {}  // NOLINT: made by a coroutine.
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }
  auto operator co_await() &&;

 private:
  template <class...>
  friend class detail::AllOf;
  std::coroutine_handle<promise_type> frame_;
};

namespace detail {

// Starts tasks side by side on the awaiting task's loop; goes on when all have ended.
template <class... T>
class AllOf {
 public:
  explicit AllOf(Task<T>&&... tasks) : tasks_(std::move(tasks)...) {}
  AllOf(AllOf&&) noexcept = default;
  AllOf& operator=(AllOf&&) noexcept = default;
  ~AllOf() = default;

  bool await_ready() const noexcept { return false; }
  template <TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) {
    join_ = {waiter, sizeof...(T) + 1};
    Loop& loop = waiter.promise().loop();
    std::apply([&](auto&... task) { (Start(task, loop), ...); }, tasks_);
    return --join_.open > 0;
  }
  auto await_resume() {
    if constexpr (sizeof...(T) == 1) {
      return std::get<0>(tasks_).frame_.promise().Take();
    } else {
      return std::apply([](auto&... task) { return std::tuple(Value(task)...); }, tasks_);
    }
  }

 private:
  template <class U>
  void Start(Task<U>& task, Loop& loop) {
    task.frame_.promise().Begin(loop, &join_);
    task.frame_.resume();
  }
  template <class U>
  static auto Value(Task<U>& task) {
    if constexpr (std::is_void_v<U>) {
      task.frame_.promise().Take();
      return std::monostate();
    } else {
      return task.frame_.promise().Take();
    }
  }

  std::tuple<Task<T>...> tasks_;
  Join join_;
};

}  // namespace detail

template <class T>
auto Task<T>::operator co_await() && {
  return detail::AllOf<T>(std::move(*this));
}

// Awaits several tasks side by side: `auto [a, b] = co_await All(One(), Two());`. A void one gives
// std::monostate. If some of them throw, one of the exceptions comes out.
template <class... T>
  requires(sizeof...(T) > 1)
auto All(Task<T>... tasks) {
  return detail::AllOf<T...>(std::move(tasks)...);
}

}  // namespace rondo
