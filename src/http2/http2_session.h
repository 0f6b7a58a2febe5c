#pragma once
// The Session that ships: frames are built in the outbox and read in place, header blocks that
// come again are copied whole, a stream costs no allocation once the pool is warm.
// Threads: one at a time.
#include <array>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "http2/frame.h"
#include "http2/hpack_decoder.h"
#include "http2/hpack_encoder.h"
#include "http2/http2_stream.h"
#include "http2/police.h"
#include "http2/session.h"
#include "http2/stream_pool.h"
#include "http2/stream_table.h"

namespace rondo::http2 {

class Http2Session final : public Session {
 public:
  Http2Session(Role role, const Options& options, Visitor& visitor,
               std::pmr::memory_resource& memory);
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  bool Receive(Bytes bytes) override;
  std::span<const iovec> Gather() override;
  void Wrote(size_t bytes) override;
  void Lost() override;
  const Fault& fault() const override { return fault_; }

  Stream* Open(const HeaderTemplate& head, ExtraHeaders extra, Slice body, bool end,
               void* user) override;
  void Respond(Stream& stream, const HeaderTemplate& head, ExtraHeaders extra, bool end) override;
  bool Send(Stream& stream, Slice body, bool end) override;
  void Finish(Stream& stream, const HeaderTemplate& trailers, ExtraHeaders extra) override;
  void Reset(Stream& stream, Code code) override;

  void Credit(Stream& stream, size_t bytes) override;
  void FlushCredit(Stream& stream) override;
  void CreditConnection(size_t bytes) override;

  uint32_t slots() const override;
  bool exhausted() const override {
    return role_ == Role::kClient && next_id_ > options_.last_stream_id;
  }
  size_t unsent() const override { return outbox_.size(); }
  size_t replies() const override { return replies_ + older_replies_; }
  void Ping(uint64_t payload) override;
  void Drain() override;
  void GoAway(Code code, std::string_view debug) override;

 private:
  using Node = StreamNode;
  using How = EndedStreams::How;
  enum class Reading : uint8_t { kPreface, kHead, kPayload, kPadLength, kData, kSkip };
  static constexpr uint32_t kMostFrame = 64 << 10;  // So that streams take turns.
  static constexpr size_t kMostSettings = 32;       // Entries of one frame (CVE-2020-11080).
  static constexpr size_t kKept = 4 << 10;          // Of a buffer that isn't needed now.

  // Bytes in: http2_receive.cc.
  const uint8_t* Step(const uint8_t* p, const uint8_t* end);
  const uint8_t* ReadPreface(const uint8_t* p);
  const uint8_t* ReadHead(const uint8_t* p, const uint8_t* end);
  const uint8_t* ReadPayload(const uint8_t* p, const uint8_t* end);
  const uint8_t* ReadData(const uint8_t* p, const uint8_t* end);
  void LookAtFirstBytes(const uint8_t* p);
  void OnHead();
  void OnDataHead();
  void BeginData(size_t padding);
  void DeliverData(Bytes bytes, bool last);

  // Header blocks: http2_headers.cc.
  void OnHeadersFrame(Bytes payload);
  void OnContinuation(Bytes payload);
  void OnBlock(Bytes block);
  void OnRequestBlock(uint32_t id, const HpackDecoder::Block& block);
  void OnFurtherBlock(Node& node, const HpackDecoder::Block& block);
  void OnLateBlock(uint32_t id);
  void RefuseBlock(uint32_t id, Code code, std::string_view what);
  bool IsGood(const Node& node, const BlockShape& shape) const;

  // The other frames: http2_frames.cc.
  void OnFrame(Bytes payload);
  bool Sized(bool right);
  bool OnConnection();
  void OnPriority(Bytes payload);
  void OnRstStream(Bytes payload);
  void OnSettings(Bytes payload);
  void OnSettingsAck();
  void OnPing(Bytes payload);
  void OnGoAway(Bytes payload);
  void OnWindowUpdate(Bytes payload);
  bool ApplySetting(uint16_t id, uint32_t value);
  bool MoveSendWindows(uint32_t value);

