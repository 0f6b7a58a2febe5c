#pragma once
// A call without types: what generated stubs stand on (stub.h), and what a proxy or a CLI uses.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "rondo/attempt.h"
#include "rondo/compression.h"
#include "rondo/credentials.h"
#include "rondo/function.h"
#include "rondo/metadata.h"
#include "rondo/slice.h"
#include "rondo/time.h"

namespace rondo {

class Loop;
class ServerCall;

// One method of a service. Generated code holds one constant for each, in static storage.
struct Method {
  std::string_view path;  // "/package.Service/Method"
  bool client_streams = false, server_streams = false;
};

// Metadata to send, lent for the length of one call statement: rondo copies it before that returns.
struct MetadataView {
  MetadataView() = default;
  MetadataView(const Metadata& m) : metadata(&m) {}  // NOLINT(google-explicit-constructor)
  const Metadata* metadata = nullptr;
};

// Trivially copyable on purpose: `co_await stub.M(request, {.timeout = 1s})` is then safe with
// g++ 12.
struct CallOptions {
  Duration timeout{};  // Longest time of the whole call; 0: none.
  Time deadline{};     // The same as a point in time; the earlier of the two counts.
  std::optional<bool> wait_for_ready{};      // Unset: as the service config says, else false.
  MetadataView metadata{};                   // Request metadata.
  std::optional<uint64_t> affinity_key{};    // For policies that hash (ring_hash).
  std::optional<Compression> compression{};  // Of requests. Unset: ChannelOptions::compression.
  // Besides those of the channel; lives until the call completes. With a secret on a plaintext
  // channel the call fails with UNAUTHENTICATED.
  CallCredentials* credentials{};
  // The call that is being served, for which this one is made; lent for the statement, before its
  // Finish. Its deadline counts too, when it is cancelled so is this call, and of its metadata
  // ChannelOptions::forward_metadata goes along.
  const ServerCall* parent{};
  CallReport* report{};  // Filled in before the call completes; must live until then.
};
static_assert(std::is_trivially_copyable_v<CallOptions> && std::is_aggregate_v<CallOptions>);

namespace channel {
class Call;
class Core;
}  // namespace channel

// The end of a unary call: OK and the reply's bytes, or why not. The bytes are lent until the
// callback returns.
struct UnaryResult {
  absl::Status status;
  Bytes message;
};

// A unary call that is being prepared: write the request into body(), then Start. Dropping it
// without Start gives it up.
// Threads: one thread prepares and starts it.
class UnaryCall {
 public:
  UnaryCall(UnaryCall&&) noexcept;
  UnaryCall& operator=(UnaryCall&&) noexcept;
  ~UnaryCall();
  uint8_t* body();  // As many bytes as were asked for.
  // `done` is called once, on the channel's loop, never inline. Cancelling through `cancel`, when
  // it isn't null, works from any thread until then.
  void Start(Function<void(UnaryResult)> done, class CallCanceller* cancel = nullptr) &&;

 private:
  friend class Channel;
  explicit UnaryCall(channel::Call* call) : call_(call) {}
  channel::Call* call_;
};

// Cancels one call, from any thread, at most once; harmless after its end.
class CallCanceller {
 public:
  CallCanceller() = default;
  CallCanceller(CallCanceller&& other) noexcept;
  CallCanceller& operator=(CallCanceller&& other) noexcept;
  ~CallCanceller();
  void Cancel();

 private:
  friend class UnaryCall;
  explicit CallCanceller(channel::Call* call) : call_(call) {}
  channel::Call* call_ = nullptr;
};

// A streaming call. One Read, one Write and one Finish may be open at a time; a second one gets
// FAILED_PRECONDITION's effect at once: its callback hears "over". Dropping the object cancels the
// call, and no callback runs afterwards.
// Threads: any, one at a time. Callbacks run on the channel's loop, never inline.
class StreamCall {
 public:
  StreamCall() = default;
  StreamCall(StreamCall&&) noexcept;
  StreamCall& operator=(StreamCall&&) noexcept;
  ~StreamCall();

  // A message, framed (FrameMessage makes one). `done(true)`: taken, there is room for the
  // next; false: the call is over, Finish says why. `last`: this is also the end of the requests.
  // Compressed here, on the caller's thread, if the call has a compression.
  void Write(Slice framed, bool last, Function<void(bool)> done, WriteOptions options = {});
  void WritesDone();  // No more requests.
  // The next reply, lent until the callback returns; nullopt: there is none, Finish says why.
  void Read(Function<void(std::optional<Bytes>)> done);
  // The server's initial metadata, as soon as it is there (empty if the call ended without).
  void Headers(Function<void(const Metadata&)> done);
  // The end. Replies that nobody read are dropped.
  void Finish(Function<void(absl::Status)> done);
  void Cancel();
  // What was tried, always recorded; empty until the call has ended. For a unary call, and for
  // metadata and times besides: CallOptions::report.
  std::vector<Attempt> Attempts() const;

 private:
  friend class Channel;
  explicit StreamCall(channel::Call* call) : call_(call) {}
  channel::Call* call_ = nullptr;
};

}  // namespace rondo
