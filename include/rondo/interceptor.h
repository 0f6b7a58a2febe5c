#pragma once
// Interceptors: code around the calls of a channel or server, unary and streaming alike.
//   Task<absl::Status> Timed(ClientCall& call, ClientNext next) {
//     const Time begin = call.loop().Now();          // before the call
//     absl::Status status = co_await next(call);     // the call, and the interceptors behind
//     Record(call.method().path, call.loop().Now() - begin, status);
//     co_return status;                              // after it
//   }
// They stand in the options in order: the first one is the outermost. What one throws ends the call
// with UNKNOWN.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rondo/attempt.h"
#include "rondo/call.h"
#include "rondo/loop.h"
#include "rondo/metadata.h"
#include "rondo/server.h"
#include "rondo/task.h"
#include "rondo/time.h"

namespace rondo {

namespace detail {
template <class C>
class InterceptorChain;
}

// The rest of the way: `co_await next(call)` gives the status of the call. At most once, else
// FAILED_PRECONDITION; CANCELLED, and nothing is run, once the call is over. An interceptor that
// doesn't go on ends the call with what it returns, which then may not be OK.
template <class C>
class NextOf {
 public:
  NextOf(std::shared_ptr<detail::InterceptorChain<C>> chain, size_t at)
      : chain_(std::move(chain)), at_(at) {}
  Task<absl::Status> operator()(C& call) const;

 private:
  std::shared_ptr<detail::InterceptorChain<C>> chain_;
  size_t at_;
};

// A channel's call as its interceptors see it. With its retries and hedges it is one call.
// Threads: the channel's loop. It lives as long as the interceptors' coroutines.
class ClientCall {
 public:
  const Method& method() const { return *method_; }
  Loop& loop() const { return *loop_; }

  // ---- Before next.
  Metadata& metadata() { return metadata_; }  // Of the request, as it will be sent.
  std::optional<Time> deadline() const { return deadline_; }
  void ShortenDeadline(Time deadline) {  // A later one changes nothing.
    deadline_ = deadline_.has_value() ? std::min(*deadline_, deadline) : deadline;
  }

  // ---- After next; empty before.
  const Metadata& headers() const { return headers_; }  // The server's.
  const Metadata& trailers() const { return trailers_; }
  const std::vector<Attempt>& attempts() const { return attempts_; }

 protected:
  ClientCall(const Method& method, Loop& loop) : method_(&method), loop_(&loop) {}
  ~ClientCall() = default;
  const Method* method_;
  Loop* loop_;
  Metadata metadata_, headers_, trailers_;
  std::optional<Time> deadline_;
  std::vector<Attempt> attempts_;
};

using ClientNext = NextOf<ClientCall>;
using ServerNext = NextOf<ServerCall>;

// In ChannelOptions::interceptors. It runs on the channel's loop and may not block it. While it
// waits before `next`, the call's deadline and cancellation count: they end the call, and the
// coroutine is dropped where it waits. After `next` the caller waits for it. It may turn a failure
// into another, or OK into a failure, but no failure into OK: there is no reply.
using ClientInterceptor = std::function<Task<absl::Status>(ClientCall&, ClientNext)>;

// In ServerOptions::interceptors, the first is the outermost. Seen are calls whose handler is about
// to begin; not: unknown methods, request headers that are refused, calls that admission refuses,
// and unary calls that end before their request is complete. It runs on the call's loop, before and
// after the handler; the handler's reply to a unary call is held until it has ended. Headers and
// trailers may be added, the call is not read from or finished.
using ServerInterceptor = std::function<Task<absl::Status>(ServerCall&, ServerNext)>;

}  // namespace rondo
