// Several connections to one backend when all are full (A105; behaviour 5.3, 8.16).
#include "channel/channel_fixture.h"
#include "rondo/observe.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Writes down what it is told of its one backend.
class ListeningPolicy final : public Policy {
 public:
  explicit ListeningPolicy(std::vector<std::string>& told) : told_(told) {}
  absl::Status OnUpdate(const Update& update, Control& control) override {
    if (handle_ != nullptr) return absl::OkStatus();
    handle_ = control.Open({.address = update.endpoints[0].addresses[0]},
                           [this](const SubchannelState& s, Control& c) {
                             told_.emplace_back(Name(s.connectivity));
                             c.Publish(s.connectivity, [this](const View&) {
                               return std::make_shared<ToOne>(handle_->Ref());
                             });
                           });
    handle_->Connect();
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status&, Control&) override {}

 private:
  struct ToOne final : Picker {
    explicit ToOne(SubchannelRef b) : backend(std::move(b)) {}
    PickResult Pick(const PickArgs&) const override { return Picked{backend.get()}; }
    const SubchannelRef backend;
  };
  std::vector<std::string>& told_;
  std::unique_ptr<SubchannelHandle> handle_;
};

class ScalingTest : public ChannelTest {
 protected:
  ScalingTest() {
    options_.backoff.jitter = 0;
    Allow(3);
  }
  static std::string Config(int connections) {
    return Cat(R"({"connectionScaling":{"maxConnectionsPerSubchannel":)", connections, "}}");
  }
  void Allow(int connections) { options_.default_service_config = Config(connections); }
  // A backend of so many streams a connection, whose calls the test answers.
  FakeBackend& Full(uint32_t streams) {
    FakeBackend& a = Serve("a:1");
    a.options.session.max_streams = streams;
    a.hold = true;
    OpenTo({"a:1"});
    return a;
  }
  std::vector<std::shared_ptr<Asked>> AskAll(int n) {
    std::vector<std::shared_ptr<Asked>> all;
    for (int i = 1; i <= n; ++i) all.push_back(Ask(Cat(i)));
    return all;
  }
  void AnswerAll(FakeBackend& a) {
    for (size_t i = 0; i < a.served.size(); ++i) {
      if (!a.served[i]->ended) a.served[i]->Answer();
      Run();
    }
  }
};

