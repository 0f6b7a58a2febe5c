// Links over TLS over a network that cuts and delays bytes as it likes.
#include "event/tls_fixture.h"
#include "event/tls_network.h"
#include "gmock/gmock.h"
#include "transport/link_fixture.h"

namespace rondo::transport {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class LinkTlsTest : public LinkTest {
 protected:
  void Secure(const TlsOptions& client, const TlsOptions& of_server) {
    auto c = event::TlsClientNetwork(network, client, "10.0.0.1");
    auto s = event::TlsServerNetwork(network, of_server);
    ASSERT_TRUE(c.ok()) << c.status();
    ASSERT_TRUE(s.ok()) << s.status();
    client_network_ = *std::move(c);
    server_network_ = *std::move(s);
  }
  void Secure() { Secure(authority.Client(), authority.Server("IP:10.0.0.1")); }
  void ListenTls() {
    auto listening = server_network_->Listen(
        *loop, kAddress, [this]() -> event::EventLoop& { return *loop; },
        [this](event::EventLoop&, std::unique_ptr<event::Socket> socket) {
          down = std::make_unique<Link>(*loop, std::move(socket), http2::Role::kServer,
                                        down_options, at_down, &server);
        });
    ASSERT_TRUE(listening.ok());
    listener = *std::move(listening);
  }
  void DialTls() {
    dial = client_network_->Connect(*loop, kAddress, [this](auto socket) {
      ASSERT_TRUE(socket.ok());
      up = std::make_unique<Link>(*loop, *std::move(socket), http2::Role::kClient, up_options,
                                  at_up);
    });
    loop->RunUntilIdle();
  }
  void Run() {
    ListenTls();
    DialTls();
    loop->Advance(1s);  // What delays need.
  }

