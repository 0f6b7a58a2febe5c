// The channel's rules: behaviour 1.1, 1.2, 1.4-1.6, 8.4.
#include <functional>
#include <string>
#include <vector>

#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- Construction (1.1)
TEST_F(ChannelTest, CreatingOneDoesNoIo) {
  OpenTo({"a:1"});
  EXPECT_EQ(State(), "IDLE");
  EXPECT_EQ(names_.starts(), 0);
  EXPECT_EQ(network_.attempts("a:1"), 0u);
}
TEST_F(ChannelTest, WithoutCredentialsItCannotBe) {
  options_.credentials = {};
  EXPECT_EQ(TryOpen().message(),
            "channel: no credentials; set ChannelOptions::credentials to Tls(), or to Insecure() "
            "for plaintext");
}
TEST_F(ChannelTest, AWrongDefaultServiceConfigFailsTheConstruction) {
  options_.default_service_config = "{";
  EXPECT_THAT(std::string(TryOpen().message()),
              HasSubstr("channel: the provided default service config is invalid: 1:2"));
}
TEST_F(ChannelTest, ATargetThatCannotBeReadFailsTheConstruction) {
  EXPECT_THAT(std::string(TryOpen("%zz").message()), HasSubstr("target \"%zz\": not a URI"));
}
TEST_F(ChannelTest, TheAuthorityIsTheOptionsElseTheTargets) {
  OpenTo({"a:1"});
  EXPECT_EQ(channel_->authority(), "service");
  options_.authority = "other";
  Open();
  EXPECT_EQ(channel_->authority(), "other");
}

// ---- States (1.2, 8.4)
TEST_F(ChannelTest, TheFirstCallConnectsAndIsAnswered) {
  Serve("a:1");
  OpenTo({"a:1"});
  EXPECT_EQ(Ask("hello")->text(), "a:1:hello");
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY"));
}
TEST_F(ChannelTest, ConnectLeavesIdle) {
  Serve("a:1");
  OpenTo({"a:1"});
  Connect();
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY"));
}
TEST_F(ChannelTest, AServerThatClosesBeforeItsSettingsIsAFailure) {
  Serve("a:1").slam = true;
  OpenTo({"a:1"});
  Connect();
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "TRANSIENT_FAILURE"));
}
TEST_F(ChannelTest, AServerThatNeverSendsSettingsFailsAtTheConnectDeadline) {
  Serve("a:1").mute = true;
  OpenTo({"a:1"});
  Connect();
  EXPECT_THAT(states_, ElementsAre("CONNECTING"));
  Advance(20s);
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "TRANSIENT_FAILURE"));
}
TEST_F(ChannelTest, AReadyChannelWhoseServerClosesGoesIdle) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Connect();
  a.Die();
  Run();
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY", "IDLE"));
  a.Listen();
  Connect();
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY", "IDLE", "CONNECTING", "READY"));
}
TEST_F(ChannelTest, TwoAddressesThatBothFailAreOneFailure) {
  OpenTo({"a:1", "b:1"});
  network_.Refuse("a:1");
  network_.Refuse("b:1");
  Connect();
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "TRANSIENT_FAILURE"));
}
TEST_F(ChannelTest, WhenTheFirstAddressClosesTheSecondServes) {
  Serve("a:1").slam = true;
  Serve("b:1");
  OpenTo({"a:1", "b:1"});
  EXPECT_EQ(Ask("x")->text(), "b:1:x");
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY"));
}
TEST_F(ChannelTest, NoEndpointsAreAFailure) {
  OpenTo({});
  Connect();
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "TRANSIENT_FAILURE"));
}
TEST_F(ChannelTest, ASilentResolverLeavesItConnecting) {
  Open();
  Connect();
  EXPECT_THAT(states_, ElementsAre("CONNECTING"));
}
TEST_F(ChannelTest, ACallWithoutAResolversAnswerLeavesItConnecting) {
  Open();
  EXPECT_EQ(Ask("x")->text(), "waiting");
  EXPECT_THAT(states_, ElementsAre("CONNECTING"));
}
TEST_F(ChannelTest, AFailureIsToldWithTheWordsThatACallWouldGet) {
  network_.Refuse("a:1");
  OpenTo({"a:1"});
  std::vector<std::string> why;
  const auto subscription = channel_->Subscribe([&](ChannelState, const absl::Status& status) {
    why.push_back(std::string(status.ToString()));
  });
  Connect();
  EXPECT_THAT(why, ElementsAre("OK", "OK", "UNAVAILABLE: a:1: connection refused (ECONNREFUSED)"));
}
TEST_F(ChannelTest, AFailureThatGoesOnIsToldOnceAndCallsHearItsLatestReason) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  EXPECT_THAT(Ask("x")->message(), HasSubstr("ECONNREFUSED"));
  network_.Heal("a:1");
  Serve("a:1").slam = true;
  Advance(2s);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  EXPECT_THAT(Ask("x")->message(), testing::Not(HasSubstr("ECONNREFUSED")));
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "TRANSIENT_FAILURE"));
}
TEST_F(ChannelTest, AResolverThatCannotBeMadeIsAFailureAndCallsDoNotHang) {
  options_.resolvers = {{.scheme = "test",
                         .make = [](const Target&, Loop&, OnResolution, const ResolverOptions&)
                             -> absl::StatusOr<std::unique_ptr<Resolver>> {
                           return absl::UnavailableError("no such registry");
                         }}};
  Open();
  auto call = Ask("x");
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("no such registry"));
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "TRANSIENT_FAILURE"));
}
TEST_F(ChannelTest, WaitForStateChangeReturnsAtOnceWhenTheStateDiffers) {
  OpenTo({"a:1"});
  EXPECT_TRUE(channel_->WaitForStateChange(ChannelState::kReady, Time{}));
  EXPECT_FALSE(channel_->WaitForStateChange(ChannelState::kIdle, Time{}));
}
TEST_F(ChannelTest, ShutdownIsTheLastState) {
  Serve("a:1");
  OpenTo({"a:1"});
  Connect();
  channel_->Close();
  Run();
  Connect();
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY", "SHUTDOWN"));
}

