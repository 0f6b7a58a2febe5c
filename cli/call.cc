// rondo call: one RPC, JSON in and out.
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <chrono>
#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include "cli.h"
#include "flags.h"
#include "json_text.h"
#include "raw_message.h"
#include "rondo/stub.h"
#include "schema.h"
#include "status_details.h"
#include "stop.h"

namespace rondo::cli {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
namespace json = google::protobuf::util;

struct CallFlags {
  std::string target, method, data;
  ConnectionFlags connection;
  SchemaFlags schema;
  Output output = Output::kText;
  std::optional<Duration> timeout;
  bool wait_for_ready = false, verbose = false, emit_defaults = false, allow_unknown = false;
};

// Messages of one method, between JSON and bytes. Threads: any.
class Translator {
 public:
  Translator(Schema& schema, const MethodDescriptor& method, const CallFlags& flags)
      : schema_(schema), method_(method), factory_(&schema.pool()), flags_(flags) {}

  // Throws a Stop for what doesn't fit the method's request; `number` counts from 1.
  RawMessage Request(const std::string& text, int number) {
    const std::unique_ptr<Message> message = New(*method_.input_type());
    json::JsonParseOptions options;
    options.ignore_unknown_fields = flags_.allow_unknown;
    const auto read = json::JsonStringToMessage(text, message.get(), options);
    if (read.ok()) return {message->SerializeAsString()};
    std::string why(read.message());
    while (why.ends_with('.') || why.ends_with('\n')) why.pop_back();
    throw Stop(kUsage, "-d: message " + std::to_string(number) + " is no " +
                           method_.input_type()->full_name() + ": " + why +
                           "; `rondo describe` shows its fields");
  }

  std::string Reply(const RawMessage& reply) {
    const std::unique_ptr<Message> message = New(*method_.output_type());
    if (!message->ParseFromString(reply.bytes)) {
      throw Failed(method_.full_name(), absl::InternalError("the reply can't be parsed as " +
                                                            method_.output_type()->full_name()));
    }
    json::JsonPrintOptions options;
    options.add_whitespace = flags_.output == Output::kText;
    options.always_print_primitive_fields = flags_.emit_defaults;
    std::string text;
    const auto wrote = json::MessageToJsonString(*message, &text, options);
    schema_.Check();
    if (!wrote.ok()) throw Stop(kFailed, "the reply can't be shown as JSON: " + wrote.ToString());
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }

 private:
  std::unique_ptr<Message> New(const google::protobuf::Descriptor& type) {
    return std::unique_ptr<Message>(factory_.GetPrototype(&type)->New());
  }

  Schema& schema_;
  const MethodDescriptor& method_;
  google::protobuf::DynamicMessageFactory factory_;
  const CallFlags& flags_;
};

// ---- The call's two directions.

// A stream whose requests come from a thread of their own, so that replies show as they come.
// Everything that the stream is told, it is told on its loop.
class Exchange {
 public:
  Exchange(const Channel& channel, const Method& method, const CallOptions& options)
      : loop_(channel.loop()), stream_(channel.Stream(method, options)) {}

  bool Write(const RawMessage& message) {
    Slice framed = FrameMessage(message.bytes.size(),
                                [&](uint8_t* to) { message.SerializeWithCachedSizesToArray(to); });
    return Wait<bool>([&](auto done) { stream_.Write(std::move(framed), false, std::move(done)); });
  }
  void WritesDone() {
    Wait<bool>([&](auto done) {
      stream_.WritesDone();
      done(true);
    });
  }
  std::optional<RawMessage> Read() {
    return Wait<std::optional<RawMessage>>([&](auto done) {
      stream_.Read([done = std::move(done)](std::optional<Bytes> bytes) mutable {
        if (!bytes) return done(std::nullopt);
        done(RawMessage{{reinterpret_cast<const char*>(bytes->data()), bytes->size()}});
      });
    });
  }
  absl::Status Finish() {
    return Wait<absl::Status>([&](auto done) { stream_.Finish(std::move(done)); });
  }
  void Cancel() {
    Wait<bool>([&](auto done) {
      stream_.Cancel();
      done(true);
    });
  }

 private:
  template <class Value, class Begin>
  Value Wait(Begin begin) {
    std::promise<Value> promise;
    std::future<Value> future = promise.get_future();
    loop_.Post([&begin, promise = std::move(promise)]() mutable {
      begin([promise = std::move(promise)](Value value) mutable {
        promise.set_value(std::move(value));
      });
    });
    return future.get();
  }

