// gRPC's cases of load reports (A51): what the server was told to report reaches the policy.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "interop_cases.h"
#include "rondo/balance.h"

namespace rondo::interop {
namespace {

using namespace std::chrono_literals;
using grpc::testing::TestOrcaReport;

// What the policy has heard last.
struct Heard {
  std::mutex mutex;  // Guards what follows.
  TestOrcaReport report;
  TestOrcaReport out_of_band;
  std::condition_variable changed;  // out_of_band, perhaps.
};

bool Same(const TestOrcaReport& a, const TestOrcaReport& b) {
  const auto map = [](const auto& entries) {
    return std::map<std::string, double>(entries.begin(), entries.end());
  };
  return a.cpu_utilization() == b.cpu_utilization() &&
         a.memory_utilization() == b.memory_utilization() &&
         map(a.request_cost()) == map(b.request_cost()) &&
         map(a.utilization()) == map(b.utilization());
}

TestOrcaReport FromReport(const LoadReport& report, const std::vector<NamedFigure>& named) {
  TestOrcaReport out;
  out.set_cpu_utilization(report.cpu);
  out.set_memory_utilization(report.memory);
  const auto put = [](const NamedFigure& figure, const std::string& kind, auto& into) {
    if (figure.name.starts_with(kind)) into[figure.name.substr(kind.size())] = figure.value;
  };
  for (const NamedFigure& figure : named) {
    put(figure, "request_cost.", *out.mutable_request_cost());
    put(figure, "utilization.", *out.mutable_utilization());
  }
  return out;
}

// Calls its one backend, and takes note of what each call says, or else of what the backend said
// out of band: gRPC's test_backend_metrics_load_balancer.
class ListeningPicker final : public Picker {
 public:
  ListeningPicker(SubchannelRef backend, std::shared_ptr<Heard> heard)
      : backend_(std::move(backend)), heard_(std::move(heard)) {}
  PickResult Pick(const PickArgs&) const override {
    PickResult result = Picked{backend_.get()};
    result.Tell(this, 0);
    return result;
  }
  void OnDone(uint64_t, const CallEnd& end) const override {
    const LoadCell& cell = backend_->load;
    TestOrcaReport report;
    if (end.report != nullptr) report = FromReport(*end.report, end.report->named);
    if (Same(report, {})) {
      report =
          FromReport(cell.Report(ReportSource::kOutOfBand), cell.Named(ReportSource::kOutOfBand));
    }
    const std::lock_guard lock(heard_->mutex);
    heard_->report = std::move(report);
  }

 private:
  const SubchannelRef backend_;
  const std::shared_ptr<Heard> heard_;
};

class Listening final : public Policy {
 public:
  explicit Listening(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}
  absl::Status OnUpdate(const Update& update, Control& control) override {
    if (handle_ != nullptr) return absl::OkStatus();
    if (update.endpoints.empty()) return absl::UnavailableError("no address");
    handle_ =
        control.Open({.address = update.endpoints[0].addresses[0], .report_period = 1s},
                     [this](const SubchannelState& state, Control& c) {
                       if (state.connectivity == Connectivity::kIdle) handle_->Connect();
                       c.Publish(state.connectivity, [this, state](const View& view) -> PickerRef {
                         if (state.connectivity == Connectivity::kTransientFailure) {
                           return FailPicker(state.why)(view);
                         }
                         if (state.connectivity != Connectivity::kReady) return QueuePicker()(view);
                         return std::make_shared<ListeningPicker>(handle_->Ref(), heard_);
                       });
                     });
    handle_->Connect();
    Look(control);
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status& why, Control& control) override {
    if (handle_ == nullptr) control.Publish(Connectivity::kTransientFailure, FailPicker(why));
  }

 private:
  // Nobody is told of a report out of band: it is in the cell when it has come.
  void Look(Control& control) {
    look_again_ = control.After(10ms, [this](Control& c) { Look(c); });
    const LoadCell& cell = handle_->Ref()->load;
    TestOrcaReport report =
        FromReport(cell.Report(ReportSource::kOutOfBand), cell.Named(ReportSource::kOutOfBand));
    const std::lock_guard lock(heard_->mutex);
    heard_->out_of_band = std::move(report);
    heard_->changed.notify_all();
  }

