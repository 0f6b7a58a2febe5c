// gRPC's names and labels: A66 (calls and attempts), A94 (subchannels), A96 (retries), and what
// policies count themselves (A78).
#include "rondo/metrics.h"

#include <array>
#include <chrono>
#include <initializer_list>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "observe/registry.h"

namespace rondo {
namespace {

using observe::Histogram;
using observe::Instrument;
using observe::Kind;
using observe::Label;
using observe::Sum;

constexpr Instrument Counter(std::string_view name, std::string_view help) {
  return {.name = name, .help = help, .kind = Kind::kCounter};
}
constexpr Instrument Counts(std::string_view name, std::string_view help,
                            std::span<const double> bounds, std::string_view unit = "") {
  return {.name = name, .help = help, .kind = Kind::kHistogram, .unit = unit, .bounds = bounds};
}
constexpr Instrument Times(std::string_view name, std::string_view help) {
  return Counts(name, help, observe::kLatencyBounds, "seconds");
}
constexpr Instrument Sizes(std::string_view name, std::string_view help) {
  return Counts(name, help, observe::kSizeBounds, "bytes");
}

constexpr Instrument kAttemptStarted =
    Counter("grpc.client.attempt.started", "Attempts that were begun");
constexpr Instrument kAttemptDuration =
    Times("grpc.client.attempt.duration", "Time of an attempt, the pick included");
constexpr Instrument kAttemptSent = Sizes("grpc.client.attempt.sent_total_compressed_message_size",
                                          "Bytes of all requests of an attempt, as compressed");
constexpr Instrument kAttemptReceived =
    Sizes("grpc.client.attempt.rcvd_total_compressed_message_size",
          "Bytes of all replies of an attempt, as compressed");
constexpr Instrument kCallDuration =
    Times("grpc.client.call.duration", "Time of a call as the application sees it");
constexpr Instrument kRetries =
    Counts("grpc.client.call.retries", "Retries of a call that was retried", observe::kRetryBounds);
constexpr Instrument kTransparentRetries =
    Counts("grpc.client.call.transparent_retries", "Transparent retries of a call that had some",
           observe::kTransparentBounds);
constexpr Instrument kHedges =
    Counts("grpc.client.call.hedges", "Hedges of a call that had some", observe::kRetryBounds);
constexpr Instrument kRetryDelay =
    Times("grpc.client.call.retry_delay", "Time in which no attempt of a call was at work");
constexpr Instrument kServerStarted = Counter("grpc.server.call.started", "Calls that came");
constexpr Instrument kServerDuration =
    Times("grpc.server.call.duration", "Time of a call from its headers to its end");
constexpr Instrument kServerSent = Sizes("grpc.server.call.sent_total_compressed_message_size",
                                         "Bytes of all replies of a call, as compressed");
constexpr Instrument kServerReceived = Sizes("grpc.server.call.rcvd_total_compressed_message_size",
                                             "Bytes of all requests of a call, as compressed");
constexpr Instrument kConnected =
    Counter("grpc.subchannel.connection_attempts_succeeded", "Connections that became ready");
constexpr Instrument kConnectFailed =
    Counter("grpc.subchannel.connection_attempts_failed", "Attempts to connect that failed");
constexpr Instrument kDisconnected =
    Counter("grpc.subchannel.disconnections", "Connections that were lost or given up");
constexpr Instrument kOpenConnections{.name = "grpc.subchannel.open_connections",
                                      .help = "Connections that are ready",
                                      .kind = Kind::kUpDown};

constexpr Instrument kLimits =
    Counter("rondo.server.limits", "Clients that ran into a limit of the server");

constexpr size_t kCodes = 17;

double Seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
std::string CodeText(absl::StatusCode code) { return absl::StatusCodeToString(code); }
size_t Index(absl::StatusCode code) {
  const auto i = static_cast<size_t>(code);
  return i < kCodes ? i : static_cast<size_t>(absl::StatusCode::kUnknown);
}
// "package.Service/Method", as A66 has it.
std::string_view MethodText(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  return path.empty() ? "other" : path;
}

// The three series of an attempt, or of a call on a server, that ended with one code.
struct EndSeries {
  Histogram *duration = nullptr, *sent = nullptr, *received = nullptr;
  void Record(const AttemptSeen& end) const {
    duration->Record(Seconds(end.latency));
    sent->Record(static_cast<double>(end.sent));
    received->Record(static_cast<double>(end.received));
  }
};

class OfChannel final : public ChannelObserver {
 public:
  OfChannel(std::shared_ptr<Metrics::Registry> registry, std::string target, std::string security)
      : registry_(std::move(registry)),
        target_(std::move(target)),
        security_(std::move(security)) {}

