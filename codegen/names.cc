#include "names.h"

#include <google/protobuf/compiler/cpp/names.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>
#include <sstream>

namespace rondo::codegen {
namespace {

namespace cpp = google::protobuf::compiler::cpp;

// As protobuf's generator escapes them: a "_" behind the word.
std::string Escaped(const std::string& name) {
  static const std::set<std::string> keywords = {"NULL",
                                                 "alignas",
                                                 "alignof",
                                                 "and",
                                                 "and_eq",
                                                 "asm",
                                                 "assert",
                                                 "auto",
                                                 "bitand",
                                                 "bitor",
                                                 "bool",
                                                 "break",
                                                 "case",
                                                 "catch",
                                                 "char",
                                                 "char16_t",
                                                 "char32_t",
                                                 "char8_t",
                                                 "class",
                                                 "co_await",
                                                 "co_return",
                                                 "co_yield",
                                                 "compl",
                                                 "concept",
                                                 "const",
                                                 "const_cast",
                                                 "consteval",
                                                 "constexpr",
                                                 "constinit",
                                                 "continue",
                                                 "decltype",
                                                 "default",
                                                 "delete",
                                                 "do",
                                                 "double",
                                                 "dynamic_cast",
                                                 "else",
                                                 "enum",
                                                 "explicit",
                                                 "export",
                                                 "extern",
                                                 "false",
                                                 "float",
                                                 "for",
                                                 "friend",
                                                 "goto",
                                                 "if",
                                                 "inline",
                                                 "int",
                                                 "long",
                                                 "mutable",
                                                 "namespace",
                                                 "new",
                                                 "noexcept",
                                                 "not",
                                                 "not_eq",
                                                 "nullptr",
                                                 "operator",
                                                 "or",
                                                 "or_eq",
                                                 "private",
                                                 "protected",
                                                 "public",
                                                 "register",
                                                 "reinterpret_cast",
                                                 "requires",
                                                 "return",
                                                 "short",
                                                 "signed",
                                                 "sizeof",
                                                 "static",
                                                 "static_assert",
                                                 "static_cast",
                                                 "struct",
                                                 "switch",
                                                 "template",
                                                 "this",
                                                 "thread_local",
                                                 "throw",
                                                 "true",
                                                 "try",
                                                 "typedef",
                                                 "typeid",
                                                 "typename",
                                                 "union",
                                                 "unsigned",
                                                 "using",
                                                 "virtual",
                                                 "void",
                                                 "volatile",
                                                 "wchar_t",
                                                 "while",
                                                 "xor",
                                                 "xor_eq"};
  return keywords.contains(name) ? name + "_" : name;
}

}  // namespace

std::string TypeName(const Descriptor& message) { return cpp::QualifiedClassName(&message); }

std::vector<std::string> NamespaceOf(const FileDescriptor& file) {
  std::vector<std::string> parts;
  std::istringstream package(file.package());
  for (std::string part; std::getline(package, part, '.');) {
    parts.push_back(Escaped(part));
  }
  return parts;
}

ClassNames ClassesOf(const ServiceDescriptor& service) {
  const FileDescriptor& file = *service.file();
  const std::string package = file.package().empty() ? "" : file.package() + ".";
  std::set<std::string> taken;
  const auto free = [&](std::string name) {
    while (taken.contains(name) || file.pool()->FindMessageTypeByName(package + name) != nullptr ||
           file.pool()->FindEnumTypeByName(package + name) != nullptr) {
      name += '_';
    }
    taken.insert(name);
    return name;
  };
  ClassNames names;
  for (int i = 0; i <= service.index(); ++i) {  // Those before it choose first.
    const std::string& name = file.service(i)->name();
    names.methods = free(name + "Methods");
    names.stub = free(name + "Stub");
    names.service = free(name + "Service");
    names.sync_service = free(name + "SyncService");
  }
  return names;
}

std::string FunctionName(const MethodDescriptor& method) {
  const ClassNames classes = ClassesOf(*method.service());
  // A class can't have a member of its own name; the rest is the classes' own, and the names of
  // parameters.
  std::set<std::string> taken = {
      classes.methods, classes.stub, classes.service, classes.sync_service, "ProtoFile", "OnStart",
      "OnDrain",       "Methods",    "channel",       "channel_",           "request",   "options",
      "token",         "call",       "replies",       "requests",           "stream"};
  std::string name;
  for (int i = 0; i <= method.index(); ++i) {
    name = Escaped(method.service()->method(i)->name());
    while (taken.contains(name)) name += '_';
    taken.insert(name);
  }
  return name;
}

std::string PathOf(const MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

bool UsesDeprecated(const FileDescriptor& file) {
  for (int s = 0; s < file.service_count(); ++s) {
    const ServiceDescriptor& service = *file.service(s);
    for (int m = 0; m < service.method_count(); ++m) {
      const MethodDescriptor& method = *service.method(m);
      if (method.options().deprecated() || method.input_type()->options().deprecated() ||
          method.output_type()->options().deprecated()) {
        return true;
      }
    }
  }
  return false;
}

std::string WithoutProto(const std::string& file) { return cpp::StripProto(file); }

std::string AsComment(const google::protobuf::SourceLocation& location, const std::string& indent) {
  std::istringstream text(location.leading_comments + location.trailing_comments);
  std::string out;
  for (std::string line; std::getline(text, line);) {
    // A backslash at a line's end would swallow the next one.
    while (!line.empty() && (line.back() == ' ' || line.back() == '\\' || line.back() == '\r')) {
      line.pop_back();
    }
    out += indent + "//" + (line.empty() || line[0] == ' ' ? "" : " ") + line + "\n";
  }
  return out;
}

}  // namespace rondo::codegen
