#include "base/json.h"

#include "base/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

using testing::ElementsAre;

Json Parsed(std::string_view text) {
  absl::StatusOr<Json> json = Json::Parse(text);
  EXPECT_TRUE(json.ok()) << json.status().ToString();
  return json.ok() ? *std::move(json) : Json();
}
std::string ErrorOf(std::string_view text) {
  const absl::StatusOr<Json> json = Json::Parse(text);
  if (json.ok()) return "parsed";
  EXPECT_EQ(json.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(json.status().message());
}

TEST(Json, HasAllKindsOfValues) {
  const Json json =
      Parsed(R"({"n":null,"t":true,"f":false,"i":-7,"d":1.5e3,"s":"x","l":[1,"a"],"o":{}})");
  ASSERT_EQ(json.kind(), Json::Kind::kObject);
  EXPECT_EQ(json.Find("n")->kind(), Json::Kind::kNull);
  EXPECT_TRUE(json.Find("t")->boolean());
  EXPECT_FALSE(json.Find("f")->boolean());
  EXPECT_EQ(json.Find("i")->number(), -7);
  EXPECT_EQ(json.Find("d")->number(), 1500);
  EXPECT_EQ(json.Find("s")->text(), "x");
  EXPECT_EQ(json.Find("l")->items().size(), 2u);
  EXPECT_EQ(json.Find("o")->kind(), Json::Kind::kObject);
  EXPECT_EQ(json.Find("x"), nullptr);
}
TEST(Json, EveryValueKnowsItsLineAndColumn) {
  const Json json = Parsed("{\n  \"a\": [1, {\"b\" : \"\\\"x,\"},\n\ttrue],\n \"c\":-2}");
  EXPECT_EQ(json.where(), "1:1");
  const Json& list = *json.Find("a");
  EXPECT_EQ(list.where(), "2:8");
  EXPECT_EQ(list.items()[0].where(), "2:9");
  EXPECT_EQ(list.items()[1].where(), "2:12");
  EXPECT_EQ(list.items()[1].Find("b")->where(), "2:19");
  EXPECT_EQ(list.items()[2].where(), "3:2");
  EXPECT_EQ(json.Find("c")->where(), "4:6");
}
TEST(Json, ColumnsCountCharactersNotBytes) {
  EXPECT_EQ(Parsed("[\"\xc3\xa4\xe2\x82\xac\", 1]").items()[1].where(), "1:8");
}
TEST(Json, EscapesAndUnicodeAreDecoded) {
  EXPECT_EQ(Parsed(R"("\"\\\/\b\f\n\r\t\u00e4\u20ac\ud83d\ude00")").text(),
            "\"\\/\b\f\n\r\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
}
TEST(Json, AWholeNumberIsExactBeyondADouble) {
  EXPECT_EQ(Parsed("9007199254740993").Whole(), 9007199254740993);
  EXPECT_EQ(Parsed("\"9223372036854775807\"").Whole(), INT64_MAX);
  EXPECT_EQ(Parsed("-9223372036854775808").Whole(), INT64_MIN);
}
TEST(Json, AWholeNumberMayBeWrittenWithAPointOrAsText) {
  EXPECT_EQ(Parsed("1.0").Whole(), 1);
  EXPECT_EQ(Parsed("1e3").Whole(), 1000);
  EXPECT_EQ(Parsed("\"17\"").Whole(), 17);
  EXPECT_EQ(Parsed("1.5").Whole(), std::nullopt);
  EXPECT_EQ(Parsed("9223372036854775808").Whole(), std::nullopt);
  EXPECT_EQ(Parsed("\"17x\"").Whole(), std::nullopt);
  EXPECT_EQ(Parsed("\"\"").Whole(), std::nullopt);
  EXPECT_EQ(Parsed("true").Whole(), std::nullopt);
}
TEST(Json, ANameIsFoundInSnakeCaseTooAndCaseCounts) {
  const Json json = Parsed(R"({"foo_bar":1,"BAZ":2,"both":3,"wide_x":4,"wideX":5})");
  EXPECT_EQ(json.Find("fooBar")->number(), 1);
  EXPECT_EQ(json.Find("baz"), nullptr);
  EXPECT_EQ(json.Find("FooBar"), nullptr);
  EXPECT_EQ(json.Find("wideX")->number(), 5);
}
TEST(Json, FieldsKeepTheOrderOfTheText) {
  std::vector<std::string> names;
  const Json json = Parsed(R"({"z":1,"a":2,"m":3})");
  for (const auto& [name, _] : json.fields()) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("z", "a", "m"));
}

TEST(Json, ErrorsNameLineAndColumn) {
  EXPECT_EQ(ErrorOf(""),
            "1:1: not JSON: while parsing value - unexpected end of input; expected "
            "'[', '{', or a literal");
  EXPECT_EQ(ErrorOf("{\n \"a\": nul}"),
            "2:10: not JSON: while parsing value - invalid literal; last read: '\"a\": nul}'");
  EXPECT_EQ(ErrorOf("[1,\n2"),
            "2:2: not JSON: while parsing array - unexpected end of input; "
            "expected ']'");
  EXPECT_EQ(ErrorOf("[1,]"),
            "1:4: not JSON: while parsing value - unexpected ']'; expected '[', "
            "'{', or a literal");
}
TEST(Json, NothingMayFollowTheValue) {
  EXPECT_EQ(ErrorOf("{} x"),
            "1:4: not JSON: while parsing value - invalid literal; last read: '{} x'; expected end "
            "of input");
}
TEST(Json, ErrorsQuoteLittle) {
  EXPECT_LT(ErrorOf(Cat("\"", std::string(100000, 'x'))).size(), 300u);
}
TEST(Json, AKeyMayNotStandTwice) {
  EXPECT_EQ(ErrorOf("{\"a\":1,\n\"b\":2, \"a\":3}"), "2:8: \"a\" stands here twice");
  EXPECT_EQ(Parsed(R"([{"a":1},{"a":2}])").items().size(), 2u);
}
TEST(Json, DepthIsLimited) {
  const auto nested = [](int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += "[";
    for (int i = 0; i < n; ++i) text += "]";
    return text;
  };
  EXPECT_TRUE(Json::Parse(nested(64)).ok());
  EXPECT_EQ(ErrorOf(nested(65)), "1:65: nested deeper than 64 levels");
  EXPECT_EQ(ErrorOf(std::string(1 << 19, '[')), "1:65: nested deeper than 64 levels");
}
TEST(Json, SizeIsLimited) {
  EXPECT_EQ(ErrorOf(Cat("\"", std::string(1 << 20, 'x'), "\"")),
            "1:1: 1048578 bytes are more than the largest size, 1048576");
}
TEST(Json, NumbersThatFitNoDoubleAndBrokenUtf8AreErrors) {
  EXPECT_EQ(ErrorOf("[1e999]"), "1:6: not JSON: number overflow parsing '1e999'");
  EXPECT_EQ(ErrorOf("\"\xff\""),
            "1:2: not JSON: while parsing value - invalid string: ill-formed UTF-8 byte; last "
            "read: '\"\xff'");
  EXPECT_EQ(ErrorOf("01").substr(0, 14), "1:2: not JSON:");
}

TEST(JsonDuration, HasTheFormOfProto3) {
  EXPECT_EQ(ParseJsonDuration("1s"), 1'000'000'000);
  EXPECT_EQ(ParseJsonDuration("1.5s"), 1'500'000'000);
  EXPECT_EQ(ParseJsonDuration(".5s"), 500'000'000);
  EXPECT_EQ(ParseJsonDuration("1.s"), 1'000'000'000);
  EXPECT_EQ(ParseJsonDuration("-0.000000001s"), -1);
  EXPECT_EQ(ParseJsonDuration("0s"), 0);
  for (const char* bad :
       {"", "s", ".s", "-s", "1", "1 s", "1.0000000001s", "1m", "+1s", "1e3s", "a.s"}) {
    EXPECT_EQ(ParseJsonDuration(bad), std::nullopt) << bad;
  }
}
TEST(JsonDuration, IsLimitedAndSaturates) {
  EXPECT_EQ(ParseJsonDuration("315576000000s"), INT64_MAX);
  EXPECT_EQ(ParseJsonDuration("-315576000000s"), INT64_MIN);
  EXPECT_EQ(ParseJsonDuration("9223372036.854775807s"), INT64_MAX);
  EXPECT_EQ(ParseJsonDuration("9223372036.854775806s"), INT64_MAX - 1);
  EXPECT_EQ(ParseJsonDuration("315576000001s"), std::nullopt);
  EXPECT_EQ(ParseJsonDuration("315576000000.000000001s"), std::nullopt);
  EXPECT_EQ(ParseJsonDuration("99999999999999999999s"), std::nullopt);
}

}  // namespace
}  // namespace rondo
