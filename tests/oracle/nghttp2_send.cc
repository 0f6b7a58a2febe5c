// The sending half of Nghttp2Session.
#include <algorithm>

#include "oracle/nghttp2_session.h"

namespace rondo::http2 {

void Nghttp2Session::SetSendCallbacks(nghttp2_session_callbacks* c) {
  nghttp2_session_callbacks_set_before_frame_send_callback(
      c, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Self(user).BeforeSend(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      c, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Self(user).OnSent(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_not_send_callback(
      c, [](nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
        Self(user).OnNotSent(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_send_data_callback(c, &WriteBody);
}

std::span<const iovec> Nghttp2Session::Gather() {
  Pump();
  return outbox_.Gather();
}

void Nghttp2Session::Pump() {
  while (!lost_ && outbox_.size() < options_.outbox_limit) {
    const uint8_t* data = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session_, &data);
    if (n < 0) SetFault(Code::kInternalError, nghttp2_strerror(static_cast<int>(n)));
    if (n > 0) outbox_.Append({data, static_cast<size_t>(n)});
    TellWritable();
    if (n <= 0) break;
  }
  if (faulty_ && !std::exchange(told_, true)) CloseAll();
}

// Told between two frames, when nghttp2 is in none of its own functions.
void Nghttp2Session::TellWritable() {
  Node* node = std::exchange(writable_, nullptr);
  if (all_paused_ && queued_all_ <= options_.send_all_low) {
    all_paused_ = false;
    for (Node* each = pool_.open(); each != nullptr; each = each->next) {
      if (each == node || !each->paused || each->queued > options_.send_low) continue;
      each->paused = false;
      if (!each->detached) visitor_.OnWritable(*each);
    }
  }
  if (node == nullptr || all_paused_) return;
  node->paused = false;
  if (!node->detached) visitor_.OnWritable(*node);
}

void Nghttp2Session::BeforeSend(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_HEADERS) {
    Node* node = Find(frame.hd.stream_id);
    if (node != nullptr && node->mark == kNever) node->mark = outbox_.appended();
  } else if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR) {
    SetFault(
        static_cast<Code>(frame.goaway.error_code),
        {reinterpret_cast<const char*>(frame.goaway.opaque_data), frame.goaway.opaque_data_len});
  }
}

void Nghttp2Session::OnSent(const nghttp2_frame& frame) {
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;  // The same bit says ACK.
  switch (frame.hd.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS: {
      police_.Sent();
      Node* node = end ? Find(frame.hd.stream_id) : nullptr;
      if (node == nullptr) return;
      node->local_end = true;
      if (role_ == Role::kServer && !node->peer_end) {  // Answered early: RFC 9113 section 8.1.
        nghttp2_submit_rst_stream(session_, 0, frame.hd.stream_id, NGHTTP2_NO_ERROR);
      }
      return;
    }
    case NGHTTP2_RST_STREAM: {
      Node* node = Find(frame.hd.stream_id);
      if (node != nullptr && node->detached) return;  // Our own doing.
      if (node != nullptr) node->reset_by_us = true;
      if (frame.rst_stream.error_code == NGHTTP2_NO_ERROR) return;
      if (replies_ > 0) --replies_;
      return Judge(police_.Report(Offence::kResetSent), "frames that end their stream");
    }
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
      if (end && replies_ > 0) --replies_;
      return;
    default:
      return;
  }
}

// A request that never became a stream (cancelled or overtaken by GOAWAY while queued) is in no map
// of nghttp2's: it has no user data, and there is no on_stream_close.
void Nghttp2Session::OnNotSent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_RST_STREAM && replies_ > 0) --replies_;
  if (frame.hd.type != NGHTTP2_HEADERS) return;
  Node* known =
      static_cast<Node*>(nghttp2_session_get_stream_user_data(session_, frame.hd.stream_id));
  if (known != nullptr) {
    if (!known->mine && !known->detached) {  // Headers that can't be encoded: too long.
      nghttp2_submit_rst_stream(session_, 0, frame.hd.stream_id, NGHTTP2_INTERNAL_ERROR);
    }
    return;
  }
  Node* node = pool_.open();
  while (node != nullptr && node->id != static_cast<uint32_t>(frame.hd.stream_id)) {
    node = node->next;
  }
  if (node == nullptr || !node->mine) return;
  if (node == last_) last_ = nullptr;
  --mine_open_;
  End(*node, {Cause::kGoAway, Code::kRefusedStream, Fate::kNotSent});
  pool_.Put(node);
}

// -- Bodies.

ssize_t Nghttp2Session::ReadBody(nghttp2_session* session, int32_t id, uint8_t*, size_t length,
                                 uint32_t* flags, nghttp2_data_source* source, void* user) {
  Nghttp2Session& self = Self(user);
  Node& node = *static_cast<Node*>(source->ptr);
  const size_t n = std::min(length, node.queue.bytes());
  if (n == 0 && !node.end) {
    node.deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!node.end || n < node.queue.bytes()) return static_cast<ssize_t>(n);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (node.trailers.held()) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    node.trailers.Fields(self.extra_);
    const auto nv = self.Fields(*node.trailers.head(), self.extra_);
    nghttp2_submit_trailer(session, id, nv.data(), nv.size());
  }
  return static_cast<ssize_t>(n);
}

int Nghttp2Session::WriteBody(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t length,
                              nghttp2_data_source* source, void* user) {
  Nghttp2Session& self = Self(user);
  Node& node = *static_cast<Node*>(source->ptr);
  self.outbox_.Append({head, FrameHeads::kHead});
  node.queue.MoveTo(self.outbox_, length);
  node.queued -= length;
  self.queued_all_ -= length;
  if (node.paused && node.queued <= self.options_.send_low) self.writable_ = &node;
  return 0;
}

void Nghttp2Session::Queue(Node& node, Slice body) {
  node.queued += body.size();
  queued_all_ += body.size();
  node.queue.Push(std::move(body));
}

void Nghttp2Session::DropQueue(Node& node) {
  node.queue.Drop(outbox_);
  queued_all_ -= std::exchange(node.queued, 0);
}

void Nghttp2Session::Resume(Node& node) {
  if (!std::exchange(node.deferred, false)) return;
  nghttp2_session_resume_data(session_, static_cast<int32_t>(node.id));
}

// -- Streams.

std::span<const nghttp2_nv> Nghttp2Session::Fields(const HeaderTemplate& head, ExtraHeaders extra) {
  nv_.clear();
  const auto add = [this](const Header& h, uint8_t flags) {
    auto* name = reinterpret_cast<uint8_t*>(const_cast<char*>(h.name.data()));
    auto* value = reinterpret_cast<uint8_t*>(const_cast<char*>(h.value.data()));
    nv_.push_back({name, value, h.name.size(), h.value.size(), flags});
  };
  for (const Header& h : head.fields()) {
    add(h, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE);
  }
  for (const Header& h : extra) {  // A value that changes would push the others out of the table.
    add(h, h.index ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX);
  }
  return nv_;
}

Stream* Nghttp2Session::Open(const HeaderTemplate& head, ExtraHeaders extra, Slice body, bool end,
                             void* user) {
  if (slots() == 0) return nullptr;
  Node* node = pool_.Get();
  const auto nv = Fields(head, extra);
  const nghttp2_data_provider data = Body(*node);
  const bool bodyless = end && body.size() == 0;
  const int32_t id = nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(),
                                            bodyless ? nullptr : &data, node);
  if (id < 0) {
    pool_.Put(node);
    return nullptr;
  }
  node->id = static_cast<uint32_t>(id);
  node->user = user;
  node->mine = node->told = true;
  node->end = end;
  Queue(*node, std::move(body));
  ++mine_open_;
  return node;
}

