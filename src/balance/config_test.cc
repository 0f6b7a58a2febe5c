// The list rule (0.2), the reader of configs, and their error texts.
#include "rondo/config.h"

#include "balance/policy_test.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Everything {
  uint32_t count = 7;
  int64_t big = 0;
  double share = 0.5;
  bool flag = false;
  std::string text;
  std::vector<std::string> names;
  Duration wait = 3s;
  std::map<std::string, uint32_t> weights;
  std::vector<std::string> steps;
  uint32_t inner = 0;
  ChildConfig child;
  void Read(ConfigReader& r) {
    r.Number("count", count, 2u, 10u);
    r.Number("bigNumber", big, INT64_MIN);
    r.Number("share", share, 0.0, 1.0);
    r.Bool("flag", flag);
    r.Text("text", text);
    r.Texts("names", names);
    r.Seconds("waitTime", wait);
    r.Map("weights", [&](const std::string& key, ConfigReader& w) {
      w.Need("weight");
      w.Number("weight", weights[key]);
    });
    r.List("steps", [&](ConfigReader& s) { s.Text("name", steps.emplace_back()); });
    r.Object("object", [&](ConfigReader& o) { o.Number("inner", inner); });
    if (r.Has("childPolicy")) r.Child("childPolicy", child);
    if (text == "forbidden") r.Bad("text", "is forbidden");
  }
};

class Config : public PolicyTest {
 protected:
  Config() {
    Add({.name = "all", .parse = ParseInto<Everything>});
    Add({.name = "pair", .parse = ParseInto<Everything>, .watches = 2});
    Add({.name = "triple", .parse = ParseInto<Everything>, .watches = 3});
  }
  ChildConfig ParseList(std::string_view text, std::string* error = nullptr) {
    const Json json = *Json::Parse(text);
    ConfigIssues issues;
    ChildConfig out = ReadPolicyList(json, "lb", registry(), issues);
    warnings_ = issues.warnings;
    if (error != nullptr) *error = std::string(issues.error.message());
    if (error == nullptr) {
      EXPECT_EQ(issues.error, absl::OkStatus());
    }
    EXPECT_EQ(out.factory == nullptr, !issues.error.ok());
    return out;
  }
  std::string ErrorOf(std::string_view text) {
    std::string error;
    ParseList(text, &error);
    return error;
  }
  // Of one policy's config.
  std::string ErrorIn(std::string_view config) { return ErrorOf(Cat(R"([{"all":)", config, "}]")); }
  std::vector<std::string> warnings_;
  Everything Read(std::string_view config) {
    return ConfigAs<Everything>(ParseList(Cat(R"([{"all":)", config, "}]")).config);
  }
};

// ---- The list rule

