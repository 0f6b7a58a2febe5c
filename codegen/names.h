#pragma once
// The C++ names of what a .proto file names. Threads: none.
#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace rondo::codegen {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// "::package::Outer_Inner", as protobuf's own generator calls it.
std::string TypeName(const Descriptor& message);

// The parts of the file's namespace, keywords escaped.
std::vector<std::string> NamespaceOf(const FileDescriptor& file);

// The classes of a service: EchoMethods, EchoStub and so on, with "_" behind a name that is taken
// by a message or enum of the package, or by another service of the file.
struct ClassNames {
  std::string methods, stub, service, sync_service;
};
ClassNames ClassesOf(const ServiceDescriptor& service);

// The name of a method's functions: its own, with "_" behind it where that is a keyword or taken in
// the classes that are generated round it.
std::string FunctionName(const MethodDescriptor& method);

// "/package.Service/Method", as it goes over the wire: never escaped.
std::string PathOf(const MethodDescriptor& method);

// "a/b" of "a/b.proto".
std::string WithoutProto(const std::string& file);

// Whether a message or method of the file's services is deprecated. Generated code uses them
// without a warning; whoever calls it is still warned.
bool UsesDeprecated(const FileDescriptor& file);

// The comment before an element and the one behind it, as lines of "// text" with this indentation;
// empty if there is none.
template <class D>
std::string CommentOf(const D& element, const std::string& indent);

// ---- Details.

std::string AsComment(const google::protobuf::SourceLocation& location, const std::string& indent);

template <class D>
std::string CommentOf(const D& element, const std::string& indent) {
  google::protobuf::SourceLocation location;
  return element.GetSourceLocation(&location) ? AsComment(location, indent) : std::string();
}

}  // namespace rondo::codegen
