// The receiving half of Nghttp2Session.
#include <cstring>

#include "oracle/nghttp2_session.h"

namespace rondo::http2 {
namespace {
std::string_view Text(const nghttp2_vec& v) { return {reinterpret_cast<char*>(v.base), v.len}; }
bool Ends(const nghttp2_frame& frame) { return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0; }
bool IsAck(const nghttp2_frame& frame) { return (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0; }
}  // namespace

void Nghttp2Session::SetReceiveCallbacks(nghttp2_session_callbacks* c) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      c, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Self(user).OnBeginHeaders(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback2(
      c, [](nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
            uint8_t, void* user) { return Self(user).OnField(name, value); });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      c, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Self(user).OnFrame(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
      c, [](nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
        if (frame->hd.stream_id != 0) ++Self(user).replies_;  // Answered by RST_STREAM.
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      c, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t n, void* user) {
        Self(user).OnChunk(id, {data, n});
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      c, [](nghttp2_session*, int32_t id, uint32_t code, void* user) {
        Self(user).OnStreamClosed(id, static_cast<Code>(code));
        return 0;  // Always: anything else leaks (CVE-2023-35945).
      });
}

bool Nghttp2Session::Receive(Bytes bytes) {
  if (faulty_ || lost_) return false;
  if (std::exchange(first_bytes_, first_bytes_ && bytes.empty())) LookAtFirstBytes(bytes);
  heads_.Push(
      bytes, [this](Bytes head) { LookAtHead(head); }, [this](Bytes piece) { Feed(piece); });
  // nghttp2 has no callback for most connection errors: the GOAWAY it wants to send is the news.
  Pump();
  return !faulty_ && !lost_;
}

// The usual ways to meet the wrong server get words of their own: no frame of HTTP/2 that a server
// may begin with starts like these.
void Nghttp2Session::LookAtFirstBytes(Bytes bytes) {
  if (role_ == Role::kServer || bytes.size() < 3) return;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), 3);
  if (text == "HTT") {
    SetFault(Code::kProtocolError, "the peer answers in HTTP/1, not in HTTP/2");
  } else if (bytes[0] >= 0x14 && bytes[0] <= 0x17 && bytes[1] == 3) {
    SetFault(Code::kProtocolError, "the peer answers in TLS, this side speaks plain text");
  }
}

// nghttp2 skips frames of unknown type without a word to anybody.
void Nghttp2Session::LookAtHead(Bytes head) {
  if (head[3] <= NGHTTP2_CONTINUATION) return;
  Judge(police_.Report(Offence::kUnknownFrame), "frames of unknown type");
}

void Nghttp2Session::Feed(Bytes bytes) {
  if (faulty_) return;
  const ssize_t n = nghttp2_session_mem_recv(session_, bytes.data(), bytes.size());
  if (n >= 0) return;
  const bool flood = n == NGHTTP2_ERR_FLOODED || n == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
  const Code code = flood ? Code::kEnhanceYourCalm : Code::kProtocolError;
  SetFault(code, nghttp2_strerror(static_cast<int>(n)));
  nghttp2_session_terminate_session(session_, static_cast<uint32_t>(code));
}

// -- Header blocks.

void Nghttp2Session::OnBeginHeaders(const nghttp2_frame& frame) {
  DropBlock();
  if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) return;
  Node* node = pool_.Get();
  node->id = static_cast<uint32_t>(frame.hd.stream_id);
  nghttp2_session_set_stream_user_data(session_, frame.hd.stream_id, node);
  last_ = node;
}

// Beyond the limit the rest is decoded (the table must stay in step) and dropped; OnBlock ends the
// stream. Failing here instead would say INTERNAL_ERROR to the peer.
int Nghttp2Session::OnField(nghttp2_rcbuf* name, nghttp2_rcbuf* value) {
  const std::string_view n = Text(nghttp2_rcbuf_get_buf(name));
  const std::string_view v = Text(nghttp2_rcbuf_get_buf(value));
  fields_size_ += n.size() + v.size() + 32;
  if (fields_size_ > options_.max_header_bytes) return 0;
  for (nghttp2_rcbuf* buffer : {name, value}) {
    if (nghttp2_rcbuf_is_static(buffer) != 0) continue;
    nghttp2_rcbuf_incref(buffer);
    held_.push_back(buffer);
  }
  fields_.push_back({n, v, TokenOf(n)});
  return 0;
}

void Nghttp2Session::OnBlock(const nghttp2_frame& frame) {
  Node* node = FindOpen(frame.hd.stream_id);
  const bool request = frame.headers.cat == NGHTTP2_HCAT_REQUEST;
  if (node != nullptr && !faulty_) {
    const Headers headers{fields_, fields_size_};
    node->peer_end = Ends(frame);
    if (fields_size_ > options_.max_header_bytes) {
      OnOversizedBlock(*node, request);
    } else if (!request) {
      visitor_.OnHeaders(*node, headers, node->peer_end);
    } else {
      node->told = true;
      if (!visitor_.OnRequest(*node, headers, node->peer_end)) Reset(*node, Code::kRefusedStream);
    }
  }
  DropBlock();
}

