// rondo demo: several servers, a policy, and the day one of them stops.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>

#include "cli.h"
#include "echo_backend.h"
#include "flags.h"
#include "stop.h"

namespace rondo::cli {
namespace {

using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoStub;
using namespace std::chrono_literals;

struct DemoFlags {
  std::vector<std::string> policies = {"pick_first", "round_robin"};
  int backends = 3, calls = 12;
};

class Demo {
 public:
  Demo(const DemoFlags& flags, Io io) : flags_(flags), io_(io) {}

  int Run() {
    for (int i = 0; i < flags_.backends; ++i) {
      backends_.push_back(NewBackend(i, "127.0.0.1:0"));
      addresses_.push_back(backends_[i]->address());
      numbers_[addresses_[i]] = i;
    }
    io_.out << flags_.backends << " servers, " << flags_.calls
            << " calls a step: how many each server got\n";
    Head();
    for (const std::string& policy : flags_.policies) Show(policy);
    if (well_) return kOk;
    throw Stop(kNotWell, "a call failed, or was sent where no server was");
  }

 private:
  struct Tally {
    std::vector<int> calls;
    int failed = 0;
  };

  std::unique_ptr<EchoBackend> NewBackend(int i, const std::string& address) {
    auto backend =
        std::make_unique<EchoBackend>(address, "server " + std::to_string(i + 1), Trouble());
    backend->Start();
    return backend;
  }

  // NAME or NAME={...}
  Channel Open(const std::string& policy) const {
    const size_t equals = policy.find('=');
    const std::string name = policy.substr(0, equals);
    const std::string config = equals == policy.npos ? "{}" : policy.substr(equals + 1);
    std::string target = "static:///";
    for (const std::string& a : addresses_) target += (a == addresses_[0] ? "" : ",") + a;
    ChannelOptions options{
        .credentials = Insecure(),
        .default_service_config = R"({"loadBalancingConfig": [{")" + name + "\": " + config +
                                  R"(}], "methodConfig": [{"name": [{}], "retryPolicy": {
                                  "maxAttempts": 3, "initialBackoff": "0.01s", "maxBackoff": "0.1s",
                                  "backoffMultiplier": 2,
                                  "retryableStatusCodes": ["UNAVAILABLE"]}}]})",
        .backoff = {.base = 50ms, .max = 100ms}};
    absl::StatusOr<Channel> channel = Channel::Create(target, std::move(options));
    if (channel.ok()) return *std::move(channel);
    throw Stop(kUsage, "--policy " + policy + ": " + std::string(channel.status().message()));
  }

  void Show(const std::string& policy) {
    const Channel channel = Open(policy);
    EchoStub stub(channel);
    io_.out << policy << "\n";
    Step(stub, "  all are up");
    backends_[0].reset();
    const Tally without = Step(stub, "  server 1 has stopped");
    well_ = well_ && without.calls[0] == 0;
    backends_[0] = NewBackend(0, addresses_[0]);
    Step(stub, "  server 1 is back");
  }

  // Lets the channel find its way for a while, then counts. Failures count all the time.
  Tally Step(EchoStub& stub, const std::string& title) {
    Tally settling = NewTally(), tally = NewTally();
    const auto settled = std::chrono::steady_clock::now() + 500ms;
    while (std::chrono::steady_clock::now() < settled) {
      Call(stub, settling);
      std::this_thread::sleep_for(5ms);
    }
    for (int i = 0; i < flags_.calls; ++i) Call(stub, tally);
    tally.failed += settling.failed;
    well_ = well_ && tally.failed == 0;
    Row(title, tally);
    return tally;
  }
  Tally NewTally() const { return {std::vector<int>(static_cast<size_t>(flags_.backends)), 0}; }

  void Call(EchoStub& stub, Tally& tally) {
    EchoRequest request;
    request.set_message("hello");
    CallReport report;
    const auto reply = stub.UnaryEcho(request, {.timeout = 5s, .report = &report});
    const auto number = numbers_.find(report.peer);
    if (reply.ok() && number != numbers_.end()) {
      ++tally.calls[static_cast<size_t>(number->second)];
    } else {
      ++tally.failed;
      io_.err << "a call failed: " << reply.status().ToString() << "\n";
    }
  }

  void Head() {
    std::string line(kTitle, ' ');
    for (int i = 1; i <= flags_.backends; ++i) line += Cell("server " + std::to_string(i));
    io_.out << line << Cell("failed") << "\n";
  }
  void Row(std::string title, const Tally& tally) {
    title.resize(kTitle, ' ');
    for (const int calls : tally.calls) title += Cell(std::to_string(calls));
    io_.out << title << Cell(std::to_string(tally.failed)) << std::endl;
  }
  static std::string Cell(const std::string& text) {
    constexpr size_t kWidth = 10;
    return std::string(kWidth - std::min(kWidth, text.size()), ' ') + text;
  }

  static constexpr size_t kTitle = 24;
  const DemoFlags flags_;
  const Io io_;
  std::vector<std::unique_ptr<EchoBackend>> backends_;
  std::vector<std::string> addresses_;
  std::map<std::string, int> numbers_;  // By address.
  bool well_ = true;
};

}  // namespace

void AddDemo(CLI::App& app, Io io, Command& run) {
  auto flags = std::make_shared<DemoFlags>();
  CLI::App* command = app.add_subcommand(
      "demo", "see policies balance over servers, while one stops and comes back");
  auto named = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("--policy", *named,
                   "policy, as NAME or NAME=CONFIG; again for more; default pick_first and then "
                   "round_robin")
      ->type_name("POLICY")
      ->allow_extra_args(false);
  command->add_option("--backends", flags->backends, "how many servers; default 3")
      ->check(CLI::Range(2, 20))
      ->type_name("N");
  command->add_option("--calls", flags->calls, "calls a step; default 12")
      ->check(CLI::Range(1, 10'000))
      ->type_name("N");
  command->footer(
      "Examples:\n"
      "  rondo demo\n"
      "  rondo demo --policy round_robin --policy 'pick_first={\"shuffleAddressList\": true}'\n"
      "Exit status: 0, or 3 if a call failed.");
  command->callback([flags, named, io, &run] {
    if (!named->empty()) flags->policies = *named;
    run = [flags, io] { return Demo(*flags, io).Run(); };
  });
}

}  // namespace rondo::cli
