#include "channel/service_config.h"

#include <algorithm>
#include <cctype>

#include "balance/lb_config.h"
#include "base/json.h"
#include "base/text.h"

namespace rondo::channel {
namespace {

// Fields of gRPC's service config that this version reads and doesn't act on.
constexpr std::string_view kIgnored[] = {"retryThrottling", "healthCheckConfig",
                                         "connectionScaling"};

void WarnIgnored(std::string_view name, ConfigReader& reader, std::vector<std::string>& warnings) {
  if (reader.Has(name)) warnings.push_back(Cat(name, ": not acted on by this version"));
}

std::optional<size_t> Size(ConfigReader& reader, std::string_view name) {
  if (!reader.Has(name)) return std::nullopt;
  int64_t bytes = 0;
  reader.Number(name, bytes);
  return static_cast<size_t>(bytes);
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
  for (const std::string_view ignored : kIgnored) WarnIgnored(ignored, reader, issues.warnings);
  reader.Finish();
  if (!issues.error.ok()) return issues.error;
  for (std::string& w : issues.warnings) config->warnings_.push_back(std::move(w));
  return config;
}

std::shared_ptr<const ServiceConfig> ServiceConfig::Empty(const PolicyRegistry& registry) {
  auto config = std::make_shared<ServiceConfig>();
  config->policy_.factory = registry.Find("pick_first");
  return config;
}

void ServiceConfig::ReadMethod(ConfigReader& reader) {
  MethodConfig method;
  if (reader.Has("waitForReady")) reader.Bool("waitForReady", method.wait_for_ready.emplace());
  if (reader.Has("timeout")) reader.Seconds("timeout", method.timeout.emplace());
  method.max_request_bytes = Size(reader, "maxRequestMessageBytes");
  method.max_response_bytes = Size(reader, "maxResponseMessageBytes");
  WarnIgnored("retryPolicy", reader, warnings_);
  WarnIgnored("hedgingPolicy", reader, warnings_);
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

void ConfigInForce::OnNoAnswer() {
  if (chosen_ == nullptr) chosen_ = default_ != nullptr ? default_ : empty_;
}

}  // namespace rondo::channel
