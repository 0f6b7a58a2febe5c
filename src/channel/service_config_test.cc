#include "channel/service_config.h"

#include "balance/builtin.h"
#include "base/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo::channel {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const PolicyRegistry& Policies() {
  static const PolicyRegistry registry = BuiltinPolicies();
  return registry;
}
std::shared_ptr<const ServiceConfig> Good(std::string_view json) {
  auto config = ServiceConfig::Parse(json, Policies());
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : ServiceConfig::Empty(Policies());
}
std::string Bad(std::string_view json) {
  auto config = ServiceConfig::Parse(json, Policies());
  EXPECT_FALSE(config.ok());
  return std::string(config.status().message());
}
std::string PolicyOf(const std::shared_ptr<const ServiceConfig>& config) {
  return config->policy().factory->name;
}

// ---- Top level (3.1)
TEST(ServiceConfig, TheFirstRegisteredPolicyOfTheListWins) {
  EXPECT_EQ(PolicyOf(Good(R"({"loadBalancingConfig":[{"nope":{}},{"round_robin":{}}]})")),
            "round_robin");
}
TEST(ServiceConfig, NoRegisteredPolicyIsAnError) {
  EXPECT_THAT(Bad(R"({"loadBalancingConfig":[{"nope":{}}]})"), HasSubstr("nope"));
  EXPECT_THAT(Bad(R"({"loadBalancingConfig":[]})"), HasSubstr("loadBalancingConfig"));
}
TEST(ServiceConfig, WithoutAPolicyItIsPickFirst) { EXPECT_EQ(PolicyOf(Good("{}")), "pick_first"); }
TEST(ServiceConfig, TheOldPolicyNameCountsOnlyWithoutAList) {
  EXPECT_EQ(PolicyOf(Good(R"({"loadBalancingPolicy":"round_robin"})")), "round_robin");
  EXPECT_EQ(PolicyOf(Good(R"({"loadBalancingPolicy":"ROUND_ROBIN"})")), "round_robin");
  EXPECT_EQ(PolicyOf(Good(R"({"loadBalancingPolicy":"round_robin",
                              "loadBalancingConfig":[{"pick_first":{}}]})")),
            "pick_first");
}
TEST(ServiceConfig, AnUnknownOldPolicyNameOrAWrongTypeIsAnError) {
  EXPECT_THAT(Bad(R"({"loadBalancingPolicy":"fancy"})"), HasSubstr("fancy"));
  Bad(R"({"loadBalancingPolicy":3})");
}
TEST(ServiceConfig, EmptyTextAndOtherThanAnObjectAreErrors) {
  Bad("");
  EXPECT_EQ(Bad("[]"), "1:1: a service config is an object");
}
TEST(ServiceConfig, UnknownFieldsAreIgnoredAndToldAsWarnings) {
  EXPECT_THAT(Good(R"({"someFutureField":1})")->warnings(),
              ElementsAre(HasSubstr("someFutureField")));
}
TEST(ServiceConfig, ABackendHasOneConnectionUnlessScalingAllowsMore) {  // A105
  EXPECT_EQ(Good("{}")->max_connections(), 1u);
  EXPECT_EQ(Good(R"({"connectionScaling":{}})")->max_connections(), 1u);
  EXPECT_EQ(Good(R"({"connectionScaling":{"maxConnectionsPerSubchannel":7}})")->max_connections(),
            7u);
  EXPECT_THAT(Bad(R"({"connectionScaling":{"maxConnectionsPerSubchannel":0}})"),
              HasSubstr("1:53: connectionScaling.maxConnectionsPerSubchannel: "));
}
TEST(ServiceConfig, ErrorsNameLineColumnAndPath) {
  EXPECT_EQ(Bad("{\"methodConfig\":[{\"name\":[{}],\n  \"timeout\":\"3c\"}]}"),
            "2:13: methodConfig[0].timeout: \"3c\" is not a duration such as \"1.5s\"");
}

