#pragma once
// Typed calls: what generated stubs are made of. Nothing that is passed to them has to outlive the
// statement (but CallOptions::report): requests are serialised before a function returns.
// Threads: a stub's and a stream's methods, any thread, one at a time for a stream.
#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/call.h"
#include "rondo/channel.h"
#include "rondo/message.h"
#include "rondo/operations.h"
#include "rondo/token.h"

namespace rondo {

// Tells a token from options where both could stand.
template <class T>
concept Token = !std::same_as<std::remove_cvref_t<T>, CallOptions> &&
                !std::same_as<std::remove_cvref_t<T>, WriteOptions>;

// ---- Unary calls.

template <class M, class Tok>
auto CallUnary(const Channel& channel, const M& method, const typename M::Request& request,
               const CallOptions& options, Tok&& token) {
  return Begin(detail::UnaryStart<typename M::Reply>(channel, method, request, options),
               std::forward<Tok>(token));
}
// Blocks. FAILED_PRECONDITION on the channel's loop, which would wait for itself.
template <class M>
absl::StatusOr<typename M::Reply> CallUnary(const Channel& channel, const M& method,
                                            const typename M::Request& request,
                                            const CallOptions& options) {
  if (channel.WouldBlock()) return detail::WouldBlock(method);
  return Block(detail::UnaryStart<typename M::Reply>(channel, method, request, options));
}

// ---- Streams. Each method without a token blocks, with one it is asynchronous; the token's result
// is what the method without one returns. One Read and one Write may be open at a time. Dropping
// the stream cancels the call; it outlives the operations that are open.

// What all streams have.
class Stream {
 public:
  Stream(const Channel& channel, const Method& method, const CallOptions& options)
      : state_(std::make_shared<detail::StreamState>(channel, method, options)) {}
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Stream() {
    if (state_ != nullptr) state_->call = StreamCall();  // Open operations keep the state.
  }

  // The server's initial metadata, as soon as it is there (empty if the call ended without).
  Metadata Headers() {
    return state_->BlocksHere() ? Metadata() : Block(detail::HeadersStart(state_));
  }
  template <Token Tok>
  auto Headers(Tok&& token) {
    return Begin(detail::HeadersStart(state_), std::forward<Tok>(token));
  }
  void Cancel() { state_->call.Cancel(); }
  // What was tried, always recorded; empty until the call has ended.
  std::vector<Attempt> Attempts() const { return state_->call.Attempts(); }

 protected:
  const detail::StreamRef& state() const { return state_; }

  template <class M>
  bool WriteMessage(const M& message, WriteOptions options) {
    return !state_->BlocksHere() && Block(detail::WriteStart(state_, message, false, options));
  }
  absl::Status FinishStatus() {
    return state_->BlocksHere() ? state_->wrong() : Block(detail::FinishStart(state_));
  }

 private:
  detail::StreamRef state_;
};

// Server streaming: one request, many replies.
template <Message Reply>
class [[nodiscard]] ReadStream : public Stream {
 public:
  template <Message Request>
  ReadStream(const Channel& channel, const Method& method, const Request& request,
             const CallOptions& options)
      : Stream(channel, method, options) {
    detail::WriteStart(state(), request, true, WriteOptions())([](bool) {}, nullptr);
  }

  // The next reply; nullopt: there is none, Finish says why.
  std::optional<Reply> Read() {
    if (state()->BlocksHere()) return std::nullopt;
    return Block(detail::ReadStart<Reply>(state()));
  }
  template <Token Tok>
  auto Read(Tok&& token) {
    return Begin(detail::ReadStart<Reply>(state()), std::forward<Tok>(token));
  }
  // The end. Replies that nobody read are dropped.
  [[nodiscard]] absl::Status Finish() { return FinishStatus(); }
  template <Token Tok>
  auto Finish(Tok&& token) {
    return Begin(detail::FinishStart(state()), std::forward<Tok>(token));
  }
};

// Client streaming: many requests, one reply.
template <Message Request, Message Reply>
class [[nodiscard]] WriteStream : public Stream {
 public:
  using Stream::Stream;

  // True: taken, there is room for the next. False: the call is over, Finish says why.
  bool Write(const Request& message) { return WriteMessage(message, WriteOptions()); }
  bool Write(const Request& message, WriteOptions options) {
    return WriteMessage(message, options);
  }
  template <Token Tok>
  auto Write(const Request& message, Tok&& token) {
    return Write(message, WriteOptions(), std::forward<Tok>(token));
  }
  template <Token Tok>
  auto Write(const Request& message, WriteOptions options, Tok&& token) {
    return Begin(detail::WriteStart(state(), message, false, options), std::forward<Tok>(token));
  }
  // No more requests, then the one reply.
  [[nodiscard]] absl::StatusOr<Reply> Finish() {
    if (state()->BlocksHere()) return state()->wrong();
    return Block(detail::FinishWithReplyStart<Reply>(state()));
  }
  template <Token Tok>
  auto Finish(Tok&& token) {
    return Begin(detail::FinishWithReplyStart<Reply>(state()), std::forward<Tok>(token));
  }
};

// Both ways, independently of each other.
template <Message Request, Message Reply>
class [[nodiscard]] ReadWriteStream : public Stream {
 public:
  using Stream::Stream;

  std::optional<Reply> Read() {
    if (state()->BlocksHere()) return std::nullopt;
    return Block(detail::ReadStart<Reply>(state()));
  }
  template <Token Tok>
  auto Read(Tok&& token) {
    return Begin(detail::ReadStart<Reply>(state()), std::forward<Tok>(token));
  }
  bool Write(const Request& message) { return WriteMessage(message, WriteOptions()); }
  bool Write(const Request& message, WriteOptions options) {
    return WriteMessage(message, options);
  }
  template <Token Tok>
  auto Write(const Request& message, Tok&& token) {
    return Write(message, WriteOptions(), std::forward<Tok>(token));
  }
  template <Token Tok>
  auto Write(const Request& message, WriteOptions options, Tok&& token) {
    return Begin(detail::WriteStart(state(), message, false, options), std::forward<Tok>(token));
  }
  void WritesDone() { state()->call.WritesDone(); }
  [[nodiscard]] absl::Status Finish() { return FinishStatus(); }
  template <Token Tok>
  auto Finish(Tok&& token) {
    return Begin(detail::FinishStart(state()), std::forward<Tok>(token));
  }
};

}  // namespace rondo
