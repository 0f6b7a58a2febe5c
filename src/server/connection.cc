#include "server/connection.h"

#include <utility>

#include "base/text.h"
#include "server/core.h"
#include "server/dispatch.h"
#include "server/shard.h"

namespace rondo::server {
namespace {

transport::LinkOptions OptionsOf(const ServerOptions& options) {
  transport::LinkOptions link;
  link.session.max_streams = options.max_concurrent_streams;
  link.session.max_header_bytes = options.max_header_bytes * 2;
  link.session.max_continuations = options.limits.max_continuations;
  link.limits.max_message = options.max_receive_message;
  link.limits.reset_burst = options.limits.reset_burst;
  link.limits.reset_rate = options.limits.reset_rate;
  link.limits.glitch_burst = options.limits.control_burst;
  link.limits.glitch_rate = options.limits.control_rate;
  link.limits.max_held = options.limits.max_held_bytes;
  link.limits.stall = options.limits.stall_timeout;
  link.handshake = options.handshake_timeout;
  link.limits.pings = {options.keepalive.min_time, options.keepalive.permit_without_calls};
  link.pulse.keepalive_time = options.keepalive.time;
  link.pulse.keepalive_timeout = options.keepalive.timeout;
  link.pulse.permit_without_calls = true;
  return link;
}

}  // namespace

Connection::Connection(Shard& shard, std::unique_ptr<event::Socket> socket)
    : shard_(shard),
      origin_(std::make_shared<Origin>(Origin{socket->peer(), shard.core().Self()})),
      guest_(shard.core().admission()),
      link_(std::make_unique<transport::Link>(
          shard.loop(), std::move(socket), http2::Role::kServer, OptionsOf(shard.core().options()),
          static_cast<transport::LinkEvents&>(*this), static_cast<transport::Acceptor*>(this))) {
  const ServerOptions& options = shard.core().options();
  if (!ConnectionLife::HasEnd(options)) return;
  life_ = std::make_unique<ConnectionLife>(shard.loop(), options, shard.chance(),
                                           static_cast<ConnectionLife::Owner&>(*this));
}

Connection::~Connection() {
  life_ = nullptr;
  link_.reset();
  while (Call* call = calls_.first()) {
    calls_.Remove(*call);
    call->Detach(origin_);
    shard_.Adopt(*call);
  }
  shard_.core().ReturnConnection();
}

transport::Stream* Connection::OnCall(const http2::Headers& headers,
                                      transport::StreamHandler** handler) {
  const Core& core = shard_.core();
  if (core.stopped()) return nullptr;
  if (slots_taken_ >= core.options().max_concurrent_streams) {
    shard_.OnLimit("streams");
    return nullptr;
  }
  if (!std::exchange(identified_, true)) origin_->identity = link_->identity();
  Call& call = shard_.TakeCall();
  RequestHead head =
      ReadRequestHead(headers, core.options().max_header_bytes, peer(), call.metadata_to_fill());
  switch (head.kind) {
    case RequestHead::Kind::kWrongMethod:
    case RequestHead::Kind::kWrongMediaType:
      call.BeginHttp(*this, head.kind);
      break;
    case RequestHead::Kind::kRefused:
      if (head.why.code() == absl::StatusCode::kResourceExhausted) shard_.OnLimit("header_bytes");
      call.BeginRefused(*this, head);
      break;
    case RequestHead::Kind::kCall:
      if (const Route* route = core.routes().Find(head.path)) {
        BeginRouted(call, *route, head);
      } else {
        head.why = core.routes().Unknown(head.path);
        call.BeginRefused(*this, head);
      }
  }
  *handler = &call.handler();
  return &call.stream();
}

void Connection::BeginRouted(Call& call, const Route& route, RequestHead& head) {
  Admission& admission = shard_.core().admission();
  const bool counts = admission.enabled() && !route.always_admitted;
  if (!counts || guest_.Take(shard_.core().connections())) {
    return call.Begin(*this, route, head, counts);
  }
  head.why = absl::ResourceExhaustedError(Cat("server: ", admission.limit(),
                                              admission.limit() == 1 ? " call runs" : " calls run",
                                              " at once, as many as it takes; try again later"));
  shard_.OnLimit("calls");
  head.pushback_ms = admission.NextPushbackMs();
  call.BeginRefused(*this, head, route.method->path);
}

void Connection::OnLimit(std::string_view limit) {
  if (limit == "streams") return shard_.OnLimit(limit);  // Whoever is refused is told and may wait.
  shard_.OnLimit(limit, peer(), "a stream was reset");
}

void Connection::OnClosed(const absl::Status&) {
  const std::string_view limit = link_->limit();
  const std::string peer(this->peer()), what = Cat("closed: ", link_->cause());
  Shard& shard = shard_;
  shard.Remove(*this);
  if (!limit.empty()) shard.OnLimit(limit, peer, what);
}

}  // namespace rondo::server
