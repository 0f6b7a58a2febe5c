#include "service_code.h"

#include <google/protobuf/descriptor.pb.h>

#include <map>
#include <string>

#include "names.h"

namespace rondo::codegen {
namespace {

using google::protobuf::io::Printer;
using Words = std::map<std::string, std::string>;

enum class Kind { kUnary, kClientStreaming, kServerStreaming, kBidirectional };

Kind KindOf(const MethodDescriptor& m) {
  if (m.client_streaming())
    return m.server_streaming() ? Kind::kBidirectional : Kind::kClientStreaming;
  return m.server_streaming() ? Kind::kServerStreaming : Kind::kUnary;
}

Words WordsOf(const ServiceDescriptor& service) {
  const ClassNames classes = ClassesOf(service);
  return {{"full", service.full_name()},
          {"methods", classes.methods},
          {"stub", classes.stub},
          {"service", classes.service},
          {"sync_service", classes.sync_service}};
}

Words WordsOf(const MethodDescriptor& m) {
  Words words = WordsOf(*m.service());
  words["name"] = FunctionName(m);
  words["path"] = PathOf(m);
  words["request"] = TypeName(*m.input_type());
  words["reply"] = TypeName(*m.output_type());
  words["deprecated"] = m.options().deprecated() ? "[[deprecated]] " : "";
  switch (KindOf(m)) {
    case Kind::kUnary:
      words["kind"] = "kUnary";
      break;
    case Kind::kClientStreaming:
      words["kind"] = "kClientStreaming";
      break;
    case Kind::kServerStreaming:
      words["kind"] = "kServerStreaming";
      break;
    case Kind::kBidirectional:
      words["kind"] = "kBidirectional";
      break;
  }
  return words;
}

void PrintComment(Printer& out, const MethodDescriptor& m) { out.PrintRaw(CommentOf(m, "  ")); }

// ---- Constants.

void PrintMethods(Printer& out, const ServiceDescriptor& service) {
  out.Print(WordsOf(service),
            "\n// The methods of $full$.\n"
            "struct $methods$ {\n");
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& m = *service.method(i);
    out.Print(WordsOf(m),
              "  static constexpr ::rondo::MethodOf<$request$, $reply$,\n"
              "                                     ::rondo::MethodKind::$kind$>\n"
              "      $name${\"$path$\"};\n");
  }
  out.Print("};\n");
}

// ---- The stub.

constexpr const char* kUnaryStub =
    "  $deprecated$::absl::StatusOr<$reply$> $name$(const $request$& request) const {\n"
    "    return $name$(request, ::rondo::CallOptions());\n"
    "  }\n"
    "  $deprecated$::absl::StatusOr<$reply$> $name$(\n"
    "      const $request$& request, const ::rondo::CallOptions& options) const {\n"
    "    return ::rondo::CallUnary(channel_, $methods$::$name$, request, options);\n"
    "  }\n"
    "  template <::rondo::Token Tok>\n"
    "  $deprecated$auto $name$(const $request$& request, Tok&& token) const {\n"
    "    return $name$(request, ::rondo::CallOptions(), std::forward<Tok>(token));\n"
    "  }\n"
    "  template <class Tok>\n"
    "  $deprecated$auto $name$(const $request$& request, const ::rondo::CallOptions& options,\n"
    "      Tok&& token) const {\n"
    "    return ::rondo::CallUnary(channel_, $methods$::$name$, request, options,\n"
    "                              std::forward<Tok>(token));\n"
    "  }\n";

constexpr const char* kServerStreamingStub =
    "  $deprecated$::rondo::ReadStream<$reply$> $name$(const $request$& request) const {\n"
    "    return $name$(request, ::rondo::CallOptions());\n"
    "  }\n"
    "  $deprecated$::rondo::ReadStream<$reply$> $name$(\n"
    "      const $request$& request, const ::rondo::CallOptions& options) const {\n"
    "    return {channel_, $methods$::$name$, request, options};\n"
    "  }\n";

constexpr const char* kOpenStub =
    "  $deprecated$::rondo::$stream$<$request$, $reply$> $name$() const {\n"
    "    return $name$(::rondo::CallOptions());\n"
    "  }\n"
    "  $deprecated$::rondo::$stream$<$request$, $reply$> $name$(\n"
    "      const ::rondo::CallOptions& options) const {\n"
    "    return {channel_, $methods$::$name$, options};\n"
    "  }\n";

void PrintStub(Printer& out, const ServiceDescriptor& service) {
  out.Print(WordsOf(service),
            "\n// Calls $full$. Without a last argument a method blocks; with a completion token\n"
            "// (rondo/token.h) it doesn't. Threads: any.\n");
  out.PrintRaw(CommentOf(service, ""));
  out.Print(WordsOf(service),
            "class $stub$ {\n"
            " public:\n"
            "  explicit $stub$(::rondo::Channel channel) : channel_(std::move(channel)) {}\n"
            "  const ::rondo::Channel& channel() const { return channel_; }\n");
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& m = *service.method(i);
    Words words = WordsOf(m);
    out.Print("\n");
    PrintComment(out, m);
    switch (KindOf(m)) {
      case Kind::kUnary:
        out.Print(words, kUnaryStub);
        break;
      case Kind::kServerStreaming:
        out.Print(words, kServerStreamingStub);
        break;
      case Kind::kClientStreaming:
        words["stream"] = "WriteStream";
        out.Print(words, kOpenStub);
        break;
      case Kind::kBidirectional:
        words["stream"] = "ReadWriteStream";
        out.Print(words, kOpenStub);
        break;
    }
  }
  out.Print("\n private:\n  ::rondo::Channel channel_;\n};\n");
}

// ---- The bases for handlers.

