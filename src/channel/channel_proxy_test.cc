// Channels whose environment names an HTTP proxy (A1; behaviour 4.8), which the test plays.
#include <map>

#include "channel/channel_fixture.h"
#include "event/tls_fixture.h"
#include "event/tls_network.h"
#include "resolve/dns.h"
#include "resolve/fake_names.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::string_view kGreeter = "greeter.example:443";
constexpr std::string_view kOpened = "HTTP/1.1 200 Connection established\r\n\r\n";

// Answers CONNECT as told, and then carries bytes to and fro.
class ScriptedProxy {
 public:
  ScriptedProxy(event::EventLoop& loop, transport::MemoryNetwork& network, std::string_view address)
      : loop_(loop), network_(network) {
    listener_ = *network.Listen(
        loop, address, [&loop]() -> event::EventLoop& { return loop; },
        [this](event::EventLoop&, std::unique_ptr<event::Socket> socket) {
          trips_.push_back(std::make_unique<Trip>(*this, std::move(socket)));
        });
  }

  std::string answer{kOpened};  // Empty: never any.
  bool close = false;           // Instead of any answer, or behind it.
  bool late = false;            // Answers together with the first bytes of the backend.
  std::vector<std::string> requests;

 private:
  struct Trip;
  struct Side final : event::SocketEvents {
    Side(Trip& t, bool c) : trip(t), client(c) {}
    void OnReadable() override { trip.Hear(*this); }
    void OnWritable() override {}
    void Say(std::string text) const {
      while (!text.empty()) {
        const iovec bytes{text.data(), text.size()};
        const event::Io io = socket->Write({&bytes, 1});
        ASSERT_EQ(io.kind, event::Io::Kind::kMoved);
        text.erase(0, io.bytes);
      }
    }
    Trip& trip;
    const bool client;
    std::unique_ptr<event::Socket> socket;
  };
  struct Trip {
    Trip(ScriptedProxy& p, std::unique_ptr<event::Socket> socket) : proxy(p) {
      client.socket = std::move(socket);
      client.socket->Start(client);
    }
    void Hear(Side& from) {
      std::string all;
      for (;;) {
        uint8_t room[4096];
        const event::Io io = from.socket->Read(room);
        if (io.kind == event::Io::Kind::kWouldBlock) break;
        if (io.kind != event::Io::Kind::kMoved) return End(from);
        all.append(reinterpret_cast<const char*>(room), io.bytes);
      }
      if (!from.client) {
        if (std::exchange(owed, false)) all.insert(0, proxy.answer);
        return client.Say(all);
      }
      if (backend.socket != nullptr) return backend.Say(all);
      request += all;
      if (!dialled && request.find("\r\n\r\n") != request.npos) Connect();
    }
    void Connect() {
      proxy.requests.push_back(request);
      dialled = true;
      if (!proxy.answer.ends_with(kOpened)) return Answer();
      const std::string to = request.substr(8, request.find(' ', 8) - 8);
      dial = proxy.network_.Connect(proxy.loop_, to,
                                    [this](absl::StatusOr<std::unique_ptr<event::Socket>> s) {
                                      ASSERT_TRUE(s.ok()) << s.status();
                                      backend.socket = *std::move(s);
                                      backend.socket->Start(backend);
                                      owed = proxy.late;
                                      if (!owed) Answer();
                                    });
    }
    void Answer() {
      if (!proxy.answer.empty()) client.Say(proxy.answer);
      if (proxy.close) client.socket = nullptr;
    }
    void End(Side& from) { (from.client ? backend : client).socket = nullptr; }

    ScriptedProxy& proxy;
    Side client{*this, true}, backend{*this, false};
    std::unique_ptr<event::Dial> dial;
    std::string request;
    bool dialled = false, owed = false;
  };

  event::EventLoop& loop_;
  transport::MemoryNetwork& network_;
  std::unique_ptr<event::Listener> listener_;
  std::vector<std::unique_ptr<Trip>> trips_;
};

class ProxyTest : public ChannelTest {
 protected:
  ProxyTest() {
    variables_["http_proxy"] = "http://10.0.0.9:3128";
    options_.backoff.jitter = 0;
    options_.resolvers.push_back(resolve::DnsSchemeOver(lookups_.Factory(), {}));
  }
  ~ProxyTest() override {
    subscription_ = nullptr;
    channel_.reset();
    Run();
  }
  void OpenIn(std::string_view target = "greeter.example") {
    Environment env{.home = loop_, .network = &network_, .seed = 7, .runtime = this};
    env.variable = [this](std::string_view name) -> std::optional<std::string> {
      const auto it = variables_.find(name);
      return it != variables_.end() ? std::optional(it->second) : std::nullopt;
    };
    env.names = lookups_.Factory();
    auto channel = MakeChannel(target, options_, std::move(env));
    ASSERT_TRUE(channel.ok()) << channel.status();
    channel_.emplace(*std::move(channel));
    Run();
  }
  // Why the only backend isn't reached.
  std::string Trouble() {
    const Explanation told = channel_->Explain();
    EXPECT_EQ(told.backends.size(), 1u);
    return told.backends.empty() ? "" : std::string(MessageOf(told.backends[0].last_error));
  }
  std::string TroubleWith(std::string_view answer) {
    proxy_.answer = answer;
    OpenIn();
    Connect();
    return Trouble();
  }

