#include "base/json_writer.h"

#include "gtest/gtest.h"

namespace rondo {
namespace {

TEST(JsonWriterTest, PiecesAreSetApart) {
  JsonWriter w;
  w.Object().Key("a").Number(1).Key("b").List().Text("x").Bool(true).EndList();
  w.Key("c").Object().EndObject().Key("d").Raw("{\"e\":2.5}").EndObject();
  EXPECT_EQ(w.Take(), R"({"a":1,"b":["x",true],"c":{},"d":{"e":2.5}})");
}
TEST(JsonWriterTest, TextIsQuoted) { EXPECT_EQ(JsonText("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")"); }
TEST(JsonWriterTest, WhatIsNoUtf8IsReplaced) {
  EXPECT_EQ(JsonText("caf\xc3\xa9 \xff!"), "\"caf\xc3\xa9 \xef\xbf\xbd!\"");
}
TEST(JsonWriterTest, WhatItWritesCanBeRead) {
  JsonWriter w;
  w.Object().Key("k \"y").Number(-12).EndObject();
  const auto read = Json::Parse(w.Take());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->Find("k \"y")->Whole(), -12);
}

}  // namespace
}  // namespace rondo
