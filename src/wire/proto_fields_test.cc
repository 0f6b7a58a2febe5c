#include "wire/proto_fields.h"

#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

namespace rondo::wire {
namespace {

using namespace std::string_view_literals;

TEST(ProtoFields, ProtobufReadsWhatIsWritten) {
  google::protobuf::StringValue text;
  std::string bytes;
  AppendText(bytes, 1, std::string(300, 'x'));
  ASSERT_TRUE(text.ParseFromString(bytes));
  EXPECT_EQ(text.value(), std::string(300, 'x'));
  google::protobuf::UInt64Value number;
  bytes.clear();
  AppendNumber(bytes, 1, ~uint64_t{0});
  ASSERT_TRUE(number.ParseFromString(bytes));
  EXPECT_EQ(number.value(), ~uint64_t{0});
}

TEST(ProtoFields, ADoubleIsReadAsProtobufWroteIt) {
  google::protobuf::DoubleValue real;
  real.set_value(-3456.32);
  std::string bytes;
  AppendReal(bytes, 1, -3456.32);
  EXPECT_EQ(bytes, real.SerializeAsString());
  ProtoReader back(bytes);
  ASSERT_TRUE(back.Next());
  EXPECT_TRUE(back.is_real());
  EXPECT_FALSE(back.is_text());
  EXPECT_EQ(back.real(), -3456.32);
  bytes.clear();
  AppendNumber(bytes, 1, 1);
  ProtoReader number(bytes);
  ASSERT_TRUE(number.Next());
  EXPECT_FALSE(number.is_real());
}

TEST(ProtoFields, WhatIsWrittenIsReadInOrder) {
  std::string bytes;
  AppendNumber(bytes, 1, 300);
  AppendText(bytes, 20, "abc");
  ProtoReader reader(bytes);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.field(), 1U);
  EXPECT_EQ(reader.number(), 300U);
  EXPECT_FALSE(reader.is_text());
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.field(), 20U);
  EXPECT_EQ(reader.text(), "abc");
  EXPECT_TRUE(reader.is_text());
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.good());
}

TEST(ProtoFields, FieldsOfFixedSizeArePassedOver) {
  ProtoReader reader("\x09\x01\0\0\0\0\0\0\0\x15\x02\0\0\0"sv);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.number(), 1U);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.number(), 2U);
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.good());
}

TEST(ProtoFields, WhatIsCutShortOrNoFieldIsNotGood) {
  for (const std::string_view bad :
       {"\x08"sv, "\x0a\x05zz"sv, "\x0a"sv, "\x0d\x01"sv, "\x09\x01"sv, "\x00\x01"sv, "\x0b"sv,
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv}) {
    ProtoReader reader(bad);
    while (reader.Next()) {
    }
    EXPECT_FALSE(reader.good());
  }
}

}  // namespace
}  // namespace rondo::wire