void Nghttp2Session::Respond(Stream& stream, const HeaderTemplate& head, ExtraHeaders extra,
                             bool end) {
  Node& node = static_cast<Node&>(stream);
  const auto nv = Fields(head, extra);
  const nghttp2_data_provider data = Body(node);
  nghttp2_submit_response(session_, static_cast<int32_t>(node.id), nv.data(), nv.size(),
                          end ? nullptr : &data);
}

bool Nghttp2Session::Send(Stream& stream, Slice body, bool end) {
  Node& node = static_cast<Node&>(stream);
  Queue(node, std::move(body));
  node.end = end;
  Resume(node);
  if (queued_all_ >= options_.send_all_high && node.queued > 0) all_paused_ = node.paused = true;
  if (node.queued >= options_.send_high) node.paused = true;
  return !node.paused;
}

void Nghttp2Session::Finish(Stream& stream, const HeaderTemplate& trailers, ExtraHeaders extra) {
  Node& node = static_cast<Node&>(stream);
  node.trailers.Hold(&trailers, extra);
  node.end = true;
  Resume(node);
}

void Nghttp2Session::Reset(Stream& stream, Code code) {
  Node& node = static_cast<Node&>(stream);
  if (std::exchange(node.detached, true)) return;
  node.user = nullptr;
  DropQueue(node);
  if (lost_ || faulty_) return;
  nghttp2_submit_rst_stream(session_, 0, static_cast<int32_t>(node.id),
                            static_cast<uint32_t>(code));
}

}  // namespace rondo::http2
