#pragma once
// Typed handlers over ServerCall. Three ways to write one, told apart by what it returns and takes:
//   a coroutine     Task<absl::StatusOr<Reply>>(ServerCall&, Request)
//   plain           absl::StatusOr<Reply>(ServerCall&, const Request&), on the loop: may not block
//   blocking        the same through Blocking(), on a worker thread (generated: XSyncService)
// and, for streams, with these in the place of the request or after it:
//   server streaming  Task<absl::Status>(ServerCall&, Request, Writer<Reply>&)
//   client streaming  Task<absl::StatusOr<Reply>>(ServerCall&, Reader<Request>&)
//   both              Task<absl::Status>(ServerCall&, ReaderWriter<Request, Reply>&)
// Blocking ones take BlockingWriter and so on, and return the same without Task.
//
// A handler lives until it ends, also when the caller has gone: then call.cancelled() is true,
// reads give nullopt and writes false. What it throws ends the call with UNKNOWN. Server::Drain
// waits for handlers; after Stop they may still run, and a service must outlive them.
// Threads: a call's loop, except blocking handlers.
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/message.h"
#include "rondo/server.h"
#include "rondo/server_stream.h"
#include "rondo/spawn.h"
#include "rondo/task.h"

namespace rondo {

namespace detail {

// Answers a call exactly once, on its loop. A handler that goes without an answer, since its loop
// or its server stops, gets one here.
class Answer {
 public:
  explicit Answer(ServerCall& call)
      : call_(&call), otherwise_(absl::CancelledError("the server is stopping")) {}
  Answer(Answer&& other) noexcept
      : call_(std::exchange(other.call_, nullptr)), otherwise_(std::move(other.otherwise_)) {}
  Answer& operator=(Answer&&) = delete;
  ~Answer();

  ServerCall& call() const { return *call_; }
  void SetOtherwise(absl::Status status) { otherwise_ = std::move(status); }
  void Finish(const absl::Status& status) { std::exchange(call_, nullptr)->Finish(status); }
  template <Message Reply>
  void Finish(const absl::StatusOr<Reply>& reply) {
    if (!reply.ok()) return Finish(reply.status());
    const size_t size = reply->ByteSizeLong();
    if (size > kLargestMessage) return Finish(TooLarge(Method{call_->method()}, size));
    std::exchange(call_, nullptr)->Reply(Frame(*reply, size));
  }

