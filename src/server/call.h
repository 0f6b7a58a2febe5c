#pragma once
// One call on the server: a ServerCall over a transport::Stream. It lives from the request's
// headers until both its handler and its stream have ended, whichever is later. Threads: its
// loop's. After that loop has stopped: the one that calls Finish.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/block_cache.h"
#include "event/event_loop.h"
#include "rondo/server.h"
#include "server/call_interception.h"
#include "server/request_head.h"
#include "transport/stream.h"

namespace rondo::server {

class Connection;
class Core;
class Shard;
class WorkerPool;
struct Route;

// What calls keep of a connection that has gone, while their handlers run on.
struct Origin {
  std::string peer;
  std::shared_ptr<Core> core;
  std::shared_ptr<const PeerIdentity> identity = nullptr;
};

class Call final : public ServerCall, private transport::StreamHandler {
 public:
  explicit Call(Shard& shard);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // ---- The connection's side. Exactly one of these begins a call; all want OnCall to return the
  // stream and the handler afterwards.
  // `admitted`: it counts as Admission counts.
  void Begin(Connection& connection, const Route& route, const RequestHead& head, bool admitted);
  // Answers it with trailers. `known`: the path of its method, for those who measure.
  void BeginRefused(Connection& connection, RequestHead& head, std::string_view known = {});
  void BeginHttp(Connection& connection, RequestHead::Kind answer);  // Answers it in plain HTTP.
  Metadata& metadata_to_fill() { return metadata_; }
  transport::Stream& stream() { return stream_; }
  transport::StreamHandler& handler() { return *this; }
  // The connection goes; its stream has ended or will. The handler may run on.
  void Detach(std::shared_ptr<const Origin> origin);
  // The loop stops: what the handler waits for is told now; later it may Finish on any thread.
  void SetAdrift();
  std::shared_ptr<const Origin> TakeOrigin() { return std::move(origin_); }
  void Clear();  // As new, with the memory it had.

  // ---- ServerCall.
  void OnCancel(Function<void()> on_cancel) override;
  void SendHeaders() override;
  void Read(Function<void(std::optional<Bytes>)> done) override;
  void Write(Slice framed, Function<void(bool)> done, WriteOptions options) override;
  bool SetCompression(Compression compression) override;
  void Finish(const absl::Status& status) override;
  void Reply(Slice framed) override;
  bool RunOnWorker(Function<void()> work) override;

  // ---- Its interceptors; call_interception.cc.
  void RunHandler();
  void OnIntercepted(absl::Status status, CallInterception::Stage when);

  // Whichever list it is in.
  Call *prev = nullptr, *next = nullptr;

 private:
  class Pin;
  template <void (Call::*kMethod)()>
  struct TimerOf final : event::TimerNode {
    explicit TimerOf(Call& c) : call(c) {}
    void OnTimer() override { (call.*kMethod)(); }
    Call& call;
  };
  enum class Answer : uint8_t { kNone, kStatus, kWrongMethod, kWrongMediaType };

  void OnHeaders(const http2::Headers&) override {}
  void OnMessage(const transport::Message& message) override;
  void OnHalfClose() override;
  void OnWritable() override;
  bool OnBadRequest(const transport::End& end) override;
  void OnEnd(const transport::End& end) override;

  void Attach(Connection& connection);
  void Later();
  void RunLater();
  void TellHandler();
  void TellReads();
  void TellWrites();
  void StartHandler();
  void Intercept(const std::vector<ServerInterceptor>& all);
  bool HoldsEnd(const absl::Status& status, Slice* reply);
  void FinishNow(const absl::Status& status);
  void ReplyNow(Slice framed);
  void OnDeadline();

  absl::Status PutHead();
  bool SendHead();
  bool FitsForSending(const Slice& framed);
  Slice Packed(Slice framed, WriteOptions options) const;
  bool Unpack(transport::Message& message);
  void AddLoadReport();
  void SendEnd(const absl::Status& status);
  void SendHttp();
  void Abandon(const absl::Status& why);
  void ObserveStart();
  void ObserveEnd(absl::StatusCode code);
  void Done();
  void StopCallbacks();
  void ReturnAdmission();
  void FreeIfOver(bool now);

  // ---- Whose it is.
  Shard* shard_;  // Null once adrift.
  WorkerPool* const workers_;
  Connection* connection_ = nullptr;  // Null once detached.
  std::shared_ptr<const Origin> origin_;
  const Route* route_ = nullptr;
  std::string_view observed_path_;  // As observers are told; empty: no method's.
  std::string own_path_;            // Where no method has it: unknown paths.

  // ---- How far it is.
  Answer answer_ = Answer::kNone;  // To give instead of starting a handler.
  bool started_ = false;           // The handler was called.
  bool admitted_ = false;          // As Admission counts; to be returned.
  bool done_ = false;              // It owes nothing (any more).
  bool handler_over_ = false;      // It hears nothing more, though its end may be held back.
  bool over_ = false;              // Nothing can be sent any more: all is said, or nobody listens.
  bool tells_encodings_ = false;   // Its end says which ones there are.
  bool head_sent_ = false, half_closed_ = false, has_request_ = false;
  bool observed_ = false;  // Its end must be told.
  int pins_ = 0;
  Time arrived_{};                                // If it is observed.
  uint64_t sent_bytes_ = 0, received_bytes_ = 0;  // Of messages, as compressed.
  absl::Status refusal_;
  std::string pushback_;  // grpc-retry-pushback-ms; empty: none.
  Duration timeout_{};
  Compression request_encoding_ = Compression::kIdentity, compression_ = Compression::kIdentity;
  wire::Encodings accepted_;
  ByteVector unpacked_;        // The request that was compressed.
  ByteVector request_memory_;  // Kept for the next call.
  Bytes request_;              // The one message, in request_memory_.

  // ---- What its interceptors hold back.
  std::shared_ptr<CallInterception> interception_;  // Null if the server has none.
  bool handler_failed_ = false;
  absl::Status handler_status_;
  Slice held_reply_;

  // ---- What the handler waits for.
  Function<void()> on_cancel_;
  Function<void(std::optional<Bytes>)> read_done_;
  Function<void(bool)> write_done_;
  bool room_ = false;  // For write_done_.
  // Second ones while one was open.
  std::vector<Function<void(std::optional<Bytes>)>> extra_reads_;
  std::vector<Function<void(bool)>> extra_writes_;

  TimerOf<&Call::RunLater> later_{*this};
  TimerOf<&Call::OnDeadline> deadline_timer_{*this};
  transport::Stream stream_;  // Last: goes first.
};

}  // namespace rondo::server
