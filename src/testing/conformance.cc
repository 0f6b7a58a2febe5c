// Rules that every policy obeys, tried on it from outside. Each check begins anew, so that one
// broken rule doesn't hide another.
#include <set>
#include <utility>

#include "base/text.h"
#include "testing/storm.h"

namespace rondo::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kBackends = 3;

class Conformance {
 public:
  explicit Conformance(const ConformanceOptions& options) : options_(options) {}

  std::string Run() {
    Check("its config is accepted", &Conformance::ConfigIsAccepted);
    if (!broken_.empty()) return broken_;
    Check("calls wait until a backend is ready", &Conformance::CallsWait);
    Check("with all backends ready it is READY and calls go to them", &Conformance::ReadyServes);
    Check("with all backends in failure calls fail, and say why", &Conformance::FailureFails);
    Check("it comes back when backends do", &Conformance::ComesBack);
    Check("an empty list is an error and calls fail", &Conformance::EmptyListFails);
    Check("a list after an empty one serves", &Conformance::ListAfterEmptyServes);
    Check("a resolver error before any list fails calls", &Conformance::ResolverErrorFirst);
    Check("a resolver error doesn't disturb a policy that serves", &Conformance::ErrorIsIgnored);
    Check("an equal update closes and opens nothing", &Conformance::EqualUpdateKeeps);
    Check("an address that is listed twice is no harm", &Conformance::Duplicates);
    Check("a backend that left the list gets no call", &Conformance::RemovedIsLeft);
    Check("told to leave IDLE it connects", &Conformance::LeavesIdle);
    Check("it leaves nothing behind, and its pickers outlive it", &Conformance::LeavesNothing);
    for (uint32_t seed = 1; seed <= options_.seeds && broken_.empty(); ++seed) {
      Storm storm(options_, seed);
      const std::string trace = storm.Run();
      broken_ += storm.broken();
      if (!broken_.empty()) break;
      Storm again(options_, seed);
      if (again.Run() != trace) {
        broken_ += Cat("the same seed gives the same calls: seed ", seed, " didn't\n");
      }
    }
    return broken_;
  }

 private:
  using H = PolicyHarness;

  // Every check has a harness of its own, and says what is wrong or nothing.
  void Check(std::string_view rule, std::string (Conformance::*check)(PolicyHarness&)) {
    PolicyHarness harness({.seed = 7, .policies = options_.policies});
    std::string wrong = (this->*check)(harness);
    if (!wrong.empty()) broken_ += Cat(rule, ": ", wrong, "\n");
  }
  std::vector<Endpoint> Backends(int n) { return EndpointsOf(options_, n); }
  void Serve(PolicyHarness& h) {
    h.Configure(options_.config).IgnoreError();
    h.ResolveEndpoints(Backends(kBackends)).IgnoreError();
  }
  void BeginReady(PolicyHarness& h) {
    Serve(h);
    AllBecomeReady(h);
  }
  // Policies that connect when they are called get calls.
  static void Wake(PolicyHarness& h) {
    for (int i = 0; i < 8; ++i) {
      h.ExitIdle();
      for (int call = 0; call < 20; ++call) Go(h);
    }
  }
  static void AllBecomeReady(PolicyHarness& h) {
    h.AnswerDials([](const std::string&) { return SubchannelState{H::kReady, H::kReady, {}}; });
    for (const std::string& a : h.Open()) {
      if (h.StateOf(a) == H::kConnecting) h.Ready(a);
    }
    Wake(h);
  }
  // Calls have keys, for policies that hash.
  static H::Call Begin(PolicyHarness& h) {
    h.args().affinity = h.args().chance->Next();
    return h.Begin();
  }
  static std::string Go(PolicyHarness& h) {
    const H::Call call = Begin(h);
    h.End(call);
    return call.where;
  }
  static std::string NotServing(PolicyHarness& h) {
    if (h.state() != H::kReady) return Cat("it is ", Name(h.state()));
    for (int i = 0; i < 200; ++i) {
      const std::string where = Go(h);
      if (!h.IsOpen(where) || h.StateOf(where) != H::kReady)
        return Cat("a call ended with ", where);
    }
    return "";
  }
  static bool Fails(const H::Call& call) { return call.result.kind() == PickResult::Kind::kFail; }

