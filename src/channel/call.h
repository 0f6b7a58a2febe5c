#pragma once
// One call: from the caller's thread through a pick onto a stream, and back.
//
// Life: New -> Start (caller's thread: pick) -> home loop: queued for a plan | waiting for a stream
// slot | on a stream -> ended. Attempts that the server never processed are repeated from the pick.
// Threads: New, Start and the user's verbs: any, one at a time. Everything else: home.
#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/block_cache.h"
#include "channel/attempt_credentials.h"
#include "channel/call_interception.h"
#include "channel/call_record.h"
#include "channel/core.h"
#include "channel/parent_link.h"
#include "channel/request_body.h"
#include "channel/wait_queue.h"
#include "rondo/call.h"
#include "transport/stream.h"
#include "wire/metadata_codec.h"

namespace rondo::channel {

struct Backend;
class Carrier;
class LiveSubchannel;
class Repeats;

class Call final : public Waiter<Call>,
                   private transport::StreamHandler,
                   private event::TimerNode,
                   private event::TurnNode {
 public:
  // `unary_size`: the room for a unary request's body; nullopt for a streaming call.
  static Call* New(std::shared_ptr<Core> core, const Method& method, const CallOptions& options,
                   std::optional<size_t> unary_size);

  // A share of the object's memory. The last one frees it. New gives one to the caller; Start hands
  // it on to the running call.
  void Ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Unref();

  uint8_t* unary_body() { return body_.unary_bytes() + kMessagePrefix; }

  // ---- The user's verbs: any thread.
  void StartUnary(Function<void(UnaryResult)> done);
  void StartStream();
  void Write(Slice&& framed, bool last, Function<void(bool)>&& done, WriteOptions options);
  void WritesDone();
  void Read(Function<void(std::optional<Bytes>)>&& done);
  void Headers(Function<void(const Metadata&)> done);
  void Finish(Function<void(absl::Status)> done);
  void Cancel();
  std::vector<Attempt> Attempts() const;  // Of a streaming call; empty until it has ended.
  void Abandon();  // Cancel, call nobody back any more, and give up the user's share.

  // ---- Home.
  void PickAgain();                   // With the plan of now; queues if there is nothing to pick.
  void OpenOn(LiveSubchannel& live);  // There is a slot.
  void BackToQueue();                 // The subchannel whose slot it waited for has gone.
  void End(absl::Status status);      // From our side: deadline, cancel, shutdown.
  void TryAgain();                    // The backoff is over.
  void OnCredentials(absl::Status status);  // What the attempt waited for is there, or not.
  Core& core() const { return *core_; }
  void OnParentCancelled();
  // ---- Home: of its interceptors; call_interception.cc.
  void GoOn(const Metadata& metadata, Time deadline);
  void OnIntercepted(absl::Status status, CallInterception::Stage when);
  // ---- Home: of its hedges.
  Call* NewHedge(CallReport& report) const;  // The same request in a call of its own.
  void BePart(std::unique_ptr<Repeats> of);  // Before Start.
  void NoteTried(std::vector<const Subchannel*>& tried) const;
  void KeepAttempts(std::vector<Attempt> attempts) { record_.Keep(std::move(attempts)); }
  void NoteSequel(Sequel sequel) { record_.now().sequel = sequel; }
  void Yield();  // Another attempt is to end this call.
  void EndAs(CallReport report, UnaryResult result);
  void NoteResolved();  // From now on it waits for a backend, not for the resolver.

 private:
  enum class Where : uint8_t {
    kNew,
    kIntercepted,
    kQueued,
    kBackoff,
    kCredentials,
    kSlot,
    kStream,
    kEnded
  };

  Call(std::shared_ptr<Core> core, const Method& method, const CallOptions& options, bool unary);
  ~Call();

  // The way there (call.cc).
  void Start();
  template <class F>
  void GoHome(bool home, F arrive);
  void StartHere(bool home);
  void BeginInterception();
  bool HoldsEnd();
  void Pick(bool home);
  void TakeFrom(const ServerCall& parent);
  void Configure(const ServiceConfig& config);
  void LowerLimits(const MethodConfig& method);
  absl::Status Validate();
  absl::Status CheckSize(size_t bytes) const;
  Slice Packed(Slice framed) const;
  void Arrive();
  void BeginAttempt();
  void ObserveStart();
  void ObserveEnd();
  void ObserveCall(Time now, const absl::Status& status);
  void Follow();
  void OnPicked();
  absl::Status EncodePickHeaders();
  absl::Status CheckAuthority(const Carrier& carrier) const;
  void StandInQueue();
  void UseCredentials();
  void AskCredentials(LiveSubchannel& live);
  void WaitForSlot(LiveSubchannel& live);
  void ForgetPick();
  void TellWatches(const CallEnd& end);
  void OnTimer() override;  // The deadline.

  // The stream and its end (call_end.cc).
  void OnHeaders(const http2::Headers& headers) override;
  void OnMessage(const transport::Message& message) override;
  void OnWritable() override;
  void OnEnd(const transport::End& end) override;
  bool Unpack(transport::Message& message);
  void KeepMetadata(const http2::Headers& headers, Metadata& into);
  void EndStream(absl::Status why);
  bool MayRepeat(const transport::End& end);
  bool Retried(absl::Status& status, const http2::Headers* trailers);
  void ForgetAnswer();
  void Rest();
  absl::Status StatusOf(const transport::End& end);
  absl::Status StatusOfClosed(const http2::Closed& closed);
  absl::Status StatusOfAnswer(const http2::Headers& trailers);
  void TakeLoadReport(const http2::Headers& trailers);
  void LeaveAttempt(const absl::Status& why);
  void LeaveStream(const absl::Status& status, bool sent = true);
  absl::Status Explained(absl::Status status);
  void Complete(absl::Status status);       // Inside an event of the stream: tells at once.
  void CompleteLater(absl::Status status);  // Anywhere else: tells at the end of the turn.
  void MarkEnded(absl::Status status);
  void NoteFailure(const absl::Status& status);
  void FillReport(Time now);

  // Verbs and callbacks (call_stream.cc).
  template <class F>
  void AtHome(F verb);
  template <class F>
  void PostHome(F verb);
  void WriteHere(Slice&& framed, size_t size, bool last, Function<void(bool)>&& done);
  void ReadHere(Function<void(std::optional<Bytes>)>&& done);
  void Feed();
  bool SendNow(Slice&& message, bool last);
  void NoteRoom(bool room);
  void OnTurnEnd() override;
  void TellRefused();
  void TellUnary();
  void DropCallbacks();
  template <class Done, class Value>
  void Tell(Done& done, Value value);
  bool abandoned() const { return abandoned_.load(std::memory_order_relaxed); }
  void Later() { core_->home().AtTurnEnd(*this); }

  std::atomic<int> refs_{1};
  const std::shared_ptr<Core> core_;
  const Method& method_;
  const bool unary_;
  std::atomic<bool> abandoned_{false}, cancel_asked_{false};
  std::atomic<bool> recorded_{false};  // record_ is what it will stay.

  // Settled by Start.
  Time began_{}, deadline_ = Time::max();
  size_t max_receive_, max_send_;  // Of a message, uncompressed.
  const std::optional<uint64_t> affinity_;
  const std::optional<bool> wait_chosen_;
  const Compression compression_;  // Of requests.
  bool wait_for_ready_ = false;
  CallCredentials* const own_credentials_;
  std::unique_ptr<AttemptCredentials> credentials_;  // Null: there are none.
  CallReport* const report_;
  Metadata metadata_;
  std::shared_ptr<CallInterception> interception_;  // Only if the channel has interceptors.
  std::unique_ptr<ParentLink> parent_;              // Only if it is made for another.
  std::unique_ptr<Repeats> retry_;                  // Only if the method has a policy that repeats.
  bool avoid_tried_ = true;
  wire::Fields fields_;  // metadata_ as it goes over the wire.

  // The pick, and what it lent if that must outlive the lease.
  PickResult pick_{Queue{}};
  PlanRef pin_;
  wire::Fields pick_fields_;         // Metadata that the pick adds.
  std::string_view pick_authority_;  // In what the pick lent; empty: the channel's.
  uint64_t plan_version_ = 0;
  absl::Status last_fail_;  // What the picker said last to a call that waits for ready.

  // The attempt.
  Where where_ = Where::kNew;
  CallRecord record_;
  RequestBody body_;
  std::shared_ptr<Backend> backend_;
  const Carrier* carrier_ = nullptr;  // What the stream runs on; good until the stream ends.
  Time began_attempt_{};
  bool committed_ = false;    // Will not be sent again.
  bool repeated_ = false;     // The one repeat that the server's word allows is used up.
  bool half_closed_ = false;  // The stream has been told that no more comes.
  uint64_t sent_bytes_ = 0, received_bytes_ = 0;  // Of messages, as compressed.

  // The answer.
  bool headers_seen_ = false;
  std::string encoding_;
  ByteVector unpacked_;  // The reply that was compressed.
  absl::Status broken_;  // Not OK once the answer turned out not to be gRPC.
  Metadata headers_, trailers_;
  std::unique_ptr<LoadReport> load_report_;  // Of the attempt, if a policy reads them.
  ByteVector reply_memory_;
  Bytes reply_;  // Lies in reply_memory_.
  int replies_ = 0;
  absl::Status status_;

  // Whom to tell.
  Function<void(UnaryResult)> unary_done_;
  Function<void(bool)> write_done_;
  Function<void(std::optional<Bytes>)> read_done_;
  Function<void(const Metadata&)> headers_done_;
  Function<void(absl::Status)> finish_done_;
  std::vector<Function<void(bool)>> refused_writes_;  // A second one at a time, or too late.
  std::vector<Function<void(std::optional<Bytes>)>> refused_reads_;
  bool write_ready_ = false;       // write_done_ is due.
  bool dropping_replies_ = false;  // Somebody waits for the end and nobody for replies.
  bool told_end_ = false;

  transport::Stream stream_;  // Last: dies first, and with it all events.
};

// A share of a call's memory, moved.
class CallShare {
 public:
  explicit CallShare(Call* call) : call_(call) { call_->Ref(); }
  static CallShare Adopt(Call* call) {  // Takes over a share that exists.
    CallShare share(call);
    call->Unref();
    return share;
  }
  CallShare(CallShare&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  CallShare& operator=(CallShare&&) = delete;
  ~CallShare() {
    if (call_ != nullptr) call_->Unref();
  }
  Call* operator->() const { return call_; }
  Call& operator*() const { return *call_; }

 private:
  Call* call_;
};

}  // namespace rondo::channel
