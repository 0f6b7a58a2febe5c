#include "wire/descriptors.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "base/text.h"

namespace rondo::wire {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;

// Compiled code carries no JSON names, protoc's own files do; readers in other languages take a
// missing one for the field's name.
void FillJsonName(FieldDescriptorProto& field) {
  if (field.has_json_name()) return;
  bool upper = false;
  for (const char c : field.name()) {
    if (c != '_') {
      *field.mutable_json_name() +=
          upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    upper = c == '_';
  }
}
void FillJsonNames(DescriptorProto& message) {
  for (FieldDescriptorProto& field : *message.mutable_field()) FillJsonName(field);
  for (FieldDescriptorProto& field : *message.mutable_extension()) FillJsonName(field);
  for (DescriptorProto& nested : *message.mutable_nested_type()) FillJsonNames(nested);
}

std::string Serialised(FileDescriptorProto& file) {
  for (DescriptorProto& message : *file.mutable_message_type()) FillJsonNames(message);
  for (FieldDescriptorProto& field : *file.mutable_extension()) FillJsonName(field);
  return file.SerializeAsString();
}
std::optional<std::string> Serialised(bool found, FileDescriptorProto& file) {
  if (!found) return std::nullopt;
  return Serialised(file);
}

}  // namespace

std::string WellKnownProto(std::string_view name) {
  const google::protobuf::Descriptor* inside =
      name == "duration"    ? google::protobuf::Duration::descriptor()
      : name == "timestamp" ? google::protobuf::Timestamp::descriptor()
      : name == "any"       ? google::protobuf::Any::descriptor()
      : name == "wrappers"  ? google::protobuf::Int64Value::descriptor()
                            : nullptr;
  if (inside == nullptr) return {};
  FileDescriptorProto file;
  inside->file()->CopyTo(&file);
  return file.SerializeAsString();
}

std::string CompileProto(std::string_view name, std::string_view source,
                         const std::vector<std::string_view>& imports) {
  google::protobuf::io::ArrayInputStream bytes(source.data(), static_cast<int>(source.size()));
  google::protobuf::io::Tokenizer tokens(&bytes, nullptr);
  FileDescriptorProto parsed;
  google::protobuf::compiler::Parser parser;
  if (!parser.Parse(&tokens, &parsed)) return {};
  parsed.set_name(std::string(name));
  // A pool of its own resolves the types' names, as protoc does.
  google::protobuf::DescriptorPool pool;
  for (const std::string_view import : imports) {
    FileDescriptorProto one;
    if (!one.ParseFromArray(import.data(), static_cast<int>(import.size()))) return {};
    if (pool.BuildFile(one) == nullptr) return {};
  }
  const google::protobuf::FileDescriptor* file = pool.BuildFile(parsed);
  if (file == nullptr) return {};
  FileDescriptorProto full;
  file->CopyTo(&full);
  return Serialised(full);
}

struct DescriptorFiles::Data {
  std::mutex mutex;  // Even finding sorts an index first.
  std::set<std::string, std::less<>> names;
  google::protobuf::SimpleDescriptorDatabase added;
  google::protobuf::DescriptorPoolDatabase linked{
      *google::protobuf::DescriptorPool::generated_pool()};
  google::protobuf::MergedDescriptorDatabase all{&added, &linked};
};

DescriptorFiles::DescriptorFiles() : data_(std::make_unique<Data>()) {}
DescriptorFiles::~DescriptorFiles() = default;

absl::Status DescriptorFiles::Add(std::string_view file) {
  FileDescriptorProto parsed;
  if (!parsed.ParseFromArray(file.data(), static_cast<int>(file.size())) || parsed.name().empty()) {
    return absl::InvalidArgumentError(
        Cat("reflection: ", file.size(), " bytes are no FileDescriptorProto"));
  }
  const std::lock_guard lock(data_->mutex);
  if (!data_->names.insert(parsed.name()).second) return absl::OkStatus();
  if (data_->added.Add(parsed)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Cat("reflection: ", parsed.name(), " defines a name that another file defines too"));
}

std::optional<std::string> DescriptorFiles::ByName(std::string_view name) const {
  FileDescriptorProto file;
  const std::lock_guard lock(data_->mutex);
  return Serialised(data_->all.FindFileByName(std::string(name), &file), file);
}

std::optional<std::string> DescriptorFiles::BySymbol(std::string_view symbol) const {
  FileDescriptorProto file;
  const std::lock_guard lock(data_->mutex);
  return Serialised(data_->all.FindFileContainingSymbol(std::string(symbol), &file), file);
}

std::optional<std::string> DescriptorFiles::ByExtension(std::string_view type, int number) const {
  FileDescriptorProto file;
  const std::lock_guard lock(data_->mutex);
  return Serialised(data_->all.FindFileContainingExtension(std::string(type), number, &file), file);
}

std::optional<std::vector<int>> DescriptorFiles::ExtensionsOf(std::string_view type) const {
  std::vector<int> numbers;
  FileDescriptorProto file;
  const std::string name(type);
  const std::lock_guard lock(data_->mutex);
  if (!data_->all.FindAllExtensionNumbers(name, &numbers) &&
      !data_->all.FindFileContainingSymbol(name, &file)) {
    return std::nullopt;
  }
  std::ranges::sort(numbers);
  return numbers;
}

FileNames NamesOf(std::string_view file) {
  FileDescriptorProto parsed;
  FileNames names;
  if (!parsed.ParseFromArray(file.data(), static_cast<int>(file.size()))) return names;
  names.name = parsed.name();
  names.imports.assign(parsed.dependency().begin(), parsed.dependency().end());
  return names;
}

}  // namespace rondo::wire
