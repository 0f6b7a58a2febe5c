// Call credentials, and what a certificate lets a call ask for.
#include <deque>

#include "channel/channel_fixture.h"
#include "event/tls_fixture.h"
#include "event/tls_network.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Answers when the test says so, or at once with "token: N".
class FakeCredentials final : public CallCredentials {
 public:
  explicit FakeCredentials(bool secret = false) : secret_(secret) {}
  void Get(const Request& request, Done done) override {
    asked.push_back(Cat(request.method, " for ", request.service_url));
    if (hold) return waiting.push_back(std::move(done));
    done(metadata("token", Cat(asked.size())));
  }
  bool NeedsSecurity() const override { return secret_; }

  bool hold = false;
  std::vector<std::string> asked;
  std::deque<Done> waiting;

 private:
  const bool secret_;
};

class CredentialsTest : public ChannelTest {
 protected:
  ~CredentialsTest() override { ours_->waiting.clear(); }  // Each keeps its call, and the channel.
  FakeBackend& OpenWith(std::vector<std::shared_ptr<CallCredentials>> all) {
    FakeBackend& a = Serve("a:1");
    options_.credentials.calls = std::move(all);
    OpenTo({"a:1"});
    return a;
  }
  FakeBackend& OpenWithOne() { return OpenWith({ours_}); }
  void Give(absl::StatusOr<Metadata> answer) {
    auto done = std::move(ours_->waiting.front());
    ours_->waiting.pop_front();
    done(std::move(answer));
    Run();
  }
  const std::shared_ptr<FakeCredentials> ours_ = std::make_shared<FakeCredentials>();
};

TEST_F(CredentialsTest, TheirMetadataGoesWithEveryCall) {
  FakeBackend& a = OpenWithOne();
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_EQ(a.last().headers["token"], "1");
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_EQ(a.last().headers["token"], "2");
  EXPECT_THAT(ours_->asked, testing::Each("/test.Echo/Unary for https://service/test.Echo"));
}

TEST_F(CredentialsTest, TheCallsOwnComeAfterTheChannels) {
  FakeBackend& a = OpenWithOne();
  FakeCredentials own;
  own.hold = true;
  auto call = Ask("x", {.credentials = &own});
  ASSERT_EQ(own.waiting.size(), 1u);
  own.waiting[0](metadata("user", "u"));
  Run();
  EXPECT_EQ(call->text(), "a:1:x");
  EXPECT_EQ(a.last().headers["token"], "1");
  EXPECT_EQ(a.last().headers["user"], "u");
}

TEST_F(CredentialsTest, TheyAreAskedForAReadyBackendOnly) {
  FakeBackend& a = OpenWithOne();
  network_.Swallow("a:1");
  auto call = Ask("x", {.wait_for_ready = true});
  EXPECT_THAT(ours_->asked, testing::IsEmpty());
  network_.Heal("a:1");
  Advance(30s);
  EXPECT_EQ(call->text(), "a:1:x");
  EXPECT_EQ(a.last().headers["token"], "1");
}

TEST_F(CredentialsTest, ACallWaitsForThemAndItsRecordSaysHowLong) {
  ours_->hold = true;
  OpenWithOne();
  auto call = Ask("x");
  EXPECT_EQ(call->text(), "waiting");
  Advance(20ms);
  Give(metadata("token", "late"));
  EXPECT_EQ(call->text(), "a:1:x");
  EXPECT_EQ(call->report.attempts.at(0).credentials, 20ms);
}

TEST_F(CredentialsTest, TheDeadlineHoldsWhileTheyAreWaitedFor) {
  ours_->hold = true;
  FakeBackend& a = OpenWithOne();
  auto call = Ask("x", {.timeout = 50ms});
  Advance(50ms);
  EXPECT_EQ(call->text(), "DEADLINE_EXCEEDED");
  EXPECT_THAT(call->message(), HasSubstr("50ms waiting for call credentials"));
  Give(metadata("token", "too late"));
  EXPECT_TRUE(a.served.empty());
}

TEST_F(CredentialsTest, ACancelledCallDoesNotWaitForThem) {
  ours_->hold = true;
  OpenWithOne();
  auto call = Ask("x");
  call->cancel.Cancel();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
}