TEST_F(Config, TheFirstRegisteredPolicyWins) {
  EXPECT_EQ(ParseList(R"([{"nope":{}},{"all":{}},{"pick_first":{}}])").factory->name, "all");
}
TEST_F(Config, WhatFollowsTheWinnerIsNotLookedAt) {
  EXPECT_EQ(ParseList(R"([{"all":{}},17,{"pick_first":{"shuffleAddressList":1}}])").factory->name,
            "all");
}
TEST_F(Config, UnknownPoliciesAreSkippedWithTheirConfigs) {
  EXPECT_EQ(ParseList(R"([{"nope":[1,2]},{"all":{}}])").factory->name, "all");
}
TEST_F(Config, AnEntryHasExactlyOneName) {
  EXPECT_EQ(ErrorOf(R"([{}])"), "1:2: lb[0]: must be an object with one field, the policy's name");
  EXPECT_EQ(ErrorOf(R"([{"nope":{}}, {"all":{},"x":{}}])"),
            "1:15: lb[1]: must be an object with one field, the policy's name");
  EXPECT_EQ(ErrorOf(R"(["all"])"),
            "1:2: lb[0]: must be an object with one field, the policy's name");
}
TEST_F(Config, AnEmptyListIsAnError) {
  EXPECT_EQ(ErrorOf("[]"), "1:1: lb: is empty: name at least one policy");
}
TEST_F(Config, AListWithoutAKnownPolicyIsAnError) {
  EXPECT_EQ(ErrorOf(R"([{"nope":{}},{"neither":1}])"),
            "1:1: lb: none of these policies is known: nope, neither");
}
TEST_F(Config, AListMustBeAList) {
  EXPECT_EQ(ErrorOf("{}"), "1:1: lb: must be a list of policies");
}
TEST_F(Config, AnErrorOfTheWinnerIsAnErrorOfAll) {
  EXPECT_EQ(ErrorOf(R"([{"all":{"count":"x"}},{"pick_first":{}}])"),
            "1:18: lb[0].all.count: must be a number");
}
TEST_F(Config, TheCaseOfANameCounts) {
  EXPECT_EQ(ErrorOf(R"([{"All":{}}])"), "1:1: lb: none of these policies is known: All");
}
TEST_F(Config, AUsersPolicyTakesThePlaceOfABuiltInOne) {
  const PolicyRegistry mine =
      BuiltinPolicies({{.name = "round_robin", .watches = 1}, {.name = "own"}});
  EXPECT_EQ(mine.Find("round_robin")->watches, 1);
  EXPECT_NE(mine.Find("own"), nullptr);
  EXPECT_NE(mine.Find("pick_first"), nullptr);
  EXPECT_EQ(registry().Find("round_robin")->watches, 0) << "registries don't meet";
}
TEST_F(Config, APolicyIsFoundByItsNameAlone) {
  ConfigIssues issues;
  EXPECT_EQ(
      ReadPolicyName(*Json::Parse("\"pick_first\""), "loadBalancingPolicy", registry(), issues)
          .factory->name,
      "pick_first");
  Add({.name = "Own"});
  for (const char* name : {"\"Own\"", "\"ROUND_ROBIN\""}) {  // There any case counts as lower.
    ReadPolicyName(*Json::Parse(name), "loadBalancingPolicy", registry(), issues);
    EXPECT_EQ(issues.error, absl::OkStatus()) << name;
  }
  ReadPolicyName(*Json::Parse("\"nope\""), "loadBalancingPolicy", registry(), issues);
  EXPECT_EQ(issues.error,
            absl::InvalidArgumentError("1:1: loadBalancingPolicy: no policy is called \"nope\""));
}

// ---- Nesting

TEST_F(Config, AChildsErrorNamesThePlaceAndThePath) {
  EXPECT_EQ(ErrorOf("[{\"nope\":{}},\n{\"all\":{\"count\":3,\n\"childPolicy\":[{\"all\":"
                    "{\"count\":\"x\"}}]}}]"),
            "3:32: lb[1].all.childPolicy[0].all.count: must be a number");
}
TEST_F(Config, WatchesOfAPathAreSummedAndLimited) {
  EXPECT_EQ(ErrorOf(R"([{"pair":{"childPolicy":[{"pair":{}}]}}])"), "");
  EXPECT_EQ(ErrorOf(R"([{"pair":{"childPolicy":[{"triple":{}}]}}])"),
            "1:36: lb[0].pair.childPolicy[0].triple: policies above one another watch each call 5 "
            "times; at most 4 may");
}

// ---- Fields