void Nghttp2Session::OnOversizedBlock(Node& node, bool request) {
  const Code code = Code::kEnhanceYourCalm;
  if (!request) visitor_.OnClosed(node, {Cause::kPeerFault, code, Fate::kMaybeProcessed});
  Reset(node, code);
  Judge(police_.Report(Offence::kResetSent), "oversized header blocks");
}

void Nghttp2Session::DropBlock() {
  for (nghttp2_rcbuf* buffer : held_) nghttp2_rcbuf_decref(buffer);
  held_.clear();
  fields_.clear();
  fields_size_ = 0;
}

// -- Frames.

void Nghttp2Session::OnChunk(int32_t id, Bytes bytes) {
  Node* node = FindOpen(id);
  if (node == nullptr || faulty_) return CreditConnection(bytes.size());
  visitor_.OnData(*node, bytes, false);
}

void Nghttp2Session::OnFrame(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      return OnBlock(frame);
    case NGHTTP2_DATA:
      return OnDataFrame(frame);
    case NGHTTP2_SETTINGS:
      return OnSettingsFrame(frame);
    case NGHTTP2_PING:
      return OnPingFrame(frame);
    case NGHTTP2_GOAWAY:
      return OnGoAwayFrame(frame);
    case NGHTTP2_RST_STREAM:
      if (role_ == Role::kClient) return;
      return Judge(police_.Report(Offence::kReset, FindOpen(frame.hd.stream_id)),
                   "RST_STREAM frames");
    case NGHTTP2_WINDOW_UPDATE:
      return Judge(police_.Paid(Offence::kWindowUpdate), "WINDOW_UPDATE frames");
    case NGHTTP2_PRIORITY:
      return Judge(police_.Report(Offence::kPriority), "PRIORITY frames");
    default:
      return;
  }
}

void Nghttp2Session::OnDataFrame(const nghttp2_frame& frame) {
  Judge(police_.Data(frame.hd.length - frame.data.padlen, Ends(frame)), "empty DATA frames");
  Node* node = faulty_ ? nullptr : FindOpen(frame.hd.stream_id);
  if (node == nullptr) return;
  if (frame.data.padlen > 0) Credit(*node, frame.data.padlen);  // Nobody else will.
  if (!Ends(frame)) return;
  node->peer_end = true;
  visitor_.OnData(*node, {}, true);
}

void Nghttp2Session::OnSettingsFrame(const nghttp2_frame& frame) {
  if (IsAck(frame)) return;
  if (settled_) Judge(police_.Report(Offence::kSettings), "SETTINGS frames");
  ++replies_;
  settled_ = true;
  if (!faulty_) visitor_.OnSettings();
}

void Nghttp2Session::OnPingFrame(const nghttp2_frame& frame) {
  if (IsAck(frame)) {
    uint64_t payload = 0;
    std::memcpy(&payload, frame.ping.opaque_data, 8);
    return visitor_.OnPong(payload);
  }
  ++replies_;
  if (!visitor_.OnPing(police_.TakeSpoke())) {
    SetFault(Code::kEnhanceYourCalm, "too_many_pings");
    nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
    return;
  }
  Judge(police_.Paid(Offence::kPing), "PING frames");
}

void Nghttp2Session::OnGoAwayFrame(const nghttp2_frame& frame) {
  goaway_ = true;  // nghttp2 closes the streams above last_id right after this.
  visitor_.OnGoAway(
      static_cast<uint32_t>(frame.goaway.last_stream_id),
      static_cast<Code>(frame.goaway.error_code),
      {reinterpret_cast<char*>(frame.goaway.opaque_data), frame.goaway.opaque_data_len});
}

// -- Ends.

Closed Nghttp2Session::HowItClosed(const Node& node, Code code) const {
  Closed closed{Cause::kPeerReset, code, Fate::kMaybeProcessed};
  if (node.local_end && code == Code::kNoError && (node.peer_end || node.reset_by_us)) {
    closed.cause = Cause::kComplete;
  } else if (code == Code::kRefusedStream) {
    closed.cause = goaway_ ? Cause::kGoAway : Cause::kPeerReset;
    closed.fate = Fate::kNotProcessed;
  } else if (node.reset_by_us) {
    closed.cause = Cause::kPeerFault;
  }
  if (Unsent(node)) closed.fate = Fate::kNotSent;
  return closed;
}

void Nghttp2Session::OnStreamClosed(int32_t id, Code code) {
  Node* node = Find(id);
  last_ = nullptr;
  if (node == nullptr) return;
  if (node == writable_) writable_ = nullptr;
  if (node->mine) --mine_open_;
  nghttp2_session_set_stream_user_data(session_, id, nullptr);  // It remembers the stream.
  End(*node, HowItClosed(*node, code));
  pool_.Put(node);
}

}  // namespace rondo::http2
