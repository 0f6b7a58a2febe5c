#pragma once
// The floor's client side: calls go round the connections; each that ends begins anew, or one
// begins whenever the pace says so.
// Threads: one.
#include <deque>

#include "nghttp2_session.h"

namespace bench {

class ClientSession;
struct FloorCall {
  uint64_t begun = 0;
  uint64_t bytes = 0;
  bool ok = false;
};

// All calls of all connections.
class Calls {
 public:
  Calls(EpollLoop& loop, const Arguments& arguments)
      : loop_(loop),
        meter_(arguments),
        pace_(arguments),
        message_(arguments),
        kind_(KindOf(arguments)),
        in_flight_(arguments.Int("inflight", 100)),
        streams_(arguments.Int("streams", 1)) {}
  void Connect(int port);
  void Begin();
  void Print() const { meter_.Print(); }

 private:
  friend class ClientSession;
  void Start(FloorCall& call, uint64_t now);
  // A message or call that began at `begun` has come back. Whether another is to begin at once, and
  // when.
  uint64_t Back(uint64_t begun) {
    const uint64_t now = meter_.Ended(begun);
    if (now == 0) loop_.Stop();
    return now;
  }
  void Ended(FloorCall& call);
  uint64_t StartDue();

  EpollLoop& loop_;
  Meter meter_;
  Pace pace_;
  const Message message_;
  const Kind kind_;
  const int in_flight_, streams_;
  std::deque<FloorCall> all_;
  std::vector<FloorCall*> free_;
  std::vector<std::unique_ptr<ClientSession>> connections_;
  size_t turn_ = 0;
};

class ClientSession final : public Http2 {
 public:
  explicit ClientSession(Calls& calls) : Http2(calls.message_), calls_(calls) {
    static nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* c = nullptr;
      nghttp2_session_callbacks_new(&c);
      nghttp2_session_callbacks_set_on_header_callback(c, &OnHeader);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, &OnData);
      nghttp2_session_callbacks_set_on_stream_close_callback(c, &OnClose);
      return c;
    }();
    nghttp2_session_client_new(&session_, callbacks, this);
    Settings();
  }
  void Start(FloorCall& call) {
    if (calls_.kind_ == Kind::kBoth) return StartBoth();
    Submit({{},
            [](nghttp2_session*, int32_t, uint8_t* to, size_t room, uint32_t* flags,
               nghttp2_data_source* source, void* self) {
              const auto& me = *static_cast<ClientSession*>(self);
              return me.CopyUpTo(me.message_.size(), to, room, flags, source);
            }},
           &call);
  }

 private:
  struct Stream {
    Flow flow;
    uint64_t received = 0;        // Bytes of the message that is coming in.
    size_t oldest = 0;            // In begun.
    std::vector<uint64_t> begun;  // A ring, for messages come back in order.
  };

  void Submit(const nghttp2_data_provider& body, void* of) {
    static const nghttp2_nv headers[] = {Field(":method", "POST"),
                                         Field(":scheme", "http"),
                                         Field(":path", PathOf(calls_.kind_)),
                                         Field(":authority", "127.0.0.1:50051"),
                                         Field("te", "trailers"),
                                         Field("content-type", "application/grpc"),
                                         Field("user-agent", "floor")};
    if (nghttp2_submit_request(session_, nullptr, headers, 7, &body, of) < 0) Die("HTTP/2");
  }
  void StartBoth() {
    auto& stream = streams_.emplace_back();
    const auto in_flight = static_cast<size_t>(calls_.in_flight_);
    stream.begun.assign(in_flight, calls_.meter_.Begin());
    stream.flow.owed = in_flight * message_.size();
    Submit({{.ptr = &stream},
            [](nghttp2_session*, int32_t, uint8_t* to, size_t room, uint32_t* flags,
               nghttp2_data_source* source, void* self) {
              return static_cast<ClientSession*>(self)->CopyOwed(
                  static_cast<Stream*>(source->ptr)->flow, to, room, flags);
            }},
           &stream);
  }
  template <class T>
  static T& Of(nghttp2_session* session, int32_t stream) {
    return *static_cast<T*>(nghttp2_session_get_stream_user_data(session, stream));
  }
  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* self) {
    if (static_cast<ClientSession*>(self)->calls_.kind_ == Kind::kBoth) return 0;
    if (name_size == 11 && std::memcmp(name, "grpc-status", 11) == 0) {
      Of<FloorCall>(session, frame->hd.stream_id).ok = value_size == 1 && value[0] == '0';
    }
    return 0;
  }
  static int OnData(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t*, size_t size,
                    void* self_) {
    auto& self = *static_cast<ClientSession*>(self_);
    if (self.calls_.kind_ == Kind::kBoth) {
      self.OnMessages(stream, Of<Stream>(session, stream), size);
      return 0;
    }
    auto& call = Of<FloorCall>(session, stream);
    call.bytes += size;
    if (self.calls_.kind_ != Kind::kMany) return 0;
    for (uint64_t n =
             call.bytes / self.message_.size() - (call.bytes - size) / self.message_.size();
         n > 0; --n) {
      self.calls_.Back(call.begun);
    }
    return 0;
  }
  void OnMessages(int32_t id, Stream& stream, size_t size) {
    uint64_t owe = 0;
    for (stream.received += size; stream.received >= message_.size();
         stream.received -= message_.size()) {
      uint64_t& begun = stream.begun[stream.oldest];
      begun = calls_.Back(begun);
      if (begun != 0) owe += message_.size();
      if (++stream.oldest == stream.begun.size()) stream.oldest = 0;
    }
    if (owe > 0) Owe(id, stream.flow, owe);
  }
  static int OnClose(nghttp2_session* session, int32_t stream, uint32_t, void* self) {
    Calls& calls = static_cast<ClientSession*>(self)->calls_;
    if (calls.kind_ == Kind::kBoth) Die("the stream has ended");
    calls.Ended(Of<FloorCall>(session, stream));
    return 0;
  }

  Calls& calls_;
  std::deque<Stream> streams_;
};