// "call, request[, writer]": the parameters of a handler, with or without names.
std::string Parameters(const MethodDescriptor& m, bool blocking, bool named) {
  const Words words = WordsOf(m);
  const std::string& request = words.at("request");
  const std::string& reply = words.at("reply");
  const std::string prefix = blocking ? "::rondo::Blocking" : "::rondo::";
  const auto name = [named](const char* n) { return named ? std::string(n) : std::string(); };
  std::string out = "::rondo::ServerCall& " + name("call");
  switch (KindOf(m)) {
    case Kind::kUnary:
    case Kind::kServerStreaming:
      out += (blocking ? ", const " + request + "& " : ", " + request + " ") + name("request");
      if (m.server_streaming()) out += ", " + prefix + "Writer<" + reply + ">& " + name("replies");
      break;
    case Kind::kClientStreaming:
      out += ", " + prefix + "Reader<" + request + ">& " + name("requests");
      break;
    case Kind::kBidirectional:
      out += ", " + prefix + "ReaderWriter<" + request + ", " + reply + ">& " + name("stream");
      break;
  }
  return out;
}

std::string Arguments(const MethodDescriptor& m, bool blocking) {
  switch (KindOf(m)) {
    case Kind::kUnary:
      return blocking ? "call, request" : "call, std::move(request)";
    case Kind::kServerStreaming:
      return blocking ? "call, request, replies" : "call, std::move(request), replies";
    case Kind::kClientStreaming:
      return "call, requests";
    case Kind::kBidirectional:
      return "call, stream";
  }
  return "";
}

std::string Result(const MethodDescriptor& m, bool blocking) {
  const std::string plain = m.server_streaming()
                                ? std::string("::absl::Status")
                                : "::absl::StatusOr<" + TypeName(*m.output_type()) + ">";
  return blocking ? plain : "::rondo::Task<" + plain + ">";
}

void PrintService(Printer& out, const ServiceDescriptor& service, bool blocking) {
  Words words = WordsOf(service);
  words["base"] = words.at(blocking ? "sync_service" : "service");
  out.Print(words,
            blocking ? "\n// Serves $full$ with handlers that may block, on the server's workers.\n"
                     : "\n// Serves $full$ with coroutines, on the call's loop.\n");
  out.Print(words,
            "// What is not overridden answers UNIMPLEMENTED. Outlives the server.\n"
            "class $base$ : public ::rondo::Service {\n"
            " public:\n");
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& m = *service.method(i);
    PrintComment(out, m);
    out.Print("  virtual $result$ $name$(\n      $parameters$);\n", "result", Result(m, blocking),
              "name", FunctionName(m), "parameters", Parameters(m, blocking, true));
  }
  out.Print(
      "  std::vector<::rondo::ServerMethod> Methods() override;\n"
      "  std::string_view ProtoFile() const override;\n"
      "};\n");
}

// In three octal digits, but for letters: so there is no trigraph.
std::string AsLiteral(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.') return {c};
  const auto byte = static_cast<unsigned char>(c);
  return {'\\', static_cast<char>('0' + (byte >> 6)), static_cast<char>('0' + (byte >> 3 & 7)),
          static_cast<char>('0' + (byte & 7))};
}

void PrintServiceCode(Printer& out, const ServiceDescriptor& service, bool blocking) {
  const ClassNames classes = ClassesOf(service);
  const std::string& base = blocking ? classes.sync_service : classes.service;
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& m = *service.method(i);
    out.Print(
        "\n$result$ $base$::$name$(\n"
        "    $parameters$) {\n"
        "  $return$ ::absl::UnimplementedError(\"$path$ is not implemented by this server\");\n"
        "}\n",
        "result", Result(m, blocking), "base", base, "name", FunctionName(m), "parameters",
        Parameters(m, blocking, false), "return", blocking ? "return" : "co_return", "path",
        PathOf(m));
  }
  out.Print("\nstd::vector<::rondo::ServerMethod> $base$::Methods() {\n  return {\n", "base", base);
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& m = *service.method(i);
    out.Print(
        "      ::rondo::$make$($methods$::$name$,\n"
        "          [this]($parameters$) {\n"
        "            return $name$($arguments$);\n"
        "          }),\n",
        "make", blocking ? "Blocking" : "Handler", "methods", classes.methods, "name",
        FunctionName(m), "parameters", Parameters(m, blocking, true), "arguments",
        Arguments(m, blocking));
  }
  out.Print(
      "  };\n}\n"
      "\nstd::string_view $base$::ProtoFile() const {\n"
      "  return {rondo_proto_file, sizeof(rondo_proto_file) - 1};\n"
      "}\n",
      "base", base);
}

}  // namespace

void PrintProtoFile(Printer& out, const google::protobuf::FileDescriptor& file) {
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  constexpr size_t kPerLine = 24;
  const std::string bytes = proto.SerializeAsString();
  out.Print(
      "\nnamespace {\n// The file itself, serialised, for reflection.\n"
      "constexpr char rondo_proto_file[] =");
  for (size_t i = 0; i < bytes.size(); i += kPerLine) {
    std::string line;
    for (const char c : bytes.substr(i, kPerLine)) line += AsLiteral(c);
    out.PrintRaw("\n    \"" + line + "\"");
  }
  out.Print(";\n}  // namespace\n");
}

void PrintDeclarations(Printer& out, const ServiceDescriptor& service) {
  PrintMethods(out, service);
  PrintStub(out, service);
  PrintService(out, service, /*blocking=*/false);
  PrintService(out, service, /*blocking=*/true);
}

void PrintDefinitions(Printer& out, const ServiceDescriptor& service) {
  PrintServiceCode(out, service, /*blocking=*/false);
  PrintServiceCode(out, service, /*blocking=*/true);
}

}  // namespace rondo::codegen
