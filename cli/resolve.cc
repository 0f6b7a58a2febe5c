// rondo resolve: what a target stands for.
#include "rondo/resolve.h"

#include <chrono>
#include <future>

#include "cli.h"
#include "flags.h"
#include "json_text.h"
#include "rondo/service_config.h"
#include "stop.h"

namespace rondo::cli {
namespace {

struct ResolveFlags {
  std::string target, service_config;
  Output output = Output::kText;
  std::optional<Duration> timeout = std::chrono::seconds(10);
};

struct Answer {
  std::string target, authority;
  Resolution news{absl::UnknownError("")};
};

// Asks on the loop, and takes the resolver away there too.
Answer Ask(const std::string& target, Duration timeout) {
  LoopPool pool;
  Loop& loop = pool.loop(0);
  std::promise<absl::StatusOr<Answer>> promise;
  auto future = promise.get_future();
  struct State {
    Answer answer;
    std::unique_ptr<Resolver> resolver;
  } state;
  loop.Post([&] {
    auto found = FindResolver(target, loop, [&](Resolution news) {
      if (state.resolver == nullptr) return absl::OkStatus();
      state.answer.news = std::move(news);
      promise.set_value(state.answer);
      state.resolver.reset();  // One answer is enough.
      return absl::OkStatus();
    });
    if (!found.ok()) return promise.set_value(found.status());
    state.answer.target = found->target.text;
    state.answer.authority = found->authority;
    state.resolver = std::move(found->resolver);
    state.resolver->Start();
  });
  const bool heard = future.wait_for(timeout) == std::future_status::ready;
  std::promise<void> gone;
  loop.Post([&] {
    state.resolver.reset();
    gone.set_value();
  });
  gone.get_future().wait();
  if (!heard && future.wait_for(Duration()) != std::future_status::ready) {
    throw Failed(target, absl::DeadlineExceededError("nobody answered in time"),
                 "--timeout allows more");
  }
  absl::StatusOr<Answer> answer = future.get();
  if (!answer.ok()) throw Stop(kUsage, std::string(answer.status().message()));
  if (!answer->news.endpoints.ok()) throw Failed(target, answer->news.endpoints.status());
  return *std::move(answer);
}

// ---- Showing it.

std::string Line(const Endpoint& endpoint) {
  std::string out = "endpoint   ";
  for (const std::string& address : endpoint.addresses) {
    out += (&address == endpoint.addresses.data() ? "" : " or ") + address;
  }
  if (endpoint.weight > 1) out += "  weight " + std::to_string(endpoint.weight);
  if (!endpoint.zone.empty()) out += "  zone " + endpoint.zone;
  for (const auto& [key, value] : endpoint.labels) out += "  " + key + "=" + value;
  return out;
}

std::string Object(const Endpoint& endpoint) {
  std::string addresses, labels;
  for (const std::string& a : endpoint.addresses) {
    addresses += (addresses.empty() ? "" : ", ") + Quote(a);
  }
  for (const auto& [key, value] : endpoint.labels) {
    labels += (labels.empty() ? "" : ", ") + Quote(key) + ": " + Quote(value);
  }
  return "{\"addresses\": [" + addresses + "], \"weight\": " + std::to_string(endpoint.weight) +
         ", \"zone\": " + Quote(endpoint.zone) + ", \"labels\": {" + labels + "}}";
}

void ShowText(const Answer& answer, const ServiceConfigReport& config, const std::string& from,
              Io io) {
  io.out << "target     " << answer.target << "\nauthority  " << answer.authority << "\n";
  if (!answer.news.note.empty()) io.out << "found by   " << answer.news.note << "\n";
  for (const Endpoint& endpoint : *answer.news.endpoints) io.out << Line(endpoint) << "\n";
  io.out << "policy     " << config.policy << ", by " << from << "\n";
  for (const ServiceConfigReport::Entry& entry : config.methods) {
    io.out << "methods    " << (entry.name == "/" ? "every other" : entry.name) << ": "
           << (entry.says.empty() ? "nothing" : entry.says) << "\n";
  }
}

void ShowJson(const Answer& answer, const ServiceConfigReport& config, const std::string& from,
              Io io) {
  std::vector<std::string> endpoints, methods;
  for (const Endpoint& endpoint : *answer.news.endpoints) endpoints.push_back(Object(endpoint));
  for (const ServiceConfigReport::Entry& entry : config.methods) {
    methods.push_back("{\"name\": " + Quote(entry.name) + ", \"says\": " + Quote(entry.says) + "}");
  }
  io.out << "{\"target\": " << Quote(answer.target)
         << ",\n\"authority\": " << Quote(answer.authority)
         << ",\n\"note\": " << Quote(answer.news.note) << ",\n\"endpoints\": " << List(endpoints)
         << ",\n\"policy\": " << Quote(config.policy) << ",\n\"configuredBy\": " << Quote(from)
         << ",\n\"methods\": " << List(methods) << "}\n";
}

int RunResolve(const ResolveFlags& flags, Io io) {
  const Answer answer = Ask(flags.target, *flags.timeout);
  std::string json = "{}", from = "default: no service config";
  if (!flags.service_config.empty()) {
    json = ReadFile(flags.service_config, io);
    from = flags.service_config;
  } else if (answer.news.service_config_json) {
    json = *answer.news.service_config_json;
    from = "the resolver";
  }
  const auto config = CheckServiceConfig(json);
  if (!config.ok()) {
    throw Stop(kNotWell,
               "the service config of " + from + ": " + std::string(config.status().message()));
  }
  for (const std::string& warning : config->warnings) {
    io.err << "rondo: warning: the service config of " << from << ": " << warning << "\n";
  }
  if (flags.output == Output::kText) {
    ShowText(answer, *config, from, io);
  } else {
    ShowJson(answer, *config, from, io);
  }
  return kOk;
}

}  // namespace

void AddResolve(CLI::App& app, Io io, Command& run) {
  auto flags = std::make_shared<ResolveFlags>();
  CLI::App* command =
      app.add_subcommand("resolve", "tell what a target resolves to, and what its calls get");
  command->add_option("TARGET", flags->target, "such as dns:///shop:443 or shop:443")
      ->required()
      ->type_name("");
  command
      ->add_option("--service-config", flags->service_config,
                   "the program's service config, as JSON")
      ->type_name("FILE");
  AddParsed(*command, "--timeout", flags->timeout, ParseLimit, "longest wait; default 10s")
      ->type_name("DURATION");
  AddOutput(*command, flags->output);
  command->footer(
      "Examples:\n"
      "  rondo resolve localhost:50051\n"
      "  rondo resolve dns:///shop:443 --service-config service-config.json");
  command->callback([flags, io, &run] { run = [flags, io] { return RunResolve(*flags, io); }; });
}

}  // namespace rondo::cli
