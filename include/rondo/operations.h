#pragma once
// The operations of typed calls, as tokens begin them (token.h). For stub.h; users needn't read it.
// Threads: begun by one thread; what they hand to the call runs on the channel's loop.
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/call.h"
#include "rondo/channel.h"
#include "rondo/message.h"
#include "rondo/token.h"

namespace rondo::detail {

// A unary call, prepared.
template <Message Reply>
class UnaryStart {
 public:
  using Result = absl::StatusOr<Reply>;
  using Canceller = CallCanceller;

  template <Message Request>
  UnaryStart(const Channel& channel, const Method& method, const Request& request,
             const CallOptions& options)
      : method_(&method), loop_(&channel.loop()) {
    const size_t size = request.ByteSizeLong();
    // One that protobuf can't write is left to the loop to refuse, as nothing calls back inline.
    if (size > kLargestMessage) {
      refused_ = TooLarge(method, size);
      return;
    }
    call_.emplace(channel.Unary(method, options, size));
    if (uint8_t* body = call_->body()) request.SerializeWithCachedSizesToArray(body);
  }

  Loop& loop() const { return *loop_; }
  template <class Handler>
  void operator()(Handler handler, CallCanceller* cancel) && {
    if (!call_.has_value()) {
      loop_->Post([handler = std::move(handler), why = std::move(refused_)]() mutable {
        handler(Result(std::move(why)));
      });
      return;
    }
    std::move(*call_).Start(
        [handler = std::move(handler), method = method_](UnaryResult end) mutable {
          if (!end.status.ok()) return void(handler(Result(std::move(end.status))));
          Result reply(absl::in_place_t{});
          if (!Parse(end.message, *reply)) reply = CannotParse(*method, "reply");
          handler(std::move(reply));
        },
        cancel);
  }

 private:
  std::optional<UnaryCall> call_;
  const Method* method_;
  Loop* loop_;
  absl::Status refused_;
};

// What a stream's object and its open operations share. Callbacks don't touch `call`: the object
// may be dropping it on another thread meanwhile.
class StreamState {
 public:
  StreamState(const Channel& channel, const Method& m, const CallOptions& options)
      : call(channel.Stream(m, options)), method(m), loop_(channel.loop()) {}
  bool BlocksHere() {
    if (!loop_.IsHere()) return false;
    SetWrong(WouldBlock(method));
    return true;
  }
  // What this end found wrong: it takes the place of the call's own status.
  void SetWrong(absl::Status status) {
    const std::lock_guard lock(mutex_);
    if (wrong_.ok()) wrong_ = std::move(status);
  }
  absl::Status wrong() {
    const std::lock_guard lock(mutex_);
    return wrong_;
  }

  Loop& loop() const { return loop_; }

  StreamCall call;
  const Method& method;

 private:
  Loop& loop_;  // The call keeps it.
  std::mutex mutex_;
  absl::Status wrong_;
};
using StreamRef = std::shared_ptr<StreamState>;

struct StreamCanceller {
  void Cancel() {
    if (StreamRef s = stream.lock()) s->call.Cancel();
  }
  std::weak_ptr<StreamState> stream;
};

// The operations of a stream. The stream outlives them; their callbacks keep its memory.
class StreamStart {
 public:
  using Canceller = StreamCanceller;
  explicit StreamStart(StreamRef stream) : stream_(std::move(stream)) {}
  Loop& loop() const { return stream_->loop(); }

 protected:
  StreamState& Begin(StreamCanceller* cancel) {
    if (cancel != nullptr) cancel->stream = stream_;
    return *stream_;
  }
  const StreamRef& stream() const { return stream_; }

 private:
  StreamRef stream_;
};

template <Message Reply>
std::optional<Reply> ParseReply(std::optional<Bytes> bytes, StreamState& stream) {
  std::optional<Reply> reply;
  if (bytes.has_value() && !Parse(*bytes, reply.emplace())) {
    reply.reset();
    stream.SetWrong(CannotParse(stream.method, "reply"));
  }
  return reply;
}

template <Message Reply>
class ReadStart : public StreamStart {
 public:
  using Result = std::optional<Reply>;
  using StreamStart::StreamStart;
  template <class Handler>
  void operator()(Handler handler, StreamCanceller* cancel) && {
    Begin(cancel).call.Read(
        [handler = std::move(handler), s = stream()](std::optional<Bytes> bytes) mutable {
          handler(ParseReply<Reply>(bytes, *s));
        });
  }
};

class WriteStart : public StreamStart {
 public:
  using Result = bool;
  template <Message Request>
  WriteStart(StreamRef stream_ref, const Request& request, bool last, WriteOptions options)
      : StreamStart(std::move(stream_ref)), last_(last), options_(options) {
    const size_t size = request.ByteSizeLong();
    if (size <= kLargestMessage) {
      framed_ = Frame(request, size);
    } else {
      stream()->SetWrong(TooLarge(stream()->method, size));
    }
  }
  template <class Handler>
  void operator()(Handler handler, StreamCanceller* cancel) && {
    StreamState& s = Begin(cancel);
    if (framed_.size() == 0) s.call.Cancel();  // Then the write hears that the call is over.
    s.call.Write(std::move(framed_), last_, std::move(handler), options_);
  }

 private:
  Slice framed_;
  bool last_;
  WriteOptions options_;
};

class HeadersStart : public StreamStart {
 public:
  using Result = Metadata;
  using StreamStart::StreamStart;
  template <class Handler>
  void operator()(Handler handler, StreamCanceller* cancel) && {
    Begin(cancel).call.Headers(
        [handler = std::move(handler)](const Metadata& headers) mutable { handler(headers); });
  }
};

class FinishStart : public StreamStart {
 public:
  using Result = absl::Status;
  using StreamStart::StreamStart;
  template <class Handler>
  void operator()(Handler handler, StreamCanceller* cancel) && {
    StreamState& s = Begin(cancel);
    if (!s.wrong().ok()) s.call.Cancel();
    s.call.Finish([handler = std::move(handler), s = stream()](absl::Status end) mutable {
      absl::Status wrong = s->wrong();
      handler(wrong.ok() ? std::move(end) : std::move(wrong));
    });
  }
};

// The one reply of a client-streaming call, and the end.
template <Message Reply>
class FinishWithReplyStart : public StreamStart {
 public:
  using Result = absl::StatusOr<Reply>;
  using StreamStart::StreamStart;
  template <class Handler>
  void operator()(Handler handler, StreamCanceller* cancel) && {
    StreamState& s = Begin(cancel);
    s.call.WritesDone();
    // The read is told before the end.
    auto reply = std::make_shared<std::optional<Reply>>();
    s.call.Read([reply, s = stream()](std::optional<Bytes> bytes) {
      *reply = ParseReply<Reply>(bytes, *s);
    });
    s.call.Finish([handler = std::move(handler), reply, s = stream()](absl::Status end) mutable {
      if (absl::Status wrong = s->wrong(); !wrong.ok()) end = std::move(wrong);
      if (!end.ok()) return void(handler(Result(std::move(end))));
      // The channel itself refuses an OK without a reply.
      handler(reply->has_value() ? Result(std::move(**reply)) : Lost<Result>());
    });
  }
};

}  // namespace rondo::detail