// ---- methodConfig (3.2)
TEST(ServiceConfig, AMethodIsFoundByMethodThenServiceThenDefault) {
  auto c = Good(R"({"methodConfig":[
      {"name":[{}],"timeout":"1s"},
      {"name":[{"service":"a.B"}],"timeout":"2s"},
      {"name":[{"service":"a.B","method":"C"}],"timeout":"3s"}]})");
  EXPECT_EQ(*c->Find("/a.B/C")->timeout, 3s);
  EXPECT_EQ(*c->Find("/a.B/D")->timeout, 2s);
  EXPECT_EQ(*c->Find("/x.Y/Z")->timeout, 1s);
}
TEST(ServiceConfig, TheFirstHitIsUsedWholeWithoutMerging) {
  auto c = Good(R"({"methodConfig":[{"name":[{}],"waitForReady":true},
                                    {"name":[{"service":"a.B"}],"timeout":"2s"}]})");
  EXPECT_FALSE(c->Find("/a.B/C")->wait_for_ready.has_value());
}
TEST(ServiceConfig, AnEmptyServiceIsTheDefaultToo) {
  EXPECT_NE(Good(R"({"methodConfig":[{"name":[{"service":""}]}]})")->Find("/a/b"), nullptr);
}
TEST(ServiceConfig, AnEntryWithoutNamesIsIgnored) {
  EXPECT_EQ(Good(R"({"methodConfig":[{"timeout":"1s"}]})")->Find("/a/b"), nullptr);
}
TEST(ServiceConfig, AMethodWithoutAServiceIsAnError) {
  EXPECT_THAT(Bad(R"({"methodConfig":[{"name":[{"method":"M"}]}]})"), HasSubstr("\"M\""));
}
TEST(ServiceConfig, ANameInTwoPlacesIsAnError) {
  EXPECT_THAT(Bad(R"({"methodConfig":[{"name":[{"service":"s","method":"m"}]},
                                      {"name":[{"service":"s","method":"m"}]}]})"),
              HasSubstr("s/m"));
}
TEST(ServiceConfig, SizesMayBeNumbersOrTexts) {
  auto c = Good(R"({"methodConfig":[{"name":[{}],"maxRequestMessageBytes":2048,
                                     "maxResponseMessageBytes":"4096"}]})");
  EXPECT_EQ(*c->Find("/a/b")->max_request_bytes, 2048u);
  EXPECT_EQ(*c->Find("/a/b")->max_response_bytes, 4096u);
  Bad(R"({"methodConfig":[{"name":[{}],"maxRequestMessageBytes":-1}]})");
}
TEST(ServiceConfig, WrongTypesOfMethodFieldsAreErrors) {
  Bad(R"({"methodConfig":[{"name":[{}],"waitForReady":"true"}]})");
  Bad(R"({"methodConfig":[{"name":[{}],"timeout":3}]})");
}
TEST(ServiceConfig, AConfigThatUsesMostFieldsParses) {  // 8.14
  auto c = Good(R"({ "loadBalancingConfig": [ {"not_registered": {}}, {"round_robin": {}} ],
    "methodConfig": [
      {"name": [{}], "waitForReady": true, "timeout": "5s"},
      {"name": [{"service": "echo.Echo", "method": "Unary"}], "timeout": "1.5s",
       "maxRequestMessageBytes": 1048576,
       "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "1s",
                       "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE", 8]}},
      {"name": [{"service": "echo.Echo"}],
       "hedgingPolicy": {"maxAttempts": 3, "hedgingDelay": "0.05s"}} ],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
    "healthCheckConfig": {"serviceName": "echo"},
    "connectionScaling": {"maxConnectionsPerSubchannel": 2},
    "someFutureField": 1 })");
  EXPECT_EQ(*c->Find("/echo.Echo/Unary")->timeout, 1500ms);
}

// ---- Retries (A6; 3.3, 3.4)
std::string Retry(std::string_view fields) {
  return R"({"methodConfig":[{"name":[{}],"retryPolicy":{)" + std::string(fields) + "}}]}";
}
constexpr std::string_view kRest =
    R"("initialBackoff":"1s","maxBackoff":"2s","backoffMultiplier":1.5)";

