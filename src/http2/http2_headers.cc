// Header blocks: HEADERS and CONTINUATION.
#include <utility>

#include "http2/http2_session.h"

namespace rondo::http2 {

void Http2Session::OnHeadersFrame(Bytes payload) {
  if (frame_.id == 0) return Fail(Code::kProtocolError, "the peer sends HEADERS on stream 0");
  // Section 5.1.1: clients use odd ids, and nobody may push at a client.
  if (role_ == Role::kServer ? IsMine(frame_.id) : IsIdle(frame_.id)) {
    return Fail(Code::kProtocolError, "the peer opens a stream that is not its to open");
  }
  size_t padding = 0;
  const size_t around =
      (frame_.Has(frame::kPadded) ? 1 : 0) + (frame_.Has(frame::kHasPriority) ? 5 : 0);
  if (payload.size() < around)
    return Fail(Code::kFrameSizeError, "the peer sends HEADERS cut short");
  if (frame_.Has(frame::kPadded)) padding = payload[0];
  if (around + padding > payload.size()) {
    return Fail(Code::kProtocolError, "the peer sends padding longer than its frame");
  }
  // RFC 7540 section 5.3.1: a stream can't depend on itself.
  block_bad_ = frame_.Has(frame::kHasPriority) &&
               (frame::Get32(payload.data() + around - 5) & frame::kMaxId) == frame_.id;
  block_end_ = frame_.Has(frame::kEndStream);
  payload = payload.subspan(around, payload.size() - around - padding);
  if (frame_.Has(frame::kEndHeaders)) return OnBlock(payload);
  block_.assign(payload.begin(), payload.end());
  block_id_ = frame_.id;
  continuations_ = 0;
}

void Http2Session::OnContinuation(Bytes payload) {
  if (++continuations_ > options_.max_continuations) {
    return Fail(Code::kEnhanceYourCalm, "the peer sends too many CONTINUATION frames",
                "continuations");
  }
  block_.insert(block_.end(), payload.begin(), payload.end());
  if (!frame_.Has(frame::kEndHeaders)) return;
  block_id_ = 0;
  OnBlock(block_);
  block_.clear();
  if (block_.capacity() > kKept) std::vector<uint8_t>().swap(block_);
}

// Every block is decoded, whatever becomes of its stream: the table must stay in step.
void Http2Session::OnBlock(Bytes block) {
  const HpackDecoder::Block* decoded = decoder_.Decode(block, options_.max_header_bytes);
  if (decoded == nullptr) {
    return Fail(Code::kCompressionError, "the peer sends a header block that can't be decoded");
  }
  const uint32_t id = frame_.id;
  if (Node* node = Find(id); node != nullptr) {
    OnFurtherBlock(*node, *decoded);
  } else if (role_ == Role::kServer && id > last_peer_id_) {
    OnRequestBlock(id, *decoded);
  } else {
    OnLateBlock(id);
  }
  decoder_.Trim();
}

void Http2Session::OnRequestBlock(uint32_t id, const HpackDecoder::Block& block) {
  last_peer_id_ = id;
  if (id > refuse_above_) return ended_.Add(id, How::kByUs);  // Our GOAWAY has said so.
  if (peer_open_ >= options_.max_streams) {
    if (acknowledged_) {
      return Fail(Code::kProtocolError, "the peer opens more streams than it may", "streams");
    }
    visitor_.OnRefused("streams");
    return RefuseBlock(id, Code::kRefusedStream, "frames that end their stream");
  }
  if (block.headers.size > options_.max_header_bytes) {
    visitor_.OnRefused("header_bytes");
    return RefuseBlock(id, Code::kEnhanceYourCalm, "oversized header blocks");
  }
  const bool promises_nothing = !block_end_ || block.shape.content_length() <= 0;
  if (block_bad_ || !block.shape.IsRequest() || !promises_nothing) {
    return RefuseBlock(id, Code::kProtocolError, "frames that end their stream");
  }
  Node& node = *Get(id, false);
  node.headed = true;
  node.peer_end = block_end_;
  node.content_left = block.shape.content_length();
  if (visitor_.OnRequest(node, block.headers, block_end_)) return;
  Reset(node, Code::kRefusedStream);
  Reply();
}

// A stream that ends before anybody has heard of it.
void Http2Session::RefuseBlock(uint32_t id, Code code, std::string_view what) {
  ended_.Add(id, How::kByUs);
  WriteRst(id, code);
  Reply();
  Judge(police_.Report(Offence::kResetSent), what, "resets");
}

void Http2Session::OnFurtherBlock(Node& node, const HpackDecoder::Block& block) {
  if (node.reset) return;
  if (node.peer_end) return PeerFault(node, Code::kStreamClosed);
  if (block.headers.size > options_.max_header_bytes) {
    return PeerFault(node, Code::kEnhanceYourCalm, "oversized header blocks");
  }
  if (!IsGood(node, block.shape)) return PeerFault(node, Code::kProtocolError);
  if (!node.headed && !block.shape.interim()) {
    node.headed = true;
    node.content_left = block_end_ ? -1 : block.shape.content_length();
  }
  node.peer_end = block_end_;
  visitor_.OnHeaders(node, block.headers, block_end_);
  if (block_end_ && node.local_end) Close(node, How::kByPeer, {});
}

// Section 8.1: interim headers, then headers, then trailers, which end the stream.
bool Http2Session::IsGood(const Node& node, const BlockShape& shape) const {
  if (block_bad_) return false;
  if (node.headed) return shape.IsTrailers() && block_end_ && node.content_left <= 0;
  if (!shape.IsResponse()) return false;
  if (shape.interim()) return !block_end_;
  return !block_end_ || shape.content_length() <= 0;
}

void Http2Session::OnLateBlock(uint32_t id) {
  const auto how = ended_.Find(id);
  if (how == How::kByPeer) {
    return Fail(Code::kStreamClosed, "the peer sends HEADERS on a stream that it has ended");
  }
  // Section 5.1.1: ids grow. A client's own have all been open; it forgets how they ended.
  if (role_ == Role::kServer && !how) {
    Fail(Code::kProtocolError, "the peer opens a stream below the last one it has opened");
  }
}

}  // namespace rondo::http2
