// Spread, lazy children and the tally (1.12, 8.6).
#include "balance/spread.h"

#include "balance/lazy.h"
#include "balance/policy_test.h"
#include "balance/turns.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class BareSpread final : public Spread {
 public:
  BareSpread(FactoryRef child, Reconnect reconnect)
      : Spread("spread", std::move(child), reconnect) {}
};

class SpreadTest : public PolicyTest {
 protected:
  SpreadTest() {
    Register("spread", Spread::Reconnect::kAtOnce, PickFirstPolicy());
    Register("patient", Spread::Reconnect::kWhenAsked, PickFirstPolicy());
    Register("lazy", Spread::Reconnect::kWhenAsked,
             LazyPolicy(std::make_shared<const PolicyFactory>(PickFirstPolicy())));
  }
  void Register(const std::string& name, Spread::Reconnect reconnect, PolicyFactory child) {
    auto shared = std::make_shared<const PolicyFactory>(std::move(child));
    Add({.name = name,
         .make = [shared, reconnect] { return std::make_unique<BareSpread>(shared, reconnect); }});
  }
  static Endpoint Both(const std::string& a, const std::string& b) {
    Endpoint e;
    e.addresses = {a, b};
    return e;
  }
};

TEST(StateTally, GivesTheStateOfTheParent) {
  StateTally tally;
  EXPECT_EQ(tally.Sum(), Connectivity::kTransientFailure) << "no children";
  tally.Add(Connectivity::kTransientFailure);
  EXPECT_EQ(tally.Sum(), Connectivity::kTransientFailure);
  tally.Add(Connectivity::kIdle);
  EXPECT_EQ(tally.Sum(), Connectivity::kIdle);
  tally.Add(Connectivity::kConnecting);
  EXPECT_EQ(tally.Sum(), Connectivity::kConnecting);
  tally.Add(Connectivity::kReady);
  EXPECT_EQ(tally.Sum(), Connectivity::kReady);
  tally.Move(Connectivity::kReady, Connectivity::kIdle);
  EXPECT_EQ(tally.Sum(), Connectivity::kConnecting);
}
TEST(Turns, GoRoundEvenWhenTheNumberShrinks) {
  const Turns turns(1);
  turns.Set(0, 2);
  EXPECT_EQ(turns.Next(0, 3), 2u);
  EXPECT_EQ(turns.Next(0, 3), 0u);
  turns.Set(0, 7);
  EXPECT_EQ(turns.Next(0, 2), 1u);
}

// ---- Children

