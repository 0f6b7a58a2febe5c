// rondo serve: echo servers to try clients against.
#include <csignal>
#include <memory>

#include "cli.h"
#include "echo_backend.h"
#include "flags.h"
#include "stop.h"

namespace rondo::cli {
namespace {

struct ServeFlags {
  std::vector<std::string> listen;
  Trouble trouble;
  Duration grace = std::chrono::seconds(10);
};

absl::StatusOr<absl::StatusCode> ParseCode(std::string_view text) {
  constexpr int kCodes = 17;
  for (int code = 1; code < kCodes; ++code) {
    const std::string name = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
    if (text == name || text == std::to_string(code)) return static_cast<absl::StatusCode>(code);
  }
  return absl::InvalidArgumentError("\"" + std::string(text) +
                                    "\" is no gRPC code that tells a failure, such as UNAVAILABLE");
}

int RunServe(const ServeFlags& flags, Io io) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // Before any thread starts: sigwait gets them.

  std::vector<std::unique_ptr<EchoBackend>> backends;
  Trouble trouble = flags.trouble;
  for (const std::string& address : flags.listen) {
    backends.push_back(std::make_unique<EchoBackend>(address, "", trouble));
    ++trouble.seed;  // Else all would fail at the same time.
  }
  for (const auto& backend : backends) {
    backend->Start();
    io.out << "listening on " << backend->address() << std::endl;
  }
  int which = 0;
  sigwait(&ends, &which);
  uint64_t calls = 0;
  for (const auto& backend : backends) {
    backend->server().Drain(flags.grace).IgnoreError();  // Who outstays the grace is cut off.
    calls += backend->echo().calls();
  }
  io.err << "served " << calls << (calls == 1 ? " call" : " calls") << "\n";
  return kOk;
}

}  // namespace

void AddServe(CLI::App& app, Io io, Command& run) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand(
      "serve", "run echo servers, with health and reflection, that can be slow and fail");
  command
      ->add_option(
          "--listen", flags->listen,
          "address, such as :50051 or unix:/tmp/echo.sock; again for more servers; default "
          "127.0.0.1:50051")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  AddParsed(*command, "--latency", flags->trouble.latency, ParseSpread,
            "how long a call takes, such as 5ms or 5ms±2ms")
      ->type_name("DURATION");
  AddParsed(*command, "--error-rate", flags->trouble.error_rate, ParseShare,
            "share of calls that fail, such as 1% or 0.01")
      ->type_name("SHARE");
  AddParsed(*command, "--error-code", flags->trouble.code, ParseCode,
            "what they fail with; default UNAVAILABLE")
      ->type_name("CODE");
  command->add_option("--seed", flags->trouble.seed, "of all chance; default 1")->type_name("N");
  AddParsed(*command, "--grace", flags->grace, ParseDuration,
            "at SIGINT or SIGTERM: how long calls may still run; default 10s")
      ->type_name("DURATION");
  command->footer(
      "Serves grpc.examples.echo.Echo: replies are \"MESSAGE (from :PORT)\".\n"
      "Examples:\n"
      "  rondo serve --listen :50051 --latency 5ms±2ms --error-rate 1%\n"
      "  rondo serve --listen :50051 --listen :50052");
  command->callback([flags, io, &run] {
    if (flags->listen.empty()) flags->listen = {"127.0.0.1:50051"};
    run = [flags, io] { return RunServe(*flags, io); };
  });
}

}  // namespace rondo::cli
