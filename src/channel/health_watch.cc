#include "channel/health_watch.h"

#include <utility>

#include "base/text.h"
#include "channel/core.h"
#include "wire/proto_fields.h"
#include "wire/status_codec.h"

namespace rondo::channel {
namespace {

constexpr Method kWatch{"/grpc.health.v1.Health/Watch", false, true};
constexpr size_t kMostResponseBytes = 4096;  // Of a HealthCheckResponse, which has 2.
constexpr uint64_t kServing = 1;

std::string NameOf(uint64_t status) {
  constexpr std::string_view kNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return status < std::size(kNames) ? std::string(kNames[status]) : Cat("status ", status);
}

// HealthCheckRequest.
std::string Request(std::string_view service) {
  std::string body;
  if (!service.empty()) wire::AppendText(body, 1, service);
  return body;
}

}  // namespace

HealthWatch::HealthWatch(Core& core, Carrier& carrier, std::string service, std::string address,
                         Word before, Owner& owner)
    : ServiceWatch(core, carrier, kWatch, Request(service), kMostResponseBytes),
      service_(std::move(service)),
      address_(std::move(address)),
      owner_(owner),
      word_(std::move(before)) {
  Open();
}

absl::Status HealthWatch::OnReply(Bytes reply) {
  uint64_t status = 0;
  wire::ProtoReader reader(reply);
  while (reader.Next()) {
    if (reader.field() == 1 && !reader.is_text()) status = reader.number();
  }
  if (!reader.good()) return absl::InternalError("its answer is no HealthCheckResponse");
  if (status == kServing) {
    Become(Connectivity::kReady, absl::OkStatus());
  } else {
    Become(Connectivity::kTransientFailure,
           absl::UnavailableError(
               service_.empty() ? Cat("the server says that it is ", NameOf(status))
                                : Cat("the server says that ", service_, " is ", NameOf(status))));
  }
  return absl::OkStatus();
}

// A17: a server without the service counts as healthy, for as long as the connection lasts.
void HealthWatch::OnUnimplemented(const absl::Status& why) {
  core().WarnOf(address_, Cat("healthCheckConfig: the server has no health service, so every "
                              "connection to it counts as healthy: ",
                              MessageOf(why)));
  Become(Connectivity::kReady, absl::OkStatus());
}

// Whatever the watch ended with: that says nothing good.
void HealthWatch::OnGivenUp(const absl::Status& why) {
  gave_up_ = true;
  Become(Connectivity::kTransientFailure,
         absl::UnavailableError(Cat("the watch ended with ", wire::CodeName(why.code()),
                                    why.message().empty() ? "" : ": ", MessageOf(why))));
}

void HealthWatch::Become(Connectivity health, absl::Status why) {
  if (health == word_.health && why == word_.why) return;
  word_ = {health, std::move(why)};
  owner_.OnHealth();
}

}  // namespace rondo::channel
