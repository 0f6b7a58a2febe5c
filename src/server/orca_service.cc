// The load report service: one periodic stream for each client that asks, on its call's loop.
#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include "base/text.h"
#include "rondo/orca.h"
#include "server/service_protos.h"
#include "wire/load_report.h"
#include "wire/proto_fields.h"

namespace rondo {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Method kStream{"/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics", false, true};
constexpr Duration kLongest = std::chrono::hours(24 * 365);

// A google.protobuf.Duration; what is negative or none counts as 0.
Duration ReadDuration(std::string_view bytes, bool& good) {
  wire::ProtoReader reader(bytes);
  int64_t whole = 0, nanos = 0;
  while (reader.Next()) {
    if (reader.field() == 1) whole = static_cast<int64_t>(reader.number());
    if (reader.field() == 2) nanos = static_cast<int64_t>(reader.number());
  }
  good = reader.good();
  if (whole < 0 || nanos < 0) return {};
  whole = std::min<int64_t>(whole, std::chrono::duration_cast<seconds>(kLongest).count());
  nanos = std::min<int64_t>(nanos, 999'999'999);
  return seconds(whole) + std::chrono::nanoseconds(nanos);
}

// The interval in an OrcaLoadReportRequest. False: the bytes are none.
bool ReadInterval(Bytes request, Duration& interval) {
  wire::ProtoReader reader(request);
  bool good = true;
  while (good && reader.Next()) {
    if (reader.field() == 1 && reader.is_text()) interval = ReadDuration(reader.text(), good);
  }
  return good && reader.good();
}

}  // namespace

// Outlives the service while streams run.
class OrcaService::State : public std::enable_shared_from_this<State> {
 public:
  State(ServerLoad load, OrcaOptions options) : load_(std::move(load)), options_(options) {}

  absl::Status Check() const {
    if (options_.min_report_period >= milliseconds(1)) return absl::OkStatus();
    return absl::InvalidArgumentError(Cat(
        "orca: min_report_period is ",
        std::chrono::duration_cast<std::chrono::nanoseconds>(options_.min_report_period).count(),
        " ns, it should be 1 ms or more"));
  }
  void Begin(ServerCall& call, Bytes request);
  void Drain();

 private:
  // One call. Threads: its loop's.
  class Stream : public std::enable_shared_from_this<Stream> {
   public:
    Stream(std::shared_ptr<State> state, ServerCall& call, Duration period)
        : state_(std::move(state)), call_(&call), loop_(call.loop()), period_(period) {}
    void Begin() {
      call_->OnCancel(
          [s = shared_from_this()] { s->End(absl::CancelledError("the caller has gone")); });
      Report();
    }
    void EndSoon() {  // Any thread.
      loop_.Post([s = shared_from_this()] {
        s->End(absl::UnavailableError("orca: the server is draining"));
      });
    }

   private:
    void Report();
    void End(const absl::Status& why);

    const std::shared_ptr<State> state_;
    ServerCall* call_;  // Null once ended.
    Loop& loop_;        // Stops after its calls have ended, and so has this.
    const Duration period_;
    std::unique_ptr<Timer> timer_;
  };

  const ServerLoad load_;
  const OrcaOptions options_;
  std::mutex mutex_;  // Guards all that follows.
  std::vector<std::shared_ptr<Stream>> streams_;
  bool draining_ = false;
};

// The next report is due a period after there was room for this one.
void OrcaService::State::Stream::Report() {
  if (call_ == nullptr) return;
  call_->Write(FrameMessage(wire::EncodeLoadReport(state_->load_.Get())),
               [s = shared_from_this()](bool) {
                 if (s->call_ == nullptr) return;
                 s->timer_ = s->loop_.After(s->period_, [weak = s->weak_from_this()] {
                   if (const auto stream = weak.lock()) stream->Report();
                 });
               });
}

void OrcaService::State::Stream::End(const absl::Status& why) {
  if (call_ == nullptr) return;
  const auto self = shared_from_this();
  {
    const std::lock_guard lock(state_->mutex_);
    std::erase(state_->streams_, self);
  }
  timer_ = nullptr;
  std::exchange(call_, nullptr)->Finish(why);
}

void OrcaService::State::Begin(ServerCall& call, Bytes request) {
  Duration period{};
  if (!ReadInterval(request, period)) {
    return call.Finish(
        absl::InternalError(Cat(call.method(), ": the request is no OrcaLoadReportRequest")));
  }
  const auto stream = std::make_shared<Stream>(shared_from_this(), call,
                                               std::max(period, options_.min_report_period));
  bool draining = false;
  {
    const std::lock_guard lock(mutex_);
    streams_.push_back(stream);
    draining = draining_;
  }
  stream->Begin();
  if (draining) stream->EndSoon();
}

void OrcaService::State::Drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  for (const auto& stream : streams_) stream->EndSoon();
}

// ---- The public face.

OrcaService::OrcaService(const ServerLoad& load, OrcaOptions options)
    : state_(std::make_shared<State>(load, options)) {}
OrcaService::~OrcaService() = default;

void OrcaService::OnDrain() { state_->Drain(); }

absl::Status OrcaService::OnStart(const ServedServices&) { return state_->Check(); }

std::vector<ServerMethod> OrcaService::Methods() {
  return {{&kStream, [s = state_](ServerCall& call, Bytes request) { s->Begin(call, request); },
           /*always_admitted=*/true}};
}

std::string_view OrcaService::ProtoFile() const { return server::OrcaProto(); }

}  // namespace rondo