TEST_F(SpreadTest, DialsInTheOrderOfTheListRotatedByChance) {
  const std::vector<Addresses> expected = {{"1", "2", "3", "4", "5"},
                                           {"2", "3", "4", "5", "1"},
                                           {"3", "4", "5", "1", "2"},
                                           {"4", "5", "1", "2", "3"},
                                           {"5", "1", "2", "3", "4"}};
  for (uint64_t offset = 0; offset < 5; ++offset) {
    DropPolicy();
    dialled().clear();
    DrawWith([offset](uint64_t) { return offset; });
    Start(R"([{"spread":{}}])", {"1", "2", "3", "4", "5"});
    EXPECT_EQ(dialled(), expected[offset]);
  }
}
TEST_F(SpreadTest, KeepsTheChildrenOfEndpointsThatStay) {
  Start(R"([{"spread":{}}])", {"a", "b"});
  AllReady({"a", "b"});
  EXPECT_TRUE(Resolve({"b", "c"}).ok());
  EXPECT_THAT(Open(), ElementsAre("b", "c"));
  EXPECT_EQ(dials()["b"], 1);
  EXPECT_EQ(Go(), "b");
}
TEST_F(SpreadTest, AnEndpointIsTheSetOfItsAddresses) {
  ASSERT_TRUE(Configure(R"([{"spread":{}}])").ok());
  EXPECT_TRUE(ResolveEndpoints({Both("a", "b"), Both("b", "a"), Named("a")}).ok());
  EXPECT_THAT(dialled(), ElementsAre("a"))
      << "one child for the pair, one that shares a's connection";
  Ready("a");
  EXPECT_TRUE(ResolveEndpoints({Both("b", "a")}).ok());
  EXPECT_EQ(dials()["a"], 1);
  EXPECT_EQ(Go(), "a");
}
TEST_F(SpreadTest, AChildThatServesIsToldOnlyWhatIsNewsToIt) {
  // A child that is READY as soon as it has an address, unless this is "down".
  struct Eager final : Policy {
    explicit Eager(Addresses& t) : told(t) {}
    absl::Status OnUpdate(const Update& update, Control& control) override {
      const std::string& address = update.endpoints.at(0).addresses.at(0);
      told.push_back(address);
      control.Publish(address == "down" ? kConnecting : kReady, QueuePicker());
      return absl::OkStatus();
    }
    void OnResolverError(const absl::Status&, Control&) override {}
    Addresses& told;
  };
  Addresses told;
  Register("eager", Spread::Reconnect::kAtOnce,
           {.name = "child", .make = [&told] { return std::make_unique<Eager>(told); }});
  Start(R"([{"eager":{}}])", {"a", "down"});
  EXPECT_THAT(std::exchange(told, {}), ElementsAre("a", "down"));
  EXPECT_TRUE(Resolve({"a", "down"}).ok());
  EXPECT_THAT(std::exchange(told, {}), ElementsAre("down")) << "it may want to try again";
  EXPECT_TRUE(Resolve({"down", "a", "b"}).ok());
  EXPECT_THAT(std::exchange(told, {}), ElementsAre("down", "b"));
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 7), Named("b")}).ok());
  EXPECT_THAT(std::exchange(told, {}), ElementsAre("a"));
  settings().Set(ConnectionAttemptDelay{.value = std::chrono::seconds(1)});
  EXPECT_TRUE(ResolveEndpoints({Weighing("a", 7), Named("b")}).ok());
  EXPECT_THAT(std::exchange(told, {}), ElementsAre("a", "b"));
  DropPolicy();
}
TEST_F(SpreadTest, PublishesOnceAfterAllChildrenHaveTheirUpdate) {
  Start(R"([{"spread":{}}])", {"a", "b"});
  AllReady({"a", "b"});
  States();
  EXPECT_TRUE(Resolve({"c", "b"}).ok());
  EXPECT_THAT(States(), ElementsAre(kReady)) << "no state in between";
}
TEST_F(SpreadTest, ChildrenThatAreIdleFromTheStartAreToldAsOneState) {
  Start(R"([{"lazy":{}}])", {"a", "b", "c"});
  EXPECT_THAT(States(), ElementsAre(kIdle));
}
TEST_F(SpreadTest, ReturnsTheFirstErrorOfAChild) {
  ASSERT_TRUE(Configure(R"([{"spread":{}}])").ok());
  EXPECT_EQ(
      ResolveEndpoints({Named("a"), Endpoint()}),
      absl::UnavailableError("pick_first: name resolver error: produced zero addresses: a note"));
  EXPECT_THAT(Open(), ElementsAre("a"));
}
TEST_F(SpreadTest, WithoutEndpointsFailsAndClosesAll) {
  Start(R"([{"spread":{}}])", {"a"});
  EXPECT_EQ(Resolve({}),
            absl::UnavailableError("spread: the resolver returned no endpoints: a note"));
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_EQ(state(), kFailed);
}
TEST_F(SpreadTest, ReadyChildrenTakeTurns) {
  Start(R"([{"spread":{}}])", {"a", "b", "c"});
  AllReady({"a", "c"});
  EXPECT_EQ(Shares(10), (std::map<std::string, int>{{"a", 5}, {"c", 5}}));
}
TEST_F(SpreadTest, ForwardsAResolverErrorToItsChildren) {
  Start(R"([{"spread":{}}])", {"a"});
  Fails("a");
  ResolverFails("x");
  EXPECT_EQ(Go(),
            "spread: none of 1 endpoints can be reached; last: pick_first: name resolver "
            "error: x");
}
TEST_F(SpreadTest, AChildThatFallsIdleReconnectsAtOnceUnlessTold) {
  Start(R"([{"spread":{}}])", {"a"});
  Ready("a");
  Idle("a");
  EXPECT_EQ(dials()["a"], 2);
}
TEST_F(SpreadTest, WithoutReconnectAnIdleChildWaitsForACallOrExitIdle) {
  Start(R"([{"patient":{}}])", {"a", "b"});
  AllReady({"a", "b"});
  Idle("a");
  EXPECT_EQ(dials()["a"], 1);
  EXPECT_EQ(state(), kReady);
  Idle("b");
  EXPECT_EQ(state(), kIdle);
  ExitIdle();
  EXPECT_EQ(dials()["a"] + dials()["b"], 4);
}

// ---- The first calls (StartupWait)

