#pragma once
// The balancing contract: what a policy may see, ask for and publish. Most policies are easier
// written in the short form of rondo/policy.h.
//
// Threads: all of this runs on the channel's home loop, one call at a time, except Picker, Nudge
// and LoadCell, which any thread may use. Handles (unique_ptr) own behaviour and live with the
// policy: dropping one ends what it stands for, also inside its own callback. References
// (shared_ptr<const T>) own memory only and may die on any thread. A callback never runs inside
// the call that registered it.
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/backend.h"
#include "rondo/endpoint.h"
#include "rondo/function.h"
#include "rondo/loop.h"
#include "rondo/pick.h"
#include "rondo/time.h"

namespace rondo {

class ConfigReader;
class Control;
class PolicyNode;

// gRPC's connectivity states, as subchannels and policies have them.
enum class Connectivity : uint8_t { kIdle, kConnecting, kReady, kTransientFailure };
std::string_view Name(Connectivity state);  // "IDLE", "CONNECTING", "READY", "TRANSIENT_FAILURE"

// `health` is what a health check (A17), or an ejecting parent (A50), says of a connection that is
// ready; it stays kReady for a subchannel opened without `watch_health`.
struct SubchannelState {
  Connectivity connectivity = Connectivity::kIdle;
  Connectivity health = Connectivity::kReady;
  absl::Status why{};  // Set when either is kTransientFailure. The text doesn't name the address.
  // As its LoadCell has it; a change of it alone is told, too. Only with kReady.
  bool suspect = false;
};

struct OpenOptions {
  std::string_view address;  // Lent for the call.
  bool watch_health = false;
  // More than 0: out-of-band load reports (A51) into the cell, at least so often if the server is
  // willing; the shortest of the handles on one connection counts. A server that has none to give
  // leaves the cell as it is.
  Duration report_period{};
  const Attributes* transport = nullptr;  // Lent. With the address it is the connection's identity.
};

// They are given a Control of their own; each may drop the handle it belongs to.
using OnSubchannelState = Function<void(const SubchannelState&, Control&)>;
using OnEvent = Function<void(Control&)>;
using OnProbe = Function<void(const LoadReport&)>;

// A connection that this policy wants. Handles on one address share one connection, which closes
// with the last of them: so a new policy takes over what an old one still holds.
class SubchannelHandle {
 public:
  virtual ~SubchannelHandle() = default;
  virtual SubchannelRef Ref() const = 0;
  // Acts only when idle. A subchannel never reconnects by itself: after a failure it is
  // kTransientFailure until its backoff is over, then idle.
  virtual void Connect() = 0;
  // Asks the server once how busy it is (rondo/load_probe.h), if it is ready. `reply` gets what it
  // said, in a later turn and at most once: not after `timeout` (> 0), nor after the handle's end,
  // nor where the server doesn't offer that, or too many are on the way.
  virtual void Probe(Duration /*timeout*/, OnProbe /*reply*/) {}
};
class NudgeHandle {
 public:
  virtual ~NudgeHandle() = default;
  virtual NudgeRef Ref() const = 0;
};
using Gauge = std::atomic<int64_t>;

// What a recipe may know of the moment in which it runs.
struct View {
  Time now;
  uint32_t shards;
  Chance& chance;
};

// One measurement that is the policy's own; the runtime counts states, opens and picks itself.
struct MetricPoint {
  struct Label {
    std::string_view key, value;
  };
  std::string_view name;  // gRPC's names where there is one (A78), else "rondo.lb.POLICY.THING".
  double value = 1;       // Added to a counter, unless there are samples.
  std::string_view
      policy{};  // Path from the root, "priority.p0.round_robin": the runtime fills it.
  std::span<const Label> labels{};
  // Not empty: each is recorded in a histogram, whose upper bounds, rising and of static life, are
  // the same each time that this name is told.
  std::span<const double> samples{};
  std::span<const double> bounds{};
};

// What a policy may ask for. Valid only during the call that passed it in: never store it.
class Control {
 public:
  // Makes the picker when the runtime wants it: at the end of the turn, on the home loop, while
  // the policy lives. One that is overtaken never runs, so publishing often costs nothing.
  using Recipe = Function<PickerRef(const View&)>;

