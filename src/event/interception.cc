#include "event/interception.h"

#include <exception>

#include "base/text.h"

namespace rondo {

namespace detail {
namespace {

absl::Status CallIsOver() { return absl::CancelledError("the call is over"); }

}  // namespace

// Told what the coroutines came to, or that they went without an end: their loop has stopped.
template <class C>
class InterceptorChain<C>::Ending {
 public:
  explicit Ending(std::shared_ptr<InterceptorChain> chain) : chain_(std::move(chain)) {}
  Ending(Ending&&) noexcept = default;
  Ending& operator=(Ending&&) = delete;
  ~Ending() {
    if (chain_ != nullptr) {
      chain_->End(absl::CancelledError(Cat(chain_->what(), ": the loop has stopped")));
    }
  }
  void operator()(absl::Status status) {
    const auto chain = std::exchange(chain_, nullptr);
    chain->End(std::move(status));
  }

 private:
  std::shared_ptr<InterceptorChain> chain_;
};

// Awaited by the innermost: begins the call, goes on at its end.
template <class C>
class InterceptorChain<C>::Inside {
 public:
  explicit Inside(InterceptorChain& chain) : chain_(chain) {}
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { chain_.waiter_ = nullptr; }
  bool await_ready() const noexcept { return chain_.stage_ != Stage::kBefore; }
  template <TaskPromise P>
  void await_suspend(std::coroutine_handle<P> waiter) {
    chain_.waiter_ = waiter;
    chain_.stage_ = Stage::kInside;
    chain_.OnNext();
  }
  absl::Status await_resume() const {
    if (chain_.stage_ == Stage::kOver) return CallIsOver();
    return chain_.status_;
  }

 private:
  InterceptorChain& chain_;
};

template <class C>
Task<absl::Status> InterceptorChain<C>::Run(C& call) {
  absl::Status status;
  try {
    reached_ = 1;
    Task<absl::Status> first = all_.front()(call, NextOf<C>(this->shared_from_this(), 1));
    status = co_await std::move(first);
  } catch (const std::exception& e) {
    status = absl::UnknownError(Cat(what(), ": an interceptor threw: ", e.what()));
  } catch (...) {
    status = absl::UnknownError(Cat(what(), ": an interceptor threw something"));
  }
  co_return status;
}

template <class C>
Task<absl::Status> InterceptorChain<C>::Go(size_t at, C& call) {
  if (stage_ == Stage::kOver) return TooLate();
  if (at < reached_) return Refused();
  reached_ = at + 1;
  if (at == all_.size()) return Innermost(this->shared_from_this());
  return Step(this->shared_from_this(), at, call);
}

// The next interceptor, unless the call is over when this begins: an interceptor may have handed it
// to another task and returned. Then neither the call nor the interceptors may be there any more.
template <class C>
Task<absl::Status> InterceptorChain<C>::Step(std::shared_ptr<InterceptorChain> chain, size_t at,
                                             C& call) {
  if (chain->stage_ == Stage::kOver) co_return CallIsOver();
  Task<absl::Status> next = chain->all_[at](call, NextOf<C>(chain, at + 1));
  absl::Status status = co_await std::move(next);
  co_return status;
}

template <class C>
Task<absl::Status> InterceptorChain<C>::TooLate() {
  co_return CallIsOver();
}

template <class C>
Task<absl::Status> InterceptorChain<C>::Innermost(std::shared_ptr<InterceptorChain> chain) {
  Inside inside(*chain);
  absl::Status status = co_await inside;
  co_return status;
}

template <class C>
Task<absl::Status> InterceptorChain<C>::Refused() {
  co_return absl::FailedPreconditionError("an interceptor may call next once");
}

template <class C>
void InterceptorChain<C>::Begin(Loop& loop, C& call) {
  const auto keep = this->shared_from_this();
  loop_ = &loop;
  Root root = MakeRoot(Run(call), Ending(keep));
  frame_ = root.frame;
  StartRoot(loop, root);
}

template <class C>
void InterceptorChain<C>::Resume(absl::Status status) {
  const auto keep = this->shared_from_this();
  stage_ = Stage::kAfter;
  status_ = std::move(status);
  if (auto waiter = std::exchange(waiter_, nullptr)) return waiter.resume();
  // Whoever called next has let go of it: the interceptors end by themselves.
}

template <class C>
void InterceptorChain<C>::Drop(Loop& loop) {
  if (std::exchange(stage_, Stage::kOver) == Stage::kOver) return;
  loop.Post([keep = this->shared_from_this()] {
    if (auto frame = std::exchange(keep->frame_, nullptr)) frame.destroy();
    keep->GoOnElsewhere();
  });
}

// An interceptor may have given the rest of the way to another task, which waits inside.
template <class C>
void InterceptorChain<C>::GoOnElsewhere() {
  if (auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
}

template <class C>
void InterceptorChain<C>::End(absl::Status status) {
  frame_ = nullptr;
  const Stage when = std::exchange(stage_, Stage::kOver);
  if (waiter_) {
    loop_->Post([keep = this->shared_from_this()] { keep->GoOnElsewhere(); });
  }
  if (when != Stage::kOver) OnChainEnd(std::move(status), when);
}

}  // namespace detail

template <class C>
Task<absl::Status> NextOf<C>::operator()(C& call) const {
  return chain_->Go(at_, call);
}

template class detail::InterceptorChain<ClientCall>;
template class detail::InterceptorChain<ServerCall>;
template class NextOf<ClientCall>;
template class NextOf<ServerCall>;

}  // namespace rondo
