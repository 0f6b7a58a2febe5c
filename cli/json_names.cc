#include "json_names.h"

#include <cctype>
#include <string>

namespace rondo::cli {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;

// lowerCamelCase, as protobuf makes it.
std::string UsualName(const std::string& name) {
  std::string out;
  bool upper = false;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return out;
}

void Drop(FieldDescriptorProto& field) {
  if (field.json_name() == UsualName(field.name())) field.clear_json_name();
}
void Drop(DescriptorProto& message) {
  for (FieldDescriptorProto& field : *message.mutable_field()) Drop(field);
  for (FieldDescriptorProto& field : *message.mutable_extension()) Drop(field);
  for (DescriptorProto& nested : *message.mutable_nested_type()) Drop(nested);
}

}  // namespace

void DropUsualJsonNames(google::protobuf::FileDescriptorProto& file) {
  for (DescriptorProto& message : *file.mutable_message_type()) Drop(message);
  for (FieldDescriptorProto& field : *file.mutable_extension()) Drop(field);
}

}  // namespace rondo::cli
