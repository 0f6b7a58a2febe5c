#pragma once
// http2::Session over libnghttp2 1.52: what ours is tried against. What its documentation doesn't
// say is told where it matters.
// Threads: one at a time.
#include <nghttp2/nghttp2.h>

#include <limits>
#include <memory_resource>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "http2/held_headers.h"
#include "http2/police.h"
#include "http2/session.h"
#include "http2/stream_pool.h"
#include "oracle/frame_heads.h"

namespace rondo::http2 {

class Nghttp2Session final : public Session {
 public:
  Nghttp2Session(Role role, const Options& options, Visitor& visitor,
                 std::pmr::memory_resource& memory);
  Nghttp2Session(const Nghttp2Session&) = delete;
  Nghttp2Session& operator=(const Nghttp2Session&) = delete;
  ~Nghttp2Session() override;

  bool Receive(Bytes bytes) override;
  std::span<const iovec> Gather() override;
  void Wrote(size_t bytes) override { outbox_.Wrote(bytes); }
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
  bool exhausted() const override;
  size_t unsent() const override { return outbox_.size(); }
  size_t replies() const override { return replies_; }
  void Ping(uint64_t payload) override;
  void Drain() override { nghttp2_submit_shutdown_notice(session_); }
  void GoAway(Code code, std::string_view debug) override;

 private:
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  // nghttp2 keeps a pointer to it as the stream's data source even after a reset, so it lives until
  // nghttp2 closes the stream; `detached` is when the owner's part ends.
  struct Node : Stream {
    Node *prev = nullptr, *next = nullptr;
    uint64_t mark = kNever;  // Bytes appended to the outbox before its first HEADERS.
    size_t credit = 0;       // That the peer was not told of yet.
    SliceQueue queue;
    HeldHeaders trailers;
    bool mine = false;      // Opened by this side.
    bool told = false;      // The owner knows it.
    bool detached = false;  // The owner has been told of its end, or has reset it.
    bool end = false, deferred = false, paused = false;
    bool peer_end = false, local_end = false, reset_by_us = false;

    void Clear() {
      mark = kNever;
      id = 0;
      user = nullptr;
      queued = credit = 0;
      trailers.Clear();
      mine = told = detached = end = deferred = paused = peer_end = local_end = reset_by_us = false;
    }
  };

  // Receiving: nghttp2_receive.cc.
  static void SetReceiveCallbacks(nghttp2_session_callbacks* callbacks);
  void Feed(Bytes bytes);
  void LookAtFirstBytes(Bytes bytes);
  void LookAtHead(Bytes head);
  void OnBeginHeaders(const nghttp2_frame& frame);
  int OnField(nghttp2_rcbuf* name, nghttp2_rcbuf* value);
  void OnChunk(int32_t id, Bytes bytes);
  void OnFrame(const nghttp2_frame& frame);
  void OnBlock(const nghttp2_frame& frame);
  void OnOversizedBlock(Node& node, bool request);
  void OnDataFrame(const nghttp2_frame& frame);
  void OnSettingsFrame(const nghttp2_frame& frame);
  void OnPingFrame(const nghttp2_frame& frame);
  void OnGoAwayFrame(const nghttp2_frame& frame);
  void OnStreamClosed(int32_t id, Code code);
  Closed HowItClosed(const Node& node, Code code) const;
  void DropBlock();

  // Sending: nghttp2_send.cc.
  static void SetSendCallbacks(nghttp2_session_callbacks* callbacks);
  void Pump();
  void TellWritable();
  void BeforeSend(const nghttp2_frame& frame);
  void OnSent(const nghttp2_frame& frame);
  void OnNotSent(const nghttp2_frame& frame);
  static ssize_t ReadBody(nghttp2_session* session, int32_t id, uint8_t*, size_t length,
                          uint32_t* flags, nghttp2_data_source* source, void* user);
  static int WriteBody(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t length,
                       nghttp2_data_source* source, void* user);
  std::span<const nghttp2_nv> Fields(const HeaderTemplate& head, ExtraHeaders extra);
  nghttp2_data_provider Body(Node& node) { return {{.ptr = &node}, &ReadBody}; }
  void Queue(Node& node, Slice body);
  void DropQueue(Node& node);
  void Resume(Node& node);

  // Both.
  static Nghttp2Session& Self(void* user) { return *static_cast<Nghttp2Session*>(user); }
  void Configure(nghttp2_option* option) const;
  void SubmitSettings();
  Node* Find(int32_t id);
  Node* FindOpen(int32_t id) {
    Node* node = Find(id);
    return node != nullptr && !node->detached ? node : nullptr;
  }
  bool Unsent(const Node& node) const {
    return node.mine && (node.mark == kNever || outbox_.written() <= node.mark);
  }
  void End(Node& node, const Closed& closed);
  void SetFault(Code code, std::string_view why);
  void Judge(bool within_budget, std::string_view what);
  void CloseAll();

  const Role role_;
  const Options options_;
  Visitor& visitor_;
  Police police_;
  nghttp2_session* session_ = nullptr;
  Outbox outbox_;
  StreamPool<Node> pool_;
  Node* last_ = nullptr;      // The last one found.
  Node* writable_ = nullptr;  // Fell to send_low in the frame just made.
  bool all_paused_ = false;   // Some stream was told to stop for the sake of all.
  FrameHeads heads_;
  uint32_t mine_open_ = 0;
  size_t queued_all_ = 0, credit_ = 0, replies_ = 0;
  bool first_bytes_ = true, settled_ = false, goaway_ = false;
  bool faulty_ = false, told_ = false, lost_ = false;
  Fault fault_;
  std::vector<nghttp2_nv> nv_;
  std::vector<Header> fields_, extra_;  // The block being received; trailers being sent.
  std::vector<nghttp2_rcbuf*> held_;    // What fields_ points into.
  size_t fields_size_ = 0;
};

std::unique_ptr<Session> MakeNghttp2Session(Role role, const Options& options, Visitor& visitor,
                                            std::pmr::memory_resource& memory);

}  // namespace rondo::http2