  Loop& loop_;
  StreamCall stream_;
};

// ---- A call.

// The request messages, from -d.
class Requests {
 public:
  Requests(const std::string& data, Io io) {
    // @ alone and @- are grpcurl's and curl's for what comes in.
    live_ = data == "@" || data == "@-" || data == "-";
    if (!live_) text_ << (data.starts_with('@') ? ReadFile(data.substr(1), io) : data);
    values_.emplace(live_ ? io.in : text_);
  }
  std::optional<std::string> Next() { return values_->Next(); }
  bool live() const { return live_; }  // Reading may take as long as someone types.

 private:
  bool live_ = false;
  std::stringstream text_;
  std::optional<JsonValues> values_;
};

class OneCall : public std::enable_shared_from_this<OneCall> {
 public:
  OneCall(const CallFlags& flags, Io io)
      : flags_(flags),
        io_(io),
        requests_(flags.data, io),
        channel_(flags.connection.Open(flags.target, io)),
        schema_(flags.schema.given()
                    ? flags.schema.Open(io)
                    : ReflectedSchema(channel_, flags.connection.headers(),
                                      flags.timeout.value_or(std::chrono::seconds(10)))),
        descriptor_(schema_->Method(flags.method)),
        translator_(*schema_, descriptor_, flags_),
        path_("/" + descriptor_.service()->full_name() + "/" + descriptor_.name()) {}

  int Run() {
    const CallOptions options{
        .timeout = flags_.timeout.value_or(Duration()),
        .wait_for_ready = flags_.wait_for_ready ? std::optional<bool>(true) : std::nullopt,
        .metadata = flags_.connection.headers(),
        .report = &report_};
    const bool unary = !descriptor_.client_streaming() && !descriptor_.server_streaming();
    const absl::Status status = unary ? Unary(options) : Stream(options);
    if (flags_.verbose) ShowReport();
    if (flags_.output == Output::kJson) ShowDocument(status);
    if (status.ok()) return kOk;
    std::string hint;
    for (const std::string& detail : StatusDetails(status, schema_->pool())) {
      hint += (hint.empty() ? "details: " : ", ") + detail;
    }
    throw Failed(path_.substr(1), status, hint);
  }

 private:
  // The one request of a method that takes no stream; without data, an empty message.
  RawMessage OnlyRequest() {
    const std::optional<std::string> first = requests_.Next();
    if (first && !requests_.live() && requests_.Next()) {
      throw Stop(kUsage, "-d: " + descriptor_.full_name() + " takes one message, not several");
    }
    return translator_.Request(first.value_or("{}"), 1);
  }

  absl::Status Unary(const CallOptions& options) {
    const MethodOf<RawMessage, RawMessage, MethodKind::kUnary> method(path_);
    const absl::StatusOr<RawMessage> reply = CallUnary(channel_, method, OnlyRequest(), options);
    if (reply.ok()) Show(*reply);
    return reply.status();
  }

  absl::Status Stream(const CallOptions& options) {
    method_ = {path_, descriptor_.client_streaming(), descriptor_.server_streaming()};
    std::optional<RawMessage> only;
    if (!descriptor_.client_streaming()) only = OnlyRequest();
    exchange_.emplace(channel_, method_, options);
    if (only) {
      exchange_->Write(*only);
      exchange_->WritesDone();
      return ReadAll();
    }
    std::promise<void> written;
    const std::future<void> end = written.get_future();
    std::thread writer([self = shared_from_this(), written = std::move(written)]() mutable {
      self->WriteAll();
      written.set_value();
    });
    absl::Status status;
    std::optional<Stop> unreadable;
    try {
      status = ReadAll();
    } catch (const Stop& stop) {
      unreadable = stop;
      exchange_->Cancel();
    }
    // A writer that waits for someone to type is left behind: nobody will hear of it.
    constexpr auto kGrace = std::chrono::milliseconds(100);
    if (requests_.live() && end.wait_for(kGrace) != std::future_status::ready) {
      writer.detach();
    } else {
      writer.join();
      if (wrong_) throw *wrong_;
    }
    if (unreadable) throw *unreadable;
    return status;
  }
  absl::Status ReadAll() {
    while (std::optional<RawMessage> reply = exchange_->Read()) Show(*reply);
    return exchange_->Finish();
  }
  void WriteAll() {
    try {
      for (int i = 1; std::optional<std::string> text = requests_.Next(); ++i) {
        if (!exchange_->Write(translator_.Request(*text, i))) return;
      }
      exchange_->WritesDone();
    } catch (const Stop& stop) {
      wrong_ = stop;
      exchange_->Cancel();
    }
  }