  std::map<std::string, std::string, std::less<>> variables_;
  resolve::FakeNames lookups_;
  ScriptedProxy proxy_{*loop_, network_, "10.0.0.9:3128"};
};

TEST_F(ProxyTest, ATargetsNameIsAskedOfTheProxyAndNotLookedUp) {
  Serve(std::string(kGreeter));
  OpenIn();
  EXPECT_EQ(Ask("x")->text(), "greeter.example:443:x");
  EXPECT_THAT(proxy_.requests, ElementsAre("CONNECT greeter.example:443 HTTP/1.1\r\n"
                                           "Host: greeter.example:443\r\n"
                                           "User-Agent: grpc-c++-rondo/" RONDO_VERSION "\r\n\r\n"));
  EXPECT_EQ(lookups_.asked, 0);
  EXPECT_EQ(channel_->authority(), "greeter.example");
  EXPECT_EQ(channel_->Explain().backends.at(0).address, kGreeter);
}
TEST_F(ProxyTest, APortsNameIsTurnedIntoItsNumber) {
  Serve(std::string(kGreeter));
  OpenIn("greeter.example:https");
  Connect();
  EXPECT_THAT(proxy_.requests.at(0), testing::StartsWith("CONNECT greeter.example:443 HTTP/1.1"));
}
TEST_F(ProxyTest, UserAndPasswordOfTheUrlAreSent) {
  variables_["http_proxy"] = "http://user:p%40ss@10.0.0.9:3128";
  Serve(std::string(kGreeter));
  OpenIn();
  EXPECT_EQ(Ask("x")->text(), "greeter.example:443:x");
  EXPECT_THAT(proxy_.requests.at(0),
              HasSubstr("\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n"));
}
TEST_F(ProxyTest, BytesThatComeWithTheAnswerAreTheBackends) {
  proxy_.late = true;
  Serve(std::string(kGreeter));
  OpenIn();
  EXPECT_EQ(Ask("x")->text(), "greeter.example:443:x");
}
TEST_F(ProxyTest, TheAnswerMayComeInPieces) {
  network_.set_traffic({.chunk = 1});
  Serve(std::string(kGreeter));
  OpenIn();
  EXPECT_EQ(Ask("x")->text(), "greeter.example:443:x");
}
TEST_F(ProxyTest, AnInterimAnswerIsPassedOver) {
  proxy_.answer = Cat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", kOpened);
  Serve(std::string(kGreeter));
  OpenIn();
  EXPECT_EQ(Ask("x")->text(), "greeter.example:443:x");
}

