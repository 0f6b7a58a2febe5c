// Frames that are neither DATA nor part of a header block.
#include <algorithm>
#include <cstring>
#include <utility>

#include "http2/http2_session.h"

namespace rondo::http2 {

void Http2Session::OnFrame(Bytes payload) {
  switch (frame_.type) {
    case frame::kHeaders:
      return OnHeadersFrame(payload);
    case frame::kContinuation:
      return OnContinuation(payload);
    case frame::kPriority:
      return OnPriority(payload);
    case frame::kRstStream:
      return OnRstStream(payload);
    case frame::kSettings:
      if (!OnConnection()) return;
      return frame_.Has(frame::kAck) ? OnSettingsAck() : OnSettings(payload);
    case frame::kPushPromise:
      return Fail(Code::kProtocolError, "the peer pushes although it may not");
    case frame::kPing:
      return OnPing(payload);
    case frame::kGoAway:
      return OnGoAway(payload);
    case frame::kWindowUpdate:
      return OnWindowUpdate(payload);
    default:
      return;
  }
}

bool Http2Session::Sized(bool right) {
  if (!right) Fail(Code::kFrameSizeError, "the peer sends a frame of the wrong size for its type");
  return right;
}

bool Http2Session::OnConnection() {
  if (frame_.id == 0) return true;
  Fail(Code::kProtocolError, "the peer sends a frame of the connection on a stream");
  return false;
}

// RFC 7540 section 6.3: what is wrong ends the stream, in any state but idle, where none can be.
void Http2Session::OnPriority(Bytes payload) {
  if (frame_.id == 0) return Fail(Code::kProtocolError, "the peer sends PRIORITY on stream 0");
  const bool sized = payload.size() == 5;
  if (!sized || (frame::Get32(payload.data()) & frame::kMaxId) == frame_.id) {
    const Code code = sized ? Code::kProtocolError : Code::kFrameSizeError;
    if (Node* node = Find(frame_.id); node != nullptr) return PeerFault(*node, code);
    if (IsIdle(frame_.id)) return Fail(code, "the peer sends a malformed PRIORITY frame");
    WriteRst(frame_.id, code);
    Reply();
    return Judge(police_.Report(Offence::kResetSent), "frames that end their stream", "resets");
  }
  Judge(police_.Report(Offence::kPriority), "PRIORITY frames");
}

void Http2Session::OnRstStream(Bytes payload) {
  if (!Sized(payload.size() == 4)) return;
  if (frame_.id == 0 || IsIdle(frame_.id)) {
    return Fail(Code::kProtocolError, "the peer resets an idle stream");
  }
  if (role_ == Role::kServer) {
    Node* node = Find(frame_.id);
    Judge(police_.Report(Offence::kReset, node), "RST_STREAM frames", "resets");
    if (over_) return;
  }
  Node* node = Find(frame_.id);  // Again: it may have been reset in the event.
  if (node == nullptr) return;
  const auto code = static_cast<Code>(frame::Get32(payload.data()));
  Closed closed{Cause::kPeerReset, code, FateOf(*node)};
  if (code == Code::kRefusedStream && closed.fate != Fate::kNotSent) {
    closed.fate = Fate::kNotProcessed;
  }
  Close(*node, How::kByPeer, closed);
}

void Http2Session::OnSettings(Bytes payload) {
  if (!Sized(payload.size() % frame::kSettingSize == 0)) return;
  if (payload.size() > kMostSettings * frame::kSettingSize) {
    return Fail(Code::kEnhanceYourCalm, "the peer sends too many settings at once", "settings");
  }
  for (; !payload.empty(); payload = payload.subspan(frame::kSettingSize)) {
    const auto id = static_cast<uint16_t>(payload[0] << 8 | payload[1]);
    if (!ApplySetting(id, frame::Get32(payload.data() + 2))) return;
  }
  Frame(frame::kSettings, frame::kAck, 0, 0);
  Reply();
  if (settled_) Judge(police_.Report(Offence::kSettings), "SETTINGS frames");
  settled_ = true;
  if (!over_) visitor_.OnSettings();
}

// Section 6.5.2. False: the connection is over.
bool Http2Session::ApplySetting(uint16_t id, uint32_t value) {
  switch (id) {
    case frame::kHeaderTableSize:
      encoder_.Limit(value);
      break;
    case frame::kEnablePush:
      if (value > (role_ == Role::kServer ? 1u : 0u)) {
        Fail(Code::kProtocolError, "the peer sends a bad SETTINGS_ENABLE_PUSH");
      }
      break;
    case frame::kMaxConcurrentStreams:
      peer_max_streams_ = value;
      break;
    case frame::kInitialWindowSize:
      if (!MoveSendWindows(value)) {
        Fail(Code::kFlowControlError, "the peer sends a bad SETTINGS_INITIAL_WINDOW_SIZE");
      }
      break;
    case frame::kMaxFrameSize:
      if (value < frame::kMinMaxFrame || value > frame::kMostMaxFrame) {
        Fail(Code::kProtocolError, "the peer sends a bad SETTINGS_MAX_FRAME_SIZE");
      }
      peer_max_frame_ = std::min(value, kMostFrame);
      break;
    case frame::kEnableConnectProtocol:  // RFC 8441.
      if (value > 1) {
        Fail(Code::kProtocolError, "the peer sends a bad SETTINGS_ENABLE_CONNECT_PROTOCOL");
      }
      break;
    default:  // Ignored, if unknown. The peer's limit of headers is advice.
      break;
  }
  return !over_;
}

// Section 6.9.2: windows may become negative.
bool Http2Session::MoveSendWindows(uint32_t value) {
  if (value > frame::kMaxWindow) return false;
  const int64_t change = value - std::exchange(peer_stream_window_, int64_t{value});
  for (Node* node = pool_.open(); node != nullptr; node = node->next) {
    if (node->gone) continue;
    node->send_window += change;
    if (node->send_window > frame::kMaxWindow) return false;
    if (node->queued > 0 && node->send_window > 0) ready_.Add(*node);
  }
  return true;
}

void Http2Session::OnSettingsAck() {
  if (!Sized(frame_.length == 0)) return;
  if (std::exchange(acknowledged_, true)) {
    return Fail(Code::kProtocolError, "the peer acknowledges SETTINGS that were not sent");
  }
  const int64_t change = int64_t{options_.stream_window} - frame::kFirstWindow;
  if (change >= 0) return;
  for (Node* node = pool_.open(); node != nullptr; node = node->next) {
    node->receive_window += change;
  }
}

void Http2Session::OnPing(Bytes payload) {
  if (!OnConnection() || !Sized(payload.size() == 8)) return;
  uint64_t value = 0;
  std::memcpy(&value, payload.data(), 8);
  if (frame_.Has(frame::kAck)) return visitor_.OnPong(value);
  std::memcpy(Frame(frame::kPing, frame::kAck, 0, 8), &value, 8);
  Reply();
  if (!visitor_.OnPing(police_.TakeSpoke())) {
    return Fail(Code::kEnhanceYourCalm, "too_many_pings", "pings");
  }
  Judge(police_.Paid(Offence::kPing), "PING frames");
}

void Http2Session::OnGoAway(Bytes payload) {
  if (!OnConnection() || !Sized(payload.size() >= 8)) return;
  const uint32_t last = frame::Get32(payload.data()) & frame::kMaxId;
  if (last > peer_goaway_) {
    return Fail(Code::kProtocolError, "the peer's GOAWAY names more streams than the one before");
  }
  peer_goaway_ = last;
  goaway_ = true;
  const Bytes debug = payload.subspan(8);
  visitor_.OnGoAway(last, static_cast<Code>(frame::Get32(payload.data() + 4)),
                    {reinterpret_cast<const char*>(debug.data()), debug.size()});
  for (Node* node = pool_.open(); node != nullptr && !over_; node = node->next) {
    if (!node->mine || node->id <= last) continue;
    const bool sent = FateOf(*node) != Fate::kNotSent;
    Close(*node, How::kByUs,
          {Cause::kGoAway, Code::kRefusedStream, sent ? Fate::kNotProcessed : Fate::kNotSent});
  }
}

void Http2Session::OnWindowUpdate(Bytes payload) {
  if (!Sized(payload.size() == 4)) return;
  const uint32_t more = frame::Get32(payload.data()) & frame::kMaxId;
  if (frame_.id == 0) {
    if (more == 0) return Fail(Code::kProtocolError, "the peer opens the window by nothing");
    send_window_ += more;
    if (send_window_ > frame::kMaxWindow) {
      return Fail(Code::kFlowControlError, "the peer opens the window beyond its maximum");
    }
  } else if (IsIdle(frame_.id)) {
    return Fail(Code::kProtocolError, "the peer sends WINDOW_UPDATE on an idle stream");
  } else if (Node* node = Find(frame_.id); node != nullptr && !node->reset) {
    node->send_window += more;
    if (more == 0) return PeerFault(*node, Code::kProtocolError);
    if (node->send_window > frame::kMaxWindow) return PeerFault(*node, Code::kFlowControlError);
    if (node->queued > 0 && node->send_window > 0) ready_.Add(*node);
  }
  Judge(police_.Paid(Offence::kWindowUpdate), "WINDOW_UPDATE frames");
}

}  // namespace rondo::http2