  // Bytes out: http2_send.cc.
  uint8_t* Frame(frame::Type type, unsigned flags, uint32_t id, size_t length) {
    return frame::WriteHead(outbox_.Room(frame::kHeadSize + length), type, flags, id, length);
  }
  void Reply() { ++replies_; }
  void WriteRst(uint32_t id, Code code);
  void WriteGoAway(uint32_t last, Code code, std::string_view debug);
  void WriteHeaders(Node& node, const HeaderTemplate& head, ExtraHeaders extra, bool end);
  void WriteLongHeaders(Node& node, const HeaderTemplate& head, ExtraHeaders extra, bool end);
  bool IsFull() const { return outbox_.size() >= options_.outbox_limit; }
  void HoldEnd(Node& node, const HeaderTemplate& head, ExtraHeaders extra);
  void WriteEnd(Node& node);
  bool CanExtend(const Node& node) const;
  size_t FrameRoom(const Node& node) const;
  void DataHead(Node& node, size_t n, bool end);
  void WriteDirectly(Node& node, Slice& body);
  bool WriteQueued(Node& node);
  void WriteReady();
  void TellWritable();
  void EndLocal(Node& node);
  void DropQueue(Node& node);

  // The life of streams and of the session: http2_session.cc.
  void WriteSettings();
  Node* Get(uint32_t id, bool mine);
  Node* Find(uint32_t id) {
    if (last_found_ == nullptr || last_found_->id != id) last_found_ = streams_.Find(id);
    return last_found_;
  }
  bool IsMine(uint32_t id) const { return (id & 1) == (role_ == Role::kClient ? 1 : 0); }
  bool IsIdle(uint32_t id) const {
    return IsMine(id) ? role_ == Role::kServer || id >= next_id_ : id > last_peer_id_;
  }
  Fate FateOf(const Node& node) const {
    return node.mine && outbox_.written() <= node.mark ? Fate::kNotSent : Fate::kMaybeProcessed;
  }
  // `limit`: see Fault.
  void Fail(Code code, std::string_view why, std::string_view limit = {});
  void Judge(bool within_budget, std::string_view what, std::string_view limit = "control_frames");
  void PeerFault(Node& node, Code code, std::string_view what = "frames that end their stream");
  void Forget(Node& node, How how);
  void Close(Node& node, How how, const Closed& closed);
  void CloseDone();
  void CloseAll();
  void Settle();

  const Role role_;
  const Options options_;
  Visitor& visitor_;
  Police police_;
  Outbox outbox_;
  StreamPool<Node> pool_;
  StreamTable<Node> streams_;
  EndedStreams ended_;
  ReadyList ready_;          // Their bytes have a window.
  ReadyList ending_;         // Only their last frame waits, for the outbox.
  std::vector<Node*> done_;  // Both sides said END_STREAM outside an event: OnClosed is due.
  std::vector<Node*> gone_;
  Node* last_found_ = nullptr;
  HpackEncoder encoder_;
  HpackDecoder decoder_;
  std::vector<Header> extra_;  // Trailers being sent.

  int64_t send_window_ = frame::kFirstWindow, receive_window_ = frame::kFirstWindow;
  int64_t peer_stream_window_ = frame::kFirstWindow;
  uint32_t peer_max_frame_ = frame::kMinMaxFrame, peer_max_streams_ = 0xffffffff;
  uint32_t mine_open_ = 0, peer_open_ = 0;
  uint32_t next_id_ = 1, last_peer_id_ = 0;
  uint32_t refuse_above_ = frame::kMaxId;  // The last id of our GOAWAY,
  uint32_t peer_goaway_ = frame::kMaxId;   // and of the peer's.
  size_t queued_all_ = 0, credit_ = 0;
  size_t replies_ = 0, older_replies_ = 0;  // Those before reply_mark_ of the outbox.
  uint64_t reply_mark_ = 0;
  bool settled_ = false, acknowledged_ = false, goaway_ = false;
  bool all_paused_ = false;  // Some stream was told to stop for the sake of all.
  bool over_ = false, told_ = false;
  Fault fault_;

  // The last DATA frame in the outbox, while nothing follows and nobody has seen its bytes.
  struct {
    Node* node = nullptr;
    uint8_t* head = nullptr;
    size_t length = 0;
    uint64_t end = 0;
  } open_data_;

  // What is being read.
  Reading reading_;
  bool first_frame_ = true;
  uint8_t preface_read_ = 0, held_ = 0;
  std::array<uint8_t, frame::kHeadSize> head_{};  // A head in pieces.
  frame::Head frame_;
  size_t left_ = 0;               // Bytes of the payload, or of its body.
  size_t pad_left_ = 0;           // After the body.
  std::vector<uint8_t> partial_;  // A payload in pieces, but DATA's.
  Node* data_node_ = nullptr;     // Whose DATA is being read; null: nobody's any more.
  std::vector<uint8_t> block_;    // A header block in several frames,
  uint32_t block_id_ = 0;         // and its stream.
  bool block_end_ = false, block_bad_ = false;
  uint32_t continuations_ = 0;
};

}  // namespace rondo::http2
