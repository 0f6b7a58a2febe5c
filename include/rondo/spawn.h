#pragma once
// Where tasks begin and how they wait for time: Spawn, Run, Sleep.
// Threads: as said at each.
#include <concepts>
#include <condition_variable>
#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "rondo/loop.h"
#include "rondo/task.h"

namespace rondo {

namespace detail {

// A task that nobody awaits. It is in its loop's list, so that a loop that stops ends it.
class LoopGuest {
 public:
  LoopGuest() = default;
  LoopGuest(const LoopGuest&) = delete;
  LoopGuest& operator=(const LoopGuest&) = delete;

  void Enter(Loop& loop);  // On the loop, at most once.

 protected:
  ~LoopGuest();

 private:
  friend class GuestList;
  virtual void OnEvict() = 0;  // Destroys this.
  LoopGuest* next_ = this;
  LoopGuest* previous_ = this;
};

// The coroutine around such a task. Its frame goes away by itself when the task has ended.
struct Root {
  class promise_type final : public PromiseBase, public LoopGuest {
   public:
    Root get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    [[noreturn]] void unhandled_exception() { std::terminate(); }

   private:
    void OnEvict() final { std::coroutine_handle<promise_type>::from_promise(*this).destroy(); }
  };
  struct Destroy {
    void operator()(void* at) const { std::coroutine_handle<>::from_address(at).destroy(); }
  };
  std::coroutine_handle<promise_type> frame;
};

template <class T, class Done>
Root MakeRoot(Task<T> task, Done done) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
    done();
  } else {
    T value = co_await std::move(task);
    done(std::move(value));
  }
}
inline void StartRoot(Loop& loop, Root root) {
  root.frame.promise().Begin(loop, nullptr);
  root.frame.promise().Enter(loop);
  root.frame.resume();
}

template <class Done, class T>
concept DoneOf = (std::is_void_v<T> && std::invocable<Done&>) || std::invocable<Done&, T>;

}  // namespace detail

// Runs `task` on `loop`, from one of its next turns on; then `done(value)`, there too. If the loop
// stops first, the task is dropped and `done` is not called. An exception that leaves the task
// ends the program.
// Threads: any.
template <class T, detail::DoneOf<T> Done>
void Spawn(Loop& loop, Task<T> task, Done done) {
  detail::Root root = detail::MakeRoot(std::move(task), std::move(done));
  std::unique_ptr<void, detail::Root::Destroy> frame(root.frame.address());
  loop.Post([&loop, root, frame = std::move(frame)]() mutable {
    (void)frame.release();  // Its own from here on.
    detail::StartRoot(loop, root);
  });
}
inline void Spawn(Loop& loop, Task<void> task) {
  Spawn(loop, std::move(task), [] {});
}
// The same without a turn between: runs until the task waits for the first time.
// Threads: the loop's.
template <class T, detail::DoneOf<T> Done>
void SpawnHere(Loop& loop, Task<T> task, Done done) {
  detail::StartRoot(loop, detail::MakeRoot(std::move(task), std::move(done)));
}

namespace detail {

// Where Run's thread waits. Its one sender hands the value over; a sender that is dropped with
// empty hands would leave the thread waiting for ever, so that ends the program.
template <class T>
class RunResult {
 public:
  class Sender {
   public:
    explicit Sender(RunResult* to) : to_(to) {}
    Sender(Sender&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
    ~Sender() {
      if (to_ != nullptr) std::terminate();
    }
    template <class... V>
    void operator()(V&&... value) {
      std::exchange(to_, nullptr)->Put(std::forward<V>(value)...);
    }

   private:
    RunResult* to_;
  };

  T Wait() {
    std::unique_lock lock(mutex_);
    put_.wait(lock, [this] { return value_.has_value(); });
    if constexpr (!std::is_void_v<T>) return *std::move(value_);
  }

 private:
  template <class... V>
  void Put(V&&... value) {
    const std::lock_guard lock(mutex_);
    value_.emplace(std::forward<V>(value)...);
    put_.notify_one();  // Under the lock: the waiter may be gone right after.
  }

  std::mutex mutex_;
  std::condition_variable put_;
  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value_;
};

}  // namespace detail

// Runs `task` on `loop` and waits for it: for `main`. A loop that stops before the task has ended
// ends the program.
// Threads: any but a loop's.
template <class T>
T Run(Loop& loop, Task<T> task) {
  if (loop.IsHere()) std::terminate();  // It would wait for itself.
  detail::RunResult<T> result;
  Spawn(loop, std::move(task), typename detail::RunResult<T>::Sender(&result));
  return result.Wait();
}

// Waits on the task's loop: `co_await Sleep(10ms);`. 0 or less: until the next turn.
class [[nodiscard]] Sleep {
 public:
  explicit Sleep(Duration length) : length_(length) {}
  bool await_ready() const noexcept { return false; }
  template <detail::TaskPromise P>
  void await_suspend(std::coroutine_handle<P> waiter) {
    timer_ = waiter.promise().loop().After(length_, [waiter] { waiter.resume(); });
  }
  void await_resume() const noexcept {}

 private:
  Duration length_;
  std::unique_ptr<Timer> timer_;
};

// The loop that the task runs on: `Loop& loop = co_await ThisLoop();`.
class [[nodiscard]] ThisLoop {
 public:
  ThisLoop() = default;
  bool await_ready() const noexcept { return false; }
  template <detail::TaskPromise P>
  bool await_suspend(std::coroutine_handle<P> waiter) {
    loop_ = &waiter.promise().loop();
    return false;
  }
  Loop& await_resume() const { return *loop_; }

 private:
  Loop* loop_ = nullptr;
};

}  // namespace rondo
