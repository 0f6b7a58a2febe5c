// ./dev demo: the seed's example, and then the day one of its two backends dies and comes back.
// Shows where each call went and why; the exit status is 0 only if what it shows is right.
//
//   load_balancing_demo [PORT PORT]
//   load_balancing_demo --policy NAME [PORT PORT]     the same day with any policy, users in turn
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "backend_process.h"
#include "echo.rondo.pb.h"
#include "example_resolver.h"
#include "policy_config.h"
#include "rondo/channel.h"

namespace {

using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoStub;
using namespace std::chrono_literals;

constexpr const char* kMessage = "this is examples/load_balancing";
constexpr const char* kRoundRobin = R"({"loadBalancingConfig": [{"round_robin": {}}]})";

// Colours on a terminal, plain text otherwise (and where NO_COLOR is set).
struct Paint {
  const bool on = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  std::string operator()(const char* code, const std::string& text) const {
    return on ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
  }
};
const Paint paint;

struct Outcome {
  std::string backend;  // "127.0.0.1:50051"; empty if the call failed.
  absl::Status status;
};

class Demo {
 public:
  Demo(int first, int second) : ports_{first, second} {}

  // True if everything was as it should be.
  bool Run() {
    if (!StartBoth()) return false;
    bool ok = Phase("pick_first, by default", "", 10,
                    [this](const Tally& t) { return t.at(Port(0)) == 10 && t.at(Port(1)) == 0; });
    ok = RoundRobin() && ok;
    return Verdict(ok);
  }

  // The same day under any policy: where calls go is the policy's affair, that they arrive is ours.
  bool Run(const std::string& policy) {
    if (!StartBoth()) return false;
    auto channel = Open(PolicyConfig(policy));
    if (!channel.ok()) return Wrong(channel.status().ToString());
    EchoStub stub(*channel);
    const auto none_fails = [](const Tally& t) { return t.at("failed") == 0; };
    bool ok = Calls(policy + ", both backends up", stub, 20, none_fails);
    backends_[1].Kill();
    // A call that is on its way to a backend when it dies may fail; no other may.
    ok = Calls(
             policy + ", " + Port(1) + " killed with SIGKILL", stub, 20,
             [this](const Tally& t) { return t.at("failed") <= 1 && t.at(Port(1)) == 0; }, true) &&
         ok;
    if (!backends_[1].Start(ports_[1])) return Wrong("backend " + Port(1) + " did not come back");
    poll(nullptr, 0, 2500);  // Longer than the longest backoff here.
    ok = Calls(policy + ", " + Port(1) + " is back", stub, 20, none_fails) && ok;
    return Verdict(ok);
  }

 private:
  using Tally = std::map<std::string, int>;

  bool StartBoth() {
    for (int i = 0; i < 2; ++i) {
      if (!backends_[i].Start(ports_[i])) return Wrong("backend " + Port(i) + " did not start");
    }
    return true;
  }
  bool Verdict(bool ok) const {
    Table();
    std::printf("\n%s\n", ok ? paint("32", "all of it is as it should be").c_str()
                             : paint("31", "something above is not as it should be").c_str());
    return ok;
  }
  std::string Port(int i) const { return ":" + std::to_string(ports_[i]); }

  bool Wrong(const std::string& what) const {
    std::printf("%s\n", paint("31", "  -> wrong: " + what).c_str());
    return false;
  }
  absl::StatusOr<rondo::Channel> Open(const std::string& config) const {
    return rondo::Channel::Create(
        "example:///lb.example.grpc.io",
        {.credentials = rondo::Insecure(),
         .default_service_config = config,
         .resolvers = {ExampleResolver({"127.0.0.1" + Port(0), "127.0.0.1" + Port(1)})},
         .backoff = {.base = 200ms, .max = 1s}});
  }

  // One call, shown with where it went and why.
  Outcome Call(EchoStub& stub, Tally& tally) {
    EchoRequest request;
    request.set_message(kMessage);
    // One of ten users, for policies that send each always to the same backend.
    const std::string user = "user-" + std::to_string(calls_++ % 10);
    const rondo::Metadata metadata = rondo::metadata("x-user", user);
    rondo::CallReport report;
    auto reply = stub.UnaryEcho(
        request, {.timeout = 5s, .wait_for_ready = wait_, .metadata = metadata, .report = &report});
    Outcome out{report.peer, reply.status()};
    const std::string port = out.backend.substr(out.backend.rfind(':') + 1);
    if (!reply.ok()) {
      std::printf("  %s %s\n", paint("31", "x").c_str(), reply.status().ToString().c_str());
      ++tally["failed"];
      return out;
    }
    const rondo::Attempt& last = report.attempts.back();
    const std::string why = last.reason.empty() ? "" : "  (" + std::string(last.reason) + ")";
    const std::string repeats =
        report.attempts.size() > 1
            ? " after " + std::to_string(report.attempts.size() - 1) + " repeat(s)"
            : "";
    std::printf(
        "  %s  %s%s%s\n", reply->message().c_str(),
        paint(port == std::to_string(ports_[0]) ? "36" : "33", "[" + out.backend + "]").c_str(),
        why.c_str(), repeats.c_str());
    ++tally[":" + port];
    return out;
  }

