#include "balance/builtin.h"
#include "base/text.h"
#include "channel/call_record.h"
#include "channel/service_config.h"
#include "rondo/service_config.h"

namespace rondo {
namespace {

using channel::MethodConfig;
using channel::ShortDuration;

std::string Names(channel::retry::Codes codes) {
  std::string out;
  for (int code = 0; code < 32; ++code) {
    if ((codes.bits >> code & 1) == 0) continue;
    Append(out, Cat(out.empty() ? "" : ", ",
                    absl::StatusCodeToString(static_cast<absl::StatusCode>(code))));
  }
  return out;
}

std::string Says(const MethodConfig& method) {
  std::string out;
  const auto say = [&out](std::string_view what) {
    Append(out, Cat(out.empty() ? "" : "; ", what));
  };
  if (method.timeout) say(Cat("timeout ", ShortDuration(*method.timeout)));
  if (method.wait_for_ready) say(*method.wait_for_ready ? "waits for ready" : "fails fast");
  if (method.max_request_bytes) say(Cat("requests up to ", *method.max_request_bytes, " bytes"));
  if (method.max_response_bytes) say(Cat("replies up to ", *method.max_response_bytes, " bytes"));
  if (method.retry) {
    say(Cat("up to ", method.retry->max_attempts, " attempts, after ",
            ShortDuration(method.retry->initial_backoff), " to ",
            ShortDuration(method.retry->max_backoff), ", on ", Names(method.retry->codes)));
  }
  if (method.hedging) {
    say(Cat("hedged, up to ", method.hedging->max_attempts, " attempts, one every ",
            ShortDuration(method.hedging->delay)));
  }
  if (!method.avoid_tried) say("attempts may go where the call has been");
  return out;
}

}  // namespace

absl::StatusOr<ServiceConfigReport> CheckServiceConfig(std::string_view json,
                                                       std::vector<PolicyFactory> policies) {
  const auto config = channel::ServiceConfig::Parse(json, BuiltinPolicies(std::move(policies)));
  if (!config.ok()) return config.status();
  ServiceConfigReport report{.policy = (*config)->policy().factory->name,
                             .warnings = (*config)->warnings()};
  for (const auto& [name, method] : (*config)->methods()) {
    report.methods.push_back({name, Says(*method)});
  }
  return report;
}

std::vector<std::string> BuiltinPolicyNames() { return BuiltinPolicies().Names(); }

}  // namespace rondo
