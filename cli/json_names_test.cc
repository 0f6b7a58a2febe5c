#include "json_names.h"

#include <gtest/gtest.h>

namespace rondo::cli {
namespace {

TEST(JsonNames, OnlyUnusualOnesStay) {
  google::protobuf::FileDescriptorProto file;
  auto* message = file.add_message_type();
  auto* nested = message->add_nested_type();
  const auto add = [](auto* field, const char* name, const char* json) {
    field->set_name(name);
    field->set_json_name(json);
  };
  add(message->add_field(), "unit_price", "unitPrice");
  add(message->add_field(), "unit_price", "price");
  add(nested->add_field(), "id", "id");
  add(file.add_extension(), "a_1_b", "a1B");
  DropUsualJsonNames(file);
  EXPECT_FALSE(message->field(0).has_json_name());
  EXPECT_EQ(message->field(1).json_name(), "price");
  EXPECT_FALSE(nested->field(0).has_json_name());
  EXPECT_FALSE(file.extension(0).has_json_name());
}

}  // namespace
}  // namespace rondo::cli
