// Spans of calls, by interceptors (gRFC A72).
#include <random>

#include "base/text.h"
#include "rondo/trace.h"

namespace rondo {
namespace {

// "/pkg.Svc/Method" as "Sent.pkg.Svc.Method".
std::string NameOf(std::string_view what, std::string_view path) {
  std::string name = Cat(what, ".", path.starts_with('/') ? path.substr(1) : path);
  for (char& c : name) {
    if (c == '/') c = '.';
  }
  return name;
}

Span MakeSpan(Span::Kind kind, std::string name, const TraceContext& context,
              const std::optional<TraceContext>& parent, Time start, Time end) {
  Span span{.kind = kind,
            .name = std::move(name),
            .context = context,
            .parent = {},
            .start = start,
            .end = end,
            .ended_at = std::chrono::system_clock::now(),
            .status = absl::OkStatus()};
  if (parent.has_value()) span.parent = parent->span;
  return span;
}

void EndAttempts(Tracer& tracer, const ClientCall& call, const TraceContext& above, Time now) {
  int previous = 0;
  for (const Attempt& a : call.attempts()) {
    if (a.began == Time{}) continue;  // Its backoff was not over when the call ended.
    const Duration took = a.resolver + a.queued + a.credentials + a.slot + a.server;
    Span span = MakeSpan(Span::Kind::kAttempt, NameOf("Attempt", call.method().path),
                         tracer.Begin(above), above, a.began, a.began + took);
    span.ended_at -=
        std::chrono::duration_cast<std::chrono::system_clock::duration>(now - (a.began + took));
    span.status = absl::Status(a.code, a.message);
    span.attributes = {{"previous-rpc-attempts", Cat(previous)},
                       {"transparent-retry", a.transparent ? "true" : "false"}};
    if (a.backend != nullptr) span.attributes.emplace_back("peer", a.backend->address);
    if (a.resolver > Duration{}) {
      span.events.push_back({"Delayed name resolution complete", a.began + a.resolver});
    }
    if (a.queued > Duration{}) {
      span.events.push_back({"Delayed LB pick complete", a.began + a.resolver + a.queued});
    }
    if (!a.transparent) ++previous;
    tracer.End(std::move(span));
  }
}

Task<absl::Status> TraceCall(std::shared_ptr<Tracer> tracer, ClientCall& call, ClientNext next) {
  const std::optional<TraceContext> parent = TraceContext::From(call.metadata());
  const TraceContext context = tracer->Begin(parent);
  Metadata sent;
  for (const auto& [key, value] : call.metadata()) {
    if (key != "traceparent" && key != "grpc-trace-bin") sent.Add(key, value);
  }
  sent.Add("traceparent", context.Traceparent());
  if (tracer->binary()) sent.Add("grpc-trace-bin", context.Binary());
  call.metadata() = std::move(sent);
  const Time start = call.loop().Now();
  absl::Status status = co_await next(call);
  const Time now = call.loop().Now();
  if (context.sampled) {
    EndAttempts(*tracer, call, context, now);
    Span span = MakeSpan(Span::Kind::kClient, NameOf("Sent", call.method().path), context, parent,
                         start, now);
    span.status = status;
    tracer->End(std::move(span));
  }
  co_return status;
}

Task<absl::Status> TraceServed(std::shared_ptr<Tracer> tracer, ServerCall& call, ServerNext next) {
  const std::optional<TraceContext> parent = TraceContext::From(call.metadata());
  const TraceContext context = tracer->Begin(parent);
  call.Forward("traceparent", context.Traceparent());
  if (!context.state.empty()) call.Forward("tracestate", context.state);
  if (tracer->binary()) call.Forward("grpc-trace-bin", context.Binary());
  const std::string name = NameOf("Recv", call.method());
  const Time start = call.loop().Now();
  absl::Status status = co_await next(call);
  Span span = MakeSpan(Span::Kind::kServer, name, context, parent, start, call.loop().Now());
  span.status = status;
  tracer->End(std::move(span));
  co_return status;
}

}  // namespace

Tracer::Tracer(std::shared_ptr<SpanExporter> exporter, TracerOptions options)
    : exporter_(std::move(exporter)), options_(options), state_(options.seed) {
  if (options.seed == 0) {
    std::random_device chance;
    state_ = uint64_t{chance()} << 32 | chance();
  }
}

// splitmix64, as Chance, by several threads.
uint64_t Tracer::Next() {
  uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed) + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

TraceContext Tracer::Begin(const std::optional<TraceContext>& parent) {
  TraceContext out;
  const auto put = [this](uint8_t* to) {
    uint64_t random = Next();
    if (random == 0) random = 1;
    for (int i = 0; i < 8; ++i) to[i] = static_cast<uint8_t>(random >> 8 * i);
  };
  if (parent.has_value()) {
    out = *parent;
  } else {
    put(out.trace.data());
    put(out.trace.data() + 8);
    out.sampled = static_cast<double>(Next() >> 11) * 0x1p-53 < options_.sample;
  }
  put(out.span.data());
  return out;
}

ClientInterceptor TraceCalls(std::shared_ptr<Tracer> tracer) {
  return [tracer = std::move(tracer)](ClientCall& call, ClientNext next) {
    return TraceCall(tracer, call, next);
  };
}

ServerInterceptor TraceServedCalls(std::shared_ptr<Tracer> tracer) {
  return [tracer = std::move(tracer)](ServerCall& call, ServerNext next) {
    return TraceServed(tracer, call, next);
  };
}

}  // namespace rondo