// ---- Before a pick (1.4)
TEST_F(ChannelTest, WrongMetadataFailsTheCall) {
  Serve("a:1");
  OpenTo({"a:1"});
  const Metadata wrong = metadata("Upper", "x");
  auto call = Ask("x", {.metadata = wrong});
  EXPECT_EQ(call->text(), "INTERNAL");
  EXPECT_THAT(call->message(), HasSubstr("Upper"));
}
TEST_F(ChannelTest, MetadataReachesTheServer) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  const Metadata sent = metadata("tenant", "blue", "trace-bin", std::string("\0\1", 2));
  Ask("x", {.metadata = sent});
  EXPECT_EQ(a.last().headers["tenant"], "blue");
  EXPECT_EQ(a.last().headers["trace-bin"], "AAE");
}
TEST_F(ChannelTest, RequestsCarryWhatGrpcAsksFor) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x", {.timeout = 2s});
  auto& h = a.last().headers;
  EXPECT_EQ(h[":path"], "/test.Echo/Unary");
  EXPECT_EQ(h[":authority"], "service");
  EXPECT_EQ(h["te"], "trailers");
  EXPECT_EQ(h["content-type"], "application/grpc");
  EXPECT_THAT(h["user-agent"], HasSubstr("grpc-c++-rondo/"));
  EXPECT_EQ(h["grpc-timeout"], "2S");
}
TEST_F(ChannelTest, ARequestOverTheLimitFailsBeforeItIsSent) {
  FakeBackend& a = Serve("a:1");
  options_.max_send_message = 3;
  OpenTo({"a:1"});
  auto call = Ask("four");
  EXPECT_EQ(call->text(), "RESOURCE_EXHAUSTED");
  EXPECT_THAT(call->message(),
              HasSubstr("/test.Echo/Unary: the request has 4 bytes, more than the limit of 3"));
  EXPECT_TRUE(a.served.empty());
}
TEST_F(ChannelTest, AReplyOverTheLimitFailsTheCallOnly) {
  Serve("a:1");
  options_.max_receive_message = 8;
  OpenTo({"a:1"});
  EXPECT_EQ(Ask("123456789")->text(), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(Ask("1")->text(), "a:1:1");
}
TEST_F(ChannelTest, MethodConfigGivesTimeoutAndSizes) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  options_.default_service_config =
      R"({"methodConfig":[{"name":[{"service":"test.Echo"}],"timeout":"1s",
          "maxRequestMessageBytes":2}]})";
  OpenTo({"a:1"});
  EXPECT_EQ(Ask("xxx")->text(), "RESOURCE_EXHAUSTED");
  auto call = Ask("x", {.timeout = 5s});
  Advance(1s);
  EXPECT_EQ(call->text(), "DEADLINE_EXCEEDED");
}

