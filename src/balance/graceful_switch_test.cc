// Graceful switch (1.11): probes stand for the policies, so that each state is chosen.
#include "balance/graceful_switch.h"

#include <thread>

#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What a probe was told, and the way to make it say something: through its subchannel, whose state
// it publishes with a failing picker that says who it is.
struct Log {
  std::vector<std::string> lines;
  bool publish_at_once = true;
};
class Probe final : public Policy {
 public:
  Probe(std::string name, Log& log) : name_(std::move(name)), log_(log) {}
  ~Probe() override { log_.lines.push_back(Cat(name_, " ends")); }
  absl::Status OnUpdate(const Update& update, Control& control) override {
    log_.lines.push_back(Cat(name_, " updated"));
    if (handle_ == nullptr && !update.endpoints.empty()) {
      handle_ = control.Open({.address = update.endpoints[0].addresses[0]},
                             [this](const SubchannelState& s, Control& c) {
                               if (s.connectivity == Connectivity::kTransientFailure) c.Reresolve();
                               Say(s.connectivity, c);
                             });
      if (log_.publish_at_once) Say(Connectivity::kConnecting, control);
    }
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status& why, Control&) override {
    log_.lines.push_back(Cat(name_, " hears ", why.message()));
  }
  void OnIdleExit(Control&) override { log_.lines.push_back(Cat(name_, " leaves idle")); }

 private:
  void Say(Connectivity state, Control& control) {
    control.Publish(state, FailPicker(absl::UnavailableError(Cat(name_, " ", Name(state)))));
  }
  const std::string name_;
  Log& log_;
  std::unique_ptr<SubchannelHandle> handle_;
};

class GracefulSwitch : public PolicyTest {
 protected:
  GracefulSwitch() {
    for (const char* name : {"p", "q", "r"}) {
      Add({.name = name, .make = [this, name] { return std::make_unique<Probe>(name, log_); }});
    }
  }
  ~GracefulSwitch() override { DropPolicy(); }  // Probes tell of their end.
  void Use(const std::string& policy, const std::string& address) {
    Start(Cat("[{\"", policy, "\":{}}]"), {address});
  }
  std::vector<std::string> Heard() { return std::exchange(log_.lines, {}); }
  Log log_;
};