TEST(ServiceConfig, ARetryPolicyTakesCodesByNameInAnyCaseOrNumber) {
  auto c = Good(Retry(R"("maxAttempts":"3","initialBackoff":"1s","maxBackoff":"2s",
                         "backoffMultiplier":1.5,"retryableStatusCodes":["unavailable",8,16])"));
  const retry::Policy& policy = *c->Find("/a/b")->retry;
  EXPECT_EQ(policy.max_attempts, 3);
  EXPECT_EQ(policy.initial_backoff, 1s);
  EXPECT_EQ(policy.max_backoff, 2s);
  EXPECT_EQ(policy.multiplier, 1.5);
  EXPECT_EQ(policy.codes.bits, 1u << 14 | 1u << 8 | 1u << 16);
  EXPECT_THAT(c->warnings(), IsEmpty());
}
TEST(ServiceConfig, AWrongRetryPolicyMakesTheConfigInvalid) {
  const std::string at = "methodConfig[0].retryPolicy";
  const auto bad = [](std::string_view fields) {
    const std::string all = Bad(Retry(fields));
    return all.substr(all.find(": ") + 2);
  };
  const std::string rest(kRest), codes = R"(,"retryableStatusCodes":[14])";
  EXPECT_EQ(bad(R"("maxAttempts":-1,)" + rest + codes),
            at + ".maxAttempts: -1 is not within 2..2147483647");
  EXPECT_EQ(bad(R"("maxAttempts":1,)" + rest + codes),
            at + ".maxAttempts: 1 is not within 2..2147483647");
  EXPECT_EQ(bad(rest + codes), at + ".maxAttempts: is needed");
  EXPECT_EQ(bad(R"("maxAttempts":2,"initialBackoff":"0s","maxBackoff":"1s",
                   "backoffMultiplier":1)" +
                codes),
            at + ".initialBackoff: must be more than 0s");
  EXPECT_EQ(bad(R"("maxAttempts":2,"initialBackoff":"1s","maxBackoff":"0s",
                   "backoffMultiplier":1)" +
                codes),
            at + ".maxBackoff: must be more than 0s");
  EXPECT_EQ(bad(R"("maxAttempts":2,"initialBackoff":"1s","maxBackoff":"1s",
                   "backoffMultiplier":0)" +
                codes),
            at + ".backoffMultiplier: must be more than 0");
  EXPECT_EQ(bad(R"("maxAttempts":2,)" + rest), at + ".retryableStatusCodes: is needed");
  EXPECT_EQ(bad(R"("maxAttempts":2,)" + rest + R"(,"retryableStatusCodes":[])"),
            at + ".retryableStatusCodes: must name a status code");
  EXPECT_EQ(bad(R"("maxAttempts":2,)" + rest + R"(,"retryableStatusCodes":[14,"SOON"])"),
            at + ".retryableStatusCodes[1]: must be a status code, by name or as a number of 0 to "
                 "16, not SOON");
  EXPECT_EQ(bad(R"("maxAttempts":2,)" + rest + R"(,"retryableStatusCodes":[17])"),
            at + ".retryableStatusCodes[0]: must be a status code, by name or as a number of 0 to "
                 "16, not 17");
}
TEST(ServiceConfig, ARetryAndAHedgingPolicyInOneEntryAreAnError) {
  EXPECT_THAT(Bad(R"({"methodConfig":[{"name":[{}],"hedgingPolicy":{"maxAttempts":2},
      "retryPolicy":{"maxAttempts":2,"initialBackoff":"1s","maxBackoff":"1s",
                     "backoffMultiplier":1,"retryableStatusCodes":[14]}}]})"),
              HasSubstr("methodConfig[0].hedgingPolicy: can't be had together with a retryPolicy; "
                        "leave one out"));
}
TEST(ServiceConfig, AHedgingPolicyNeedsItsAttemptsOnly) {
  const auto hedging = [](std::string_view fields) {
    return R"({"methodConfig":[{"name":[{}],"hedgingPolicy":{)" + std::string(fields) + "}}]}";
  };
  auto c =
      Good(hedging(R"("maxAttempts":9,"hedgingDelay":"0.5s","nonFatalStatusCodes":["INTERNAL"])"));
  EXPECT_EQ(c->Find("/a/b")->hedging->max_attempts, 9);
  EXPECT_EQ(c->Find("/a/b")->hedging->delay, 500ms);
  EXPECT_EQ(c->Find("/a/b")->hedging->non_fatal.bits, 1u << 13);
  EXPECT_EQ(Good(hedging(R"("maxAttempts":2)"))->Find("/a/b")->hedging->delay, 0s);
  EXPECT_EQ(Bad(hedging(R"("maxAttempts":1)")),
            "1:62: methodConfig[0].hedgingPolicy.maxAttempts: 1 is not within 2..2147483647");
  EXPECT_EQ(Bad(hedging("")), "1:47: methodConfig[0].hedgingPolicy.maxAttempts: is needed");
}
TEST(ServiceConfig, ThrottlingKeepsThreeDecimalsAndItsLimits) {
  auto c = Good(R"({"retryThrottling":{"maxTokens":10,"tokenRatio":0.1239}})");
  EXPECT_EQ(c->throttling()->max, 10000);
  EXPECT_EQ(c->throttling()->ratio, 123);
  EXPECT_FALSE(Good("{}")->throttling().has_value());
  EXPECT_EQ(Bad(R"({"retryThrottling":{"maxTokens":0,"tokenRatio":1}})"),
            "1:33: retryThrottling.maxTokens: must be more than 0");
  EXPECT_EQ(Bad(R"({"retryThrottling":{"maxTokens":1001,"tokenRatio":1}})"),
            "1:33: retryThrottling.maxTokens: 1001 is more than 1000");
  EXPECT_EQ(Bad(R"({"retryThrottling":{"maxTokens":10,"tokenRatio":0}})"),
            "1:49: retryThrottling.tokenRatio: must be at least 0.001");
  EXPECT_EQ(Bad(R"({"retryThrottling":{"tokenRatio":0}})"),
            "1:20: retryThrottling.maxTokens: is needed");
}

