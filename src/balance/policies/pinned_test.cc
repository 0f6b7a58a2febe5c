#include "balance/policy_test.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Pinned : public PolicyTest {
 protected:
  static std::string Config(std::string_view more = "", std::string_view child = "round_robin") {
    return Cat(R"([{"pinned":{)", more, R"("childPolicy":[{")", child, R"(":{}}]}}])");
  }
  static std::string Strict() { return Config(R"("strict":true,)"); }
  void BeginsReady(const std::string& config, const Addresses& all) {
    Start(config, all);
    AllReady(all);
  }
  Call BeginFor(const std::string& pin) {
    const Metadata headers = metadata("x-backend", pin);
    args().metadata = &headers;
    Call call = Begin();
    args().metadata = nullptr;
    return call;
  }
  std::string GoFor(const std::string& pin) {
    const Call call = BeginFor(pin);
    if (call.result.picked()) End(call);
    return call.where;
  }
};

TEST_F(Pinned, IsKnownByBothNames) {
  BeginsReady(Config(), {"a"});
  SwitchTo(R"([{"pinned_experimental":{"childPolicy":[{"round_robin":{}}]}}])", {"a"});
  EXPECT_EQ(Go(), "a");
}
TEST_F(Pinned, ItsFieldsAreChecked) {
  const std::string path = ": loadBalancingConfig[0].pinned.";
  EXPECT_EQ(ErrorOf(R"([{"pinned":{}}])"),
            "1:12" + path + "childPolicy: is needed: a list of policies");
  EXPECT_EQ(ErrorOf(Config(R"("header":"x-bin",)")),
            "1:22" + path +
                "header: \"x-bin\" has values that aren't text: a name that doesn't end in -bin is "
                "needed");
  EXPECT_EQ(ErrorOf(Config(R"("header":"a b",)")),
            "1:22" + path +
                "header: \"a b\" is not a header's name: letters, digits, '-', '_' and '.' are");
  EXPECT_EQ(ErrorOf(Config(R"("header":"",)")),
            "1:22" + path + "header: must name the header that names the backend");
  EXPECT_EQ(ErrorOf(Config(R"("strict":1,)")), "1:22" + path + "strict: must be true or false");
}
TEST_F(Pinned, WithoutAPinTheChildDecides) {
  BeginsReady(Config(), {"a", "b"});
  EXPECT_EQ(testing::Unlike(Shares(100), {{"a", .5}, {"b", .5}}), "");
  const Metadata other = metadata("x-other", "a");
  args().metadata = &other;
  EXPECT_EQ(testing::Unlike(Shares(100), {{"a", .5}, {"b", .5}}), "");
}
TEST_F(Pinned, APinnedCallGoesToItsBackendOverTheSameConnection) {
  BeginsReady(Config(), {"a", "b"});
  EXPECT_EQ(BeginFor("b").where, "queue") << "its own child is only now asked to connect";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(GoFor("b"), "b");
  EXPECT_EQ(BeginFor("b").result.reason(), "its pin");
  EXPECT_EQ(dials()["b"], 1);
}
TEST_F(Pinned, TheHeadersNameIsTheConfigs) {
  BeginsReady(Config(R"("header":"X-Where",)"), {"a", "b"});
  const Metadata headers = metadata("x-where", "b");
  args().metadata = &headers;
  Go();
  EXPECT_EQ(testing::Unlike(Shares(10), {{"b", 1}}), "");
}
TEST_F(Pinned, AnyOfItsAddressesAndItsHashKeyNameABackend) {
  ASSERT_EQ(Configure(Config()), absl::OkStatus());
  Endpoint two = Named("a");
  two.addresses.push_back("a6");
  two.hash_key = "pod-7";
  ASSERT_TRUE(ResolveEndpoints({two, Named("b")}).ok());
  AllReady({"a", "b"});
  GoFor("pod-7");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(GoFor("pod-7"), "a");
    EXPECT_EQ(GoFor("a6"), "a");
    EXPECT_EQ(GoFor("a"), "a");
  }
}
TEST_F(Pinned, ItConnectsABackendThatTheChildHasNot) {
  Start(Config("", "pick_first"), {"a", "b"});
  Ready("a");
  EXPECT_EQ(Go(), "a");
  EXPECT_EQ(GoFor("b"), "queue");
  EXPECT_THAT(Open(), ElementsAre("a", "b"));
  Ready("b");
  EXPECT_EQ(GoFor("b"), "b");
  EXPECT_EQ(Go(), "a");
}
TEST_F(Pinned, OneThatIsPreferredAndFailsIsLeftToTheChild) {
  BeginsReady(Config(), {"a", "b"});
  GoFor("b");
  Idle("b");
  EXPECT_EQ(GoFor("b"), "queue");
  Fails("b");
  EXPECT_EQ(GoFor("b"), "a");
  Ready("b");
  EXPECT_EQ(GoFor("b"), "b");
}
TEST_F(Pinned, OneThatIsPreferredAndUnknownIsLeftToTheChild) {
  BeginsReady(Config(), {"a"});
  EXPECT_EQ(GoFor("z"), "a");
}
TEST_F(Pinned, ARetryOfACallThatPrefersGoesElsewhere) {
  BeginsReady(Config(), {"a", "b"});
  GoFor("b");
  const Subchannel* tried[] = {BeginFor("b").result.subchannel()};
  args().tried = tried;
  EXPECT_EQ(GoFor("b"), "a");
}
TEST_F(Pinned, StrictIsExactlyThisBackend) {
  BeginsReady(Strict(), {"a", "b"});
  GoFor("b");
  const Subchannel* tried[] = {BeginFor("b").result.subchannel()};
  args().tried = tried;
  EXPECT_EQ(GoFor("b"), "b") << "a retry too";
  args().tried = {};
  Idle("b");
  EXPECT_EQ(GoFor("b"), "queue");
  Fails("b", "refused");
  EXPECT_THAT(GoFor("b"), StartsWith("pinned: b: "));
  EXPECT_THAT(GoFor("b"), HasSubstr("refused"));
  EXPECT_EQ(Go(), "a");
}
TEST_F(Pinned, StrictFailsACallForNobody) {
  BeginsReady(Strict(), {"a"});
  const Call call = BeginFor("z");
  EXPECT_EQ(call.result.kind(), PickResult::Kind::kFail);
  EXPECT_EQ(call.result.status(),
            absl::UnavailableError("pinned: the call is for \"z\", which is none of the resolver's "
                                   "endpoints; drop the pin to go elsewhere"));
  EXPECT_THAT(GoFor(std::string(1000, 'z')), HasSubstr(std::string(100, 'z') + "...\""));
  ASSERT_TRUE(Resolve({"a", "z"}).ok());
  AllReady({"z"});
  GoFor("z");
  EXPECT_EQ(GoFor("z"), "z");
}
TEST_F(Pinned, ABackendThatLeavesIsClosed) {
  Start(Config("", "pick_first"), {"a", "b"});
  Ready("a");
  GoFor("b");
  Ready("b");
  ASSERT_TRUE(Resolve({"a"}).ok());
  EXPECT_THAT(Open(), ElementsAre("a"));
  EXPECT_EQ(GoFor("b"), "a");
}
TEST_F(Pinned, ItsStateIsTheChilds) {
  Start(Config(), {"a", "b"});
  EXPECT_EQ(state(), kConnecting);
  Ready("a");
  EXPECT_EQ(state(), kReady);
  GoFor("b");
  Fails("b");
  EXPECT_EQ(state(), kReady);
}
TEST_F(Pinned, AnotherChildIsALiveSwitch) {
  BeginsReady(Config(), {"a", "b"});
  GoFor("b");
  SwitchTo(Config("", "least_request"), {"a", "b"});
  EXPECT_EQ(GoFor("b"), "b");
  EXPECT_EQ(Begin().result.reason(), "few calls in flight");
  EXPECT_EQ(dials()["b"], 1);
}
TEST_F(Pinned, WithoutEndpointsItFails) {
  Start(Config(), {"a"});
  Ready("a");
  EXPECT_FALSE(Resolve({}).ok());
  EXPECT_EQ(state(), kFailed);
  EXPECT_EQ(Go(), "pinned: the resolver returned no endpoints: a note");
  EXPECT_TRUE(Resolve({"a"}).ok());
  Ready("a");
  EXPECT_EQ(Go(), "a");
}
TEST_F(Pinned, NamesFollowTheEndpointsHoweverTheyAreCutUp) {
  ASSERT_EQ(Configure(Strict()), absl::OkStatus());
  ASSERT_TRUE(ResolveEndpoints({{.addresses = {"a"}, .hash_key = "b"}, {.addresses = {"c"}}}).ok());
  AllReady({"a", "c"});
  GoFor("c");
  EXPECT_EQ(GoFor("c"), "c");
  ASSERT_TRUE(ResolveEndpoints({{.addresses = {"a", "b", "c"}}}).ok());
  AllReady({"a"});
  GoFor("c");
  EXPECT_EQ(GoFor("c"), "a");
}
TEST_F(Pinned, PinsHoldNoCallsOfTheChildBack) {
  settings().Set(StartupWait{.ready = 2, .at_most = std::chrono::hours(1)});
  Start(Config("", "pick_first"), {"a", "b"});
  Ready("a");
  EXPECT_EQ(GoFor("b"), "queue");
  EXPECT_EQ(Go(), "a");
}

}  // namespace
}  // namespace rondo
