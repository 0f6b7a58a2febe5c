#pragma once
// Completion tokens: the last argument of a call says how its result is waited for.
//   none               blocks, and returns the result
//   a callable         is called with the result, on the channel's loop
//   rondo::use_task    gives what a rondo::Task awaits
//   Asio's tokens      with rondo/asio.h
// Threads: an operation is begun by one thread.
#include <concepts>
#include <condition_variable>
#include <coroutine>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "rondo/loop.h"
#include "rondo/task.h"

namespace rondo {

// An operation that has not begun: it may be kept, begun once, or dropped. `handler` is called once
// with the result, never inline; it is dropped without a call only if its loop has stopped. What
// `cancel` then holds, when it isn't null, ends the operation early by its Cancel().
template <class S>
concept Operation = std::move_constructible<S> && std::movable<typename S::Result> &&
                    std::default_initializable<typename S::Canceller> &&
                    requires(S start, void (*handler)(typename S::Result),
                             typename S::Canceller* cancel) { std::move(start)(handler, cancel); };

// What a token makes of an operation. This one is for callables; others specialise it.
template <class Token, class Result>
struct Completion {
  static_assert(std::invocable<Token&, Result>,
                "the last argument is no completion token: a callable that takes the result, "
                "rondo::use_task, or (with rondo/asio.h) one of Asio's");
  static_assert(
      !requires { typename Token::executor_type; } &&
          !requires { typename Token::cancellation_slot_type; } &&
          !requires { typename Token::allocator_type; },
      "include rondo/asio.h for tokens that are bound to something of Asio's");
  template <Operation S>
  static void Begin(S start, Token callable) {
    std::move(start)(std::move(callable), nullptr);
  }
};

template <Operation S, class Token>
auto Begin(S start, Token&& token) {
  return Completion<std::decay_t<Token>, typename S::Result>::Begin(std::move(start),
                                                                    std::forward<Token>(token));
}

namespace detail {

// What an operation came to whose loop stopped before it ended.
template <class T>
struct LostValue {
  static T Make() {
    if constexpr (std::constructible_from<T, absl::Status>) {
      return T(absl::CancelledError("the call's event loop has stopped"));
    } else {
      return T();
    }
  }
};
template <class T>
T Lost() {
  return LostValue<T>::Make();
}

// A handler that delivers exactly once: what it is called with, or Lost. `To` points to the sink.
template <class T, class To>
class Delivery {
 public:
  explicit Delivery(To to) : to_(std::move(to)) {}
  Delivery(Delivery&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
  Delivery& operator=(Delivery&&) = delete;
  ~Delivery() {
    if (to_ != nullptr) Put(Lost<T>(), true);
  }
  void operator()(T value) { Put(std::move(value), false); }

 private:
  // `later`: this is no place to run the waiter.
  void Put(T value, bool later) {
    To to = std::exchange(to_, nullptr);
    to->Put(std::move(value), later);
  }
  To to_;
};

// The calling thread waits here, and runs `loop` meanwhile if nobody else does.
template <class T>
class Blocked {
 public:
  explicit Blocked(Loop* loop = nullptr)
      : loop_(loop != nullptr && !loop->HasThread() ? loop : nullptr) {}
  T Wait() {
    if (loop_ != nullptr) loop_->RunUntil([this] { return there_.load(); });
    std::unique_lock lock(mutex_);
    put_.wait(lock, [this] { return value_.has_value(); });
    return *std::move(value_);
  }
  void Put(T value, bool /*later*/) {
    const std::lock_guard lock(mutex_);
    value_.emplace(std::move(value));
    there_.store(true);
    if (loop_ != nullptr && !loop_->IsHere()) loop_->Post([] {});  // Who runs it looks again.
    put_.notify_one();  // Under the lock: the waiter may be gone right after.
  }

 private:
  Loop* const loop_;
  std::mutex mutex_;
  std::atomic<bool> there_{false};
  std::condition_variable put_;
  std::optional<T> value_;
};

}  // namespace detail

// Begins the operation and blocks until its end. Not on the loop that the operation needs.
template <Operation S>
typename S::Result Block(S start) {
  using T = typename S::Result;
  Loop* loop = nullptr;
  if constexpr (requires { start.loop(); }) loop = &start.loop();
  detail::Blocked<T> blocked(loop);
  std::move(start)(detail::Delivery<T, detail::Blocked<T>*>(&blocked), nullptr);
  return blocked.Wait();
}

// The token for rondo's own coroutines: `auto reply = co_await stub.UnaryEcho(request, use_task);`
struct UseTask {};
inline constexpr UseTask use_task;

// What use_task gives: begins when it is awaited, and goes on on the task's loop. Dropping it while
// it waits, with its task, cancels the call.
template <Operation S>
class [[nodiscard]] Awaited {
 public:
  using Result = typename S::Result;

  explicit Awaited(S start) : start_(std::move(start)) {}
  Awaited(Awaited&&) = default;  // Until it is awaited.
  Awaited& operator=(Awaited&&) = delete;
  ~Awaited() {
    if (shared_ != nullptr) shared_->Drop();
  }

  bool await_ready() const noexcept { return false; }
  template <detail::TaskPromise P>
  void await_suspend(std::coroutine_handle<P> waiter) {
    shared_ = std::make_shared<Shared>(waiter, waiter.promise().loop());
    const auto shared = shared_;  // Going on may destroy this.
    std::move(start_)(detail::Delivery<Result, ToShared>(ToShared{shared}), &shared->canceller);
  }
  Result await_resume() { return *std::move(shared_->result); }

 private:
  // Seen by the call's loop, which puts the result, and by the task's loop, which reads or drops
  // it.
  struct Shared {
    Shared(std::coroutine_handle<> w, Loop& l) : loop(&l), waiter(w) {}
    void Drop() {
      {
        const std::lock_guard lock(mutex);
        if (!std::exchange(waiter, nullptr) || result.has_value()) return;
      }
      canceller.Cancel();
    }
    void GoOn() {
      if (auto w = std::exchange(waiter, nullptr)) w.resume();
    }
    Loop* const loop;  // Not touched once the waiter is gone: it may have stopped.
    std::mutex mutex;
    std::coroutine_handle<> waiter;
    std::optional<Result> result;
    typename S::Canceller canceller;
  };
  struct ToShared {
    std::shared_ptr<Shared> shared;
    ToShared* operator->() { return this; }
    bool operator==(std::nullptr_t) const { return shared == nullptr; }
    ToShared& operator=(std::nullptr_t) {
      shared = nullptr;
      return *this;
    }
    void Put(Result value, bool later) {
      {
        const std::lock_guard lock(shared->mutex);
        if (!shared->waiter) return;
        shared->result.emplace(std::move(value));
        if (later || !shared->loop->IsHere()) {
          shared->loop->Post([s = shared] { s->GoOn(); });
          return;
        }
      }
      shared->GoOn();
    }
  };

  S start_;
  std::shared_ptr<Shared> shared_;
};

template <class Result>
struct Completion<UseTask, Result> {
  template <Operation S>
  static Awaited<S> Begin(S start, UseTask /*token*/) {
    return Awaited<S>(std::move(start));
  }
};

}  // namespace rondo