TEST_F(ProxyTest, ARefusalIsToldInTheProxysWords) {
  EXPECT_EQ(TroubleWith("HTTP/1.1 403 Not for \x01you\r\nContent-Length: 2\r\n\r\nno"),
            "the proxy 10.0.0.9:3128: it answered CONNECT with 403 Not for ?you");
  EXPECT_EQ(State(), "TRANSIENT_FAILURE");
}
TEST_F(ProxyTest, AProxyThatWantsAPasswordIsToldWithTheWayOut) {
  EXPECT_EQ(TroubleWith("HTTP/1.0 407 Proxy Authentication Required\r\n\r\n"),
            "the proxy 10.0.0.9:3128: it answered CONNECT with 407 Proxy Authentication "
            "Required; the proxy's URL may carry user:password@");
}
TEST_F(ProxyTest, WhatIsNoHttpIsNotWaitedFor) {
  EXPECT_EQ(TroubleWith("SSH-2.0-OpenSSH"),
            "the proxy 10.0.0.9:3128: its answer to CONNECT is no HTTP/1: \"SSH-2.0-OpenSSH\"; is "
            "it a proxy, spoken to without TLS?");
}
TEST_F(ProxyTest, AStatusLineThatIsNoneIsRefused) {
  EXPECT_EQ(TroubleWith("HTTP/1.1 2000 OK\r\n\r\n"),
            "the proxy 10.0.0.9:3128: its answer to CONNECT is no HTTP/1: \"HTTP/1.1 2000 OK\"; "
            "is it a proxy, spoken to without TLS?");
}
TEST_F(ProxyTest, AnAnswerHasALimit) {
  EXPECT_EQ(TroubleWith(Cat("HTTP/1.1 302 Found\r\nX: ", std::string(9000, 'x'))),
            "the proxy 10.0.0.9:3128: its answer to CONNECT is longer than 8192 bytes");
}
TEST_F(ProxyTest, InterimAnswersCountTowardsTheLimit) {
  std::string many;
  while (many.size() < 9000) many += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(TroubleWith(many),
            "the proxy 10.0.0.9:3128: its answer to CONNECT is longer than 8192 bytes");
}
TEST_F(ProxyTest, AProxyThatHangsUpIsTold) {
  proxy_.close = true;
  EXPECT_EQ(TroubleWith(""),
            "the proxy 10.0.0.9:3128: it closed the connection instead of answering CONNECT");
}
TEST_F(ProxyTest, AProxyThatIsntThereIsTold) {
  network_.Refuse("10.0.0.9:3128");
  OpenIn();
  Connect();
  EXPECT_EQ(Trouble(), "the proxy 10.0.0.9:3128: connection refused (ECONNREFUSED)");
}
TEST_F(ProxyTest, TheConnectDeadlineHoldsForTheProxyToo) {
  EXPECT_EQ(TroubleWith(""), "");
  Advance(20s);
  EXPECT_EQ(Trouble(), "no connection within the connect timeout");
}

TEST_F(ProxyTest, TheProxysOwnNameIsLookedUp) {
  variables_["http_proxy"] = "proxy.example:3128";
  Serve(std::string(kGreeter));
  OpenIn();
  auto call = Ask("x");
  EXPECT_THAT(lookups_.Open(), UnorderedElementsAre("proxy.example 4", "proxy.example 6"));
  lookups_.Tell(event::Family::kIpv4, event::NamedAddresses{.addresses = {"10.0.0.9"}});
  lookups_.Tell(event::Family::kIpv6, absl::UnavailableError("no answer"));
  Run();
  EXPECT_EQ(call->text(), "greeter.example:443:x");
}
TEST_F(ProxyTest, AProxyThatIsNotFoundIsTold) {
  variables_["http_proxy"] = "proxy.example:3128";
  OpenIn();
  Connect();
  lookups_.Tell(event::Family::kIpv4, absl::NotFoundError("no such name (NXDOMAIN)"));
  lookups_.Tell(event::Family::kIpv6, absl::NotFoundError("no such name (NXDOMAIN)"));
  Run();
  EXPECT_EQ(Trouble(), "the proxy proxy.example:3128: no such name (NXDOMAIN)");
}
TEST_F(ProxyTest, AProxysNameWithoutAddressIsTold) {
  variables_["http_proxy"] = "proxy.example:3128";
  OpenIn();
  Connect();
  lookups_.Tell(event::Family::kIpv4, event::NamedAddresses{});
  lookups_.Tell(event::Family::kIpv6, event::NamedAddresses{});
  Run();
  EXPECT_EQ(Trouble(), "the proxy proxy.example:3128: its name has no address");
}
TEST_F(ProxyTest, OfSeveralAddressesOfTheProxyTheNextIsTriedAndRemembered) {
  variables_["http_proxy"] = "proxy.example:3128";
  FakeBackend& greeter = Serve(std::string(kGreeter));
  network_.Refuse("10.0.0.8:3128");
  OpenIn();
  auto call = Ask("x");
  const event::NamedAddresses both{.addresses = {"10.0.0.8", "10.0.0.9"}};
  lookups_.Tell(event::Family::kIpv4, both);
  lookups_.Tell(event::Family::kIpv6, event::NamedAddresses{});
  Run();
  EXPECT_EQ(call->text(), "greeter.example:443:x");
  EXPECT_EQ(network_.attempts("10.0.0.8:3128"), 1u);
  greeter.GoAway();
  Run();
  call = Ask("y");
  lookups_.Tell(event::Family::kIpv4, both);
  lookups_.Tell(event::Family::kIpv6, event::NamedAddresses{});
  Run();
  EXPECT_EQ(call->text(), "greeter.example:443:y");
  EXPECT_EQ(network_.attempts("10.0.0.8:3128"), 1u);
}
TEST_F(ProxyTest, ConnectionsMadeAtOnceEachTryEveryAddressOfTheProxy) {
  variables_["http_proxy"] = "proxy.example:3128";
  RoundRobin();
  for (const char* a : {"10.0.0.1:80", "10.0.0.2:80"}) Serve(a);
  network_.Refuse("10.0.0.8:3128");
  names_.PublishAddresses({"10.0.0.1:80", "10.0.0.2:80"});
  OpenIn("test:///service");
  Connect();
  for (int i = 0; i < 2; ++i) {
    lookups_.Tell(event::Family::kIpv4,
                  event::NamedAddresses{.addresses = {"10.0.0.8", "10.0.0.9"}});
    lookups_.Tell(event::Family::kIpv6, event::NamedAddresses{});
  }
  Run();
  EXPECT_EQ(network_.attempts("10.0.0.8:3128"), 2u);
  EXPECT_THAT(Ask(2), UnorderedElementsAre("10.0.0.1:80:x", "10.0.0.2:80:x"));
}
TEST_F(ProxyTest, AnAddressOfTheProxyThatSwallowsAllIsTriedLastTheNextTime) {
  variables_["http_proxy"] = "proxy.example:3128";
  Serve(std::string(kGreeter));
  network_.Swallow("10.0.0.8:3128");
  OpenIn();
  auto call = Ask("x", {.wait_for_ready = true});
  for (int i = 0; i < 2; ++i) {
    lookups_.Tell(event::Family::kIpv4,
                  event::NamedAddresses{.addresses = {"10.0.0.8", "10.0.0.9"}});
    lookups_.Tell(event::Family::kIpv6, event::NamedAddresses{});
    Advance(20s);
  }
  EXPECT_EQ(call->text(), "greeter.example:443:x");
}