inline void Calls::Connect(int port) {
  connections_.push_back(std::make_unique<ClientSession>(*this));
  loop_.Connect(*connections_.back(), port);
}
inline void Calls::Begin() {
  if (pace_.open_loop()) {
    pace_.Begin(meter_.Begin());
    loop_.EachTurn([this] { return StartDue(); });
    return;
  }
  for (int i = kind_ == Kind::kBoth ? streams_ : in_flight_; i > 0; --i) {
    Start(all_.emplace_back(), meter_.Begin());
  }
}
inline void Calls::Start(FloorCall& call, uint64_t now) {
  call = {.begun = now, .bytes = 0, .ok = false};
  ClientSession& client = *connections_[turn_];
  if (++turn_ == connections_.size()) turn_ = 0;
  client.Start(call);
  loop_.Dirty(client);
}
inline void Calls::Ended(FloorCall& call) {
  const uint64_t count = kind_ == Kind::kMany ? kMany : 1;
  if (!call.ok || call.bytes != count * message_.size()) meter_.Failed();
  const uint64_t now = kind_ == Kind::kMany ? (meter_.over() ? 0 : NowNs()) : Back(call.begun);
  if (pace_.open_loop()) {
    free_.push_back(&call);
  } else if (now != 0) {
    Start(call, now);
  }
}
inline uint64_t Calls::StartDue() {
  for (const uint64_t now = NowNs(); pace_.next() <= now && !meter_.over();) {
    if (free_.empty()) free_.push_back(&all_.emplace_back());
    FloorCall& call = *free_.back();
    free_.pop_back();
    Start(call, pace_.Take());
  }
  return pace_.next();
}

}  // namespace bench
