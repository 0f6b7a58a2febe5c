#include "channel/load_watch.h"

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "channel/core.h"
#include "wire/load_report.h"
#include "wire/proto_fields.h"

namespace rondo::channel {
namespace {

constexpr Method kStream{"/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics", false, true};
constexpr size_t kMostReportBytes = 64 << 10;  // Of a report.

// OrcaLoadReportRequest: a google.protobuf.Duration.
std::string Request(Duration period) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(period);
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(period - seconds).count();
  std::string duration, request;
  if (seconds.count() != 0) {
    wire::AppendNumber(duration, 1, static_cast<uint64_t>(seconds.count()));
  }
  if (nanos != 0) wire::AppendNumber(duration, 2, static_cast<uint64_t>(nanos));
  wire::AppendText(request, 1, duration);
  return request;
}

}  // namespace

LoadWatch::LoadWatch(Core& core, Carrier& carrier, std::shared_ptr<Backend> backend,
                     Duration period)
    : ServiceWatch(core, carrier, kStream, Request(period), kMostReportBytes),
      backend_(std::move(backend)),
      period_(period) {
  Open();
}

absl::Status LoadWatch::OnReply(Bytes reply) {
  std::optional<LoadReport> report =
      wire::DecodeLoadReport({reinterpret_cast<const char*>(reply.data()), reply.size()});
  if (report) {
    report->at = core().home().Now();
    backend_->load.Put(ReportSource::kOutOfBand, *report);
  } else {
    backend_->load.RefuseReport();
  }
  return absl::OkStatus();  // One bad report says nothing of the next.
}

void LoadWatch::OnUnimplemented(const absl::Status& why) {
  core().WarnOf(backend_->address,
                Cat("the policy asks for out-of-band load reports, which the server doesn't give: ",
                    MessageOf(why)));
}

}  // namespace rondo::channel
