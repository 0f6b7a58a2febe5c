#pragma once
// Distributed tracing: contexts as they travel (W3C traceparent, grpc-trace-bin), and spans of
// calls for an exporter (gRFC A72).
//   auto tracer = std::make_shared<Tracer>(exporter);
//   ChannelOptions{.interceptors = {TraceCalls(tracer)}}
//   ServerOptions{.interceptors = {TraceServedCalls(tracer)}}
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rondo/interceptor.h"
#include "rondo/time.h"

namespace rondo {

// Which span of which trace.
struct TraceContext {
  std::array<uint8_t, 16> trace{};  // Not all zero.
  std::array<uint8_t, 8> span{};    // Not all zero.
  bool sampled = false;             // Whoever recorded before has recorded it.
  std::string state{};              // tracestate, as it came; passed on.

  // W3C Trace Context, level 1: "00-" 32 hex "-" 16 hex "-" 2 hex. nullopt: it isn't one.
  static std::optional<TraceContext> FromTraceparent(std::string_view text);
  std::string Traceparent() const;
  // OpenCensus' binary form, 29 bytes. nullopt: it isn't one.
  static std::optional<TraceContext> FromBinary(std::string_view bytes);
  std::string Binary() const;
  // What came with a call: traceparent and tracestate, else grpc-trace-bin.
  static std::optional<TraceContext> From(const Metadata& metadata);
};

// What happened, at its end.
struct Span {
  enum class Kind : uint8_t { kClient, kAttempt, kServer };
  struct Event {
    std::string name;
    Time at;
  };
  Kind kind = Kind::kClient;
  std::string name;  // A72: "Sent.pkg.Svc.Method", "Attempt.pkg.Svc.Method", "Recv....".
  TraceContext context;
  std::array<uint8_t, 8> parent{};                 // All zero: the trace begins here.
  Time start, end;                                 // Of the loop's clock: steady.
  std::chrono::system_clock::time_point ended_at;  // The same as `end`, by the wall clock.
  absl::Status status{};
  std::vector<std::pair<std::string, std::string>> attributes{};
  std::vector<Event> events{};
};

// Takes spans, mostly to keep them until they are sent in batches.
// Threads: any, many at once; the loops' own, so it may not block.
class SpanExporter {
 public:
  virtual ~SpanExporter() = default;
  virtual void Export(Span span) = 0;
};

struct TracerOptions {
  double sample = 1;    // The part of traces that begin here and are recorded. [0, 1]
  uint64_t seed = 0;    // Of the ids; 0: by chance.
  bool binary = false;  // Also sends grpc-trace-bin, for peers that read nothing else.
};

// Threads: any.
class Tracer {
 public:
  explicit Tracer(std::shared_ptr<SpanExporter> exporter, TracerOptions options = {});
  // A span below `parent`, or the first of a new trace.
  TraceContext Begin(const std::optional<TraceContext>& parent);
  void End(Span span) {
    if (span.context.sampled) exporter_->Export(std::move(span));
  }
  bool binary() const { return options_.binary; }

 private:
  uint64_t Next();

  const std::shared_ptr<SpanExporter> exporter_;
  const TracerOptions options_;
  std::atomic<uint64_t> state_;
};

// A span for each call, below that of the call that it is made for (CallOptions::parent), and one
// for each of its attempts. The server is told of the call's span.
ClientInterceptor TraceCalls(std::shared_ptr<Tracer> tracer);
// A span for each call that is served; calls that are made for it come below.
ServerInterceptor TraceServedCalls(std::shared_ptr<Tracer> tracer);

}  // namespace rondo