TEST_F(CredentialsTest, TheirErrorFailsTheCallAndItsCodeIsKept) {
  ours_->hold = true;
  FakeBackend& a = OpenWithOne();
  auto call = Ask("x");
  Give(absl::UnauthenticatedError("the token server said no"));
  EXPECT_EQ(call->text(), "UNAUTHENTICATED");
  EXPECT_THAT(call->message(), HasSubstr("call credentials: the token server said no"));
  EXPECT_TRUE(a.served.empty());
}

TEST_F(CredentialsTest, CodesThatOnlyApplicationsMaySendBecomeInternal) {
  ours_->hold = true;
  OpenWithOne();
  auto call = Ask("x");
  Give(absl::NotFoundError("no such user"));
  EXPECT_EQ(call->text(), "INTERNAL");
  EXPECT_THAT(call->message(), HasSubstr("call credentials: no such user"));
}

TEST_F(CredentialsTest, MetadataThatCantBeSentFailsTheCall) {
  ours_->hold = true;
  OpenWithOne();
  auto call = Ask("x");
  Give(metadata("Token", "x"));
  EXPECT_EQ(call->text(), "INTERNAL");
  EXPECT_THAT(call->message(), HasSubstr("call credentials: "));
}

TEST_F(CredentialsTest, AnAnswerThatIsDroppedFailsTheCall) {
  ours_->hold = true;
  OpenWithOne();
  auto call = Ask("x");
  ours_->waiting.clear();
  Run();
  EXPECT_EQ(call->text(), "INTERNAL");
  EXPECT_THAT(call->message(), HasSubstr("call credentials: they were dropped without an answer"));
}

TEST_F(CredentialsTest, EachAttemptAsksAnew) {
  options_.default_service_config =
      R"({"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":2,"initialBackoff":"0.01s",)"
      R"("maxBackoff":"0.01s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]}}]})";
  FakeBackend& a = OpenWithOne();
  a.hold = true;
  auto call = Ask("x");
  a.last().Fail("14", "no");
  Advance(20ms);
  ASSERT_EQ(a.served.size(), 2u);
  EXPECT_EQ(a.last().headers["token"], "2");
  a.last().Answer();
  Run();
  EXPECT_EQ(call->text(), "a:1:x");
}

TEST_F(CredentialsTest, ABackendThatGoesWhileTheyAreWaitedForCostsNoCall) {
  ours_->hold = true;
  FakeBackend& a = OpenWithOne();
  FakeBackend& b = Serve("b:1");
  auto call = Ask("x");
  names_.PublishAddresses({"b:1"});
  a.Die();
  Run();
  Give(metadata("token", "1"));
  Advance(5s);
  EXPECT_EQ(call->text(), "b:1:x");
  EXPECT_EQ(b.last().headers["token"], "1");
}

TEST_F(CredentialsTest, ACallsOwnCredentialsAreNotAskedAfterItsEnd) {
  ours_->hold = true;
  OpenWithOne();
  auto own = std::make_unique<FakeCredentials>();
  auto call = Ask("x", {.timeout = 50ms, .credentials = own.get()});
  Advance(50ms);
  EXPECT_EQ(call->text(), "DEADLINE_EXCEEDED");
  EXPECT_TRUE(own->asked.empty());
  own = nullptr;
  Give(metadata("token", "late"));
}

TEST_F(CredentialsTest, ClosingTheChannelEndsCallsThatWaitForThem) {
  ours_->hold = true;
  OpenWithOne();
  auto call = Ask("x");
  channel_->Close();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
  Give(metadata("token", "late"));
}

TEST_F(CredentialsTest, TheEndOfTheLoopEndsCallsThatWaitForThem) {
  ours_->hold = true;
  OpenWithOne();
  auto call = Ask("x");
  loop_->Stop();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
  ours_->waiting.clear();
}

TEST_F(CredentialsTest, SecretsAreRefusedOnPlaintextChannels) {
  options_.credentials.calls = {std::make_shared<FakeCredentials>(/*secret=*/true)};
  EXPECT_EQ(TryOpen().message(),
            "channel: its call credentials are a secret, and plaintext connections may not carry "
            "it; set ChannelOptions::credentials to Tls().With(...)");
}

