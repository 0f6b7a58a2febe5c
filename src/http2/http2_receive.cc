// Bytes in: cuts them into frames, which are read in place when they lie there whole.
#include <algorithm>
#include <cstring>
#include <utility>

#include "http2/http2_session.h"

namespace rondo::http2 {

bool Http2Session::Receive(Bytes bytes) {
  const uint8_t* p = bytes.data();
  const uint8_t* const end = p + bytes.size();
  while (p != end && !over_) p = Step(p, end);
  Settle();
  return !over_;
}

const uint8_t* Http2Session::Step(const uint8_t* p, const uint8_t* end) {
  switch (reading_) {
    case Reading::kPreface:
      return ReadPreface(p);
    case Reading::kHead:
      return ReadHead(p, end);
    case Reading::kPayload:
      return ReadPayload(p, end);
    case Reading::kPadLength:
      BeginData(*p);
      return p + 1;
    case Reading::kData:
      return ReadData(p, end);
    case Reading::kSkip: {
      const size_t n = std::min(static_cast<size_t>(end - p), left_);
      left_ -= n;
      if (left_ == 0) reading_ = Reading::kHead;
      return p + n;
    }
  }
  return end;
}

// The usual ways to be the wrong server get words of their own.
const uint8_t* Http2Session::ReadPreface(const uint8_t* p) {
  if (*p == static_cast<uint8_t>(frame::kPreface[preface_read_])) {
    if (++preface_read_ == frame::kPreface.size()) reading_ = Reading::kHead;
    return p + 1;
  }
  if (preface_read_ == 0 && *p == 0x16) {  // A handshake record.
    Fail(Code::kProtocolError, "the peer speaks TLS, this side speaks plain text");
  } else if (preface_read_ <= 1 && *p >= 'A' && *p <= 'Z') {  // Methods; POST and PUT share a P.
    Fail(Code::kProtocolError, "the peer speaks HTTP/1, not HTTP/2");
  } else {
    Fail(Code::kProtocolError, "the peer does not begin with the preface of HTTP/2");
  }
  return p + 1;
}

// And to meet it: no frame of HTTP/2 that a server may begin with starts like these.
void Http2Session::LookAtFirstBytes(const uint8_t* p) {
  if (role_ == Role::kServer) return;
  if (std::memcmp(p, "HTT", 3) == 0) {
    Fail(Code::kProtocolError, "the peer answers in HTTP/1, not in HTTP/2");
  } else if (p[0] >= 0x14 && p[0] <= 0x17 && p[1] == 3) {
    Fail(Code::kProtocolError, "the peer answers in TLS, this side speaks plain text");
  }
}

const uint8_t* Http2Session::ReadHead(const uint8_t* p, const uint8_t* end) {
  const uint8_t* head = p;
  const auto have = static_cast<size_t>(end - p);
  if (held_ == 0 && have >= frame::kHeadSize) {
    p += frame::kHeadSize;
    if (first_frame_) LookAtFirstBytes(head);
  } else {
    const size_t n = std::min(frame::kHeadSize - held_, have);
    std::memcpy(head_.data() + held_, p, n);
    held_ = static_cast<uint8_t>(held_ + n);
    p += n;
    if (first_frame_ && held_ >= 3) LookAtFirstBytes(head_.data());
    if (held_ < frame::kHeadSize) return p;
    held_ = 0;
    head = head_.data();
  }
  frame_ = frame::ReadHead(head);
  if (!over_) OnHead();
  return p;
}

void Http2Session::OnHead() {
  CloseDone();  // Before each frame, so that it doesn't matter where the bytes are cut.
  if (over_) return;
  if (std::exchange(first_frame_, false) &&
      (frame_.type != frame::kSettings || frame_.Has(frame::kAck))) {  // Section 3.4.
    return Fail(Code::kProtocolError, role_ == Role::kClient
                                          ? "the peer does not answer in HTTP/2"
                                          : "the peer's first frame is no SETTINGS");
  }
  if (frame_.length > frame::kMinMaxFrame) {
    return Fail(Code::kFrameSizeError, "the peer sends a frame of more than 16384 bytes");
  }
  const bool continues = frame_.type == frame::kContinuation;
  if (continues != (block_id_ != 0) || (continues && frame_.id != block_id_)) {  // Section 6.10.
    return Fail(Code::kProtocolError, continues ? "the peer continues no header block of its"
                                                : "the peer interrupts a header block");
  }
  left_ = frame_.length;
  if (frame_.type == frame::kData) return OnDataHead();
  if (frame_.type > frame::kContinuation) {  // Section 4.1: ignored.
    if (left_ > 0) reading_ = Reading::kSkip;
    return Judge(police_.Report(Offence::kUnknownFrame), "frames of unknown type");
  }
  if (left_ > 0) {
    reading_ = Reading::kPayload;
  } else {
    OnFrame({});
  }
}

const uint8_t* Http2Session::ReadPayload(const uint8_t* p, const uint8_t* end) {
  const size_t n = std::min(static_cast<size_t>(end - p), left_);
  left_ -= n;
  if (left_ > 0) {
    partial_.insert(partial_.end(), p, p + n);
    return p + n;
  }
  reading_ = Reading::kHead;
  if (partial_.empty()) {
    OnFrame({p, n});
    return p + n;
  }
  partial_.insert(partial_.end(), p, p + n);
  OnFrame(partial_);
  partial_.clear();
  if (partial_.capacity() > kKept) std::vector<uint8_t>().swap(partial_);
  return p + n;
}

// -- DATA: handed on as it comes, frame whole or not.

void Http2Session::OnDataHead() {
  if (frame_.id == 0) return Fail(Code::kProtocolError, "the peer sends DATA on stream 0");
  if (IsIdle(frame_.id)) return Fail(Code::kProtocolError, "the peer sends DATA on an idle stream");
  receive_window_ -= frame_.length;
  if (receive_window_ < 0) {
    return Fail(Code::kFlowControlError, "the peer overruns the window of the connection");
  }
  Node* node = Find(frame_.id);
  if (node == nullptr && ended_.Find(frame_.id) == How::kByPeer) {  // Section 5.1.
    return Fail(Code::kStreamClosed, "the peer sends DATA on a stream that it has ended");
  }
  if (node != nullptr && node->reset) node = nullptr;
  data_node_ = node;
  if (node != nullptr) {
    if (node->peer_end) {
      PeerFault(*node, Code::kStreamClosed);
    } else if (!node->headed) {
      PeerFault(*node, Code::kProtocolError);
    } else if (frame_.length > 0 && (node->receive_window -= frame_.length) < 0) {
      PeerFault(*node, Code::kFlowControlError);
    }
  }
  if (over_) return;
  if (!frame_.Has(frame::kPadded)) return BeginData(0);
  if (left_ == 0)
    return Fail(Code::kFrameSizeError, "the peer sends padded DATA without its length");
  reading_ = Reading::kPadLength;
}

void Http2Session::BeginData(size_t padding) {
  if (frame_.Has(frame::kPadded)) {
    if (padding > --left_) {
      return Fail(Code::kProtocolError, "the peer sends padding longer than its frame");
    }
    left_ -= padding;
    CreditConnection(padding + 1);  // Nobody else will.
    if (data_node_ != nullptr) Credit(*data_node_, padding + 1);
  }
  pad_left_ = padding;
  const bool end = frame_.Has(frame::kEndStream);
  Judge(police_.Data(left_, end), "empty DATA frames", "empty_data");
  if (over_) return;
  if (Node* node = data_node_; node != nullptr && node->content_left >= 0) {  // Section 8.1.1.
    node->content_left -= static_cast<int64_t>(left_);
    if (node->content_left < 0 || (end && node->content_left > 0)) {
      PeerFault(*node, Code::kProtocolError);
      if (over_) return;
    }
  }
  reading_ = Reading::kData;
  if (left_ == 0) DeliverData({}, true);
}

const uint8_t* Http2Session::ReadData(const uint8_t* p, const uint8_t* end) {
  const size_t n = std::min(static_cast<size_t>(end - p), left_);
  left_ -= n;
  DeliverData({p, n}, left_ == 0);
  return p + n;
}

void Http2Session::DeliverData(Bytes bytes, bool last) {
  Node* node = data_node_;
  if (last) {
    data_node_ = nullptr;
    left_ = std::exchange(pad_left_, 0);
    reading_ = left_ > 0 ? Reading::kSkip : Reading::kHead;
  }
  if (node == nullptr) {
    if (!bytes.empty()) CreditConnection(bytes.size());
    return;
  }
  const bool end = last && frame_.Has(frame::kEndStream);
  if (end) node->peer_end = true;
  if (!bytes.empty() || end) visitor_.OnData(*node, bytes, end);
  if (end && node->local_end) Close(*node, How::kByPeer, {});
}

}  // namespace rondo::http2
