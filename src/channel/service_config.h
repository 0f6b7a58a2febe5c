#pragma once
// A service config: which policy balances, and what each method gets (A2, A21; gRPC's
// service_config.proto).
// Threads: any; it is never changed.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "balance/registry.h"
#include "channel/retry_state.h"
#include "rondo/config.h"
#include "rondo/time.h"

namespace rondo::channel {

struct MethodConfig {
  std::optional<bool> wait_for_ready{};       // The call's own word wins.
  std::optional<Duration> timeout{};          // The earlier of this and the call's deadline counts.
  std::optional<size_t> max_request_bytes{};  // The smaller of this and the channel's counts.
  std::optional<size_t> max_response_bytes{};  // Likewise.
  std::optional<retry::Policy> retry{};
  std::optional<retry::Hedging> hedging{};  // Never both.
  // Ours, not gRPC's: whether the picker hears whom the call has tried.
  bool avoid_tried = true;
};

class ServiceConfig {
 public:
  // Unknown fields are ignored, as A21 says, and told in `warnings`. Everything else that is wrong
  // makes the whole config invalid: INVALID_ARGUMENT, `line:column: path: what`.
  static absl::StatusOr<std::shared_ptr<const ServiceConfig>> Parse(std::string_view json,
                                                                    const PolicyRegistry& registry);
  // What a channel has that was given none: pick_first and nothing else.
  static std::shared_ptr<const ServiceConfig> Empty(const PolicyRegistry& registry);

  const ChildConfig& policy() const { return policy_; }
  const std::string& json() const { return json_; }  // As it was given; empty: built in.
  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::optional<retry::Throttling>& throttling() const { return throttling_; }
  bool call_reports() const { return call_reports_; }  // As PolicyFactory::call_reports.
  // healthCheckConfig.serviceName (A17); nullopt: nothing is watched.
  const std::optional<std::string>& health_service() const { return health_service_; }
  // connectionScaling.maxConnectionsPerSubchannel (A105).
  size_t max_connections() const { return max_connections_; }
  // Of "/package.Service/Method": the entry of the method, else of the service, else the default
  // one `{}`; the first found is used whole. Null: nothing is said of it.
  const MethodConfig* Find(std::string_view path) const;
  // By "service/method", "service/" or "/" (the default). Several names may share one.
  using Methods = std::map<std::string, std::shared_ptr<const MethodConfig>, std::less<>>;
  const Methods& methods() const { return methods_; }

 private:
  void ReadMethod(ConfigReader& reader);
  void ReadHealthCheck(ConfigReader& reader);
  std::string json_;
  ChildConfig policy_;
  bool call_reports_ = false;
  std::optional<retry::Throttling> throttling_;
  std::optional<std::string> health_service_;
  uint32_t max_connections_ = 1;
  Methods methods_;
  std::vector<std::string> warnings_;
};

// Which of several service configs is in force (A21): the one set by hand, else the resolver's,
// else the default one, else the empty one. One that is invalid takes no other's place, unless it
// is the resolver's first and there is a default.
class ConfigInForce {
 public:
  using Ref = std::shared_ptr<const ServiceConfig>;
  ConfigInForce(Ref default_config, Ref empty)
      : default_(std::move(default_config)), empty_(std::move(empty)) {}

  void Override(Ref config) { override_ = std::move(config); }  // Null ends it.
  // What the resolver sent with its endpoints. An error is returned when no config can be in force.
  absl::Status OnResolver(const std::optional<std::string>& json, const PolicyRegistry& registry);
  void OnNoAnswer();  // The resolver failed before it ever sent a config.
  Ref current() const { return override_ != nullptr ? override_ : chosen_; }
  const std::vector<std::string>& resolvers_warnings() const { return chosen_->warnings(); }
  // In the words of Explanation::Config::source.
  std::string_view source() const;
  // Why the resolver's last config isn't in force, if so.
  const absl::Status& refused() const { return refused_; }

 private:
  const Ref default_, empty_;
  Ref override_, chosen_;  // chosen_: null until the resolver has spoken.
  absl::Status refused_;
};

}  // namespace rondo::channel
