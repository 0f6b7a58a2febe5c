#pragma once
// What handlers of streaming methods read from and write to. Made by service.h for one call; they
// live until the handler has ended.
// Threads: Reader, Writer, ReaderWriter: the call's loop. Blocking ones: any but a loop's.
#include <coroutine>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "rondo/message.h"
#include "rondo/server.h"
#include "rondo/task.h"
#include "rondo/token.h"

namespace rondo {

namespace detail {

// One direction of a call, for coroutines: where the answer to what was asked of the call arrives.
template <class Value>
class Inlet {
 public:
  bool open() const { return open_; }  // Asked, not yet answered.
  bool waited_for() const { return waiter_ != nullptr; }
  bool has_value() const { return value_.has_value(); }
  void Open() { open_ = true; }
  void SetWaiter(std::coroutine_handle<> waiter) { waiter_ = waiter; }
  std::optional<Value> Take() { return std::exchange(value_, std::nullopt); }
  void Put(Value value) {
    open_ = false;
    value_.emplace(std::move(value));
    if (auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
  }

 private:
  bool open_ = false;
  std::optional<Value> value_;
  std::coroutine_handle<> waiter_;
};

// What a handler awaits: the inlet's next value, or Value() at once where it may not wait.
template <class Value, class Ask>
class [[nodiscard]] FromInlet {
 public:
  FromInlet(Inlet<Value>& inlet, bool refused, Ask ask)
      : inlet_(&inlet), refused_(refused), ask_(std::move(ask)) {}
  FromInlet(FromInlet&& other) noexcept
      : inlet_(other.inlet_), refused_(other.refused_), ask_(std::move(other.ask_)) {}
  FromInlet& operator=(FromInlet&&) = delete;
  ~FromInlet() {
    if (waits_) inlet_->SetWaiter(nullptr);
  }
  bool await_ready() const noexcept {
    return refused_ || inlet_->waited_for() || inlet_->has_value();
  }
  template <TaskPromise P>
  void await_suspend(std::coroutine_handle<P> waiter) {
    inlet_->SetWaiter(waiter);
    waits_ = true;
    if (inlet_->open()) return;
    inlet_->Open();
    ask_();
  }
  Value await_resume() {
    waits_ = false;
    return refused_ ? Value() : inlet_->Take().value_or(Value());
  }

 private:
  Inlet<Value>* inlet_;
  bool refused_;
  Ask ask_;
  bool waits_ = false;
};

// The call of a stream object, and what it found wrong: that takes the place of the handler's own
// status.
class ServerStream {
 public:
  explicit ServerStream(ServerCall& call) : call_(&call) {}
  ServerStream(const ServerStream&) = delete;
  ServerStream& operator=(const ServerStream&) = delete;
  const absl::Status& wrong() const { return wrong_; }

 protected:
  ~ServerStream() = default;
  ServerCall& call() const { return *call_; }
  template <Message Request>
  std::optional<Request> ParseRequest(std::optional<Bytes> bytes) {
    std::optional<Request> request;
    if (bytes.has_value() && !Parse(*bytes, request.emplace())) {
      request.reset();
      wrong_ = CannotParse(Method{call_->method()}, "request");
    }
    return request;
  }
  template <Message Reply>
  Slice FrameReply(const Reply& reply) {  // Empty if it can't be.
    const size_t size = reply.ByteSizeLong();
    if (size <= kLargestMessage) return Frame(reply, size);
    wrong_ = TooLarge(Method{call_->method()}, size);
    return {};
  }

 private:
  ServerCall* call_;
  absl::Status wrong_;
};

}  // namespace detail

template <Message Request>
class Reader : public detail::ServerStream {
 public:
  using ServerStream::ServerStream;
  // `co_await reader.Read()`: the next request; nullopt: no more, or the caller has gone, or
  // another Read is open. A Read that was dropped while it waited leaves its request to the next.
  auto Read() {
    return detail::FromInlet(inlet_, false, [this] {
      call().Read([this](std::optional<Bytes> bytes) { inlet_.Put(ParseRequest<Request>(bytes)); });
    });
  }

 private:
  detail::Inlet<std::optional<Request>> inlet_;
};

template <Message Reply>
class Writer : public detail::ServerStream {
 public:
  using ServerStream::ServerStream;
  // `co_await writer.Write(reply)`: true: taken, there is room for the next. False: the call is
  // over, or another Write is open. The reply is serialised before this returns.
  auto Write(const Reply& reply) { return Write(reply, WriteOptions()); }
  auto Write(const Reply& reply, WriteOptions options) {
    inlet_.Take();  // Of a Write that was dropped.
    Slice framed = inlet_.open() ? Slice() : FrameReply(reply);
    const bool refused = framed.size() == 0;
    return detail::FromInlet(
        inlet_, refused, [this, framed = std::move(framed), options]() mutable {
          call().Write(std::move(framed), [this](bool room) { inlet_.Put(room); }, options);
        });
  }

 private:
  detail::Inlet<bool> inlet_;
};

// Both ways, independently of each other.
template <Message Request, Message Reply>
class ReaderWriter {
 public:
  explicit ReaderWriter(ServerCall& call) : reader_(call), writer_(call) {}
  auto Read() { return reader_.Read(); }
  auto Write(const Reply& reply) { return writer_.Write(reply); }
  auto Write(const Reply& reply, WriteOptions options) { return writer_.Write(reply, options); }
  const absl::Status& wrong() const {
    return reader_.wrong().ok() ? writer_.wrong() : reader_.wrong();
  }

 private:
  Reader<Request> reader_;
  Writer<Reply> writer_;
};

// ---- The same for blocking handlers, on a worker thread.

template <Message Request>
class BlockingReader : public detail::ServerStream {
 public:
  using ServerStream::ServerStream;
  std::optional<Request> Read() {
    using Value = std::optional<Request>;
    detail::Blocked<Value> blocked;
    call().loop().Post(
        [this, to = detail::Delivery<Value, decltype(&blocked)>(&blocked)]() mutable {
          call().Read([this, to = std::move(to)](std::optional<Bytes> bytes) mutable {
            to(ParseRequest<Request>(bytes));
          });
        });
    return blocked.Wait();
  }
};

template <Message Reply>
class BlockingWriter : public detail::ServerStream {
 public:
  using ServerStream::ServerStream;
  bool Write(const Reply& reply) { return Write(reply, WriteOptions()); }
  bool Write(const Reply& reply, WriteOptions options) {
    Slice framed = FrameReply(reply);
    if (framed.size() == 0) return false;
    detail::Blocked<bool> blocked;
    call().loop().Post([this, framed = std::move(framed), options,
                        to = detail::Delivery<bool, decltype(&blocked)>(&blocked)]() mutable {
      call().Write(std::move(framed), std::move(to), options);
    });
    return blocked.Wait();
  }
};

template <Message Request, Message Reply>
class BlockingReaderWriter {
 public:
  explicit BlockingReaderWriter(ServerCall& call) : reader_(call), writer_(call) {}
  std::optional<Request> Read() { return reader_.Read(); }
  bool Write(const Reply& reply) { return writer_.Write(reply); }
  bool Write(const Reply& reply, WriteOptions options) { return writer_.Write(reply, options); }
  const absl::Status& wrong() const {
    return reader_.wrong().ok() ? writer_.wrong() : reader_.wrong();
  }

 private:
  BlockingReader<Request> reader_;
  BlockingWriter<Reply> writer_;
};

}  // namespace rondo
