#include "json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace rondo::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> All(const std::string& text) {
  std::istringstream in(text);
  JsonValues values(in);
  std::vector<std::string> out;
  while (auto value = values.Next()) out.push_back(*value);
  return out;
}

TEST(JsonValues, ComeOneAfterTheOther) {
  EXPECT_THAT(All(R"({"a": 1}{"b": [2, {}]} [3]
                     "c" 4 true)"),
              ElementsAre(R"({"a": 1})", R"({"b": [2, {}]})", "[3]", "\"c\"", "4", "true"));
  EXPECT_THAT(All(" \n"), IsEmpty());
}
TEST(JsonValues, BracesWithinTextsDontCount) {
  EXPECT_THAT(All(R"({"a": "}{\"}"} {"b": "\\"})"),
              ElementsAre(R"({"a": "}{\"}"})", R"({"b": "\\"})"));
}
TEST(JsonValues, WhatIsCutOffOrNoJsonIsGivenAsItIs) {
  EXPECT_THAT(All(R"({"a": 1)"), ElementsAre(R"({"a": 1)"));
  EXPECT_THAT(All("}{}"), ElementsAre("}", "{}"));
  EXPECT_THAT(All("\"a"), ElementsAre("\"a"));
  EXPECT_THAT(All("\"a\\"), ElementsAre("\"a\\"));
}
TEST(JsonValues, AValueIsThereBeforeWhatFollowsItHasCome) {
  std::stringstream pipe;
  JsonValues values(pipe);
  pipe << "{}";
  EXPECT_EQ(values.Next(), "{}");
  EXPECT_FALSE(pipe.eof()) << "looked beyond the value's end";
}

TEST(Quote, KeepsTextsThatJsonCanHave) {
  EXPECT_EQ(Quote("a\"b\\c\nd"), R"("a\"b\\c\nd")");
  EXPECT_EQ(Quote("é€😀"), "\"é€😀\"");
  EXPECT_EQ(Quote(std::string("\0\x1f", 2)), R"("\u0000\u001f")");
}
TEST(Quote, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(Quote("a\xff\xc3"), "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(Quote("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // Half a pair.
  EXPECT_EQ(Quote("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");  // Longer than need be.
}

TEST(List, IsOneValueALine) {
  EXPECT_EQ(List({}), "[]");
  EXPECT_EQ(List({"1", "{}"}), "[\n  1,\n  {}\n]");
}

}  // namespace
}  // namespace rondo::cli
