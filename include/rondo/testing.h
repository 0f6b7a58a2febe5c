#pragma once
// For tests of policies: a channel as a policy sees it, with no socket, no thread and no sleep.
// Time moves when the test says so, chance is seeded, backends do what they are told. It needs no
// test framework: what went wrong is a text, empty if nothing did.
// Link rondo::testing. Threads: one at a time.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "rondo/balance.h"
#include "rondo/policy.h"

namespace rondo {
class PolicyRegistry;
}

namespace rondo::testing {

// Where calls went: an address, "queue", "drop: ..." or an error's text -> how many.
using Spread = std::map<std::string, int>;
// Empty if every share (of 1) is as expected, give or take `tolerance`, and nothing else was
// called; else the offender, and the whole spread as a picture.
std::string Unlike(const Spread& spread, const std::map<std::string, double>& expected,
                   double tolerance = 0.02);
// One line a place, widest share first: "  a  420  42.0 %  ########".
std::string Picture(const Spread& spread);

// A transport attribute; connections of different tags are different. Its name is "address#tag".
struct Tag {
  std::string text;
  bool operator==(const Tag&) const = default;
};

struct HarnessOptions {
  uint64_t seed = 7;                      // Of all chance there is.
  std::vector<PolicyFactory> policies{};  // Yours, beside the built-in ones.
};

// The channel as policies see it. A test owns one, or its fixture derives from it. The policy sits
// below the switch that every channel has at its root, so a new config is a live switch.
class PolicyHarness {
 public:
  using Addresses = std::vector<std::string>;
  static constexpr Connectivity kReady = Connectivity::kReady,
                                kConnecting = Connectivity::kConnecting,
                                kIdle = Connectivity::kIdle,
                                kFailed = Connectivity::kTransientFailure;
  static constexpr Duration kLatency = std::chrono::milliseconds(1);

  explicit PolicyHarness(HarnessOptions options = {});
  PolicyHarness(const PolicyHarness&) = delete;
  PolicyHarness& operator=(const PolicyHarness&) = delete;
  virtual ~PolicyHarness();

  // ---- What the service's owner and the resolver do.
  void Add(PolicyFactory policy);  // As HarnessOptions::policies.
  // `policies` is a service config's loadBalancingConfig, R"([{"round_robin":{}}])". An error is as
  // a channel has it; then nothing changes. It counts from the next Resolve on.
  absl::Status Configure(std::string_view policies);
  // What is wrong with a config; empty: nothing.
  std::string ErrorOf(std::string_view policies);
  // Returns what the policy says of the list. Needs a Configure before.
  absl::Status ResolveEndpoints(std::vector<Endpoint> endpoints);
  absl::Status Resolve(const Addresses& addresses);
  // Configure, and Resolve, whose error isn't looked at.
  absl::Status Start(std::string_view policies, const Addresses& addresses);
  void ResolverFails(std::string_view why);
  void ExitIdle();
  // The policy goes, and calls queue. What it had published last may live on, as calls do that are
  // under way.
  PickerRef DropPolicy();

  // ---- What the network does. An address that isn't open is a mistake of the test: it throws
  // std::logic_error, which test frameworks report.
  void Become(const std::string& address, const SubchannelState& state);
  void Connecting(const std::string& address) { Become(address, {kConnecting, kReady, {}}); }
  void Ready(const std::string& address) { Become(address, {kReady, kReady, {}}); }
  void Idle(const std::string& address) { Become(address, {kIdle, kReady, {}}); }
  void Fails(const std::string& address, const std::string& why = "refused");
  void Health(const std::string& address, Connectivity health,
              const std::string& why = "not serving");
  void Suspect(const std::string& address, bool is);
  void AllReady(const Addresses& addresses);
  // From now on dials end by themselves, in the turn in which they began, as `answer` says; those
  // of which it says nothing stay CONNECTING. Empty: all do, as at first.
  void AnswerDials(std::function<std::optional<SubchannelState>(const std::string&)> answer);
  // From now on probes of ready backends (SubchannelHandle::Probe) are answered, in the turn in
  // which they were sent, with what `answer` says; those of which it says nothing, and all before,
  // are lost.
  void AnswerProbes(std::function<std::optional<LoadReport>(const std::string&)> answer);
  // Timers run when their time comes, one a turn.
  void Advance(Duration by);
  void AdvanceTo(Time when);
  std::optional<Time> NextTimer() const;  // Of those that aren't cancelled.

