#include "channel/service_config.h"

#include <algorithm>
#include <cctype>

#include "balance/lb_config.h"
#include "base/json.h"
#include "base/text.h"

namespace rondo::channel {
namespace {

std::optional<size_t> Size(ConfigReader& reader, std::string_view name) {
  if (!reader.Has(name)) return std::nullopt;
  int64_t bytes = 0;
  reader.Number(name, bytes);
  return static_cast<size_t>(bytes);
}

// A duration that must be there and more than nothing.
void NeedSeconds(ConfigReader& reader, std::string_view name, Duration& out) {
  reader.Need(name);
  reader.Seconds(name, out);
  if (reader.ok() && out <= Duration{}) reader.Bad(name, "must be more than 0s");
}

// gRFC A6.
std::optional<retry::Policy> ReadRetry(ConfigReader& method) {
  std::optional<retry::Policy> policy;
  method.Object("retryPolicy", [&](ConfigReader& reader) {
    retry::Policy& p = policy.emplace();
    reader.Need("maxAttempts");
    reader.Number("maxAttempts", p.max_attempts, 2);
    NeedSeconds(reader, "initialBackoff", p.initial_backoff);
    NeedSeconds(reader, "maxBackoff", p.max_backoff);
    reader.Need("backoffMultiplier");
    reader.Number("backoffMultiplier", p.multiplier, 0.0);
    if (reader.ok() && p.multiplier <= 0) reader.Bad("backoffMultiplier", "must be more than 0");
    reader.Need("retryableStatusCodes");
    reader.Codes("retryableStatusCodes", p.codes.bits);
    if (reader.ok() && p.codes.bits == 0) {
      reader.Bad("retryableStatusCodes", "must name a status code");
    }
  });
  return policy;
}

std::optional<retry::Hedging> ReadHedging(ConfigReader& method) {
  std::optional<retry::Hedging> policy;
  method.Object("hedgingPolicy", [&](ConfigReader& reader) {
    retry::Hedging& p = policy.emplace();
    reader.Need("maxAttempts");
    reader.Number("maxAttempts", p.max_attempts, 2);
    reader.Seconds("hedgingDelay", p.delay);
    reader.Codes("nonFatalStatusCodes", p.non_fatal.bits);
  });
  return policy;
}

// gRFC A6: three decimals of the ratio count.
std::optional<retry::Throttling> ReadThrottling(ConfigReader& config) {
  std::optional<retry::Throttling> throttling;
  config.Object("retryThrottling", [&](ConfigReader& reader) {
    double max = 0, ratio = 0;
    reader.Need("maxTokens");
    reader.Number("maxTokens", max, 0.0, 1000.0);
    if (reader.ok() && max < 0.001) reader.Bad("maxTokens", "must be more than 0");
    reader.Need("tokenRatio");
    reader.Number("tokenRatio", ratio, 0.0);
    if (reader.ok() && ratio < 0.001) reader.Bad("tokenRatio", "must be at least 0.001");
    // More than all tokens can't be given back; the sums stay small.
    throttling = {static_cast<int64_t>(max * 1000 + 0.0005),
                  static_cast<int64_t>(std::min(ratio, 1000.0) * 1000 + 0.0005)};
  });
  return throttling;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ServiceConfig>> ServiceConfig::Parse(
    std::string_view json, const PolicyRegistry& registry) {
  absl::StatusOr<Json> value = Json::Parse(json);
  if (!value.ok()) return value.status();
  if (!value->is(Json::Kind::kObject)) {
    return absl::InvalidArgumentError(Cat(value->where(), ": a service config is an object"));
  }
  auto config = std::make_shared<ServiceConfig>();
  config->json_ = json;
  ConfigIssues issues;
  ConfigReader reader(*value, registry, "", issues);
  const Json* list = value->Find("loadBalancingConfig");
  const Json* name = value->Find("loadBalancingPolicy");
  if (reader.Has("loadBalancingConfig")) {
    config->policy_ = ReadPolicyList(*list, "loadBalancingConfig", registry, issues);
  } else if (reader.Has("loadBalancingPolicy")) {
    config->policy_ = ReadPolicyName(*name, "loadBalancingPolicy", registry, issues);
  } else {
    config->policy_.factory = registry.Find("pick_first");
  }
  reader.Has("loadBalancingPolicy");  // Known also when the list wins.
  reader.List("methodConfig", [&](ConfigReader& entry) { config->ReadMethod(entry); });
  config->throttling_ = ReadThrottling(reader);
  config->ReadHealthCheck(reader);
  reader.Object("connectionScaling", [&](ConfigReader& scaling) {
    scaling.Number("maxConnectionsPerSubchannel", config->max_connections_, uint32_t{1});
  });
  reader.Finish();
  if (!issues.error.ok()) return issues.error;
  config->call_reports_ = issues.call_reports;
  for (std::string& w : issues.warnings) config->warnings_.push_back(std::move(w));
  return config;
}

std::shared_ptr<const ServiceConfig> ServiceConfig::Empty(const PolicyRegistry& registry) {
  auto config = std::make_shared<ServiceConfig>();
  config->policy_.factory = registry.Find("pick_first");
  return config;
}

// A17. Its policies are those that spread calls: pick_first has one connection, which calls may as
// well try.
void ServiceConfig::ReadHealthCheck(ConfigReader& reader) {
  reader.Object("healthCheckConfig", [this](ConfigReader& health) {
    health.Text("serviceName", health_service_.emplace());
  });
  if (!health_service_ || policy_.factory == nullptr || policy_.factory->name != "pick_first")
    return;
  reader.Bad("healthCheckConfig",
             "pick_first watches no health; choose a policy that spreads calls, such as "
             "round_robin, or leave it out");
}

void ServiceConfig::ReadMethod(ConfigReader& reader) {
  MethodConfig method;
  if (reader.Has("waitForReady")) reader.Bool("waitForReady", method.wait_for_ready.emplace());
  if (reader.Has("timeout")) reader.Seconds("timeout", method.timeout.emplace());
  method.max_request_bytes = Size(reader, "maxRequestMessageBytes");
  method.max_response_bytes = Size(reader, "maxResponseMessageBytes");
  method.retry = ReadRetry(reader);
  method.hedging = ReadHedging(reader);
  reader.Bool("avoidTriedBackends", method.avoid_tried);
  if (method.retry && method.hedging) {
    return reader.Bad("hedgingPolicy", "can't be had together with a retryPolicy; leave one out");
  }
  const auto shared = std::make_shared<const MethodConfig>(method);
  reader.List("name", [&](ConfigReader& name) {
    std::string service, rpc;
    name.Text("service", service);
    name.Text("method", rpc);
    if (service.empty() && !rpc.empty()) {
      return name.Bad("method", Cat("\"", rpc, "\" needs a service beside it"));
    }
    if (!methods_.emplace(Cat(service, "/", rpc), shared).second) {
      name.Bad("", Cat("\"", service, "/", rpc, "\" is named by an earlier entry too"));
    }
  });
}

const MethodConfig* ServiceConfig::Find(std::string_view path) const {
  if (methods_.empty()) return nullptr;
  if (!path.empty()) path.remove_prefix(1);  // "service/method"
  for (const std::string_view key : {path, path.substr(0, path.find('/') + 1), {"/"}}) {
    if (auto it = methods_.find(key); it != methods_.end()) return it->second.get();
  }
  return nullptr;
}

absl::Status ConfigInForce::OnResolver(const std::optional<std::string>& json,
                                       const PolicyRegistry& registry) {
  refused_ = absl::OkStatus();
  if (!json.has_value()) {
    chosen_ = default_ != nullptr ? default_ : empty_;
    return absl::OkStatus();
  }
  absl::StatusOr<Ref> parsed = ServiceConfig::Parse(*json, registry);
  if (parsed.ok()) {
    chosen_ = *std::move(parsed);
    return absl::OkStatus();
  }
  refused_ = absl::UnavailableError(
      Cat("error parsing service config: ", absl::string_view(parsed.status().message())));
  if (chosen_ == nullptr) chosen_ = default_;
  return current() != nullptr ? absl::OkStatus() : refused_;
}

std::string_view ConfigInForce::source() const {
  if (override_ != nullptr) return "SetServiceConfig";
  const Ref now = chosen_ != nullptr ? chosen_ : default_ != nullptr ? default_ : empty_;
  if (chosen_ == nullptr && !refused_.ok()) return "none";
  if (now == default_) return "default service config";
  return now == empty_ ? "built in" : "resolver";
}

void ConfigInForce::OnNoAnswer() {
  if (chosen_ == nullptr) chosen_ = default_ != nullptr ? default_ : empty_;
}

}  // namespace rondo::channel