// ---- Picks (1.5)
TEST_F(ChannelTest, ACallFailsAtOnceWhenNoBackendCanBeReached) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  auto call = Ask("x");
  EXPECT_EQ(call->text(), "UNAVAILABLE");
  EXPECT_THAT(call->message(), HasSubstr("connection refused (ECONNREFUSED)"));
  EXPECT_THAT(call->message(), HasSubstr("test:///service"));
}
TEST_F(ChannelTest, ACallThatWaitsForReadyOutlastsFailures) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  auto call = Ask("x", {.wait_for_ready = true});
  EXPECT_EQ(call->text(), "waiting");
  network_.Heal("a:1");
  Serve("a:1");
  Advance(2s);
  EXPECT_EQ(call->text(), "a:1:x");
}
TEST_F(ChannelTest, WaitForReadyMayComeFromTheServiceConfigAndTheCallWins) {
  options_.default_service_config = R"({"methodConfig":[{"name":[{}],"waitForReady":true}]})";
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  EXPECT_EQ(Ask("x")->text(), "waiting");
  EXPECT_EQ(Ask("x", {.wait_for_ready = false})->text(), "UNAVAILABLE");
}
TEST_F(ChannelTest, ADeadlineInTheQueueTellsThePickersLastWord) {
  OpenTo({"a:1"});
  network_.Refuse("a:1");
  auto call = Ask("x", {.timeout = 1s, .wait_for_ready = true});
  Advance(1s);
  EXPECT_EQ(call->text(), "DEADLINE_EXCEEDED");
  EXPECT_THAT(call->message(), HasSubstr("connection refused"));
  EXPECT_THAT(call->message(), HasSubstr("waiting for a ready backend"));
}
TEST_F(ChannelTest, ADeadlineBeforeTheResolverAnsweredSaysSo) {
  Open();
  auto call = Ask("x", {.timeout = 1s});
  Advance(1s);
  EXPECT_EQ(call->text(), "DEADLINE_EXCEEDED");
  EXPECT_THAT(call->message(), HasSubstr("the resolver has not answered yet"));
  EXPECT_EQ(call->report.attempts.back().resolver, 1s);
}
TEST_F(ChannelTest, ADeadlineThatHasPassedIsToldWithoutAnyIo) {
  OpenTo({"a:1"});
  Advance(1s);
  auto call = Ask("x", {.deadline = loop_->Now() - 1ms});
  EXPECT_EQ(call->text(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(network_.attempts("a:1"), 0u);
}
TEST_F(ChannelTest, AQueuedCallCanBeCancelled) {
  Open();
  auto call = Ask("x");
  call->cancel.Cancel();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
}
TEST_F(ChannelTest, ARunningCallCanBeCancelledAndTheServerIsTold) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto call = Ask("x");
  call->cancel.Cancel();
  Run();
  EXPECT_EQ(call->text(), "CANCELLED");
  EXPECT_TRUE(a.last().reset);
}
TEST_F(ChannelTest, ADeadlineWhileTheServerWorksSaysWhereTheTimeWent) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto call = Ask("x", {.timeout = 200ms});
  Advance(200ms);
  EXPECT_EQ(call->text(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(call->message(),
            "test:///service after 200ms, attempt 1 to a:1: 200ms waiting for the server; "
            "policy pick_first");
}
TEST_F(ChannelTest, TheServersStatusStaysAsItIs) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  auto call = Ask("x");
  a.last().Fail("5", "no such %25 thing");
  Run();
  EXPECT_EQ(call->Code(), "NOT_FOUND");
  EXPECT_EQ(call->message(), "no such % thing");
}

// A policy that answers each pick as the test says, and writes down how its picks ended.
struct Scripted {
  static constexpr std::string_view kName = "scripted";
  static inline std::function<PickResult(const Subchannel&)> answer;
  static inline std::vector<std::string> ends;
  static inline std::vector<std::string> tried;  // As the last pick was told.
  struct Picker {
    const Subchannel* backend;
    PickResult Pick(const PickArgs& args) const {
      tried.clear();
      for (const Subchannel* s : args.tried) tried.push_back(s->address);
      return answer(*backend);
    }
    void OnDone(const Subchannel&, const CallEnd& end) const {
      ends.push_back(Cat(absl::StatusCodeToString(end.status.code()), end.started ? " started" : "",
                         end.bytes_sent ? " sent" : "", end.bytes_received ? " received" : ""));
    }
  };
  Picker Build(const ReadySet& all) { return {all[0].subchannel.get()}; }
};
class PicksTest : public ChannelTest {
 protected:
  PicksTest() {
    options_.policies = {Adapt<Scripted>()};
    options_.default_service_config = R"({"loadBalancingConfig":[{"scripted":{}}]})";
    Scripted::answer = [this](const Subchannel& s) { return Picked{&s, "", &headers_}; };
    Scripted::ends.clear();
  }
  ~PicksTest() override {
    subscription_ = nullptr;
    channel_.reset();
    Run();
    Scripted::answer = nullptr;
  }
  PickHeaders headers_;
};
TEST_F(PicksTest, MetadataOfAPickReachesTheServerBesideTheCalls) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  headers_.metadata = metadata("route", "blue", "hint-bin", std::string("\0\1", 2));
  const Metadata own = metadata("tenant", "green");
  EXPECT_EQ(Ask("x", {.metadata = own})->text(), "a:1:x");
  EXPECT_EQ(a.last().headers["route"], "blue");
  EXPECT_EQ(a.last().headers["hint-bin"], "AAE");
  EXPECT_EQ(a.last().headers["tenant"], "green");
}
TEST_F(PicksTest, MetadataOfAPickIsOfItsAttemptOnly) {
  FakeBackend& a = Serve("a:1");
  a.refuse = true;
  OpenTo({"a:1"});
  headers_.metadata = metadata("route", "blue");
  int picks = 0;
  Scripted::answer = [&](const Subchannel& s) -> PickResult {
    if (++picks == 1) return Picked{&s, "", &headers_};
    a.refuse = false;
    return Picked{&s};
  };
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_EQ(picks, 2);
  EXPECT_FALSE(a.last().headers.contains("route"));
}
TEST_F(PicksTest, AnAuthorityOfAPickTakesTheChannelsPlaceForItsAttempt) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  headers_.metadata = metadata(":authority", "a.example:1", "route", "blue");
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_EQ(a.last().headers[":authority"], "a.example:1");
  EXPECT_EQ(a.last().headers["route"], "blue");
  headers_.metadata = metadata("route", "blue");
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_EQ(a.last().headers[":authority"], "service");
}
TEST_F(PicksTest, AWrongAuthorityOfAPickFailsTheCall) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  headers_.metadata = metadata(":authority", "a b");
  auto call = Ask("x");
  EXPECT_EQ(call->text(), "INTERNAL");
  EXPECT_THAT(call->message(),
              HasSubstr("metadata key \":authority\": its value has the byte 0x20, "
                        "only visible ASCII is allowed"));
  EXPECT_TRUE(a.served.empty());
}
TEST_F(PicksTest, WrongMetadataOfAPickFailsTheCallAndThePickerHearsThatNothingBegan) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  const Metadata all[] = {metadata("Upper", "x"), metadata("route", "a\nb")};
  for (const Metadata& wrong : all) {
    headers_.metadata = wrong;
    auto call = Ask("x", {.wait_for_ready = true});
    EXPECT_EQ(call->text(), "INTERNAL");
    EXPECT_THAT(call->message(), HasSubstr("metadata key"));
  }
  EXPECT_TRUE(a.served.empty());
  EXPECT_THAT(Scripted::ends, ElementsAre("OK", "OK"));
}
TEST_F(PicksTest, ABackendThatIsGoneWhenItIsPickedStartsNothingAndTheCallWaits) {
  FakeBackend& a = Serve("a:1");
  Serve("b:1");
  OpenTo({"a:1", "b:1"});
  const Subchannel* first = nullptr;
  Scripted::answer = [&](const Subchannel& s) {
    if (first == nullptr) first = &s;
    return Picked{first};
  };
  EXPECT_EQ(Ask("1")->text(), "a:1:1");
  a.Die();
  Run();
  Scripted::ends.clear();
  auto call = Ask("2");
  EXPECT_EQ(call->text(), "waiting");
  EXPECT_THAT(Scripted::ends, ElementsAre("OK"));  // Neither started nor sent.
  Scripted::answer = [](const Subchannel& s) { return Picked{&s}; };
  names_.PublishAddresses({"b:1"});
  Run();
  EXPECT_EQ(call->text(), "b:1:2");
}
TEST_F(PicksTest, AStreamOfWhichNothingLeftEndsWithNothingSent) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("1");
  Scripted::ends.clear();
  a.Die();
  Ask("2");
  EXPECT_THAT(Scripted::ends, ElementsAre("UNAVAILABLE started", "OK", "OK"));
}
TEST_F(PicksTest, APickersEndTellsTheStatusAndWhatWentOverTheWire) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  a.hold = true;
  auto empty = Ask("x");
  a.last().Begin();
  a.last().End();
  auto late = Ask("x", {.timeout = 1s});
  Advance(1s);
  EXPECT_THAT(Scripted::ends,
              ElementsAre("OK started sent received", "UNIMPLEMENTED started sent received",
                          "DEADLINE_EXCEEDED started sent"));
}
TEST_F(PicksTest, TheEndOfTrailersOnlyTellsThatSomethingWasReceived) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Ask("x");
  a.last().Fail("5", "gone");
  Run();
  EXPECT_THAT(Scripted::ends, ElementsAre("NOT_FOUND started sent received"));
}
TEST_F(PicksTest, ARepeatedCallTellsThePickerWhomItHasTried) {
  FakeBackend& a = Serve("a:1");
  a.refuse = true;
  OpenTo({"a:1"});
  std::vector<std::vector<std::string>> told;
  Scripted::answer = [&](const Subchannel& s) -> PickResult {
    told.push_back(Scripted::tried);
    a.refuse = told.size() == 1;
    return Picked{&s};
  };
  EXPECT_EQ(Ask("x")->text(), "a:1:x");
  EXPECT_THAT(told, ElementsAre(ElementsAre(), ElementsAre("a:1")));
}
TEST_F(PicksTest, AQueuedPickWaitsForTheNextPicker) {
  Serve("a:1");
  Serve("b:1");
  OpenTo({"a:1"});
  Connect();
  Scripted::answer = [](const Subchannel&) { return Queue{}; };
  auto plain = Ask("x"), patient = Ask("y", {.wait_for_ready = true});
  EXPECT_EQ(plain->text() + " " + patient->text(), "waiting waiting");
  Scripted::answer = [](const Subchannel& s) { return Picked{&s}; };
  Run();
  EXPECT_EQ(plain->text(), "waiting") << "the picker is the same";
  names_.PublishAddresses({"b:1"});
  Run();
  EXPECT_EQ(plain->text() + " " + patient->text(), "b:1:x b:1:y");
}

