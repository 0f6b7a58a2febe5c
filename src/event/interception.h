#pragma once
// The interceptors of one call, in a row: rondo/interceptor.h. The call derives what is inside.
// Threads: the loop's.
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "rondo/interceptor.h"
#include "rondo/spawn.h"

namespace rondo::detail {

template <class C>
class InterceptorChain : public std::enable_shared_from_this<InterceptorChain<C>> {
 public:
  using Interceptor = std::function<Task<absl::Status>(C&, NextOf<C>)>;
  enum class Stage : uint8_t {
    kBefore,  // `next` of the last one has not been called.
    kInside,  // The call is at work.
    kAfter,   // It has ended, the interceptors haven't.
    kOver,
  };

  // Not empty; outlives the interceptors' coroutines.
  explicit InterceptorChain(const std::vector<Interceptor>& all) : all_(all) {}
  InterceptorChain(const InterceptorChain&) = delete;
  InterceptorChain& operator=(const InterceptorChain&) = delete;

  Stage stage() const { return stage_; }
  // Runs until the first one waits.
  void Begin(Loop& loop, C& call);
  // What is inside has ended.
  void Resume(absl::Status status);
  // Nobody wants to hear of it any more. Its coroutines go in a later turn: this may be one of
  // them.
  void Drop(Loop& loop);

 protected:
  virtual ~InterceptorChain() = default;
  virtual void OnNext() = 0;  // Begin what is inside. Not called after Drop.
  // They have ended with this; stage() still says when. Not called after Drop.
  virtual void OnChainEnd(absl::Status status, Stage when) = 0;
  virtual std::string_view what() const = 0;  // For texts: the method's path.

 private:
  friend class NextOf<C>;
  class Ending;
  class Inside;
  Task<absl::Status> Run(C& call);
  Task<absl::Status> Go(size_t at, C& call);
  static Task<absl::Status> Step(std::shared_ptr<InterceptorChain> chain, size_t at, C& call);
  static Task<absl::Status> Innermost(std::shared_ptr<InterceptorChain> chain);
  void GoOnElsewhere();
  static Task<absl::Status> Refused();
  static Task<absl::Status> TooLate();
  void End(absl::Status status);

  const std::vector<Interceptor>& all_;
  size_t reached_ = 0;  // So many have been begun: each but the last has called next.
  Stage stage_ = Stage::kBefore;
  absl::Status status_;
  Loop* loop_ = nullptr;
  std::coroutine_handle<> waiter_;  // Inside.
  std::coroutine_handle<Root::promise_type> frame_;
};

}  // namespace rondo::detail