  const std::shared_ptr<Heard> heard_;
  std::unique_ptr<SubchannelHandle> handle_;
  std::unique_ptr<Timer> look_again_;
};

// A channel of the case's own, with the policy that listens.
struct Listener {
  explicit Listener(const Settings& settings)
      : heard(std::make_shared<Heard>()), stub(Open(settings, heard)) {}
  static grpc::testing::TestServiceStub Open(const Settings& settings,
                                             const std::shared_ptr<Heard>& heard) {
    ChannelOptions options;
    options.credentials = settings.credentials;
    options.policies = {{.name = "test_backend_metrics_load_balancer",
                         .make = [heard] { return std::make_unique<Listening>(heard); },
                         .watches = 1,
                         .call_reports = true}};
    options.default_service_config =
        R"({"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]})";
    absl::StatusOr<Channel> channel = Channel::Create(settings.target, std::move(options));
    RequireOk(channel.status(), "channel to " + settings.target);
    return grpc::testing::TestServiceStub(*std::move(channel));
  }
  TestOrcaReport Now() const {
    const std::lock_guard lock(heard->mutex);
    return heard->report;
  }
  std::shared_ptr<Heard> heard;
  grpc::testing::TestServiceStub stub;
};

TestOrcaReport Report(double cpu, double memory, double util) {
  TestOrcaReport report;
  report.set_cpu_utilization(cpu);
  report.set_memory_utilization(memory);
  (*report.mutable_utilization())["util"] = util;
  return report;
}

void OrcaPerRpc(const Client& client) {
  const Listener listener(client.settings);
  grpc::testing::SimpleRequest request;
  TestOrcaReport& report = *request.mutable_orca_per_query_report();
  report = Report(0.8210, 0.5847, 0.30499);
  (*report.mutable_request_cost())["cost"] = 3456.32;
  RequireOk(listener.stub.UnaryCall(request, {.timeout = 30s}).status(), "UnaryCall");
  Require(Same(listener.Now(), report),
          "UnaryCall: the policy heard " + listener.Now().ShortDebugString());
}

// Until it has come, and a call's end finds it.
void WaitFor(const Listener& listener, const TestOrcaReport& report) {
  Heard& heard = *listener.heard;
  {
    std::unique_lock lock(heard.mutex);
    const bool came =
        heard.changed.wait_for(lock, 30s, [&] { return Same(heard.out_of_band, report); });
    Require(came, "within 30 s the server reported not " + report.ShortDebugString() + " but " +
                      heard.out_of_band.ShortDebugString());
  }
  RequireOk(listener.stub.UnaryCall(SizedRequest(0, 0), {.timeout = 30s}).status(), "UnaryCall");
  Require(Same(listener.Now(), report), "UnaryCall: the policy heard not " +
                                            report.ShortDebugString() + " but " +
                                            listener.Now().ShortDebugString());
}

void OrcaOob(const Client& client) {
  const Listener listener(client.settings);
  auto stream = listener.stub.FullDuplexCall({.timeout = 90s});
  for (const TestOrcaReport& report :
       {Report(0.8210, 0.5847, 0.30499), Report(0.29309, 0.2, 0.2039)}) {
    auto request = Ask(1);
    *request.mutable_orca_oob_report() = report;
    Require(stream.Write(request), "FullDuplexCall: a write found the call over");
    Require(stream.Read().has_value(), "FullDuplexCall: a reply is missing");
    WaitFor(listener, report);
  }
  stream.WritesDone();
  RequireOk(stream.Finish(), "FullDuplexCall");
}

}  // namespace

void AddOrcaCases(Cases& cases) {
  cases["orca_per_rpc"] = OrcaPerRpc;
  cases["orca_oob"] = OrcaOob;
}

}  // namespace rondo::interop