// ---- Health (A17)
TEST(ServiceConfig, AHealthCheckNamesAServiceOrTheWholeServer) {
  EXPECT_EQ(Good(R"({"loadBalancingPolicy":"round_robin"})")->health_service(), std::nullopt);
  EXPECT_EQ(Good(R"({"loadBalancingPolicy":"round_robin","healthCheckConfig":{"serviceName":"s"}})")
                ->health_service(),
            "s");
  EXPECT_EQ(
      Good(R"({"loadBalancingPolicy":"round_robin","healthCheckConfig":{}})")->health_service(),
      "");
}
TEST(ServiceConfig, AHealthCheckThatThePolicyCannotHaveIsAnError) {
  for (const std::string policy : {"", R"("loadBalancingPolicy":"pick_first",)"}) {
    const auto config = ServiceConfig::Parse(
        Cat("{", policy, R"("healthCheckConfig":{"serviceName":"s"}})"), Policies());
    EXPECT_EQ(config.status().ToString(),
              Cat("INVALID_ARGUMENT: 1:", policy.empty() ? 22 : 57,
                  ": healthCheckConfig: pick_first watches no health; choose a policy that spreads "
                  "calls, such as round_robin, or leave it out"));
  }
}

// ---- Precedence (A21, 1.9)
class ConfigInForceTest : public testing::Test {
 protected:
  absl::Status Resolver(std::optional<std::string> json) {
    return configs_.OnResolver(json, Policies());
  }
  std::string Now() const {
    return configs_.current() == nullptr ? "none" : PolicyOf(configs_.current());
  }
  const std::string kRoundRobin = R"({"loadBalancingPolicy":"round_robin"})";
  ConfigInForce configs_{nullptr, ServiceConfig::Empty(Policies())};
};
class DefaultInForceTest : public ConfigInForceTest {
 protected:
  DefaultInForceTest() {
    configs_.~ConfigInForce();
    new (&configs_) ConfigInForce(Good(kRoundRobin), ServiceConfig::Empty(Policies()));
  }
};

TEST_F(DefaultInForceTest, TheDefaultIsUsedWhenTheResolverSendsNone) {
  EXPECT_TRUE(Resolver(std::nullopt).ok());
  EXPECT_EQ(Now(), "round_robin");
}
TEST_F(DefaultInForceTest, TheDefaultIsNotUsedWhenTheResolverSendsAValidOne) {
  EXPECT_TRUE(Resolver("{}").ok());
  EXPECT_EQ(Now(), "pick_first");
}
TEST_F(DefaultInForceTest, ALaterAnswerWithoutOneGoesBackToTheDefault) {
  EXPECT_TRUE(Resolver("{}").ok());
  EXPECT_TRUE(Resolver(std::nullopt).ok());
  EXPECT_EQ(Now(), "round_robin");
}
TEST_F(DefaultInForceTest, AnInvalidFirstOneLeavesTheDefault) {
  EXPECT_TRUE(Resolver("{").ok());
  EXPECT_EQ(Now(), "round_robin");
  EXPECT_FALSE(configs_.refused().ok());
}
TEST_F(DefaultInForceTest, TheDefaultIsUsedWhenTheResolverFails) {
  configs_.OnNoAnswer();
  EXPECT_EQ(Now(), "round_robin");
}
TEST_F(ConfigInForceTest, AnInvalidFirstOneWithoutADefaultIsAnError) {
  const absl::Status s = Resolver("{");
  EXPECT_TRUE(absl::IsUnavailable(s));
  EXPECT_THAT(std::string(s.message()), HasSubstr("error parsing service config: 1:2"));
  EXPECT_EQ(Now(), "none");
}
TEST_F(ConfigInForceTest, AnInvalidLaterOneLeavesTheEarlierOne) {
  EXPECT_TRUE(Resolver(kRoundRobin).ok());
  EXPECT_TRUE(Resolver("{").ok());
  EXPECT_EQ(Now(), "round_robin");
}
TEST_F(ConfigInForceTest, OneSetByHandStandsAboveAllUntilItIsTakenBack) {
  EXPECT_TRUE(Resolver("{}").ok());
  configs_.Override(Good(kRoundRobin));
  EXPECT_EQ(Now(), "round_robin");
  EXPECT_TRUE(Resolver("{}").ok());
  EXPECT_EQ(Now(), "round_robin");
  configs_.Override(nullptr);
  EXPECT_EQ(Now(), "pick_first");
}

}  // namespace
}  // namespace rondo::channel
