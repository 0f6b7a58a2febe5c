#pragma once
// The floor's server side. It is told what its clients send, so it need not look: a unary call gets
// one message back, a stream both ways as many bytes as it sent.
// Threads: one.
#include "nghttp2_session.h"

namespace bench {

// How many clients are still to become READY.
struct Expected {
  int left = 0;
  void Ready() {
    if (--left != 0) return;
    std::printf("ready %llu\n", static_cast<unsigned long long>(NowNs()));
    std::fflush(stdout);
  }
};

class ServerSession final : public Http2 {
 public:
  ServerSession(Expected& expected, const Message& message, Kind kind)
      : Http2(message), expected_(expected), kind_(kind) {
    static nghttp2_session_callbacks* const unary = Callbacks(false);
    static nghttp2_session_callbacks* const both = Callbacks(true);
    nghttp2_session_server_new(&session_, kind == Kind::kBoth ? both : unary, this);
    Settings();
  }

 private:
  static nghttp2_session_callbacks* Callbacks(bool both) {
    nghttp2_session_callbacks* c = nullptr;
    nghttp2_session_callbacks_new(&c);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, &OnFrame);
    if (!both) return c;
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, &OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, &OnClose);
    return c;
  }
  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self_) {
    auto& self = *static_cast<ServerSession*>(self_);
    const auto& head = frame->hd;
    if (head.type == NGHTTP2_SETTINGS && (head.flags & NGHTTP2_FLAG_ACK) != 0) {
      self.expected_.Ready();
    }
    const bool of_request = head.type == NGHTTP2_DATA || head.type == NGHTTP2_HEADERS;
    if (!of_request) return 0;
    const bool last = (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (self.kind_ == Kind::kBoth) return self.OnStream(head.type, head.stream_id, last);
    return last ? self.Respond(head.stream_id, {{}, &Reply}) : 0;
  }
  int Respond(int32_t stream, const nghttp2_data_provider& body) {
    static const nghttp2_nv headers[] = {Field(":status", "200"),
                                         Field("content-type", "application/grpc")};
    return nghttp2_submit_response(session_, stream, headers, 2, &body);
  }
  static void Trailers(nghttp2_session* session, int32_t stream, uint32_t* flags) {
    static const nghttp2_nv trailers[] = {Field("grpc-status", "0")};
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, stream, trailers, 1);
  }
  static ssize_t Reply(nghttp2_session* session, int32_t stream, uint8_t* to, size_t room,
                       uint32_t* flags, nghttp2_data_source* source, void* self_) {
    const auto& self = *static_cast<ServerSession*>(self_);
    const uint64_t count = self.kind_ == Kind::kMany ? kMany : 1;
    const ssize_t n = self.CopyUpTo(count * self.message_.size(), to, room, flags, source);
    if ((*flags & NGHTTP2_DATA_FLAG_EOF) != 0) Trailers(session, stream, flags);
    return n;
  }

  // ---- Streams both ways.
  int OnStream(uint8_t type, int32_t stream, bool last) {
    if (type == NGHTTP2_HEADERS) {
      auto* flow = new Flow;
      nghttp2_session_set_stream_user_data(session_, stream, flow);
      nghttp2_data_provider body{{.ptr = flow}, &Back};
      Respond(stream, body);
    }
    auto* flow = static_cast<Flow*>(nghttp2_session_get_stream_user_data(session_, stream));
    if (!last || flow == nullptr) return 0;
    flow->last = true;
    Owe(stream, *flow, 0);
    return 0;
  }
  static ssize_t Back(nghttp2_session* session, int32_t stream, uint8_t* to, size_t room,
                      uint32_t* flags, nghttp2_data_source* source, void* self) {
    const ssize_t n = static_cast<ServerSession*>(self)->CopyOwed(*static_cast<Flow*>(source->ptr),
                                                                  to, room, flags);
    if (n >= 0 && (*flags & NGHTTP2_DATA_FLAG_EOF) != 0) Trailers(session, stream, flags);
    return n;
  }
  static int OnData(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t*, size_t size,
                    void* self) {
    auto* flow = static_cast<Flow*>(nghttp2_session_get_stream_user_data(session, stream));
    static_cast<ServerSession*>(self)->Owe(stream, *flow, size);
    return 0;
  }
  static int OnClose(nghttp2_session* session, int32_t stream, uint32_t, void*) {
    delete static_cast<Flow*>(nghttp2_session_get_stream_user_data(session, stream));
    return 0;
  }

  Expected& expected_;
  const Kind kind_;
};

}  // namespace bench