  std::string ConfigIsAccepted(PolicyHarness& h) { return h.ErrorOf(options_.config); }
  std::string CallsWait(PolicyHarness& h) {
    Serve(h);
    for (int i = 0; i < 20; ++i) {
      if (const std::string where = Go(h); where != "queue") return Cat("a call: ", where);
    }
    return h.state() == H::kReady || h.state() == H::kFailed ? Cat("it is ", Name(h.state())) : "";
  }
  std::string ReadyServes(PolicyHarness& h) {
    BeginReady(h);
    return NotServing(h);
  }
  static void AllFail(PolicyHarness& h) {
    h.AnswerDials([](const std::string&) {
      return SubchannelState{H::kFailed, H::kReady, absl::UnavailableError("no route")};
    });
    // Those that come later, too: policies that try one after another.
    for (int round = 0; round < 20; ++round) {
      for (const std::string& a : h.Open()) {
        if (h.IsOpen(a) && h.StateOf(a) != H::kIdle && h.StateOf(a) != H::kFailed) {
          h.Fails(a, "no route");
        }
      }
      Wake(h);
      h.Advance(15s);
    }
  }
  std::string FailureFails(PolicyHarness& h) {
    Serve(h);
    AllFail(h);
    if (h.state() != H::kFailed) return Cat("it is ", Name(h.state()));
    const H::Call call = Begin(h);
    if (!Fails(call)) return Cat("a call: ", call.where);
    return call.where.find("no route") == std::string::npos ? Cat("it says: ", call.where) : "";
  }
  std::string ComesBack(PolicyHarness& h) {
    Serve(h);
    AllFail(h);
    h.AnswerDials([](const std::string&) { return SubchannelState{H::kReady, H::kReady, {}}; });
    for (const std::string& a : h.Open()) {
      if (h.IsOpen(a) && h.StateOf(a) == H::kFailed) h.Idle(a);  // Its backoff is over.
    }
    Wake(h);
    return NotServing(h);
  }
  std::string EmptyListFails(PolicyHarness& h) {
    BeginReady(h);
    if (h.ResolveEndpoints({}).ok()) return "OnUpdate returned OK";
    if (h.state() != H::kFailed) return Cat("it is ", Name(h.state()));
    const H::Call call = Begin(h);
    return Fails(call) ? "" : Cat("a call: ", call.where);
  }
  std::string ListAfterEmptyServes(PolicyHarness& h) {
    BeginReady(h);
    h.ResolveEndpoints({}).IgnoreError();
    h.ResolveEndpoints(Backends(kBackends)).IgnoreError();
    AllBecomeReady(h);
    return NotServing(h);
  }
  std::string ResolverErrorFirst(PolicyHarness& h) {
    h.Configure(options_.config).IgnoreError();
    h.ResolverFails("no such name");
    const H::Call call = Begin(h);
    if (!Fails(call)) return Cat("a call: ", call.where);
    return call.where.find("no such name") == std::string::npos ? Cat("it says: ", call.where) : "";
  }
  std::string ErrorIsIgnored(PolicyHarness& h) {
    BeginReady(h);
    h.ResolverFails("no such name");
    return NotServing(h);
  }
  std::string EqualUpdateKeeps(PolicyHarness& h) {
    BeginReady(h);
    const auto dials = h.dials();
    const auto open = h.Open();
    for (int i = 0; i < 10; ++i) h.ResolveEndpoints(Backends(kBackends)).IgnoreError();
    if (h.dials() != dials) return "it dialled";
    if (h.Open() != open) return "what is open changed";
    return NotServing(h);
  }
  std::string Duplicates(PolicyHarness& h) {
    h.Configure(options_.config).IgnoreError();
    std::vector<Endpoint> twice = Backends(kBackends);
    for (Endpoint& e : Backends(kBackends)) twice.push_back(std::move(e));
    h.ResolveEndpoints(std::move(twice)).IgnoreError();
    AllBecomeReady(h);
    return NotServing(h);
  }
  std::string RemovedIsLeft(PolicyHarness& h) {
    BeginReady(h);
    const Endpoint last = Backends(kBackends).back();
    const std::string& stays = last.addresses[0];
    h.ResolveEndpoints({last}).IgnoreError();
    AllBecomeReady(h);
    for (int i = 0; i < 200; ++i) {
      if (const std::string where = Go(h); where != stays) return Cat("a call: ", where);
    }
    h.Advance(1h);  // Some keep a while what may come back.
    for (const std::string& a : h.Open()) {
      if (a != stays) return Cat(a, " is still open an hour later");
    }
    return "";
  }
  std::string LeavesIdle(PolicyHarness& h) {
    BeginReady(h);
    const size_t before = h.dialled().size();
    for (const std::string& a : h.Open()) {
      if (h.IsOpen(a) && h.StateOf(a) == H::kReady) h.Idle(a);
    }
    Wake(h);
    return h.dialled().size() == before ? "it didn't" : NotServing(h);
  }
  std::string LeavesNothing(PolicyHarness& h) {
    BeginReady(h);
    std::vector<H::Call> flying;
    for (int i = 0; i < 30; ++i) flying.push_back(Begin(h));
    const PickerRef last = h.DropPolicy();
    if (const std::string left = h.Leaks(); !left.empty()) return Cat("left: ", left);
    for (int i = 0; i < 30; ++i) (void)last->Pick(h.args());
    h.RunTurn();  // Nudges arrive nowhere.
    for (const H::Call& call : flying) h.End(call);
    h.Advance(1h);
    return "";
  }

  const ConformanceOptions& options_;
  std::string broken_;
};

}  // namespace

std::string Nonconformance(const ConformanceOptions& options) { return Conformance(options).Run(); }

std::string Nonconformance(PolicyFactory policy, std::string_view config) {
  const std::string list = Cat(R"([{")", policy.name, R"(":)", config, "}]");
  return Nonconformance(ConformanceOptions{.config = list, .policies = {std::move(policy)}});
}

}  // namespace rondo::testing