TEST_F(GracefulSwitch, TheFirstPolicyServesAtOnce) {
  Use("p", "a");
  EXPECT_EQ(Go(), "p CONNECTING");
  Ready("a");
  EXPECT_EQ(Go(), "p READY");
}
TEST_F(GracefulSwitch, TheSamePolicyIsUpdatedNotReplaced) {
  Use("p", "a");
  Use("p", "a");
  EXPECT_THAT(Heard(), ElementsAre("p updated", "p updated"));
}
TEST_F(GracefulSwitch, TheOldOneServesUntilTheNewOneIsReady) {
  Use("p", "a");
  Ready("a");
  Use("q", "b");
  EXPECT_EQ(Go(), "p READY");
  Ready("b");
  EXPECT_EQ(Go(), "q READY");
  EXPECT_THAT(Open(), ElementsAre("b"));
  EXPECT_THAT(Heard(), ElementsAre("p updated", "q updated", "p ends"));
}
TEST_F(GracefulSwitch, TheNewOneTakesOverWithItsFirstWordIfTheOldOneIsNotReady) {
  Use("p", "a");
  Use("q", "b");
  EXPECT_EQ(Go(), "q CONNECTING");
  EXPECT_THAT(Open(), ElementsAre("b"));
}
TEST_F(GracefulSwitch, TheNewOneTakesOverWhenTheOldOneLeavesReady) {
  Use("p", "a");
  Ready("a");
  Use("q", "b");
  Idle("a");
  EXPECT_EQ(Go(), "q CONNECTING");
  EXPECT_EQ(state(), kConnecting);
  EXPECT_THAT(Open(), ElementsAre("b"));
}
TEST_F(GracefulSwitch, ANewOneThatFailsReplacesTheOldOneToo) {
  Use("p", "a");
  Ready("a");
  Use("q", "b");
  Fails("b");
  EXPECT_EQ(Go(), "q TRANSIENT_FAILURE");
}
TEST_F(GracefulSwitch, ANewOneThatIsIdleReplacesTheOldOneToo) {
  Use("p", "a");
  Ready("a");
  Use("q", "b");
  Idle("b");
  EXPECT_EQ(Go(), "q IDLE");
}
TEST_F(GracefulSwitch, AYetNewerOneReplacesTheOneThatWaits) {
  Use("p", "a");
  Ready("a");
  Use("q", "b");
  Use("r", "c");
  EXPECT_THAT(Heard(), ElementsAre("p updated", "q updated", "q ends", "r updated"));
  EXPECT_THAT(Open(), ElementsAre("a", "c"));
  EXPECT_EQ(Go(), "p READY");
  Ready("c");
  EXPECT_EQ(Go(), "r READY");
}
TEST_F(GracefulSwitch, GoingBackToTheOldPolicyMakesANewOneOfIt) {
  Use("p", "a");
  Ready("a");
  Use("q", "b");
  Use("p", "c");
  EXPECT_THAT(Open(), ElementsAre("a", "c"));
  Ready("c");
  EXPECT_THAT(Open(), ElementsAre("c"));
}
TEST_F(GracefulSwitch, UpdatesErrorsAndExitIdleGoToTheLatestOnly) {
  Use("p", "a");
  Ready("a");
  Use("q", "b");
  Heard();
  Use("q", "b");
  ResolverFails("trouble");
  ExitIdle();
  EXPECT_THAT(Heard(),
              ElementsAre("q updated", "q hears name resolver error: trouble", "q leaves idle"));
}
TEST_F(GracefulSwitch, OnlyTheLatestMayAskTheResolver) {
  Use("p", "a");
  Ready("a");
  log_.publish_at_once = false;
  Use("q", "b");
  Fails("a");  // The old one asks; the new one has said nothing yet, and takes over.
  EXPECT_EQ(reresolutions(), 0);
  Fails("b");
  EXPECT_EQ(reresolutions(), 1);
}
TEST_F(GracefulSwitch, CallsWaitForANewOneThatTakesOverBeforeItsFirstWord) {
  Use("p", "a");
  Ready("a");
  log_.publish_at_once = false;
  Use("q", "b");
  EXPECT_EQ(Go(), "p READY");
  Idle("a");
  EXPECT_EQ(state(), kConnecting);
  EXPECT_EQ(Go(), "queue");
  Ready("b");
  EXPECT_EQ(Go(), "q READY");
}
TEST_F(GracefulSwitch, SubchannelsReportToTheirOwner) {
  Use("p", "a");
  Ready("a");
  Use("q", "b");
  Connecting("b");
  EXPECT_EQ(Go(), "p READY") << "only the current one is heard";
  Become("a", {kReady, kReady, {}});
  EXPECT_EQ(Go(), "p READY");
}
TEST_F(GracefulSwitch, AResolverErrorWithoutAnyPolicyFailsCalls) {
  ResolverFails("no such host");
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(Go(), "name resolver error: no such host");
}
TEST_F(GracefulSwitch, ExitIdleWithoutAnyPolicyIsHarmless) {
  ExitIdle();
  EXPECT_EQ(Go(), "queue");
}
TEST_F(GracefulSwitch, EndsBothPoliciesWithItself) {
  Use("p", "a");
  Ready("a");
  Use("q", "b");
  Heard();
  DropPolicy();
  EXPECT_THAT(Heard(), ::testing::UnorderedElementsAre("p ends", "q ends"));
  EXPECT_THAT(Open(), IsEmpty());
}
TEST_F(GracefulSwitch, AReportThatIsUnderWayAtTheSwitchIsForgotten) {
  Use("p", "a");
  Ready("a");
  Use("q", "a");  // Told READY within the turn, on the connection that they share.
  EXPECT_EQ(Go(), "q READY");
  EXPECT_EQ(dials()["a"], 0);
  Idle("a");
  EXPECT_EQ(Go(), "q IDLE");
}

// ---- With real policies

constexpr std::string_view kPickFirst = R"([{"pick_first":{}}])";
constexpr std::string_view kToRoundRobin = R"([{"round_robin":{}}])";

TEST_F(GracefulSwitch, ALiveSwitchTakesOverConnectionsWithoutDialling) {
  Start(kToRoundRobin, {"a", "b"});
  AllReady({"a", "b"});
  Calls(4);
  const auto before = dials();
  SwitchTo(kPickFirst, {"a", "b"});
  EXPECT_EQ(state(), kReady);
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials(), before);
  EXPECT_EQ(Load("a").succeeded(), 3u) << "the load cell came along";
  EXPECT_THAT(States(), ElementsAre(kConnecting, kReady)) << "calls never saw the switch";
}
TEST_F(GracefulSwitch, FromOneToAllServesByTheOneUntilTheNewPolicyIsReady) {
  Start(kPickFirst, {"a", "b"});
  Ready("a");
  SwitchTo(kToRoundRobin, {"a", "b"});
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(dials()["a"], 1);
  Ready("b");
  EXPECT_EQ(Shares(10).size(), 2u);
}
TEST_F(GracefulSwitch, AListThatIsNewAltogetherReplacesADeadOne) {
  Start(kToRoundRobin, {"a"});
  Ready("a");
  Resolve({"b"}).IgnoreError();
  Fails("b");
  EXPECT_EQ(Go(), "round_robin: none of 1 endpoints can be reached; last: b: refused");
}
TEST_F(GracefulSwitch, APickerOutlivesItsPolicyHarmlesslyOnAnyThread) {
  Start(kPickFirst, {"a"});
  Ready("a");
  Idle("a");
  PickerRef idle = DropPolicy();
  EXPECT_EQ(idle->Pick(args()).kind(), PickResult::Kind::kQueue);
  Advance(1s);
  Go();  // The nudge arrives nowhere.
  EXPECT_EQ(dials()["a"], 1);
  std::thread([p = std::move(idle)]() mutable { p = nullptr; }).join();
}

}  // namespace
}  // namespace rondo