TEST_F(CredentialsTest, ASecretOfOneCallIsRefusedOnAPlaintextChannel) {
  FakeBackend& a = OpenWith({});
  FakeCredentials own(/*secret=*/true);
  auto call = Ask("x", {.credentials = &own});
  EXPECT_EQ(call->text(), "UNAUTHENTICATED");
  EXPECT_EQ(call->message(),
            "/test.Echo/Unary: its call credentials are a secret, and the channel's connections "
            "are plaintext; make the channel with Tls()");
  EXPECT_TRUE(a.served.empty());
  EXPECT_TRUE(own.asked.empty());
}

// ---- Over TLS.

class SecureChannelTest : public CredentialsTest {
 protected:
  SecureChannelTest() {
    options_.credentials = Tls(authority_.Client());
    auto network =
        event::TlsServerNetwork(network_, authority_.Server("DNS:service,DNS:a.example"));
    EXPECT_TRUE(network.ok()) << network.status();
    secure_ = *std::move(network);
    a_ = std::make_unique<FakeBackend>(*loop_, network_, "a:1", secure_.get());
  }
  ~SecureChannelTest() override {
    subscription_ = nullptr;
    channel_.reset();
    Run();
  }
  const event::TestAuthority authority_;
  std::unique_ptr<event::Network> secure_;
  std::unique_ptr<FakeBackend> a_;
};

TEST_F(SecureChannelTest, TheCertificateMustBeOfTheChannelsAuthority) {
  OpenTo({"a:1"});
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  channel_.reset();
  options_.authority = "other.example:8443";
  OpenTo({"a:1"});
  EXPECT_THAT(Ask("x")->message(),
              HasSubstr("a:1 TLS handshake: hostname mismatch: wanted other.example, it is for "
                        "service, a.example"));
}

TEST_F(SecureChannelTest, SecretsGoOverSecureConnections) {
  const auto secret = std::make_shared<FakeCredentials>(/*secret=*/true);
  options_.credentials = options_.credentials.With(secret);
  OpenTo({"a:1"});
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_EQ(a_->last().headers["token"], "1");
}

// A policy whose picks name an authority.
struct Renaming {
  static constexpr std::string_view kName = "renaming";
  static inline PickHeaders headers;
  struct Picker {
    const Subchannel* backend;
    PickResult Pick(const PickArgs&) const { return Picked{backend, "", &headers}; }
  };
  Picker Build(const ReadySet& all) { return {all[0].subchannel.get()}; }
};

TEST_F(SecureChannelTest, APicksAuthorityMustBeANameOfTheCertificate) {
  options_.policies = {Adapt<Renaming>()};
  options_.default_service_config = R"({"loadBalancingConfig":[{"renaming":{}}]})";
  OpenTo({"a:1"});
  Renaming::headers.metadata = metadata(":authority", "a.example:443");
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_EQ(a_->last().headers[":authority"], "a.example:443");
  Renaming::headers.metadata = metadata(":authority", "b.example");
  auto call = Ask("x");
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("/test.Echo/Unary: the pick's authority b.example is not "
                                         "a name of the certificate of a:1"));
}

// A105: connections to one address may end at different servers.
TEST_F(SecureChannelTest, EachConnectionsCertificateMustNameAPicksAuthority) {
  options_.policies = {Adapt<Renaming>()};
  options_.default_service_config =
      R"({"loadBalancingConfig":[{"renaming":{}}],
          "connectionScaling":{"maxConnectionsPerSubchannel":2}})";
  Renaming::headers.metadata = metadata(":authority", "a.example");
  a_->options.session.max_streams = 1;
  a_->hold = true;
  OpenTo({"a:1"});
  auto first = Ask("x");
  a_->StopListening();
  const auto other = *event::TlsServerNetwork(network_, authority_.Server("DNS:service"));
  FakeBackend b(*loop_, network_, "a:1", other.get());
  EXPECT_THAT(Ask("y")->message(), HasSubstr("/test.Echo/Unary: the pick's authority a.example is "
                                             "not a name of the certificate of a:1"));
  EXPECT_EQ(first->text(), "waiting");
  EXPECT_EQ(b.served.size(), 0U);
  channel_.reset();
  Run();
}

}  // namespace
}  // namespace rondo::channel
