// rondo list, rondo describe: what a server, or a .proto file, has.
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "cli.h"
#include "flags.h"
#include "json_text.h"
#include "schema.h"
#include "stop.h"

namespace rondo::cli {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::ServiceDescriptor;

// What both commands are told: `[TARGET] [NAME]`, where a schema from files takes no target.
struct LookFlags {
  std::string first, second;
  ConnectionFlags connection;
  SchemaFlags schema;
  Output output = Output::kText;
  std::optional<Duration> timeout = std::chrono::seconds(10);

  void AddTo(CLI::App& command, const std::string& name, const std::string& what) {
    command.add_option("TARGET", first, "the server, such as localhost:50051; none with files")
        ->type_name("");
    command.add_option(name, second, what)->type_name("");
    AddOutput(command, output);
    AddParsed(command, "--timeout", timeout, ParseLimit, "longest wait for the server; default 10s")
        ->type_name("DURATION");
    connection.AddTo(command);
    schema.AddTo(command);
  }

  std::unique_ptr<Schema> Open(Io io) const {
    if (!schema.given() && first.empty()) {
      throw Stop(kUsage, "whom shall I ask? Name a TARGET, or files with --proto or --protoset");
    }
    if (!schema.given()) {
      return ReflectedSchema(connection.Open(first, io), connection.headers(), *timeout);
    }
    if (second.empty()) return schema.Open(io);
    throw Stop(kUsage, "\"" + first + "\": files tell it all, so no TARGET is asked; leave it out");
  }
  // Empty: none was given.
  const std::string& Name() const { return schema.given() ? first : second; }
};

int RunList(const LookFlags& flags, Io io) {
  const std::unique_ptr<Schema> schema = flags.Open(io);
  std::vector<std::string> names;
  if (flags.Name().empty()) {
    names = schema->Services();
  } else {
    const ServiceDescriptor& service = schema->Service(flags.Name());
    for (int i = 0; i < service.method_count(); ++i) {
      names.push_back(service.full_name() + "/" + service.method(i)->name());
    }
  }
  if (flags.output == Output::kText) {
    for (const std::string& name : names) io.out << name << "\n";
    return kOk;
  }
  std::ranges::transform(names, names.begin(), Quote);
  io.out << List(names) << "\n";
  return kOk;
}

// ---- describe.

// What a name means, as .proto text and as the descriptor that says the same.
struct Symbol {
  std::string text;
  std::unique_ptr<Message> proto;
};

template <class Proto, class Descriptor>
std::optional<Symbol> Show(const Descriptor* found) {
  if (found == nullptr) return std::nullopt;
  google::protobuf::DebugStringOptions options;
  options.include_comments = true;
  auto proto = std::make_unique<Proto>();
  found->CopyTo(proto.get());
  return Symbol{found->DebugStringWithOptions(options), std::move(proto)};
}

std::optional<Symbol> Find(const DescriptorPool& pool, const std::string& name) {
  using namespace google::protobuf;
  if (name.ends_with(".proto")) return Show<FileDescriptorProto>(pool.FindFileByName(name));
  if (auto s = Show<ServiceDescriptorProto>(pool.FindServiceByName(name))) return s;
  if (auto s = Show<DescriptorProto>(pool.FindMessageTypeByName(name))) return s;
  if (auto s = Show<EnumDescriptorProto>(pool.FindEnumTypeByName(name))) return s;
  if (auto s = Show<MethodDescriptorProto>(pool.FindMethodByName(name))) return s;
  if (auto s = Show<FieldDescriptorProto>(pool.FindFieldByName(name))) return s;
  if (auto s = Show<FieldDescriptorProto>(pool.FindExtensionByName(name))) return s;
  return Show<EnumValueDescriptorProto>(pool.FindEnumValueByName(name));
}

Symbol Describe(Schema& schema, const std::string& word) {
  std::string name = word.substr(word.starts_with('.') || word.starts_with('/') ? 1 : 0);
  if (!name.ends_with(".proto")) std::ranges::replace(name, '/', '.');
  std::optional<Symbol> symbol = Find(schema.pool(), name);
  schema.Check();
  if (symbol) return *std::move(symbol);
  throw Stop(kUsage, "there is no \"" + word +
                         "\"; `list` tells the services, and describing one "
                         "tells its messages");
}

int RunDescribe(const LookFlags& flags, Io io) {
  const std::unique_ptr<Schema> schema = flags.Open(io);
  std::vector<std::string> names = {flags.Name()};
  if (names[0].empty()) names = schema->Services();
  std::vector<std::string> documents;
  for (const std::string& name : names) {
    const Symbol symbol = Describe(*schema, name);
    if (flags.output == Output::kText) {
      io.out << (name == names[0] ? "" : "\n") << symbol.text;
      continue;
    }
    google::protobuf::util::JsonPrintOptions options;
    std::string json;
    const auto wrote = google::protobuf::util::MessageToJsonString(*symbol.proto, &json, options);
    if (!wrote.ok()) throw Stop(kFailed, name + ": " + wrote.ToString());
    documents.push_back(std::move(json));
  }
  if (flags.output != Output::kText) io.out << List(documents) << "\n";
  return kOk;
}

template <class F>
void Add(CLI::App& app, Io io, Command& run, const std::string& verb, const std::string& help,
         const std::string& name, const std::string& of_what, const std::string& footer, F what) {
  auto flags = std::make_shared<LookFlags>();
  CLI::App* command = app.add_subcommand(verb, help);
  flags->AddTo(*command, name, of_what);
  command->footer(footer);
  command->callback(
      [flags, io, &run, what] { run = [flags, io, what] { return what(*flags, io); }; });
}

}  // namespace

void AddList(CLI::App& app, Io io, Command& run) {
  Add(app, io, run, "list", "list services, or the methods of one", "SERVICE",
      "whose methods to list",
      "Examples:\n"
      "  rondo list --plaintext localhost:50051\n"
      "  rondo list --plaintext localhost:50051 shop.Cart\n"
      "  rondo list --proto shop.proto",
      RunList);
}

void AddDescribe(CLI::App& app, Io io, Command& run) {
  Add(app, io, run, "describe", "show a service, message, method or file as .proto text", "SYMBOL",
      "what to show; default: all services",
      "Examples:\n"
      "  rondo describe --plaintext localhost:50051\n"
      "  rondo describe --plaintext localhost:50051 shop.Cart/Get\n"
      "  rondo describe --proto shop.proto shop.Item",
      RunDescribe);
}

}  // namespace rondo::cli
