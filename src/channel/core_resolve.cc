// Names and config: what the resolver says, which service config is in force (A21), and what the
// policy is told.
#include <chrono>
#include <cstdio>
#include <utility>

#include "balance/graceful_switch.h"
#include "base/json.h"
#include "base/text.h"
#include "channel/call.h"
#include "channel/core.h"
#include "channel/root_control.h"
#include "event/tls_network.h"
#include "resolve/builtin.h"
#include "resolve/host_port.h"

namespace rondo::channel {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kUserAgent = "grpc-c++-rondo/" RONDO_VERSION;

absl::Status CheckOptions(const ChannelOptions& o) {
  const BackoffOptions& b = o.backoff;
  if (!o.credentials.given()) {
    return absl::InvalidArgumentError(
        "channel: no credentials; set ChannelOptions::credentials to Tls(), or to Insecure() for "
        "plaintext");
  }
  for (const auto& c : o.credentials.calls) {
    if (c->NeedsSecurity() && o.credentials.tls == nullptr) {
      return absl::InvalidArgumentError(
          "channel: its call credentials are a secret, and plaintext connections may not carry it; "
          "set ChannelOptions::credentials to Tls().With(...)");
    }
  }
  if (b.base <= Duration{} || b.multiplier < 1 || b.jitter < 0 || b.jitter >= 1 || b.max < b.base ||
      b.min_connect_timeout <= Duration{}) {
    return absl::InvalidArgumentError(
        "channel: backoff must have 0 < base <= max, multiplier >= 1, 0 <= jitter < 1 and "
        "min_connect_timeout > 0");
  }
  if (o.stall.silence < milliseconds(1) || o.stall.answer < milliseconds(1)) {
    return absl::InvalidArgumentError(
        Cat("channel: stall.silence is ", ShortDuration(o.stall.silence), " and stall.answer ",
            ShortDuration(o.stall.answer), ", each should be at least 1ms"));
  }
  if (o.max_connections_per_subchannel == 0) {
    return absl::InvalidArgumentError(
        "channel: max_connections_per_subchannel is 0, it should be 1 or more");
  }
  if (o.max_connection_age != Duration{} &&
      (o.max_connection_age < seconds(1) || o.max_connection_age > std::chrono::hours(87600))) {
    return absl::InvalidArgumentError(Cat("channel: max_connection_age is ",
                                          ShortDuration(o.max_connection_age),
                                          ", it should be 0 (never) or from 1s to 10 years"));
  }
  const KeepaliveOptions& k = o.keepalive;
  if (k.time != Duration{} && k.time < seconds(10)) {  // A8.
    return absl::InvalidArgumentError(Cat("channel: keepalive.time is ", ShortDuration(k.time),
                                          ", it should be 0 (off) or at least 10s"));
  }
  if (k.timeout < seconds(1)) {
    return absl::InvalidArgumentError(Cat("channel: keepalive.timeout is ",
                                          ShortDuration(k.timeout), ", it should be at least 1s"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<Core>> Core::Create(std::string_view target, ChannelOptions options,
                                                   Environment env) {
  std::shared_ptr<Core> core(new Core(std::move(options), std::move(env)));
  core->self_ = core;
  if (absl::Status s = core->Init(target); !s.ok()) return s;
  // From here on the loop tells the channel when it stops; a loop that has stopped already never
  // runs this, and the channel is shut down from the start.
  if (!core->home_->Post([core] {
        if (!core->closed_) core->home_->WatchStop(*core);
      })) {
    core->closed_ = true;
    core->board_.Publish(ChannelState::kShutdown, absl::CancelledError("its loop has stopped"));
    return core;
  }
  core->JoinChannelz();
  return core;
}

absl::Status Core::Init(std::string_view target) {
  if (absl::Status s = CheckOptions(options_); !s.ok()) return s;
  const resolve::Registry resolvers(options_.resolvers);
  absl::StatusOr<resolve::Found> found = resolvers.Find(target, options_.default_scheme);
  if (!found.ok()) return found.status();
  target_ = found->target;
  resolver_factory_ = *found->factory;
  target_text_ = target_.text;
  const bool plain = options_.credentials.tls == nullptr;
  for (const auto& observer : options_.observers) {
    auto mine = observer->ForChannel(target_text_, plain ? "none" : "privacy_and_integrity");
    if (mine != nullptr) observers_.push_back(std::move(mine));
  }
  authority_ = options_.authority.empty() ? found->authority : options_.authority;
  if (absl::Status s = UseProxy(); !s.ok()) return s;
  if (absl::Status s = Secure(); !s.ok()) return s;
  heads_ = std::make_unique<MethodHeads>(
      authority_, options_.user_agent.empty() ? std::string(kUserAgent)
                                              : Cat(options_.user_agent, " ", kUserAgent));
  std::shared_ptr<const ServiceConfig> by_default;
  if (!options_.default_service_config.empty()) {
    auto parsed = ServiceConfig::Parse(options_.default_service_config, registry_);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(Cat(
          "channel: the provided default service config is invalid: ", parsed.status().message()));
    }
    by_default = *std::move(parsed);
    Warn("default service config", by_default->warnings());
  }
  const auto empty = ServiceConfig::Empty(registry_);
  configs_ = std::make_unique<ConfigInForce>(by_default, empty);
  published_config_ = by_default != nullptr ? by_default : empty;
  retry_budget_.Configure(published_config_->throttling());
  plans_.Publish({nullptr, published_config_});
  return absl::OkStatus();
}

absl::Status Core::Secure() {
  if (options_.credentials.tls == nullptr) return absl::OkStatus();
  const auto host = resolve::ParseHostPort(authority_);
  auto made = event::TlsClientNetwork(plain_network(), *options_.credentials.tls,
                                      host.ok() ? host->host : authority_);
  if (!made.ok()) {
    return absl::Status(made.status().code(), Cat("channel: ", made.status().message()));
  }
  secure_ = *std::move(made);
  return absl::OkStatus();
}

void Core::StartResolver() {
  auto made = resolver_factory_.make(
      target_, *home_, [this](Resolution r) { return OnResolution(std::move(r)); },
      ResolverOptions{.seed = chance_.Next()});
  if (!made.ok()) {  // As a resolver's error: calls fail, they don't hang.
    resolved_ = true;
    configs_->OnNoAnswer();
    return ApplyError(made.status());
  }
  resolver_ = *std::move(made);
  resolver_->Start();
}

// The answer tells the resolver whether to go on: an error means to try again, with backoff.
absl::Status Core::OnResolution(Resolution resolution) {
  if (!active()) return absl::CancelledError("the channel is idle");
  if (!std::exchange(resolved_, true)) {
    // What waited for the resolver now waits for a backend.
    queue_.ForEach([](Call& call) { call.NoteResolved(); });
  }
  if (!resolution.endpoints.ok()) {
    configs_->OnNoAnswer();
    ApplyError(resolution.endpoints.status());
    return resolution.endpoints.status();
  }
  answered_ = home_->Now();
  trouble_ = absl::OkStatus();
  if (!options_.use_resolver_service_config) resolution.service_config_json = std::nullopt;
  const absl::Status config = configs_->OnResolver(resolution.service_config_json, registry_);
  WarnOfResolversConfig(resolution.service_config_json);
  if (!config.ok()) {
    RefuseConfig(config);
    return config;
  }
  return Apply(*std::move(resolution.endpoints), std::move(resolution.note));
}

void Core::Warn(std::string_view config, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    const std::string text = Cat("rondo: ", ShortTarget(), ": ", config, ": ", warning);
    if (options_.on_warning) {
      options_.on_warning(text);
    } else {
      std::fprintf(stderr, "%s\n", text.c_str());
    }
  }
}

// Once for each new text: resolvers repeat themselves.
void Core::WarnOfResolversConfig(const std::optional<std::string>& json) {
  if (json == std::exchange(warned_of_, json) || !json.has_value()) return;
  if (const absl::Status& why = configs_->refused(); !why.ok()) {
    const std::string_view words = MessageOf(why);
    return Warn("service config of the resolver", {Cat("not used: ", words)});
  }
  Warn("service config of the resolver", configs_->resolvers_warnings());
}

absl::Status Core::Apply(EndpointList endpoints, std::string note) {
  endpoints_ = std::move(endpoints);
  note_ = std::move(note);
  RootControl control(*this);
  Update update{.endpoints = endpoints_,
                .config = std::make_shared<SwitchConfig>(configs_->current()->policy()),
                .note = note_,
                .settings = options_.policy_settings};
  home_->AtTurnEnd(*this);  // The config may be new although the policy publishes nothing.
  return root_->OnUpdate(update, control);
}

void Core::ApplyError(const absl::Status& why) {
  home_->AtTurnEnd(*this);
  trouble_ = why;
  trouble_at_ = home_->Now();
  RootControl control(*this);
  const absl::Status told(why.code(), Cat("name resolver error: ", why.message()));
  root_->OnResolverError(told, control);
}

// No config was ever in force: calls fail until there is one (A21).
void Core::RefuseConfig(const absl::Status& why) {
  OnPublish(Connectivity::kTransientFailure, FailPicker(why));
}

void Core::SetServiceConfig(std::shared_ptr<const ServiceConfig> config) {
  if (closed_) return;
  configs_->Override(std::move(config));
  if (!active() || !resolved_) return;
  if (configs_->current() == nullptr) return RefuseConfig(configs_->refused());
  Apply(endpoints_, note_).IgnoreError();
}

}  // namespace rondo::channel
