#pragma once
// Backends as the data plane sees them: memory only.
// Threads: any may read; only the runtime writes (policies and pickers hold it const).
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "rondo/time.h"

namespace rondo {

// A figure of a load report that the server has named, as A114 spells it: "utilization.KEY" ([0,
// 1]), "request_cost.KEY" (of one call, >= 0) or "named_metrics.KEY" (any number).
struct NamedFigure {
  std::string name;
  double value = 0;
  bool operator==(const NamedFigure&) const = default;
};
// What a server says of its load (ORCA, A51). An absent number is 0.
struct LoadReport {
  double cpu = 0;                    // Utilisation, 1 is one full machine; may exceed 1.
  double memory = 0;                 // Utilisation, [0, 1].
  double application = 0;            // Utilisation by the application's own measure; may exceed 1.
  double qps = 0;                    // Calls a second.
  double eps = 0;                    // Errors a second.
  Time at{};                         // When it was received.
  std::vector<NamedFigure> named{};  // At most 100.
};
enum class ReportSource : uint8_t { kPerCall, kOutOfBand };

// How an attempt ended.
struct CallEnd {
  const absl::Status& status;  // Of the attempt; good until the callback returns.
  Duration latency{};          // From the pick to the end.
  Time now{};
  bool started = true;         // False: the backend was gone before anything was sent.
  bool bytes_sent = true;      // Something of the request left.
  bool bytes_received = true;  // Something of the answer came.
  // With the trailers. Null: the server sent none, or no policy asked
  // (PolicyFactory::call_reports).
  const LoadReport* report = nullptr;
};

// What the runtime knows of one backend of a channel: calls in flight and ended, latency, the
// server's load reports. It outlives pickers, reconnects and policy switches. Reading is wait-free
// but for Report(), whose reader may spin for some ns.
class alignas(64) LoadCell {
 public:
  int32_t in_flight() const {
    return static_cast<int32_t>(calls_.load(std::memory_order_relaxed) & (kEnded - 1));
  }
  // Since the cell exists. An attempt that never started counts in neither.
  uint64_t succeeded() const {
    const uint64_t failed_by_now = failed();  // Before the sum, which then includes them.
    return calls_.load(std::memory_order_relaxed) / kEnded - failed_by_now;
  }
  uint64_t failed() const { return failed_.load(std::memory_order_acquire); }
  // Moving average over about eight attempts; 0 before the first.
  Duration latency() const { return Duration(latency_.load(std::memory_order_relaxed)); }
  // Streams that its connection would take now; UINT32_MAX: no limit is known.
  uint32_t free_streams() const { return free_streams_.load(std::memory_order_relaxed); }
  // Its connection is silent though calls wait: not even a PING is answered (StallOptions). Sets of
  // ready backends leave it out, unless all are like that.
  bool suspect() const { return suspect_.load(std::memory_order_relaxed); }
  // The latest, without its named figures; `at` is Time{} before the first.
  LoadReport Report(ReportSource source) const;
  // The named figures of the latest. Takes a lock: not for picks.
  std::vector<NamedFigure> Named(ReportSource source) const;
  // Reports that were ignored, since they were none or had an impossible figure. Since it exists.
  uint64_t reports_refused() const { return reports_refused_.load(std::memory_order_relaxed); }

  // The runtime's side. Every Begin is followed by exactly one End, whatever becomes of the call.
  void Begin() { calls_.fetch_add(1, std::memory_order_relaxed); }
  void End(const CallEnd& end);
  void Put(ReportSource source, const LoadReport& report);
  void RefuseReport() { reports_refused_.fetch_add(1, std::memory_order_relaxed); }
  void SetFreeStreams(uint32_t n) { free_streams_.store(n, std::memory_order_relaxed); }
  void SetSuspect(bool is) { suspect_.store(is, std::memory_order_relaxed); }

 private:
  // A sequence lock whose writers skip when another writes: newer data follows.
  struct Slot {
    std::atomic<uint32_t> sequence{0};
    std::atomic<double> value[5]{};
    std::atomic<int64_t> at{0};
  };
  // In flight and ended share a word: one atomic add begins or ends a call (measured a third
  // cheaper than counters apart). Below kEnded: in flight, at most 16 million.
  static constexpr uint64_t kEnded = 1 << 24;
  std::atomic<uint64_t> calls_{0}, failed_{0};
  std::atomic<uint32_t> free_streams_{UINT32_MAX};
  std::atomic<bool> suspect_{false};
  std::atomic<int64_t> latency_{0};
  Slot reports_[2];
  std::atomic<uint64_t> reports_refused_{0};
  std::atomic<bool> has_named_[2]{};  // Whether there is something to replace.
  mutable std::mutex named_mutex_;    // Guards named_.
  std::vector<NamedFigure> named_[2];
};

// One backend: an address and its memory. The runtime derives from it. Holding a reference neither
// opens nor closes a connection.
struct Subchannel {
  explicit Subchannel(std::string_view where) : address(where) {}
  Subchannel(const Subchannel&) = delete;
  Subchannel& operator=(const Subchannel&) = delete;
  virtual ~Subchannel() = default;

  const std::string address;
  LoadCell load;
};
using SubchannelRef = std::shared_ptr<const Subchannel>;

}  // namespace rondo
