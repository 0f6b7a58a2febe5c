#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rondo/service_config.h"

namespace rondo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Error(std::string_view json) {
  return std::string(CheckServiceConfig(json).status().message());
}

TEST(CheckServiceConfig, TellsThePolicyAndWhatMethodsGet) {
  const auto report = CheckServiceConfig(R"({
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
      {"name": [{"service": "shop.Cart", "method": "Get"}], "timeout": "1.5s", "waitForReady": true,
       "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.05s", "maxBackoff": "1s",
                       "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE", "ABORTED"]}},
      {"name": [{"service": "shop.Cart"}], "maxRequestMessageBytes": 1024, "waitForReady": false,
       "avoidTriedBackends": false, "maxResponseMessageBytes": 2048},
      {"name": [{}], "hedgingPolicy": {"maxAttempts": 2, "hedgingDelay": "0.1s"}}]})");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->policy, "round_robin");
  EXPECT_THAT(report->warnings, IsEmpty());
  ASSERT_EQ(report->methods.size(), 3u);
  EXPECT_EQ(report->methods[0].name, "/");
  EXPECT_EQ(report->methods[0].says, "hedged, up to 2 attempts, one every 100ms");
  EXPECT_EQ(report->methods[1].name, "shop.Cart/");
  EXPECT_EQ(
      report->methods[1].says,
      "fails fast; requests up to 1024 bytes; replies up to 2048 bytes; attempts may go where "
      "the call has been");
  EXPECT_EQ(report->methods[2].name, "shop.Cart/Get");
  EXPECT_EQ(report->methods[2].says,
            "timeout 1.5s; waits for ready; up to 3 attempts, after 50ms to 1.0s, on ABORTED, "
            "UNAVAILABLE");
}

TEST(CheckServiceConfig, AnErrorIsThatOfAChannelWithItsPlace) {
  EXPECT_EQ(Error("{\n  \"methodConfig\": [{\"timeout\": 3}]}"),
            "2:32: methodConfig[0].timeout: must be a duration such as \"1.5s\"");
}

TEST(CheckServiceConfig, APolicyThatTheProgramBringsIsKnown) {
  constexpr std::string_view kJson = R"({"loadBalancingConfig": [{"fancy": {"x": 1}}]})";
  EXPECT_EQ(Error(kJson), "1:25: loadBalancingConfig: none of these policies is known: fancy");
  const auto report = CheckServiceConfig(kJson, {{.name = "fancy"}});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->policy, "fancy");
}

TEST(CheckServiceConfig, WhatIsAskedForInVainIsAWarning) {
  const auto report = CheckServiceConfig(R"({"future": 1})");
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->warnings, ElementsAre("1:12: future: unknown field, ignored"));
}

TEST(BuiltinPolicyNames, AreSorted) {
  EXPECT_THAT(BuiltinPolicyNames(), testing::IsSupersetOf({"pick_first", "round_robin"}));
}

}  // namespace
}  // namespace rondo