  virtual ~Control() = default;
  // Reports the state it is in before the turn ends, never inline; an idle one is silent.
  [[nodiscard]] virtual std::unique_ptr<SubchannelHandle> Open(const OpenOptions& options,
                                                               OnSubchannelState on_state) = 0;
  // A note, not a call: the parent reads the last one after the policy has returned.
  virtual void Publish(Connectivity state, Recipe picker) = 0;
  // Asks the resolver for news; it may come late or never.
  virtual void Reresolve() = 0;
  // Once, `delay` from now (0 or less: in the next turn). Dropping the timer cancels it.
  [[nodiscard]] virtual std::unique_ptr<Timer> After(Duration delay, OnEvent fire) = 0;
  // `raised` runs whenever a picker raised the nudge, many raises in a turn being one.
  [[nodiscard]] virtual std::unique_ptr<NudgeHandle> OnNudge(OnEvent raised) = 0;
  // One number for each key and runtime, so that channels can share a limit. Starts at 0.
  virtual std::shared_ptr<Gauge> Shared(std::string_view key) = 0;
  virtual Time Now() const = 0;                 // The turn's time.
  virtual uint64_t Random(uint64_t bound) = 0;  // Uniform in [0, bound); bound > 0.
  virtual uint32_t Shards() const = 0;          // Every PickArgs::shard is below it; never changes.
  virtual void Metric(const MetricPoint& point) = 0;
  // For the runtime: whose Control this is, so that Channel::Explain can show the tree.
  virtual PolicyNode* Node() { return nullptr; }
};

// What a policy's `parse` made of its piece of the service config. Never changed.
struct PolicyConfig {
  virtual ~PolicyConfig() = default;
};
using ConfigRef = std::shared_ptr<const PolicyConfig>;

struct Update {
  EndpointList endpoints;
  ConfigRef config{};         // Made by this policy's own `parse`; null if it has none.
  std::string note{};         // From the resolver, for error text.
  bool watch_health = false;  // Set by a parent that spreads calls; pick_first passes it to Open().
  Attributes
      settings{};  // The channel's own, such as ConnectionAttemptDelay; parents pass them on.
};

// How long pick_first waits for one address before it tries the next beside it (A61). Kept within
// 100 ms .. 2 s. A setting of the channel (Update::settings).
struct ConnectionAttemptDelay {
  Duration value = std::chrono::milliseconds(250);
  bool operator==(const ConnectionAttemptDelay&) const = default;
};

// How long a policy that spreads calls holds its first calls back, so that they don't all go to the
// backend that was ready first: until so many are ready, or all that can be, or the time is over. A
// setting of the channel (Update::settings).
struct StartupWait {
  uint32_t ready = 1;  // 1: no wait.
  Duration at_most{};  // From the first endpoints.
  bool operator==(const StartupWait&) const = default;
};

// The most entries that ring_hash's ring has, whatever a service config asks for (A42). Kept within
// 1 .. 8,388,608. A setting of the channel (Update::settings).
struct RingSizeCap {
  uint32_t value = 4096;
  bool operator==(const RingSizeCap&) const = default;
};

// A node of the tree. Destroying it ends all it has begun.
class Policy {
 public:
  virtual ~Policy() = default;
  // An error tells that the update can't be used: the runtime then asks the resolver again, with
  // backoff. The policy has published what calls shall see meanwhile.
  virtual absl::Status OnUpdate(const Update& update, Control& control) = 0;
  // The resolver has no news but trouble: "name resolver error: ...". A policy that serves goes on
  // serving (A62).
  virtual void OnResolverError(const absl::Status& why, Control& control) = 0;
  // Somebody wants a connection: leave IDLE.
  virtual void OnIdleExit(Control& /*control*/) {}
};

// How a policy is found by name, and made. Copied freely.
struct PolicyFactory {
  std::string name;  // As in the service config; case counts.
  // An error is told by the reader. Empty: any config is accepted and ignored.
  std::function<absl::StatusOr<ConfigRef>(ConfigReader&)> parse{};
  std::function<std::unique_ptr<Policy>()> make{};
  int watches = 0;  // How often its pickers call Tell() a pick; at most 4 on a path of the tree.
  // True: it reads the load reports that come with calls (A51), in CallEnd or in cells. Where no
  // policy of the service config does, they aren't looked at.
  bool call_reports = false;
};
using FactoryRef = std::shared_ptr<const PolicyFactory>;

// Recipes that every policy needs.
Control::Recipe QueuePicker();                     // Every call waits.
Control::Recipe FailPicker(absl::Status status);   // Every call that doesn't wait for ready fails.
Control::Recipe NudgePicker(NudgeRef nudge);       // Raises it and queues.
Control::Recipe OnePicker(SubchannelRef backend);  // Always this one.

}  // namespace rondo
