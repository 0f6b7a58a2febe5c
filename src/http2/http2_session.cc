#include "http2/http2_session.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace rondo::http2 {

Http2Session::Http2Session(Role role, const Options& options, Visitor& visitor,
                           std::pmr::memory_resource& memory)
    : role_(role),
      options_(options),
      visitor_(visitor),
      police_(visitor),
      pool_(memory),
      reading_(role == Role::kServer ? Reading::kPreface : Reading::kHead) {
  WriteSettings();
}

void Http2Session::WriteSettings() {
  const bool client = role_ == Role::kClient;
  if (client) {
    outbox_.Append(
        {reinterpret_cast<const uint8_t*>(frame::kPreface.data()), frame::kPreface.size()});
  }
  const std::pair<frame::Setting, uint32_t> settings[] = {
      {frame::kInitialWindowSize, options_.stream_window},
      {frame::kMaxHeaderListSize, options_.max_header_bytes},
      {client ? frame::kEnablePush : frame::kMaxConcurrentStreams,
       client ? 0 : options_.max_streams}};
  uint8_t* p = Frame(frame::kSettings, 0, 0, std::size(settings) * frame::kSettingSize);
  for (const auto& [id, value] : settings) {
    p[0] = 0;
    p[1] = static_cast<uint8_t>(id);
    frame::Put32(p + 2, value);
    p += frame::kSettingSize;
  }
  if (options_.connection_window > frame::kFirstWindow) {
    receive_window_ = options_.connection_window;
    const auto more = static_cast<uint32_t>(receive_window_ - frame::kFirstWindow);
    frame::Put32(Frame(frame::kWindowUpdate, 0, 0, 4), more);
  }
}

// -- Streams.

// Until our SETTINGS are acknowledged the peer may still count from the first window.
StreamNode* Http2Session::Get(uint32_t id, bool mine) {
  Node* node = pool_.Get();
  node->id = id;
  node->mine = mine;
  node->send_window = peer_stream_window_;
  node->receive_window = options_.stream_window;
  if (!acknowledged_) node->receive_window = std::max(node->receive_window, frame::kFirstWindow);
  ++(mine ? mine_open_ : peer_open_);
  streams_.Add(node);
  last_found_ = node;
  return node;
}

void Http2Session::Forget(Node& node, How how) {
  if (std::exchange(node.gone, true)) return;
  streams_.Remove(&node);
  ended_.Add(node.id, how);
  if (last_found_ == &node) last_found_ = nullptr;
  if (data_node_ == &node) data_node_ = nullptr;
  if (open_data_.node == &node) open_data_.node = nullptr;
  --(node.mine ? mine_open_ : peer_open_);
  (node.queued > 0 ? ready_ : ending_).Remove(node);
  DropQueue(node);
  gone_.push_back(&node);
}

void Http2Session::Close(Node& node, How how, const Closed& closed) {
  if (node.gone) return;
  Forget(node, how);
  visitor_.OnClosed(node, closed);
}

void Http2Session::PeerFault(Node& node, Code code, std::string_view what) {
  WriteRst(node.id, code);
  Reply();
  Close(node, How::kByUs, {Cause::kPeerFault, code, Fate::kMaybeProcessed});
  Judge(police_.Report(Offence::kResetSent), what, "resets");
}

void Http2Session::Reset(Stream& stream, Code code) {
  Node& node = static_cast<Node&>(stream);
  if (node.gone) return;
  const bool ended = node.local_end && (node.peer_end || node.reset);
  if (!over_ && !ended) WriteRst(node.id, code);
  Forget(node, ended && !node.reset ? How::kByPeer : How::kByUs);
  node.user = nullptr;
}

void Http2Session::CloseAll() {
  told_ = true;
  for (Node* node = pool_.open(); node != nullptr; node = node->next) {
    Close(*node, How::kByUs, {Cause::kConnection, fault_.code, FateOf(*node)});
  }
}

void Http2Session::CloseDone() {
  for (size_t i = 0; i < done_.size(); ++i) {
    Close(*done_[i], done_[i]->reset ? How::kByUs : How::kByPeer, {});
  }
  done_.clear();
}

// Delivers the ends that are due; then nobody holds a record that is gone.
void Http2Session::Settle() {
  CloseDone();
  if (over_ && !told_) CloseAll();
  for (Node* node : gone_) pool_.Put(node);
  gone_.clear();
}

// -- The end of the session.

void Http2Session::Lost() {
  if (std::exchange(told_, true)) {
    over_ = true;
    return;
  }
  over_ = true;
  Settle();
  CloseAll();
  Settle();
}

void Http2Session::Fail(Code code, std::string_view why, std::string_view limit) {
  if (over_) return;
  WriteGoAway(std::min(last_peer_id_, refuse_above_), code, why);
  over_ = true;
  fault_ = {code, std::string(why), limit};
}

void Http2Session::Judge(bool within_budget, std::string_view what, std::string_view limit) {
  if (within_budget || over_) return;
  Fail(Code::kEnhanceYourCalm, Cat("the peer sends too many ", what), limit);
}

// -- Flow control.

void Http2Session::Credit(Stream& stream, size_t bytes) {
  Node& node = static_cast<Node&>(stream);
  node.credit += bytes;
  if (node.credit >= options_.stream_window / 4) FlushCredit(stream);
}

void Http2Session::FlushCredit(Stream& stream) {
  Node& node = static_cast<Node&>(stream);
  const auto most =
      static_cast<size_t>(frame::kMaxWindow - std::max<int64_t>(0, node.receive_window));
  const size_t credit = std::min(std::exchange(node.credit, 0), most);
  if (credit == 0 || node.peer_end || node.reset || node.gone || over_) return;
  node.receive_window += static_cast<int64_t>(credit);
  frame::Put32(Frame(frame::kWindowUpdate, 0, node.id, 4), static_cast<uint32_t>(credit));
}

void Http2Session::CreditConnection(size_t bytes) {
  credit_ += bytes;
  if (credit_ < std::max<size_t>(options_.connection_window, frame::kFirstWindow) / 4) return;
  const size_t credit = std::exchange(credit_, 0);
  if (over_) return;
  receive_window_ += static_cast<int64_t>(credit);
  frame::Put32(Frame(frame::kWindowUpdate, 0, 0, 4), static_cast<uint32_t>(credit));
}

// -- The connection.

uint32_t Http2Session::slots() const {
  if (role_ == Role::kServer || !settled_ || goaway_ || over_ || exhausted()) return 0;
  return peer_max_streams_ > mine_open_ ? peer_max_streams_ - mine_open_ : 0;
}

void Http2Session::Ping(uint64_t payload) {
  if (!over_) std::memcpy(Frame(frame::kPing, 0, 0, 8), &payload, 8);
}

// A client has nothing to drain: it opens no more by itself, and nobody is pushed at.
void Http2Session::Drain() {
  if (role_ == Role::kServer && !over_ && refuse_above_ == frame::kMaxId) {
    WriteGoAway(frame::kMaxId, Code::kNoError, {});
  }
}

void Http2Session::GoAway(Code code, std::string_view debug) {
  if (over_) return;
  if (code != Code::kNoError) return Fail(code, debug);
  refuse_above_ = std::min(refuse_above_, last_peer_id_);  // Section 6.8: it never grows.
  WriteGoAway(refuse_above_, code, debug);
}

std::unique_ptr<Session> MakeHttp2Session(Role role, const Options& options, Visitor& visitor,
                                          std::pmr::memory_resource& memory) {
  return std::make_unique<Http2Session>(role, options, visitor, memory);
}

}  // namespace rondo::http2