TEST_F(Config, ReadsAllKindsOfFields) {
  const Everything c = Read(R"({"count":3,"bigNumber":"9007199254740993","share":0.25,"flag":true,
      "text":"t","names":["x","y"],"waitTime":"1.5s","weights":{"a":{"weight":1},"b":{"weight":2}},
      "steps":[{"name":"s"}],"object":{"inner":4},"childPolicy":[{"pick_first":{}}]})");
  EXPECT_EQ(c.count, 3u);
  EXPECT_EQ(c.big, 9007199254740993);
  EXPECT_EQ(c.share, 0.25);
  EXPECT_TRUE(c.flag);
  EXPECT_EQ(c.text, "t");
  EXPECT_THAT(c.names, ElementsAre("x", "y"));
  EXPECT_EQ(c.wait, 1500ms);
  EXPECT_EQ(c.weights, (std::map<std::string, uint32_t>{{"a", 1}, {"b", 2}}));
  EXPECT_THAT(c.steps, ElementsAre("s"));
  EXPECT_EQ(c.inner, 4u);
  EXPECT_EQ(c.child.factory->name, "pick_first");
  EXPECT_THAT(warnings_, IsEmpty());
}
TEST_F(Config, AbsentAndNullFieldsKeepTheDefault) {
  EXPECT_EQ(Read("{}").count, 7u);
  EXPECT_EQ(Read(R"({"count":null,"waitTime":null})").wait, 3s);
}
TEST_F(Config, NamesInSnakeCaseAreTheSame) {
  EXPECT_EQ(Read(R"({"wait_time":"2s"})").wait, 2s);
  EXPECT_EQ(Read(R"({"WaitTime":"2s"})").wait, 3s);
}
TEST_F(Config, UnknownFieldsAreIgnoredWithAWarning) {
  Read(R"({"cuont":3,
      "object":{"x":1}})");
  EXPECT_THAT(warnings_, ElementsAre("2:21: lb[0].all.object.x: unknown field, ignored",
                                     "1:18: lb[0].all.cuont: unknown field, ignored; "
                                     "is \"count\" meant?"));
}
TEST_F(Config, ErrorsSayWhatIsExpected) {
  EXPECT_EQ(ErrorIn(R"({"count":1.5})"), "1:18: lb[0].all.count: must be a whole number");
  EXPECT_EQ(ErrorIn(R"({"count":1})"), "1:18: lb[0].all.count: 1 is not within 2..10");
  EXPECT_EQ(ErrorIn(R"({"count":true})"), "1:18: lb[0].all.count: must be a number");
  EXPECT_EQ(ErrorIn(R"({"share":2})"), "1:18: lb[0].all.share: 2 is more than 1");
  EXPECT_EQ(ErrorIn(R"({"share":-0.5})"), "1:18: lb[0].all.share: -0.5 is less than 0");
  EXPECT_EQ(ErrorIn(R"({"flag":1})"), "1:17: lb[0].all.flag: must be true or false");
  EXPECT_EQ(ErrorIn(R"({"text":1})"), "1:17: lb[0].all.text: must be a text");
  EXPECT_EQ(ErrorIn(R"({"names":["x",1]})"), "1:23: lb[0].all.names[1]: must be a text");
  EXPECT_EQ(ErrorIn(R"({"waitTime":3})"),
            "1:21: lb[0].all.waitTime: must be a duration such as \"1.5s\"");
  EXPECT_EQ(ErrorIn(R"({"waitTime":"3m"})"),
            "1:21: lb[0].all.waitTime: \"3m\" is not a duration such as \"1.5s\"");
  EXPECT_EQ(ErrorIn(R"({"waitTime":"-3s"})"), "1:21: lb[0].all.waitTime: \"-3s\" is negative");
  EXPECT_EQ(ErrorIn(R"({"weights":[]})"), "1:20: lb[0].all.weights: must be an object");
  EXPECT_EQ(ErrorIn(R"({"weights":{"a":1}})"), "1:25: lb[0].all.weights.a: must be an object");
  EXPECT_EQ(ErrorIn(R"({"weights":{"a":{}}})"), "1:25: lb[0].all.weights.a.weight: is needed");
  EXPECT_EQ(ErrorIn(R"({"steps":{}})"), "1:18: lb[0].all.steps: must be a list");
  EXPECT_EQ(ErrorIn(R"({"steps":[{},{"name":1}]})"),
            "1:30: lb[0].all.steps[1].name: must be a text");
  EXPECT_EQ(ErrorIn(R"({"object":3})"), "1:19: lb[0].all.object: must be an object");
  EXPECT_EQ(ErrorIn(R"({"childPolicy":{}})"),
            "1:24: lb[0].all.childPolicy: must be a list of policies");
  EXPECT_EQ(ErrorIn(R"({"text":"forbidden"})"), "1:17: lb[0].all.text: is forbidden");
  EXPECT_EQ(ErrorIn("[]"), "1:9: lb[0].all: must be an object");
}

}  // namespace
}  // namespace rondo