TEST_F(ScalingTest, AnotherConnectionIsMadeOnlyWhenAllAreFull) {
  FakeBackend& a = Full(2);
  AskAll(2);
  EXPECT_EQ(network_.attempts("a:1"), 1u);
  AskAll(1);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  EXPECT_EQ(a.served.size(), 3u);
  AskAll(1);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  EXPECT_EQ(a.served.size(), 4u);
}
TEST_F(ScalingTest, CallsGoToTheOldestConnectionThatHasAFreeStream) {
  FakeBackend& a = Full(1);
  AskAll(2);
  a.served[0]->Answer();
  Run();
  AskAll(1);  // On the first again.
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  EXPECT_EQ(a.served.size(), 3u);
}
TEST_F(ScalingTest, BeyondTheGreatestNumberCallsWaitInOrder) {
  FakeBackend& a = Full(1);
  auto calls = AskAll(6);
  EXPECT_EQ(network_.connections("a:1"), 3u);
  EXPECT_EQ(a.served.size(), 3u);
  for (size_t i = 0; i < 6; ++i) {
    ASSERT_GT(a.served.size(), i);
    EXPECT_THAT(a.served[i]->messages, ElementsAre(Cat(i + 1)));
    a.served[i]->Answer();
    Run();
  }
  for (const auto& call : calls) EXPECT_TRUE(call->status.ok());
}
TEST_F(ScalingTest, ByDefaultThereIsOneConnection) {
  options_.default_service_config.clear();
  FakeBackend& a = Full(1);
  AskAll(3);
  EXPECT_EQ(network_.attempts("a:1"), 1u);
  EXPECT_EQ(a.served.size(), 1u);
}
TEST_F(ScalingTest, TheChannelsOwnLimitHolds) {
  options_.max_connections_per_subchannel = 2;
  FakeBackend& a = Full(1);
  AskAll(5);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  EXPECT_EQ(a.served.size(), 2u);
  options_.max_connections_per_subchannel = 0;
  EXPECT_EQ(TryOpen(), absl::InvalidArgumentError(
                           "channel: max_connections_per_subchannel is 0, it should be 1 or more"));
}
TEST_F(ScalingTest, OneAttemptIsMadeAtATime) {
  Full(1);
  AskAll(1);
  network_.Swallow("a:1");
  AskAll(5);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
}
TEST_F(ScalingTest, AFailedAttemptIsRepeatedAfterItsBackoffWhileCallsWait) {
  FakeBackend& a = Full(1);
  AskAll(1);
  network_.Refuse("a:1");
  auto waiting = Ask("x");
  EXPECT_EQ(State(), "READY");
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  Advance(999ms);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  network_.Heal("a:1");
  Advance(1ms);
  EXPECT_EQ(network_.attempts("a:1"), 3u);
  EXPECT_EQ(a.served.size(), 2u);
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY"));
}
TEST_F(ScalingTest, AfterABackoffNobodyDialsForNothing) {
  FakeBackend& a = Full(1);
  AskAll(1);
  network_.Refuse("a:1");
  auto waiting = Ask("x");
  a.served[0]->Answer();
  Run();  // Now it has the stream.
  Advance(1h);
  EXPECT_EQ(network_.attempts("a:1"), 2u);
}
TEST_F(ScalingTest, TheGreatestNumberMayChangeLive) {
  FakeBackend& a = Full(1);
  channel_->SetServiceConfig(Config(1)).IgnoreError();
  Run();
  AskAll(2);
  EXPECT_EQ(a.served.size(), 1u);
  channel_->SetServiceConfig(Config(2)).IgnoreError();
  Run();
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  EXPECT_EQ(a.served.size(), 2u);
}
TEST_F(ScalingTest, OneOfTwoConnectionsMayGoAndTheChannelStaysReady) {
  FakeBackend& a = Full(1);
  auto calls = AskAll(2);
  states_.clear();
  a.GoAwayFirst();
  Run();
  EXPECT_EQ(State(), "READY");
  AnswerAll(a);
  for (const auto& call : calls) EXPECT_TRUE(call->status.ok());
  a.hold = false;
  EXPECT_EQ(Ask("y")->text(), "a:1:y");
  EXPECT_EQ(network_.attempts("a:1"), 2u);
  EXPECT_THAT(states_, ElementsAre());
}
TEST_F(ScalingTest, ALostConnectionIsReplacedWhileCallsWait) {
  FakeBackend& a = Full(1);
  AskAll(4);
  a.GoAwayFirst();
  Run();
  EXPECT_EQ(network_.attempts("a:1"), 4u);
  EXPECT_EQ(a.served.size(), 4u);
}
TEST_F(ScalingTest, WhenAllAreLostCallsThatWaitGoElsewhere) {
  FakeBackend& a = Full(1);
  Serve("b:1");
  names_.PublishAddresses({"a:1", "b:1"});
  Run();
  auto calls = AskAll(5);
  EXPECT_EQ(calls[3]->text(), "waiting");
  a.Die();
  Run();
  EXPECT_EQ(calls[3]->text(), "b:1:4");
  EXPECT_EQ(calls[4]->text(), "b:1:5");
}
TEST_F(ScalingTest, PickFirstBeginsANewPassWhenAllAreLostDuringAnAttempt) {
  FakeBackend& a = Full(1);
  Serve("b:1");
  names_.PublishAddresses({"a:1", "b:1"});
  Run();
  AskAll(1);
  network_.Swallow("a:1");
  auto waiting = Ask("x");
  states_.clear();
  network_.Reset("a:1");
  Run();
  EXPECT_EQ(State(), "CONNECTING");
  Advance(250ms);  // The attempt to a:1 goes on; b:1 is tried beside it.
  EXPECT_EQ(waiting->text(), "b:1:x");
  EXPECT_THAT(states_, ElementsAre("CONNECTING", "READY"));
  EXPECT_EQ(a.served.size(), 1u);
}
TEST_F(ScalingTest, PickFirstBeginsANewPassWhenAllAreLostDuringABackoff) {
  FakeBackend& a = Full(1);
  Serve("b:1");
  names_.PublishAddresses({"a:1", "b:1"});
  Run();
  AskAll(1);
  network_.Refuse("a:1");
  auto waiting = Ask("x");
  a.Die();
  Run();
  EXPECT_EQ(waiting->text(), "b:1:x");
}
TEST_F(ScalingTest, PickersSeeTheFreeStreamsOfAllConnections) {
  const Subchannel* seen = nullptr;
  options_.policies = {PolicyFrom("first", [&seen](const ReadySet& all, const PickArgs&) {
    seen = all[0].subchannel.get();
    return PickResult(Picked{seen});
  })};
  options_.default_service_config =
      R"({"loadBalancingConfig":[{"first":{}}],
          "connectionScaling":{"maxConnectionsPerSubchannel":2}})";
  FakeBackend& a = Full(2);
  AskAll(1);
  EXPECT_EQ(seen->load.free_streams(), 1u);
  AskAll(2);
  EXPECT_EQ(seen->load.free_streams(), 1u);
  a.served[0]->Answer();
  Run();
  EXPECT_EQ(seen->load.free_streams(), 2u);
  EXPECT_EQ(seen->load.in_flight(), 2);
}
TEST_F(ScalingTest, ASilentConnectionIsPassedByWhileAnotherIsNot) {
  FakeBackend& a = Full(2);
  AskAll(3);
  AnswerAll(a);
  network_.FreezeFirst("a:1");
  auto lost = Ask("1");
  Advance(1s);
  a.hold = false;
  EXPECT_EQ(Ask("2")->text(), "a:1:2");
  EXPECT_EQ(lost->text(), "waiting");
}
TEST_F(ScalingTest, IdlenessClosesAllConnections) {
  FakeBackend& a = Full(1);
  AskAll(3);
  AnswerAll(a);
  EXPECT_EQ(network_.connections("a:1"), 3u);
  channel_->EnterIdle();
  Run();
  EXPECT_EQ(network_.connections("a:1"), 0u);
}

