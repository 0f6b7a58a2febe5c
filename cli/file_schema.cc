// Schemas from files: .proto sources, and sets that protoc made of them.
#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>

#include <filesystem>
#include <set>

#include "flags.h"
#include "json_names.h"
#include "pool_errors.h"
#include "schema.h"
#include "stop.h"

namespace rondo::cli {
namespace {

using google::protobuf::DescriptorDatabase;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::SimpleDescriptorDatabase;
namespace compiler = google::protobuf::compiler;

// google/protobuf/*.proto, which everybody imports and few have at hand.
class WellKnown final : public DescriptorDatabase {
 public:
  bool FindFileByName(const std::string& name, FileDescriptorProto* out) override {
    if (!name.starts_with("google/protobuf/")) return false;
    const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileByName(name);
    if (file != nullptr) file->CopyTo(out);
    return file != nullptr;
  }
  bool FindFileContainingSymbol(const std::string& symbol, FileDescriptorProto* out) override {
    if (!symbol.starts_with("google.protobuf.")) return false;
    const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileContainingSymbol(symbol);
    if (file != nullptr) file->CopyTo(out);
    return file != nullptr;
  }
  bool FindFileContainingExtension(const std::string&, int, FileDescriptorProto*) override {
    return false;
  }
};

void AddServices(const FileDescriptor& file, std::set<std::string>& names) {
  for (int i = 0; i < file.service_count(); ++i) names.insert(file.service(i)->full_name());
}
std::vector<std::string> Sorted(const std::set<std::string>& names) {
  return {names.begin(), names.end()};
}

// What protobuf finds wrong, as compilers write it: `shop.proto:3:5: words`.
class Errors final : public compiler::MultiFileErrorCollector {
 public:
  void AddError(const std::string& file, int line, int column, const std::string& what) override {
    if (!text_.empty()) text_ += "\n";
    text_ += file;
    if (line >= 0) text_ += ":" + std::to_string(line + 1) + ":" + std::to_string(column + 1);
    text_ += ": " + what;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class SourceSchema final : public Schema {
 public:
  SourceSchema(const std::vector<std::string>& files, const std::vector<std::string>& imports) {
    for (const std::string& dir : imports) {
      if (!std::filesystem::is_directory(dir)) {
        throw Stop(kFailed, "--import-path " + dir + ": there is no such folder");
      }
      tree_.MapPath("", dir);
    }
    if (imports.empty()) tree_.MapPath("", ".");
    for (const std::string& file : files) {
      const std::string dir = std::filesystem::path(file).parent_path().string();
      if (imports.empty() && !dir.empty()) tree_.MapPath("", dir);
    }
    sources_.RecordErrorsTo(&errors_);
    for (const std::string& file : files) Add(file);
  }

  std::vector<std::string> Services() override { return Sorted(services_); }
  const DescriptorPool& pool() const override { return pool_; }

 private:
  void Add(const std::string& file) {
    std::string name, shadow;
    switch (tree_.DiskFileToVirtualFile(file, &name, &shadow)) {
      case compiler::DiskSourceTree::SUCCESS:
        break;
      case compiler::DiskSourceTree::SHADOWED:
        throw Stop(kFailed, file + ": " + shadow + " comes first on the import path");
      default:
        name = file;  // Perhaps as it is named below an import path.
    }
    if (const FileDescriptor* found = pool_.FindFileByName(name)) {
      return AddServices(*found, services_);
    }
    throw Stop(kFailed, errors_.text());
  }

  compiler::DiskSourceTree tree_;
  WellKnown well_known_;
  compiler::SourceTreeDescriptorDatabase sources_{&tree_, &well_known_};
  Errors errors_;
  DescriptorPool pool_{&sources_, sources_.GetValidationErrorCollector()};
  std::set<std::string> services_;
};

class SetSchema final : public Schema {
 public:
  SetSchema(const std::vector<std::string>& files, Io io) {
    std::vector<std::string> names;
    for (const std::string& file : files) {
      FileDescriptorSet set;
      if (!set.ParseFromString(ReadFile(file, io)) || set.file_size() == 0) {
        throw Stop(kFailed, file +
                                ": is no descriptor set; protoc --include_imports "
                                "--descriptor_set_out=FILE writes one");
      }
      for (FileDescriptorProto& one : *set.mutable_file()) {
        DropUsualJsonNames(one);
        FileDescriptorProto known;
        if (given_.FindFileByName(one.name(), &known)) continue;
        given_.Add(one);
        names.push_back(one.name());
      }
    }
    for (const std::string& name : names) {
      const FileDescriptor* found = pool_.FindFileByName(name);
      if (found == nullptr) {
        throw Stop(kFailed, errors_.first() + "; protoc --include_imports makes a set complete");
      }
      AddServices(*found, services_);
    }
  }

  std::vector<std::string> Services() override { return Sorted(services_); }
  const DescriptorPool& pool() const override { return pool_; }

 private:
  SimpleDescriptorDatabase given_;
  WellKnown well_known_;
  google::protobuf::MergedDescriptorDatabase all_{&given_, &well_known_};
  PoolErrors errors_;
  DescriptorPool pool_{&all_, &errors_};
  std::set<std::string> services_;
};

}  // namespace

void SchemaFlags::AddTo(CLI::App& command) {
  command.add_option("--proto", protos_, "read services from this .proto file; again for more")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->group("Schema (default: the server's reflection)");
  command
      .add_option("-I,--import-path", imports_,
                  "where .proto files import from; default: here, and where the files are")
      ->type_name("DIR")
      ->allow_extra_args(false)
      ->group("Schema (default: the server's reflection)");
  command
      .add_option("--protoset", sets_, "read services from what protoc --descriptor_set_out wrote")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->group("Schema (default: the server's reflection)");
}

std::unique_ptr<Schema> SchemaFlags::Open(Io io) const {
  if (!protos_.empty() && !sets_.empty()) {
    throw Stop(kUsage, "--proto and --protoset can't be had together; leave one out");
  }
  if (!protos_.empty()) return std::make_unique<SourceSchema>(protos_, imports_);
  return std::make_unique<SetSchema>(sets_, io);
}

}  // namespace rondo::cli