class StartupWaitTest : public SpreadTest {
 protected:
  void Begins() {
    settings().Set(StartupWait{.ready = 2, .at_most = std::chrono::seconds(1)});
    Start(R"([{"spread":{}}])", {"a", "b", "c"});
  }
};
TEST_F(StartupWaitTest, HoldsTheFirstCallsUntilEnoughAreReady) {
  Begins();
  Ready("a");
  EXPECT_EQ(Go(), "queue");
  Ready("b");
  EXPECT_EQ(Shares(10).size(), 2u);
}
TEST_F(StartupWaitTest, LetsThemGoWhenTheTimeIsOver) {
  Begins();
  Ready("a");
  Advance(std::chrono::seconds(1));
  EXPECT_EQ(Go(), "a");
}
TEST_F(StartupWaitTest, LetsThemGoWhenNoOtherIsOnTheWay) {
  Begins();
  Fails("b");
  Ready("a");
  EXPECT_EQ(Go(), "queue");
  Fails("c");
  EXPECT_EQ(Go(), "a");
}
TEST_F(StartupWaitTest, HoldsNothingBackLater) {
  Begins();
  AllReady({"a", "b"});
  Idle("b");
  EXPECT_EQ(Go(), "a");
}

// ---- Lazy

TEST_F(SpreadTest, ALazyChildIsIdleUntilACallAsks) {
  Start(R"([{"lazy":{}}])", {"a"});
  EXPECT_EQ(state(), kIdle);
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_EQ(Go(), "queue");
  EXPECT_EQ(state(), kConnecting);
  Ready("a");
  EXPECT_EQ(Go(), "a");
}
TEST_F(SpreadTest, ALazyChildBeginsAtExitIdleToo) {
  Start(R"([{"lazy":{}}])", {"a"});
  ExitIdle();
  EXPECT_THAT(Open(), ElementsAre("a"));
}

// Lazy on its own, above a child that tells what it heard.
struct Heard {
  std::vector<std::string> lines;
  bool refuse = false;
};
class Ear final : public Policy {
 public:
  explicit Ear(Heard& heard) : heard_(heard) {}
  absl::Status OnUpdate(const Update& update, Control&) override {
    heard_.lines.push_back(Cat("update ", update.endpoints.at(0).addresses.at(0)));
    return heard_.refuse ? absl::UnavailableError("bad") : absl::OkStatus();
  }
  void OnResolverError(const absl::Status& why, Control&) override {
    heard_.lines.push_back(Cat("error ", why.message()));
  }
  void OnIdleExit(Control&) override { heard_.lines.push_back("exit idle"); }

 private:
  Heard& heard_;
};
class LazyTest : public PolicyTest {
 protected:
  LazyTest() {
    const PolicyFactory ear{.name = "ear",
                            .make = [this] { return std::make_unique<Ear>(heard_); }};
    Add(LazyPolicy(std::make_shared<const PolicyFactory>(ear)));
  }
  Heard heard_;
};
TEST_F(LazyTest, ReplaysTheLatestUpdateThenTheErrorAfterIt) {
  Start(R"([{"ear":{}}])", {"a"});
  Resolve({"b"}).IgnoreError();
  ResolverFails("x");
  EXPECT_THAT(heard_.lines, IsEmpty());
  ExitIdle();
  EXPECT_THAT(heard_.lines, ElementsAre("update b", "error name resolver error: x"));
}
TEST_F(LazyTest, AnUpdateClearsTheErrorBeforeIt) {
  Start(R"([{"ear":{}}])", {"a"});
  ResolverFails("x");
  Resolve({"b"}).IgnoreError();
  ExitIdle();
  EXPECT_THAT(heard_.lines, ElementsAre("update b"));
}
TEST_F(LazyTest, OnceBegunEverythingPassesThrough) {
  Start(R"([{"ear":{}}])", {"a"});
  ExitIdle();
  Resolve({"b"}).IgnoreError();
  ResolverFails("x");
  ExitIdle();
  EXPECT_THAT(heard_.lines,
              ElementsAre("update a", "update b", "error name resolver error: x", "exit idle"));
}
TEST_F(LazyTest, AsksTheResolverIfTheChildCannotUseTheUpdate) {
  heard_.refuse = true;
  Start(R"([{"ear":{}}])", {"a"});
  ExitIdle();
  EXPECT_EQ(reresolutions(), 1);
}
TEST_F(LazyTest, ManyCallsBeginItOnce) {
  Start(R"([{"ear":{}}])", {"a"});
  const PickerRef idle = picker();
  Calls(3);
  EXPECT_EQ(idle->Pick(args()).kind(), PickResult::Kind::kQueue);
  Go();
  EXPECT_THAT(heard_.lines, ElementsAre("update a"));
}

}  // namespace
}  // namespace rondo