 private:
  ServerCall* call_;
  absl::Status otherwise_;
};

// Of the exception at hand.
absl::Status Thrown(const ServerCall& call);

absl::Status TooManyWait(const ServerCall& call);

template <class T>
inline constexpr bool kIsTask = false;
template <class T>
inline constexpr bool kIsTask<Task<T>> = true;

// Which stream object the handler of a method is given; each is made from a ServerCall.
struct NoStream {
  explicit NoStream(ServerCall& /*call*/) {}
  absl::Status wrong() const { return absl::OkStatus(); }
};
template <class M, bool kBlocking>
struct StreamOf {
  using Req = typename M::Request;
  using Rep = typename M::Reply;
  template <MethodKind kind>
  static auto Pick() {
    using std::conditional_t;
    using std::type_identity;
    if constexpr (kind == MethodKind::kServerStreaming) {
      return type_identity<conditional_t<kBlocking, BlockingWriter<Rep>, Writer<Rep>>>();
    } else if constexpr (kind == MethodKind::kClientStreaming) {
      return type_identity<conditional_t<kBlocking, BlockingReader<Req>, Reader<Req>>>();
    } else if constexpr (kind == MethodKind::kBidirectional) {
      return type_identity<
          conditional_t<kBlocking, BlockingReaderWriter<Req, Rep>, ReaderWriter<Req, Rep>>>();
    } else {
      return type_identity<NoStream>();
    }
  }
  using type = typename decltype(Pick<M::kind>())::type;
};

// What a handler comes to, whichever way it is written.
template <class M>
using OutcomeOf =
    std::conditional_t<M::kind == MethodKind::kUnary || M::kind == MethodKind::kClientStreaming,
                       absl::StatusOr<typename M::Reply>, absl::Status>;
template <class M>
inline constexpr bool kHasRequest =
    M::kind == MethodKind::kUnary || M::kind == MethodKind::kServerStreaming;

template <class M, class F, class Stream>
decltype(auto) Invoke(F& handler, ServerCall& call, typename M::Request& request, Stream& stream) {
  if constexpr (M::kind == MethodKind::kUnary) {
    return handler(call, std::move(request));
  } else if constexpr (M::kind == MethodKind::kServerStreaming) {
    return handler(call, std::move(request), stream);
  } else {
    return handler(call, stream);
  }
}
template <class M, class F, bool kBlocking>
using Returned = decltype(Invoke<M>(std::declval<F&>(), std::declval<ServerCall&>(),
                                    std::declval<typename M::Request&>(),
                                    std::declval<typename StreamOf<M, kBlocking>::type&>()));

// A coroutine handler, from its first step to the answer.
template <class M, class F>
Task<> RunTask(Answer answer, std::shared_ptr<F> handler, typename M::Request request) {
  ServerCall& call = answer.call();
  typename StreamOf<M, false>::type stream(call);
  OutcomeOf<M> outcome = absl::UnknownError("");
  try {
    outcome = co_await Invoke<M>(*handler, call, request, stream);
  } catch (...) {
    outcome = Thrown(call);
  }
  if (absl::Status wrong = stream.wrong(); !wrong.ok()) outcome = std::move(wrong);
  answer.Finish(outcome);
}

// One that returns its outcome, on whichever thread.
template <class M, class F>
OutcomeOf<M> RunPlain(ServerCall& call, F& handler, typename M::Request& request) {
  typename StreamOf<M, true>::type stream(call);
  try {
    OutcomeOf<M> outcome = Invoke<M>(handler, call, request, stream);
    if (absl::Status wrong = stream.wrong(); !wrong.ok()) return wrong;
    return outcome;
  } catch (...) {
    return Thrown(call);
  }
}

// One that blocks: on a worker; the answer is given on the loop.
template <class M, class F>
void RunBlocking(Answer answer, std::shared_ptr<F> handler, typename M::Request request) {
  ServerCall& call = answer.call();
  answer.SetOtherwise(TooManyWait(call));
  call.RunOnWorker([answer = std::move(answer), handler = std::move(handler),
                    request = std::move(request)]() mutable {
    ServerCall& c = answer.call();
    answer.SetOtherwise(absl::CancelledError("the server is stopping"));
    OutcomeOf<M> outcome = RunPlain<M>(c, *handler, request);
    c.loop().Post([answer = std::move(answer), outcome = std::move(outcome)]() mutable {
      answer.Finish(outcome);
    });
  });
}

template <class M, class F, bool kBlocking>
ServerMethod MakeMethod(const M& method, F handler) {
  using R = Returned<M, F, kBlocking>;
  static_assert(
      std::same_as<R, OutcomeOf<M>> || (!kBlocking && std::same_as<R, Task<OutcomeOf<M>>>),
      "a handler returns absl::StatusOr<Reply> (absl::Status where replies are streamed), "
      "or a rondo::Task of it");
  static_assert(kBlocking || kIsTask<R> || M::kind == MethodKind::kUnary,
                "a streaming handler that returns no rondo::Task would block: use Blocking()");
  return {&method, [shared = std::make_shared<F>(std::move(handler)), path = method.path](
                       ServerCall& call, Bytes bytes) {
            typename M::Request request;
            if (kHasRequest<M> && !Parse(bytes, request)) {
              return call.Finish(CannotParse(Method{path}, "request"));
            }
            Answer answer(call);
            if constexpr (kBlocking) {
              RunBlocking<M>(std::move(answer), shared, std::move(request));
            } else if constexpr (kIsTask<R>) {
              SpawnHere(call.loop(), RunTask<M>(std::move(answer), shared, std::move(request)),
                        [] {});
            } else {
              answer.Finish(RunPlain<M>(call, *shared, request));
            }
          }};
}

}  // namespace detail

// What a generated method answers that isn't overridden.
absl::Status Unimplemented(const ServerCall& call);

// A handler of a method: a coroutine or a plain function, as its return type says.
template <class M, class F>
ServerMethod Handler(const M& method, F handler) {
  return detail::MakeMethod<M, F, false>(method, std::move(handler));
}
// A handler that may block, on one of the server's workers. Of its ServerCall it uses what is said
// to be free for any thread, the metadata, AddHeader and AddTrailer.
template <class M, class F>
ServerMethod Blocking(const M& method, F handler) {
  return detail::MakeMethod<M, F, true>(method, std::move(handler));
}

// `Handle(server, EchoMethods::UnaryEcho, [](ServerCall&, EchoRequest request) ...)`, before Start.
template <class M, class F>
void Handle(Server& server, const M& method, F handler) {
  server.Handle(Handler(method, std::move(handler)));
}

}  // namespace rondo
