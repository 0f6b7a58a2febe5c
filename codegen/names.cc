#include "names.h"

#include <google/protobuf/compiler/cpp/names.h>

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

std::string FunctionName(const MethodDescriptor& method) {
  const std::string& service = method.service()->name();
  const std::set<std::string> taken = {"Methods", service + "Methods", service + "Stub",
                                       service + "Service", service + "SyncService"};
  const std::string name = Escaped(method.name());
  return taken.contains(name) ? name + "_" : name;
}

std::string PathOf(const MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

std::string WithoutProto(const std::string& file) { return cpp::StripProto(file); }

std::string AsComment(const google::protobuf::SourceLocation& location, const std::string& indent) {
  std::istringstream text(location.leading_comments);
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
