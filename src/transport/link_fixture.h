#pragma once
// A client's and a server's link over a network in memory, on one loop whose time the test moves.
// Threads: one; for tests only.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "event/manual_loop.h"
#include "transport/connection_fixture.h"
#include "transport/link.h"
#include "transport/memory_network.h"

namespace rondo::transport {

inline constexpr std::string_view kAddress = "10.0.0.1:50051";

// Writes down a link's events. "R" ready, "D" draining, "S" slots, "C" closed.
struct Listening : LinkEvents {
  std::string log, why;
  GoAway goaway;
  std::function<void(char)> on_event;

  void Note(char what) {
    log += what;
    if (on_event) on_event(what);
  }
  void OnReady() override { Note('R'); }
  void OnDraining(const GoAway& g) override {
    goaway = g;
    Note('D');
  }
  void OnSlots() override { Note('S'); }
  void OnClosed(const absl::Status& status) override {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    why = std::string(MessageOf(status));
    Note('C');
  }
};

class LinkTest : public testing::Test {
 protected:
  ~LinkTest() override {
    up.reset();
    down.reset();
    raw.reset();
    listener.reset();
  }
  // A listener whose next connection becomes `down`, or the test's own `raw` end.
  void Listen(bool raw_end = false) {
    auto listening = network.Listen(
        *loop, kAddress, [this]() -> event::EventLoop& { return *loop; },
        [this, raw_end](event::EventLoop&, std::unique_ptr<event::Socket> socket) {
          if (raw_end) {
            raw = std::move(socket);
            raw->Start(raw_events);
          } else {
            down = std::make_unique<Link>(*loop, std::move(socket), http2::Role::kServer,
                                          down_options, at_down, &server);
          }
        });
    ASSERT_TRUE(listening.ok());
    listener = std::move(*listening);
  }
  void Dial() {
    dial = network.Connect(*loop, kAddress, [this](auto socket) {
      ASSERT_TRUE(socket.ok());
      up = std::make_unique<Link>(*loop, std::move(*socket), http2::Role::kClient, up_options,
                                  at_up);
    });
    loop->RunUntilIdle();
  }
  void Start() {
    Listen();
    Dial();
    loop->RunUntilIdle();
    ASSERT_EQ(at_up.log, "R");
    at_up.log.clear();
    at_down.log.clear();
  }
  bool Begin(Call& call, std::string_view text, bool end = true) {
    return up->connection().Start(call.stream, call, http2::kEcho, {}, FrameMessage(text), end, 2);
  }
  void Idle() { loop->RunUntilIdle(); }

  // -- The raw end of a peer that the test plays.
  struct RawEvents : event::SocketEvents {
    void OnReadable() override {}
    void OnWritable() override {}
  };
  void Say(std::string_view bytes) {
    const iovec v{const_cast<char*>(bytes.data()), bytes.size()};
    ASSERT_EQ(raw->Write({&v, 1}).bytes, bytes.size());
    Idle();
  }
  std::string Hear() {
    std::string all;
    uint8_t buffer[4096];
    for (;;) {
      const event::Io io = raw->Read(buffer);
      if (io.kind != event::Io::Kind::kMoved) {
        raw_ended = io.kind != event::Io::Kind::kWouldBlock;
        return all;
      }
      all.append(reinterpret_cast<char*>(buffer), io.bytes);
    }
  }
  static std::string GoAwayFrame(uint32_t last, http2::Code code, std::string_view debug) {
    std::string payload = {0, 0, 0, static_cast<char>(last), 0, 0, 0, static_cast<char>(code)};
    return http2::Frame(http2::kGoAway, 0, 0, payload.append(debug));
  }

  std::shared_ptr<event::ManualLoop> loop = event::ManualLoop::Make();
  MemoryNetwork network;
  EchoAcceptor server;
  LinkOptions up_options, down_options;
  Listening at_up, at_down;
  RawEvents raw_events;
  bool raw_ended = false;
  std::unique_ptr<event::Listener> listener;
  std::unique_ptr<event::Dial> dial;
  std::unique_ptr<event::Socket> raw;
  std::unique_ptr<Link> up, down;
};

}  // namespace rondo::transport
