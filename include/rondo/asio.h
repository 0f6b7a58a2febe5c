#pragma once
// Asio and rondo together. Including this makes Asio's completion tokens work wherever a token is
// taken: asio::use_future, asio::use_awaitable, asio::experimental::deferred, bind_executor,
// bind_cancellation_slot and so on; and rondo::use_task wherever Asio takes a token. The only
// public header that includes Asio (standalone). Threads: a handler runs on its associated
// executor; without one, on the channel's loop.
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/system_executor.hpp>
#include <concepts>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "rondo/loop.h"
#include "rondo/token.h"

namespace rondo {

// A pool whose one loop is a guest on `io`: it runs wherever io.run() does, which stays as long as
// the pool lives. For ChannelOptions::loops and ServerOptions::loops, in a program that has an
// io_context already. `io` is run by one thread at most, and outlives the pool.
// Threads: made and destroyed on the thread that runs `io`, not inside a callback of rondo's, or
// while none does.
std::unique_ptr<LoopPool> LoopPoolOn(asio::io_context& io);

// The context that `loop` is a guest on; null for rondo's own loops. Threads: any.
asio::io_context* ContextOf(Loop& loop);

namespace detail {

// A plain callable is rondo's to call: on the channel's loop. Tokens, and callables that are bound
// to an executor, a slot or an allocator, are Asio's.
template <class T, class Result>
concept PlainCallable =
    std::same_as<typename asio::async_result<T, void(Result)>::completion_handler_type, T> &&
    !requires { typename T::executor_type; } && !requires { typename T::cancellation_slot_type; } &&
    !requires { typename T::allocator_type; };
template <class T, class Result>
concept AsioToken = asio::completion_token_for<T, void(Result)> && !PlainCallable<T, Result>;

// Takes a result to the executor of an Asio handler, which has work until then. A handler that is
// dropped hears what it lost: nothing of Asio's is destroyed on another thread.
template <class Handler, class Result>
class ToExecutor {
 public:
  using Executor = asio::associated_executor_t<Handler, asio::system_executor>;
  using Slot = asio::associated_cancellation_slot_t<Handler>;

  explicit ToExecutor(Handler handler)
      : slot_(asio::get_associated_cancellation_slot(handler)),
        work_(asio::get_associated_executor(handler, asio::system_executor())),
        handler_(std::move(handler)) {}
  ToExecutor(ToExecutor&& other) noexcept
      : slot_(other.slot_), work_(std::move(other.work_)), handler_(std::move(other.handler_)) {
    other.handler_.reset();
  }
  ToExecutor& operator=(ToExecutor&&) = delete;
  ~ToExecutor() {
    if (handler_.has_value()) asio::post(work_.get_executor(), Call(Lost<Result>()));
  }

  void operator()(Result result) {
    const Executor executor = work_.get_executor();
    asio::dispatch(executor, Call(std::move(result)));
    work_.reset();
  }
  const Slot& slot() const { return slot_; }

 private:
  auto Call(Result result) {
    Handler handler = *std::move(handler_);
    handler_.reset();
    return [slot = slot_, handler = std::move(handler), result = std::move(result)]() mutable {
      if (slot.is_connected()) slot.clear();
      std::move(handler)(std::move(result));
    };
  }

  Slot slot_;
  asio::executor_work_guard<Executor> work_;
  std::optional<Handler> handler_;
};

// What a cancellation slot holds while the operation is open.
template <class Canceller>
struct SlotCancel {
  void operator()(asio::cancellation_type type) {
    if (type != asio::cancellation_type::none) canceller.Cancel();
  }
  Canceller canceller{};
};

struct BeginForAsio {
  template <class Handler, Operation S>
  void operator()(Handler handler, S start) const {
    ToExecutor<Handler, typename S::Result> to(std::move(handler));
    typename S::Canceller* cancel = nullptr;
    if (auto slot = to.slot(); slot.is_connected()) {
      cancel = &slot.template emplace<SlotCancel<typename S::Canceller>>().canceller;
    }
    std::move(start)(std::move(to), cancel);
  }
};

}  // namespace detail

template <class Token, class Result>
  requires detail::AsioToken<Token, Result>
struct Completion<Token, Result> {
  template <Operation S>
  static auto Begin(S start, Token token) {
    return asio::async_initiate<Token, void(Result)>(detail::BeginForAsio(), token,
                                                     std::move(start));
  }
};

namespace detail {

// What an Asio operation's arguments become in a task: one value, or a tuple.
template <class... Args>
struct ValueOf {
  using type = std::tuple<Args...>;
};
template <class Arg>
struct ValueOf<Arg> {
  using type = Arg;
};
template <>
struct ValueOf<> {
  using type = std::monostate;
};

template <>
struct LostValue<asio::error_code> {
  static asio::error_code Make() { return asio::error::operation_aborted; }
};
template <class... More>
struct LostValue<std::tuple<asio::error_code, More...>> {
  static std::tuple<asio::error_code, More...> Make() {
    return {asio::error::operation_aborted, More()...};
  }
};

// An Asio operation as one of rondo's.
template <class Initiation, class Arguments, class... Args>
class AsioOperation {
 public:
  using Result = typename ValueOf<std::decay_t<Args>...>::type;
  struct Canceller {
    void Cancel() {
      if (signal != nullptr) signal->emit(asio::cancellation_type::terminal);
    }
    std::shared_ptr<asio::cancellation_signal> signal{};
  };

  AsioOperation(Initiation initiation, Arguments arguments)
      : initiation_(std::move(initiation)), arguments_(std::move(arguments)) {}

  template <class Handler>
  void operator()(Handler handler, Canceller* cancel) && {
    auto signal = std::make_shared<asio::cancellation_signal>();
    if (cancel != nullptr) cancel->signal = signal;
    auto call = [handler = std::move(handler), signal](Args... args) mutable {
      handler(Result(std::move(args)...));
    };
    std::apply(
        [&](auto&&... arguments) {
          std::move(initiation_)(asio::bind_cancellation_slot(signal->slot(), std::move(call)),
                                 std::forward<decltype(arguments)>(arguments)...);
        },
        std::move(arguments_));
  }

 private:
  Initiation initiation_;
  Arguments arguments_;
};

}  // namespace detail

}  // namespace rondo

// `co_await timer.async_wait(rondo::use_task)` in a rondo::Task: gives the error code, or a tuple
// of all that the operation tells; goes on on the task's loop; never throws. Dropping the task
// cancels the operation, so what it works on belongs to the task's thread.
template <class... Args>
class asio::async_result<rondo::UseTask, void(Args...)> {
 public:
  template <class Initiation, class... Arguments>
  static auto initiate(Initiation initiation, rondo::UseTask /*token*/, Arguments... arguments) {
    using Operation = rondo::detail::AsioOperation<Initiation, std::tuple<Arguments...>, Args...>;
    return rondo::Awaited<Operation>(
        Operation(std::move(initiation), std::tuple<Arguments...>(std::move(arguments)...)));
  }
};
