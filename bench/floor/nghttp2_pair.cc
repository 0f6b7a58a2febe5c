// The floor under gRPC: unary calls in gRPC's shape over nghttp2 and epoll, without a runtime.
// nghttp2_pair server [ports=N cpu=N expect=N]
//   A server on N ports. `expect`: tells `ready NS` once so many clients have acknowledged its
//   SETTINGS (they are READY then), in CLOCK_MONOTONIC's ns.
// nghttp2_pair client port=N[,N...] [inflight=N cpu=N server=PID seconds=S warm=S]
//   One connection a port, calls go round.
#include <nghttp2/nghttp2.h>

#include "epoll_loop.h"

namespace bench {
namespace {

nghttp2_nv Field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view s) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(s.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

// What both sides share: a session that reads from and writes to memory.
class Http2 : public Peer {
 public:
  ~Http2() override { nghttp2_session_del(session_); }
  void OnBytes(Bytes bytes) override {
    if (nghttp2_session_mem_recv(session_, bytes.data(), bytes.size()) < 0) Die("HTTP/2");
  }
  void Fill(std::vector<uint8_t>& out) override {
    const uint8_t* piece = nullptr;
    for (ssize_t n; (n = nghttp2_session_mem_send(session_, &piece)) > 0;) {
      out.insert(out.end(), piece, piece + n);
    }
  }

 protected:
  static constexpr uint32_t kWindow = 16 << 20;

  // The whole message, and the stream's end unless trailers follow.
  static ssize_t CopyMessage(uint8_t* to, size_t room, uint32_t* flags) {
    if (room < kFramed.size()) return NGHTTP2_ERR_CALLBACK_FAILURE;
    std::memcpy(to, kFramed.data(), kFramed.size());
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(kFramed.size());
  }
  void Settings() {
    const nghttp2_settings_entry entries[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
                                              {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, 2);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow);
  }
  nghttp2_session* session_ = nullptr;
};

// ---- Server.
struct Expected {  // How many clients are still to become READY.
  int left = 0;
  void Ready() {
    if (--left != 0) return;
    std::printf("ready %llu\n", static_cast<unsigned long long>(NowNs()));
    std::fflush(stdout);
  }
};

class Server final : public Http2 {
 public:
  explicit Server(Expected& expected) : expected_(expected) {
    static nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* c = nullptr;
      nghttp2_session_callbacks_new(&c);
      nghttp2_session_callbacks_set_on_frame_recv_callback(c, &OnFrame);
      return c;
    }();
    nghttp2_session_server_new(&session_, callbacks, this);
    Settings();
  }

 private:
  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    const auto& head = frame->hd;
    if (head.type == NGHTTP2_SETTINGS && (head.flags & NGHTTP2_FLAG_ACK) != 0) {
      static_cast<Server*>(self)->expected_.Ready();
    }
    const bool of_request = head.type == NGHTTP2_DATA || head.type == NGHTTP2_HEADERS;
    if (!of_request || (head.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    static const nghttp2_nv headers[] = {Field(":status", "200"),
                                         Field("content-type", "application/grpc")};
    const nghttp2_data_provider body{{}, &Reply};
    return nghttp2_submit_response(session, head.stream_id, headers, 2, &body);
  }
  static ssize_t Reply(nghttp2_session* session, int32_t stream, uint8_t* to, size_t room,
                       uint32_t* flags, nghttp2_data_source*, void*) {
    static const nghttp2_nv trailers[] = {Field("grpc-status", "0")};
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, stream, trailers, 1);
    return CopyMessage(to, room, flags);
  }

  Expected& expected_;
};

// ---- Client.
class Client;
struct Call {
  uint64_t begun = 0;
  size_t bytes = 0;
  bool ok = false;
};

// The calls of all connections; each that ends begins anew on the next connection.
struct Calls {
  Calls(EpollLoop& l, Meter& m, int n) : loop(l), meter(m), all(static_cast<size_t>(n)) {}
  void Start(Call& call, uint64_t now);
  void Ended(Call& call) {
    if (!call.ok || call.bytes != kFramed.size()) meter.Failed();
    if (const uint64_t now = meter.Ended(call.begun); now != 0) {
      Start(call, now);
    } else {
      loop.Stop();
    }
  }
  EpollLoop& loop;
  Meter& meter;
  std::vector<Call> all;
  std::vector<std::unique_ptr<Client>> connections;
  size_t turn = 0;
};

class Client final : public Http2 {
 public:
  explicit Client(Calls& calls) : calls_(calls) {
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
  void Start(Call& call) {
    static const nghttp2_nv headers[] = {
        Field(":method", "POST"),    Field(":scheme", "http"),
        Field(":path", kPath),       Field(":authority", "127.0.0.1:50051"),
        Field("te", "trailers"),     Field("content-type", "application/grpc"),
        Field("user-agent", "floor")};
    const nghttp2_data_provider body{
        {},
        [](nghttp2_session*, int32_t, uint8_t* to, size_t room, uint32_t* flags,
           nghttp2_data_source*, void*) { return CopyMessage(to, room, flags); }};
    if (nghttp2_submit_request(session_, nullptr, headers, 7, &body, &call) < 0) Die("HTTP/2");
  }

 private:
  static Call* Of(nghttp2_session* session, int32_t stream) {
    return static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream));
  }
  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t, void*) {
    if (name_size == 11 && std::memcmp(name, "grpc-status", 11) == 0) {
      Of(session, frame->hd.stream_id)->ok = value_size == 1 && value[0] == '0';
    }
    return 0;
  }
  static int OnData(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t*, size_t size,
                    void*) {
    Of(session, stream)->bytes += size;
    return 0;
  }
  static int OnClose(nghttp2_session* session, int32_t stream, uint32_t, void* self) {
    static_cast<Client*>(self)->calls_.Ended(*Of(session, stream));
    return 0;
  }
  Calls& calls_;
};

void Calls::Start(Call& call, uint64_t now) {
  call = {.begun = now, .bytes = 0, .ok = false};
  Client& client = *connections[turn];
  if (++turn == connections.size()) turn = 0;
  client.Start(call);
  loop.Dirty(client);
}

int Serve(const Arguments& arguments) {
  EpollLoop loop;
  Expected expected{arguments.Int("expect", 0)};
  std::vector<int> ports;
  for (int i = arguments.Int("ports", 1); i > 0; --i) {
    ports.push_back(loop.Listen([&] { return std::make_unique<Server>(expected); }));
  }
  PrintPorts(ports);
  loop.StopWithStdin();
  loop.Run();
  return 0;
}

int Measure(const Arguments& arguments) {
  EpollLoop loop;
  Meter meter(arguments);
  Calls calls(loop, meter, arguments.Int("inflight", 100));
  const std::string ports = arguments.Text("port");
  if (ports.empty()) Die("port= is missing");
  for (const char* p = ports.c_str(); *p != 0; p += *p == ',') {
    calls.connections.push_back(std::make_unique<Client>(calls));
    loop.Connect(*calls.connections.back(),
                 static_cast<int>(std::strtol(p, const_cast<char**>(&p), 10)));
  }
  for (Call& call : calls.all) calls.Start(call, meter.Begin());
  loop.Run();
  meter.Print();
  return 0;
}

int Main(const Arguments& arguments) {
  Prepare(arguments);
  return arguments.Has("server") ? Serve(arguments) : Measure(arguments);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