TEST_F(ScalingTest, AnExplanationTellsHowManyConnectionsABackendHas) {
  Full(2);
  AskAll(3);
  const Explanation told = channel_->Explain();
  EXPECT_EQ(told.backends.at(0).connections, 2u);
  EXPECT_EQ(told.backends.at(0).free_streams, 1u);
  EXPECT_THAT(told.Text(), HasSubstr("  a:1 READY, 2 connections, 3 in flight, 1 free stream, "));
}
TEST_F(ScalingTest, ADeadlineTellsTheStreamsOfAllConnections) {
  options_.max_connections_per_subchannel = 2;
  Full(1);
  AskAll(2);
  auto late = Ask("x", {.timeout = 1s});
  Advance(1s);
  EXPECT_THAT(late->message(), HasSubstr("waiting for a stream slot (2 of 2 in use)"));
}
TEST_F(ScalingTest, EachConnectionIsMeasured) {  // A94
  struct Ear final : ChannelObserver {
    explicit Ear(std::vector<std::string>& t) : told(t) {}
    void OnConnected(std::string_view a) override { told.push_back(Cat("connected ", a)); }
    void OnConnectFailed(std::string_view a) override { told.push_back(Cat("failed ", a)); }
    void OnDisconnected(std::string_view a, std::string_view why) override {
      told.push_back(Cat("lost ", a, ", ", why));
    }
    std::vector<std::string>& told;
  };
  struct Seen final : Observer {
    std::unique_ptr<ChannelObserver> ForChannel(std::string_view, std::string_view) override {
      return std::make_unique<Ear>(all);
    }
    std::vector<std::string> all;
  };
  const auto seen = std::make_shared<Seen>();
  options_.observers = {seen};
  FakeBackend& a = Full(1);
  AskAll(2);
  EXPECT_THAT(seen->all, ElementsAre("connected a:1", "connected a:1"));
  network_.Refuse("a:1");
  AskAll(1);
  EXPECT_EQ(seen->all.back(), "failed a:1");
  a.GoAwayFirst();
  Run();
  EXPECT_EQ(seen->all.back(), "lost a:1, GOAWAY NO_ERROR");
  channel_->Close();
  Run();
  EXPECT_EQ(seen->all.size(), 5u);
  EXPECT_EQ(seen->all.back(), "lost a:1, subchannel shutdown");
}

TEST_F(ScalingTest, WhatAttemptsToHaveMoreComeToIsToldToNobody) {
  std::vector<std::string> told;
  options_.policies = {
      {.name = "listening", .make = [&told] { return std::make_unique<ListeningPolicy>(told); }}};
  options_.default_service_config =
      R"({"loadBalancingConfig":[{"listening":{}}],
          "connectionScaling":{"maxConnectionsPerSubchannel":3}})";
  Full(1);
  AskAll(2);
  EXPECT_EQ(network_.connections("a:1"), 2u);
  network_.Refuse("a:1");
  AskAll(1);
  Advance(1s);
  EXPECT_EQ(network_.attempts("a:1"), 4u);
  EXPECT_THAT(told, ElementsAre("CONNECTING", "READY"));
  subscription_ = nullptr;
  channel_.reset();
  Run();
}

}  // namespace
}  // namespace rondo::channel
