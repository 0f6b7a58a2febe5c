#include "arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rondo::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Pair;

template <class T>
std::string Why(const absl::StatusOr<T>& parsed) {
  return std::string(parsed.status().message());
}

TEST(Durations, HaveAUnit) {
  EXPECT_EQ(*ParseDuration("1.5s"), 1500ms);
  EXPECT_EQ(*ParseDuration("20ms"), 20ms);
  EXPECT_EQ(*ParseDuration("7us"), 7us);
  EXPECT_EQ(*ParseDuration("9ns"), 9ns);
  EXPECT_EQ(*ParseDuration("2m"), 2min);
  EXPECT_EQ(*ParseDuration("0.5h"), 30min);
  EXPECT_EQ(*ParseDuration("0s"), 0ns);
  EXPECT_EQ(*ParseDuration(".5s"), 500ms);
}
TEST(Durations, AnythingElseIsRefusedWithWhatWouldDo) {
  for (const char* text :
       {"", "5", "s", "-1s", "1 s", "1x", "1.2.3s", "1e3s", "+1s", "inf", "0x1s"}) {
    EXPECT_EQ(Why(ParseDuration(text)),
              "\"" + std::string(text) +
                  "\" is no duration: a number and one of ns us ms s m h, such as 1.5s");
  }
  EXPECT_EQ(Why(ParseDuration("9999999h")), "\"9999999h\" is too long: at most 290 years");
}

TEST(Spreads, AreADurationAndHowFarAroundIt) {
  EXPECT_EQ(*ParseSpread("5ms"), (Spread{5ms, 0ms}));
  EXPECT_EQ(*ParseSpread("5ms±2ms"), (Spread{5ms, 2ms}));
  EXPECT_EQ(*ParseSpread("1s+-200ms"), (Spread{1s, 200ms}));
  EXPECT_EQ(Why(ParseSpread("1ms±2ms")),
            "\"1ms±2ms\" may be less than nothing: keep what is behind ± smaller");
  EXPECT_FALSE(ParseSpread("1ms±").ok());
}

TEST(Shares, ArePercentOrAFraction) {
  EXPECT_DOUBLE_EQ(*ParseShare("1%"), 0.01);
  EXPECT_DOUBLE_EQ(*ParseShare("0.25"), 0.25);
  EXPECT_DOUBLE_EQ(*ParseShare("100%"), 1);
  for (const char* text : {"", "%", "101%", "1.01", "-1%", "1 %"}) {
    EXPECT_EQ(Why(ParseShare(text)),
              "\"" + std::string(text) + "\" is no share: from 0% to 100%, or from 0 to 1");
  }
}

TEST(Headers, AreSplitAtTheFirstColonAndBinaryOnesAreBase64) {
  const auto headers =
      ParseHeaders({"Tenant: blue", "url:http://a:1", "trace-bin: AAEC", "empty:"});
  ASSERT_TRUE(headers.ok()) << headers.status();
  EXPECT_THAT(std::vector(headers->begin(), headers->end()),
              ElementsAre(Pair("tenant", "blue"), Pair("url", "http://a:1"),
                          Pair("trace-bin", std::string("\0\1\2", 3)), Pair("empty", "")));
  EXPECT_EQ(ShowValue("trace-bin", std::string("\0\1\2", 3)), "AAEC");
  EXPECT_EQ(ShowValue("tenant", "blue"), "blue");
}
TEST(Headers, OneThatCantBeReadIsNamed) {
  EXPECT_EQ(Why(ParseHeaders({"tenant"})), "\"tenant\" is no header: write 'key: value'");
  EXPECT_EQ(Why(ParseHeaders({": x"})), "\": x\" is no header: write 'key: value'");
  EXPECT_EQ(Why(ParseHeaders({"t-bin: ?"})),
            "\"t-bin: ?\" is no header: the value of a key that ends in -bin is in base64");
}

TEST(Aliases, GrpcurlsSingleDashesAreOurs) {
  EXPECT_THAT(WithAliases({"call", "-plaintext", "-proto", "a.proto", "-import-path=x", "-d", "{}",
                           "-v", "-protoset=p", "-plaintexts"}),
              ElementsAre("call", "--plaintext", "--proto", "a.proto", "--import-path=x", "-d",
                          "{}", "-v", "--protoset=p", "-plaintexts"));
}

}  // namespace
}  // namespace rondo::cli