  template <class Check>
  bool Calls(const std::string& title, EchoStub& stub, int n, Check check, bool wait = false) {
    wait_ = wait;
    std::printf("\n%s\n", paint("1", "-- " + title).c_str());
    Tally tally{{Port(0), 0}, {Port(1), 0}, {"failed", 0}};
    for (int i = 0; i < n; ++i) Call(stub, tally);
    rows_.emplace_back(title, tally);
    return check(tally) || Wrong("calls did not go where this policy sends them");
  }

  template <class Check>
  bool Phase(const std::string& title, const std::string& config, int n, Check check) {
    auto channel = Open(config);
    if (!channel.ok()) return Wrong(channel.status().ToString());
    EchoStub stub(*channel);
    return Calls(title, stub, n, check);
  }

  bool RoundRobin() {
    auto channel = Open(kRoundRobin);
    if (!channel.ok()) return Wrong(channel.status().ToString());
    EchoStub stub(*channel);
    if (!UntilBothServe(stub)) return Wrong("the two backends were never both ready");
    bool ok = Calls("round_robin, both backends up", stub, 10,
                    [this](const Tally& t) { return t.at(Port(0)) == 5 && t.at(Port(1)) == 5; });
    backends_[1].Kill();
    // A call that is on its way to a backend when it dies may fail; no other may.
    ok = Calls("round_robin, " + Port(1) + " killed with SIGKILL", stub, 10,
               [this](const Tally& t) {
                 return t.at(Port(0)) >= 9 && t.at(Port(1)) == 0 && t.at("failed") <= 1;
               }) &&
         ok;
    if (!backends_[1].Start(ports_[1])) return Wrong("backend " + Port(1) + " did not come back");
    if (!UntilBothServe(stub)) return Wrong("the backend that came back never got a call");
    return Calls("round_robin, " + Port(1) + " is back", stub, 10,
                 [this](const Tally& t) { return t.at(Port(0)) == 5 && t.at(Port(1)) == 5; }) &&
           ok;
  }

  // Calls, unseen, until both backends have answered one; at most 10 s.
  bool UntilBothServe(EchoStub& stub) {
    Tally seen;
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < give_up) {
      rondo::CallReport report;
      EchoRequest request;
      if (stub.UnaryEcho(request, {.timeout = 1s, .report = &report}).ok()) ++seen[report.peer];
      if (seen.size() == 2) return true;
      poll(nullptr, 0, 20);
    }
    return false;
  }

  void Table() const {
    std::printf("\n%s\n%-44s %8s %8s %8s\n", paint("1", "-- calls for each backend").c_str(), "",
                Port(0).c_str(), Port(1).c_str(), "failed");
    for (const auto& [title, t] : rows_) {
      std::printf("%-44s %8d %8d %8d\n", title.c_str(), t.at(Port(0)), t.at(Port(1)),
                  t.at("failed"));
    }
  }

  const int ports_[2];
  BackendProcess backends_[2];
  int calls_ = 0;
  bool wait_ = false;  // Calls wait for a backend that works, however long it takes to find one.
  std::vector<std::pair<std::string, Tally>> rows_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--backend") return ServeUntilKilled(std::atoi(argv[2]));
  std::string policy;
  if (argc >= 2 && std::string(argv[1]) == "--policy") {
    if (argc < 3) {
      std::fprintf(stderr, "usage: load_balancing_demo [--policy NAME] [PORT PORT]\n");
      return 2;
    }
    policy = argv[2];
    argc -= 2;
    argv += 2;
  }
  const int first = argc == 3 ? std::atoi(argv[1]) : 50051;
  const int second = argc == 3 ? std::atoi(argv[2]) : 50052;
  Demo demo(first, second);
  return (policy.empty() ? demo.Run() : demo.Run(policy)) ? 0 : 1;
}