  void Show(const RawMessage& reply) {
    std::string text = translator_.Reply(reply);
    if (flags_.output == Output::kJson) {
      replies_.push_back(std::move(text));
    } else {
      io_.out << text << std::endl;  // At once: a stream's next one may take long.
    }
  }

  // ---- Beside the replies.

  std::string Milliseconds() const {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms",
                  std::chrono::duration<double, std::milli>(report_.total).count());
    return text;
  }
  void ShowReport() const {
    for (const auto& [key, value] : report_.headers) {
      io_.err << "header   " << key << ": " << ShowValue(key, value) << "\n";
    }
    for (const auto& [key, value] : report_.trailers) {
      io_.err << "trailer  " << key << ": " << ShowValue(key, value) << "\n";
    }
    for (const Attempt& attempt : report_.attempts) {
      io_.err << "attempt  " << (attempt.backend ? attempt.backend->address : "no backend") << " "
              << absl::StatusCodeToString(attempt.code) << " by " << attempt.policy
              << (attempt.reason.empty() ? "" : " (" + std::string(attempt.reason) + ")")
              << (attempt.transparent ? ", a repeat" : "") << "\n";
    }
    io_.err << "took     " << Milliseconds() << "\n";
  }

  static std::string Fields(const Metadata& metadata) {
    std::string out;
    for (const auto& [key, value] : metadata) {
      out += (out.empty() ? "" : ", ") + std::string("{\"key\": ") + Quote(key) +
             ", \"value\": " + Quote(ShowValue(key, value)) + "}";
    }
    return "[" + out + "]";
  }
  void ShowDocument(const absl::Status& status) const {
    io_.out << "{\"status\": {\"code\": " << Quote(absl::StatusCodeToString(status.code()))
            << ", \"message\": " << Quote({status.message().data(), status.message().size()})
            << "},\n\"peer\": " << Quote(report_.peer)
            << ",\n\"attempts\": " << report_.attempts.size()
            << ",\n\"seconds\": " << std::chrono::duration<double>(report_.total).count()
            << ",\n\"headers\": " << Fields(report_.headers)
            << ",\n\"trailers\": " << Fields(report_.trailers)
            << ",\n\"replies\": " << List(replies_) << "}\n";
  }

  const CallFlags flags_;
  const Io io_;
  Requests requests_;
  const Channel channel_;
  const std::unique_ptr<Schema> schema_;
  const MethodDescriptor& descriptor_;
  Translator translator_;
  const std::string path_;  // Of the method; outlives the channel's calls.
  Method method_;
  CallReport report_;
  std::vector<std::string> replies_;
  std::optional<Stop> wrong_;  // What the writer found wrong.
  std::optional<Exchange> exchange_;
};

}  // namespace

void AddCall(CLI::App& app, Io io, Command& run) {
  auto flags = std::make_shared<CallFlags>();
  CLI::App* command = app.add_subcommand("call", "make one call, JSON in and out");
  command
      ->add_option("TARGET", flags->target,
                   "the server, such as localhost:50051 or dns:///shop:443")
      ->required()
      ->type_name("");
  command->add_option("METHOD", flags->method, "package.Service/Method")->required()->type_name("");
  command
      ->add_option("-d,--data", flags->data,
                   "the request in JSON, @FILE, or @- for what comes in; several values, one after "
                   "the other, for a method that takes a stream")
      ->type_name("DATA");
  AddParsed(*command, "--timeout", flags->timeout, ParseLimit, "longest time of the call")
      ->type_name("DURATION");
  command->add_flag("--wait-for-ready", flags->wait_for_ready,
                    "wait for a backend instead of failing while there is none");
  AddOutput(*command, flags->output, true);
  command->add_flag("-v,--verbose", flags->verbose, "show metadata and attempts, on stderr");
  command->add_flag("--emit-defaults", flags->emit_defaults, "show fields that have their default");
  command->add_flag("--allow-unknown-fields", flags->allow_unknown,
                    "pass over fields of the request that the message doesn't have");
  flags->connection.AddTo(*command);
  flags->schema.AddTo(*command);
  command->footer(
      "Examples:\n"
      "  rondo call --plaintext localhost:50051 shop.Cart/Get -d '{\"id\": 17}'\n"
      "  rondo call --plaintext localhost:50051 shop.Cart/Watch -o ndjson --timeout 10s\n"
      "  rondo call --plaintext localhost:50051 shop.Cart/Fill -d @items.json\n"
      "Exit status: 0, or 64 and the gRPC code of a call that failed; 2 for wrong usage.");
  command->callback([flags, io, &run] {
    run = [flags, io] { return std::make_shared<OneCall>(*flags, io)->Run(); };
  });
}

}  // namespace rondo::cli