  void OnAttemptStart(const Method& method) override {
    MethodSeries& m = Of(method);
    if (m.started == nullptr) m.started = &registry_->Number(kAttemptStarted, m.labels);
    m.started->Add(1);
  }
  void OnAttemptEnd(const Method& method, const AttemptSeen& end) override {
    MethodSeries& m = Of(method);
    EndSeries& series = m.attempts[Index(end.code)];
    if (series.duration == nullptr) {
      const std::string code = CodeText(end.code);
      const auto labels = With(m.labels, {"grpc.status", code});
      series = {&registry_->Distribution(kAttemptDuration, labels),
                &registry_->Distribution(kAttemptSent, labels),
                &registry_->Distribution(kAttemptReceived, labels)};
    }
    series.Record(end);
  }
  void OnCallEnd(const Method& method, const CallSeen& end) override {
    MethodSeries& m = Of(method);
    Histogram*& duration = m.calls[Index(end.code)];
    if (duration == nullptr) {
      const std::string code = CodeText(end.code);
      duration = &registry_->Distribution(kCallDuration, With(m.labels, {"grpc.status", code}));
    }
    duration->Record(Seconds(end.latency));
    // A96: nothing is recorded where there was nothing.
    Count(m, kRetries, end.retries);
    Count(m, kTransparentRetries, end.transparent_retries);
    Count(m, kHedges, end.hedges);
    if (end.retry_delay > Duration{}) {
      registry_->Distribution(kRetryDelay, m.labels).Record(Seconds(end.retry_delay));
    }
  }
  void OnConnected(std::string_view) override {
    const Label labels[] = {{"grpc.target", target_}};
    registry_->Number(kConnected, labels).Add(1);
    const Label open[] = {{"grpc.target", target_}, {"grpc.security_level", security_}};
    registry_->Number(kOpenConnections, open).Add(1);
  }
  void OnConnectFailed(std::string_view) override {
    const Label labels[] = {{"grpc.target", target_}};
    registry_->Number(kConnectFailed, labels).Add(1);
  }
  void OnDisconnected(std::string_view, std::string_view why) override {
    const Label labels[] = {{"grpc.target", target_}, {"grpc.disconnect_error", why}};
    registry_->Number(kDisconnected, labels).Add(1);
    const Label open[] = {{"grpc.target", target_}, {"grpc.security_level", security_}};
    registry_->Number(kOpenConnections, open).Add(-1);
  }
  void OnPolicyMetric(const MetricPoint& point) override {
    std::vector<Label> labels{{"grpc.target", target_}};
    for (const MetricPoint::Label& l : point.labels) labels.push_back({l.key, l.value});
    if (!point.samples.empty()) {
      Histogram& into =
          registry_->Distribution(Counts(point.name, "Measured by a policy", point.bounds), labels);
      for (double sample : point.samples) into.Record(sample);
      return;
    }
    registry_
        ->Number({.name = point.name, .help = "Counted by a policy", .kind = Kind::kCounter},
                 labels)
        .Add(point.value);
  }

 private:
  struct MethodSeries {
    std::vector<Label> labels;
    Sum* started = nullptr;
    std::array<EndSeries, kCodes> attempts{};
    std::array<Histogram*, kCodes> calls{};
  };
  static std::vector<Label> With(std::vector<Label> labels, Label one) {
    labels.push_back(one);
    return labels;
  }
  void Count(const MethodSeries& m, const Instrument& instrument, int n) {
    if (n > 0) registry_->Distribution(instrument, m.labels).Record(n);
  }
  MethodSeries& Of(const Method& method) {
    if (last_ == &method) return *last_series_;
    auto& series = methods_[&method];
    if (series == nullptr) {
      series = std::make_unique<MethodSeries>();
      series->labels = {{"grpc.method", MethodText(method.path)}, {"grpc.target", target_}};
    }
    last_ = &method;
    last_series_ = series.get();
    return *series;
  }

  const std::shared_ptr<Metrics::Registry> registry_;
  const std::string target_, security_;
  std::unordered_map<const Method*, std::unique_ptr<MethodSeries>> methods_;
  const Method* last_ = nullptr;  // Calls come in runs.
  MethodSeries* last_series_ = nullptr;
};

class OfServer final : public ServerObserver {
 public:
  explicit OfServer(std::shared_ptr<Metrics::Registry> registry) : registry_(std::move(registry)) {}

  void OnCallStart(std::string_view path) override {
    MethodSeries& m = Of(path);
    if (m.started == nullptr) {
      const Label labels[] = {{"grpc.method", MethodText(path)}};
      m.started = &registry_->Number(kServerStarted, labels);
    }
    m.started->Add(1);
  }
  void OnCallEnd(std::string_view path, const AttemptSeen& end) override {
    EndSeries& series = Of(path).ends[Index(end.code)];
    if (series.duration == nullptr) {
      const std::string code = CodeText(end.code);
      const Label labels[] = {{"grpc.method", MethodText(path)}, {"grpc.status", code}};
      series = {&registry_->Distribution(kServerDuration, labels),
                &registry_->Distribution(kServerSent, labels),
                &registry_->Distribution(kServerReceived, labels)};
    }
    series.Record(end);
  }
  void OnLimit(std::string_view limit) override {
    const Label labels[] = {{"rondo.limit", limit}};
    registry_->Number(kLimits, labels).Add(1);
  }

 private:
  struct MethodSeries {
    Sum* started = nullptr;
    std::array<EndSeries, kCodes> ends{};
  };
  MethodSeries& Of(std::string_view path) { return methods_[path]; }

  const std::shared_ptr<Metrics::Registry> registry_;
  std::unordered_map<std::string_view, MethodSeries> methods_;  // The keys are the methods' own.
};

}  // namespace

Metrics::Metrics(MetricsOptions options)
    : options_(std::move(options)), registry_(std::make_shared<Registry>()) {}
Metrics::~Metrics() = default;

std::string Metrics::PrometheusText() const { return registry_->Text(); }

std::unique_ptr<ChannelObserver> Metrics::ForChannel(std::string_view target,
                                                     std::string_view security) {
  const bool keep = !options_.keep_target || options_.keep_target(target);
  return std::make_unique<OfChannel>(registry_, keep ? std::string(target) : "other",
                                     std::string(security));
}

std::unique_ptr<ServerObserver> Metrics::ForServer() {
  return std::make_unique<OfServer>(registry_);
}

}  // namespace rondo