// ---- Control-plane statuses (1.6)
struct Dropping {
  static constexpr std::string_view kName = "dropping";
  struct Picker {
    absl::Status status;
    PickResult Pick(const PickArgs&) const { return Drop{status}; }
  };
  Picker Build(const ReadySet&) { return {absl::NotFoundError("gone")}; }
};
TEST_F(ChannelTest, ADropWithACodeOfTheApplicationBecomesInternal) {
  Serve("a:1");
  options_.policies = {Adapt<Dropping>()};
  options_.default_service_config = R"({"loadBalancingConfig":[{"dropping":{}}]})";
  OpenTo({"a:1"});
  auto call = Ask("x", {.wait_for_ready = true});
  EXPECT_EQ(call->Code(), "INTERNAL");
  EXPECT_THAT(call->message(), HasSubstr("gone"));
}

TEST_F(PicksTest, ADropKeepsACodeOfTheControlPlaneAndWaitsForNothing) {
  Serve("a:1");
  OpenTo({"a:1"});
  Scripted::answer = [](const Subchannel&) { return Drop{absl::PermissionDeniedError("shed")}; };
  auto call = Ask("x", {.wait_for_ready = true});
  EXPECT_EQ(call->Code(), "PERMISSION_DENIED");
  EXPECT_THAT(call->message(), HasSubstr("shed"));
}
TEST_F(PicksTest, AFailKeepsACodeOfTheControlPlaneAndOthersBecomeInternal) {
  Serve("a:1");
  OpenTo({"a:1"});
  Scripted::answer = [](const Subchannel&) { return Fail{absl::PermissionDeniedError("no")}; };
  EXPECT_EQ(Ask("x")->Code(), "PERMISSION_DENIED");
  EXPECT_EQ(Ask("x", {.wait_for_ready = true})->text(), "waiting");
  Scripted::answer = [](const Subchannel&) { return Fail{absl::NotFoundError("gone")}; };
  auto call = Ask("x");
  EXPECT_EQ(call->Code(), "INTERNAL");
  EXPECT_THAT(call->message(), HasSubstr("gone"));
}

}  // namespace
}  // namespace rondo::channel