  // ---- Calls.
  struct Call {
    std::string where;  // As Spread's.
    PickResult result = Queue{};
    PickerRef picker;  // Keeps what the result lends.
  };
  Call Begin();  // With args().
  void End(const Call& call, absl::Status status = {}, const LoadReport* report = nullptr,
           Duration latency = kLatency);
  std::string Go(absl::Status status = {});  // Begin, End.
  Addresses Calls(int n);                    // Where each went, in order.
  // `concurrency` (>= 1) calls are in flight all the time; the oldest ends first.
  Spread Shares(int n, int concurrency = 1);
  // Hands out what pickers and policies left to be done in this turn. Only who uses picker()
  // itself needs it.
  void RunTurn();

  // ---- What can be seen.
  Connectivity state() const;          // Published last; CONNECTING at first.
  std::vector<Connectivity> States();  // Published since one asked last, without repetitions.
  const PickerRef& picker() const;
  PickArgs& args();        // Of the next calls. `chance`, `post` and `now` are filled in.
  Attributes& settings();  // The channel's, of the next updates.
  Time now() const;
  Addresses Open() const;  // Sorted.
  bool IsOpen(const std::string& address) const;
  LoadCell& Load(const std::string& address);              // Open only.
  Connectivity StateOf(const std::string& address) const;  // Open only.
  std::map<std::string, int>& dials();                     // How often each was dialled.
  Addresses& dialled();                                    // In order.
  std::map<std::string, int>& probes();                    // How often each was probed.
  std::map<std::string, Duration>& report_period();        // As asked for (A51); sums of handles.
  std::map<std::string, double>& metrics();                // By "policy's path: name".
  std::map<std::string, std::vector<double>>& samples();   // Of histograms, by the same.
  const std::vector<std::string>& warnings() const;        // Of the last Configure.
  int reresolutions() const;                               // How often news was asked for.
  int published() const;                                   // How often a state was published.
  int pickers_made() const;                                // One a turn at most.
  // What the policy still holds, in words: connections, timers, nudges. Empty after DropPolicy, or
  // something of the policy outlived it.
  std::string Leaks() const;

  // Draws of Control::Random; at first seeded.
  void DrawWith(std::function<uint64_t(uint64_t bound)> draw);
  const PolicyRegistry& registry() const;  // For the runtime's own tests.

  static Endpoint Named(const std::string& address, std::vector<std::string> path = {});
  static Endpoint Weighing(const std::string& address, uint32_t weight);
  static std::vector<Endpoint> In(const std::map<std::string, Addresses>& groups);

 private:
  class Channel;
  const std::unique_ptr<Channel> channel_;
};

// ---- Rules that every policy obeys
// ---------------------------------------------------------------

struct ConformanceOptions {
  std::string config{};                   // A loadBalancingConfig; needed.
  std::vector<PolicyFactory> policies{};  // Yours, beside the built-in ones.
  // Makes backend `i` of at most 8 (its address must be its own): zone, labels, path, whatever the
  // policy looks at. Empty: only an address.
  std::function<Endpoint(int i)> endpoint{};
  uint32_t seeds = 20;   // How many storms of events it goes through.
  uint32_t steps = 300;  // Of each.
};
// Empty if the policy conforms, else one line a broken rule: what, and after what. The rules stand
// in docs/howto/testing_policies.md.
std::string Nonconformance(const ConformanceOptions& options);
// In one line: EXPECT_EQ(rondo::testing::Nonconformance(rondo::Adapt<Mine>()), "");
// `config` is the policy's own piece.
std::string Nonconformance(PolicyFactory policy, std::string_view config = "{}");

}  // namespace rondo::testing