TEST_F(ProxyTest, OfOtherSchemesEachAddressIsAskedOfTheProxyUnlessExcepted) {
  variables_["no_proxy"] = "10.1.0.0/16";
  RoundRobin();
  for (const char* a : {"10.0.0.1:80", "10.1.0.1:80", "unix:/run/x"}) Serve(a);
  names_.PublishAddresses({"10.0.0.1:80", "10.1.0.1:80", "unix:/run/x"});
  OpenIn("test:///service");
  EXPECT_THAT(Ask(3), UnorderedElementsAre("10.0.0.1:80:x", "10.1.0.1:80:x", "unix:/run/x:x"));
  ASSERT_EQ(proxy_.requests.size(), 1u);
  EXPECT_THAT(proxy_.requests[0], testing::StartsWith("CONNECT 10.0.0.1:80 HTTP/1.1\r\n"));
}
TEST_F(ProxyTest, AnExceptedNameIsLookedUpAndItsAddressesAreReachedDirectly) {
  variables_["no_proxy"] = ".example";
  Serve("10.0.0.1:443");
  OpenIn();
  auto call = Ask("x");
  lookups_.Tell(event::Family::kIpv4, event::NamedAddresses{.addresses = {"10.0.0.1"}});
  lookups_.Tell(event::Family::kIpv6, event::NamedAddresses{});
  Run();
  EXPECT_EQ(call->text(), "10.0.0.1:443:x");
  EXPECT_THAT(proxy_.requests, IsEmpty());
}
TEST_F(ProxyTest, TheOptionTurnsProxiesOff) {
  options_.enable_http_proxy = false;
  Serve("10.0.0.1:80");
  names_.PublishAddresses({"10.0.0.1:80"});
  OpenIn("test:///service");
  EXPECT_EQ(Ask("x")->text(), "10.0.0.1:80:x");
  EXPECT_THAT(proxy_.requests, IsEmpty());
}
TEST_F(ProxyTest, AProxyThatCannotBeIsToldAndNotUsed) {
  variables_["http_proxy"] = "https://10.0.0.9:3128";
  Serve("10.0.0.1:80");
  names_.PublishAddresses({"10.0.0.1:80"});
  OpenIn("test:///service");
  EXPECT_EQ(Ask("x")->text(), "10.0.0.1:80:x");
  EXPECT_THAT(warnings_,
              ElementsAre("rondo: test:///service: environment: http_proxy: the proxy's scheme is "
                          "\"https\", only http:// is spoken to a proxy; no proxy is used"));
}
TEST_F(ProxyTest, TlsIsInsideTheTunnel) {
  const event::TestAuthority authority;
  const auto secure = *event::TlsServerNetwork(network_, authority.Server("DNS:greeter.example"));
  FakeBackend greeter(*loop_, network_, std::string(kGreeter), secure.get());
  options_.credentials = Tls(authority.Client());
  OpenIn();
  EXPECT_EQ(Ask("x")->text(), "greeter.example:443:x");
  EXPECT_THAT(proxy_.requests.at(0), testing::StartsWith("CONNECT greeter.example:443 HTTP/1.1"));
  channel_.reset();
  Run();
}

}  // namespace
}  // namespace rondo::channel
