#pragma once
// A server over a network in memory, on one loop whose time the test moves, and clients that speak
// to it with bare streams.
// Threads: one; for tests only.
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "event/manual_loop.h"
#include "server/make_server.h"
#include "transport/link.h"
#include "transport/memory_network.h"

namespace rondo::server {

inline constexpr std::string_view kAddress = "10.0.0.1:50051";

inline std::string Text(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// A call as the client sees it.
struct ClientCall final : transport::StreamHandler {
  std::string head, trailers;  // "name=value name=value", without the content-type.
  std::vector<std::string> messages;
  std::string end;  // "" while it runs, then "trailers", "reset CANCEL", "refused", "lost".
  bool pull_more = true;
  transport::Stream stream;

  static std::string Show(const http2::Headers& headers) {
    std::string all;
    for (const http2::Header& h : headers.fields) {
      if (h.name == "content-type" && h.value == "application/grpc") continue;
      all += (all.empty() ? "" : " ") + std::string(h.name) + "=" + std::string(h.value);
    }
    return all;
  }
  void OnHeaders(const http2::Headers& headers) override { head = Show(headers); }
  void OnMessage(const transport::Message& message) override {
    messages.push_back(Text(message.bytes));
    if (pull_more) stream.Pull();
  }
  void OnEnd(const transport::End& how) override {
    using http2::Cause;
    if (how.why == transport::Why::kTrailers) {
      end = "trailers";
      trailers = Show(*how.trailers);
    } else if (how.why == transport::Why::kNoTrailers) {
      end = "no trailers";
    } else if (how.why != transport::Why::kWire) {
      end = "broken";
    } else if (how.closed.fate == http2::Fate::kNotProcessed) {
      end = "refused";
    } else if (how.closed.cause == Cause::kConnection) {
      end = "lost";
    } else {
      end = "reset " + std::string(http2::Name(how.closed.code));
    }
  }
};

struct Client final : transport::LinkEvents {
  std::unique_ptr<event::Dial> dial;
  std::unique_ptr<transport::Link> link;
  bool ready = false;
  std::vector<std::string> goaways;
  std::string closed;

  void OnReady() override { ready = true; }
  void OnDraining(const transport::GoAway& why) override {
    goaways.push_back(std::string(http2::Name(why.code)) + " " + why.debug);
  }
  void OnSlots() override {}
  void OnClosed(const absl::Status& why) override { closed = std::string(MessageOf(why)); }
};

class ServerTest : public testing::Test {
 protected:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  enum Kind { kUnary, kClientStreams, kServerStreams, kBoth };

  ServerTest() {
    options.credentials = Insecure();
    options.listen = {std::string(kAddress)};
  }
  ~ServerTest() override {
    calls.clear();
    for (Client& c : clients) c.link.reset();
    if (server) server->Stop();
    Idle();
    server.reset();
    Idle();
  }

  // ---- The server.
  Server& Make() {
    Environment env{.loops = {}, .network = &network};
    env.loops.push_back(loop);
    server.reset(new Server(MakeServer(options, std::move(env))));
    return *server;
  }
  void On(std::string_view path, Kind kind, std::function<void(ServerCall&, Bytes)> start) {
    if (!server) Make();
    methods.push_back(Method{.path = path,
                             .client_streams = kind == kClientStreams || kind == kBoth,
                             .server_streams = kind == kServerStreams || kind == kBoth});
    server->Handle({&methods.back(), std::move(start)});
  }
  // The usual one: "/a.Echo/Say" answers what it was told.
  void OnEcho() {
    On("/a.Echo/Say", kUnary,
       [](ServerCall& call, Bytes request) { call.Reply(FrameMessage(Text(request))); });
  }
  // "/a.Echo/Keep": a handler that the test finishes.
  void OnKeep(Kind kind = kBoth) {
    On("/a.Echo/Keep", kind, [this](ServerCall& call, Bytes) {
      kept.push_back(&call);
      call.OnCancel([this] { log += "cancelled "; });
    });
  }
  void Start() {
    ASSERT_TRUE(server->Start().ok());
    Connect();
  }
  Client& Connect() {
    Client& c = clients.emplace_back();
    c.dial = network.Connect(*loop, kAddress, [this, &c](auto socket) {
      ASSERT_TRUE(socket.ok());
      c.link = std::make_unique<transport::Link>(*loop, std::move(*socket), http2::Role::kClient,
                                                 client_options, c);
    });
    Idle();
    return c;
  }

  // ---- A client's calls.
  ClientCall& Open(std::string_view path, Fields extra = {}, int pulls = 2) {
    Fields fields = {{":method", "POST"},          {":scheme", "http"},
                     {":path", std::string(path)}, {":authority", "a.test"},
                     {"te", "trailers"},           {"content-type", "application/grpc"}};
    for (auto& [name, value] : extra) {
      const auto same = std::ranges::find(fields, name, &Fields::value_type::first);
      if (same != fields.end() && name != "x") {
        same->second = value;
      } else {
        fields.emplace_back(name, value);
      }
    }
    heads.emplace_back(fields);
    ClientCall& call = calls.emplace_back();
    began = clients.back().link->connection().Start(call.stream, call, heads.back(), {}, Slice(),
                                                    false, pulls);
    return call;
  }
  // A unary call, to its end or as far as it goes.
  ClientCall& Ask(std::string_view path, std::string_view request = "hi", Fields extra = {}) {
    ClientCall& call = Open(path, std::move(extra));
    call.stream.Send(FrameMessage(request), true);
    Idle();
    return call;
  }
  void Say(ClientCall& call, std::string_view request, bool last = false) {
    call.stream.Send(FrameMessage(request), last);
    Idle();
  }
  void EndRequests(ClientCall& call) {
    call.stream.Send(Slice(), true);
    Idle();
  }
  // Bytes that are no message.
  void SayRaw(ClientCall& call, std::string_view bytes, bool last = false) {
    call.stream.Send(Slice::Copy({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}),
                     last);
    Idle();
  }
  void Idle() { loop->RunUntilIdle(); }

  std::shared_ptr<event::ManualLoop> loop = event::ManualLoop::Make();
  transport::MemoryNetwork network;
  ServerOptions options;
  transport::LinkOptions client_options;
  std::deque<Method> methods;
  std::unique_ptr<Server> server;
  std::deque<http2::HeaderTemplate> heads;
  std::deque<Client> clients;
  std::deque<ClientCall> calls;
  std::vector<ServerCall*> kept;
  std::string log;
  bool began = false;
};

}  // namespace rondo::server