  const event::TestAuthority authority;
  std::unique_ptr<event::Network> client_network_, server_network_;
};

TEST_F(LinkTlsTest, EveryDivisionOfTheBytesIsRead) {
  Secure();
  for (const size_t chunk : {size_t{0}, size_t{1}, size_t{7}, size_t{1000}}) {
    network.set_traffic({.chunk = chunk, .delay_min = 0ms, .delay_max = 2ms});
    at_up.log.clear();
    Run();
    ASSERT_EQ(at_up.log, "R") << "chunk " << chunk << ": " << at_up.why;
    Call call;
    ASSERT_TRUE(Begin(call, std::string(50'000, 'x')));
    loop->Advance(200s);
    EXPECT_EQ(call.messages, std::vector<std::string>{std::string(50'000, 'x')}) << chunk;
    up.reset();
    down.reset();
    listener.reset();
    Idle();
  }
}

TEST_F(LinkTlsTest, NothingReadableGoesOverTheWire) {
  Secure();
  ListenTls();
  listener.reset();
  // A listener that hears the client's bytes as they are.
  Listen(/*raw_end=*/true);
  DialTls();
  const std::string heard = Hear();
  EXPECT_EQ(heard.substr(0, 2), "\x16\x03") << "a TLS handshake record";
  EXPECT_EQ(heard.find("PRI * HTTP/2.0"), heard.npos);
}

TEST_F(LinkTlsTest, ASlowReaderHoldsTheWriterBack) {
  network.set_traffic({.buffer = 4096});
  Secure();
  Run();
  ASSERT_EQ(at_up.log, "R");
  Call call;
  ASSERT_TRUE(Begin(call, std::string(1'000'000, 'y')));
  loop->Advance(1s);
  EXPECT_EQ(call.messages, std::vector<std::string>{std::string(1'000'000, 'y')});
}

TEST_F(LinkTlsTest, ACertificateForAnotherNameIsRefusedInWords) {
  Secure(authority.Client(), authority.Server("DNS:b.example,IP:10.0.0.9"));
  Run();
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why,
            "10.0.0.1:50051: TLS handshake: IP address mismatch: wanted 10.0.0.1, it is for "
            "b.example, 10.0.0.9");
  EXPECT_EQ(at_down.log, "C");
  EXPECT_THAT(at_down.why, testing::EndsWith("TLS handshake: the peer's alert: bad certificate"));
}

TEST_F(LinkTlsTest, ACertificateOfAnotherAuthorityIsRefusedInWords) {
  const event::TestAuthority stranger("Stranger");
  Secure(authority.Client(), stranger.Server("IP:10.0.0.1"));
  Run();
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: TLS handshake: unable to get local issuer certificate");
}

TEST_F(LinkTlsTest, AnExpiredCertificateIsRefusedWithItsDay) {
  const auto old = authority.Issue("IP:10.0.0.1", "server", -400, -365);
  Secure(authority.Client(), {.certificate = old.certificate, .private_key = old.key});
  Run();
  EXPECT_THAT(at_up.why, testing::MatchesRegex("10.0.0.1:50051: TLS handshake: certificate has "
                                               "expired on 20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]"));
}

TEST_F(LinkTlsTest, AServerThatDoesNotSpeakTlsIsNamed) {
  Secure();
  Listen(/*raw_end=*/true);
  DialTls();
  Say("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: TLS handshake: the peer does not speak TLS");
}

TEST_F(LinkTlsTest, AHandshakeThatStallsEndsAtItsTimeLimitOnBothSides) {
  Secure();
  up_options.ready_by = loop->Now() + 3s;
  Listen(/*raw_end=*/true);
  DialTls();
  loop->Advance(3s);
  EXPECT_EQ(at_up.why, "no TLS handshake with 10.0.0.1:50051 within 3000 ms");

  listener.reset();
  raw.reset();
  ListenTls();
  std::unique_ptr<event::Socket> silent;
  dial = network.Connect(*loop, kAddress, [&](auto socket) { silent = *std::move(socket); });
  Idle();
  loop->Advance(10s);
  EXPECT_EQ(at_down.log, "C");
  EXPECT_THAT(at_down.why, testing::EndsWith(": no TLS handshake within 10000 ms"));
}

TEST_F(LinkTlsTest, AConnectionLostInTheHandshakeSaysSo) {
  Secure();
  Listen(/*raw_end=*/true);
  DialTls();
  raw.reset();
  Idle();
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: TLS handshake: connection closed by the peer");
}

TEST_F(LinkTlsTest, AClientWithoutTheRequiredCertificateLearnsWhy) {
  TlsOptions strict = authority.Server("IP:10.0.0.1");
  strict.roots = authority.root();
  strict.client_certificate = ClientCertificate::kRequired;
  Secure(authority.Client(), strict);
  Run();
  EXPECT_EQ(at_up.log, "C");
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: TLS handshake: the peer's alert: certificate required");
}

TEST_F(LinkTlsTest, AClientsCertificateProvesWhoItIs) {
  TlsOptions strict = authority.Server("IP:10.0.0.1");
  strict.roots = authority.root();
  strict.client_certificate = ClientCertificate::kRequired;
  const auto own = authority.Issue("DNS:caller.example,URI:spiffe://test/caller", "caller");
  Secure({.roots = authority.root(), .certificate = own.certificate, .private_key = own.key},
         strict);
  Run();
  ASSERT_EQ(at_up.log, "R");
  const auto who = down->identity();
  ASSERT_NE(who, nullptr);
  EXPECT_EQ(who->proof, PeerIdentity::Proof::kCertificate);
  EXPECT_EQ(who->names, (std::vector<std::string>{"caller.example", "spiffe://test/caller"}));
  EXPECT_EQ(who->common_name, "caller");
  EXPECT_EQ(who->certificate, own.certificate);
}

TEST_F(LinkTlsTest, AServerAnswersForTheNamesOfItsCertificateOnly) {
  Secure(authority.Client(), authority.Server("IP:10.0.0.1,DNS:*.shop.example"));
  Run();
  ASSERT_EQ(at_up.log, "R");
  EXPECT_TRUE(up->SpeaksFor("a.shop.example"));
  EXPECT_TRUE(up->SpeaksFor("10.0.0.1"));
  EXPECT_FALSE(up->SpeaksFor("10.0.0.2"));
  EXPECT_FALSE(up->SpeaksFor("a.b.shop.example"));
  EXPECT_FALSE(up->SpeaksFor("shop.example"));
}

// Spoils what its connections say next, while told to.
class SpoiltNetwork final : public event::Network {
 public:
  explicit SpoiltNetwork(event::Network& inner) : inner_(inner) {}
  std::unique_ptr<event::Dial> Connect(event::EventLoop& to, std::string_view address,
                                       event::DialDone done) override {
    return inner_.Connect(to, address, [this, done = std::move(done)](auto socket) mutable {
      if (socket.ok()) socket = std::make_unique<Spoilt>(*this, *std::move(socket));
      done(std::move(socket));
    });
  }
  absl::StatusOr<std::unique_ptr<event::Listener>> Listen(event::EventLoop& on,
                                                          std::string_view address, PickLoop pick,
                                                          Accept accept) override {
    return inner_.Listen(on, address, std::move(pick), std::move(accept));
  }
  bool spoils = false;

 private:
  class Spoilt final : public event::Socket {
   public:
    Spoilt(SpoiltNetwork& of, std::unique_ptr<event::Socket> inner)
        : of_(of), inner_(std::move(inner)) {}
    void Start(event::SocketEvents& events) override { inner_->Start(events); }
    event::Io Read(std::span<uint8_t> into) override { return inner_->Read(into); }
    event::Io Write(std::span<const iovec> from) override {
      if (of_.spoils) static_cast<uint8_t*>(from.back().iov_base)[from.back().iov_len - 1] ^= 1;
      return inner_->Write(from);
    }
    void PauseReading(bool pause) override { inner_->PauseReading(pause); }
    std::string peer() const override { return inner_->peer(); }
    std::string local() const override { return inner_->local(); }

   private:
    SpoiltNetwork& of_;
    const std::unique_ptr<event::Socket> inner_;
  };
  event::Network& inner_;
};

TEST_F(LinkTlsTest, ASpoiltRecordEndsItsOwnConnectionAndNoOther) {
  Secure();
  Run();
  ASSERT_EQ(at_up.log, "R");
  // A second client of the same server, whose first words after the handshake are spoilt.
  SpoiltNetwork spoilt(network);
  auto bad = event::TlsClientNetwork(spoilt, authority.Client(), "10.0.0.1");
  ASSERT_TRUE(bad.ok());
  std::unique_ptr<Link> first = std::move(down);
  std::unique_ptr<event::Socket> raw_tls;
  RawEvents events;
  dial = (*bad)->Connect(*loop, kAddress, [&](auto socket) { raw_tls = *std::move(socket); });
  Idle();
  raw_tls->Start(events);
  Idle();
  ASSERT_FALSE(raw_tls->opening());
  spoilt.spoils = true;
  const iovec words{const_cast<char*>("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 24};
  raw_tls->Write({&words, 1});
  Idle();
  EXPECT_THAT(at_down.why, testing::HasSubstr("TLS"));
  Call call;
  ASSERT_TRUE(Begin(call, "hello"));
  Idle();
  EXPECT_EQ(call.messages, std::vector<std::string>{"hello"});
  first.reset();
}

TEST_F(LinkTlsTest, ADrainWaitsUntilEncryptedBytesHaveLeft) {
  network.set_traffic({.buffer = 4096});
  Secure();
  Run();
  ASSERT_EQ(at_up.log, "R");
  Call call;
  ASSERT_TRUE(Begin(call, std::string(30'000, 'z')));
  network.FreezeAnswers(kAddress);
  Idle();
  down->Drain("bye");
  loop->Advance(10s);
  network.Heal(kAddress);
  Idle();
  EXPECT_EQ(call.messages, std::vector<std::string>{std::string(30'000, 'z')});
}

TEST_F(LinkTlsTest, ANameThatNoCertificateCanBeForIsRefused) {
  for (const char* name : {"", ".example", "a b", "."}) {
    const auto made = event::TlsClientNetwork(network, authority.Client(), name);
    EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  Secure();
  EXPECT_EQ(
      std::string(event::TlsClientNetwork(network, authority.Client(), "").status().message()),
      "TLS: \"\" is no name that a certificate can be for; set server_name to the server's");
}

TEST_F(LinkTlsTest, TheDotThatEndsAFullNameIsOfNoAccount) {
  Secure(authority.Client(), authority.Server("DNS:shop.example"));
  TlsOptions options = authority.Client();
  options.server_name = "shop.example.";
  client_network_ = *event::TlsClientNetwork(network, options, "");
  Run();
  EXPECT_EQ(at_up.log, "R") << at_up.why;
}

TEST_F(LinkTlsTest, ACommonNameIsNoNameToGoBy) {
  const auto own = authority.Issue("URI:spiffe://test/x", "shop.example");
  Secure(authority.Client(), {.certificate = own.certificate, .private_key = own.key});
  TlsOptions options = authority.Client();
  options.server_name = "shop.example";
  client_network_ = *event::TlsClientNetwork(network, options, "");
  Run();
  EXPECT_EQ(at_up.why,
            "10.0.0.1:50051: TLS handshake: hostname mismatch: wanted shop.example, it is for "
            "spiffe://test/x");
}

TEST_F(LinkTlsTest, ASecondConnectionResumesTheSessionOfTheFirst) {
  Secure();
  std::vector<size_t> moved;
  for (int i = 0; i < 2; ++i) {
    const size_t before = network.bytes_moved();
    at_up.log.clear();
    Run();
    ASSERT_EQ(at_up.log, "R");
    moved.push_back(network.bytes_moved() - before);
    up.reset();
    down.reset();
    listener.reset();
    Idle();
  }
  EXPECT_LT(moved[1], moved[0]) << "the certificate is not sent again";
}

TEST_F(LinkTlsTest, TheOtherSideHearsTheEndOfTheConnection) {
  Secure();
  Run();
  ASSERT_EQ(at_up.log, "R");
  down->Close(http2::Code::kNoError, "bye");
  Idle();
  EXPECT_EQ(at_up.why, "10.0.0.1:50051: connection closed by the peer after GOAWAY NO_ERROR: bye");
}

}  // namespace
}  // namespace rondo::transport
