#include "echo_backend.h"

#include <cmath>

#include "rondo/spawn.h"
#include "stop.h"

namespace rondo::cli {

Echo::Echo(std::string name, const Trouble& trouble)
    : name_(std::move(name)), trouble_(trouble), chance_(trouble.seed) {}

Echo::Fate Echo::Draw() {
  calls_.fetch_add(1);
  const std::lock_guard lock(mutex_);
  std::uniform_real_distribution<double> even(0, 1);
  const double where = 2 * even(chance_) - 1;
  Fate fate{
      .wait = trouble_.latency.middle +
              Duration(std::llround(where * static_cast<double>(trouble_.latency.width.count())))};
  if (even(chance_) < trouble_.error_rate) {
    fate.status = absl::Status(trouble_.code, name_ + " fails on purpose (--error-rate)");
  }
  return fate;
}

Echo::Response Echo::Reply(const Request& request) const {
  Response response;
  response.set_message(request.message() + " (from " + name_ + ")");
  return response;
}

Task<absl::StatusOr<Echo::Response>> Echo::UnaryEcho(ServerCall& /*call*/, Request request) {
  const Fate fate = Draw();
  if (fate.wait > Duration()) co_await Sleep(fate.wait);
  if (!fate.status.ok()) co_return fate.status;
  co_return Reply(request);
}

Task<absl::Status> Echo::ServerStreamingEcho(ServerCall& /*call*/, Request request,
                                             Writer<Response>& replies) {
  constexpr int kReplies = 10;  // As in gRPC's example.
  const Fate fate = Draw();
  if (fate.wait > Duration()) co_await Sleep(fate.wait);
  if (!fate.status.ok()) co_return fate.status;
  const Response response = Reply(request);
  for (int i = 0; i < kReplies; ++i) {
    const bool room = co_await replies.Write(response);
    if (!room) co_return absl::CancelledError("the caller has gone");
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<Echo::Response>> Echo::ClientStreamingEcho(ServerCall& /*call*/,
                                                               Reader<Request>& requests) {
  const Fate fate = Draw();
  if (fate.wait > Duration()) co_await Sleep(fate.wait);
  if (!fate.status.ok()) co_return fate.status;
  Request last;
  while (auto request = co_await requests.Read()) last = *std::move(request);
  co_return Reply(last);
}

Task<absl::Status> Echo::BidirectionalStreamingEcho(ServerCall& /*call*/,
                                                    ReaderWriter<Request, Response>& stream) {
  const Fate fate = Draw();
  if (fate.wait > Duration()) co_await Sleep(fate.wait);
  if (!fate.status.ok()) co_return fate.status;
  while (auto request = co_await stream.Read()) {
    const bool room = co_await stream.Write(Reply(*request));
    if (!room) co_return absl::CancelledError("the caller has gone");
  }
  co_return absl::OkStatus();
}

EchoBackend::EchoBackend(const std::string& address, const std::string& name,
                         const Trouble& trouble)
    : echo_(name.empty() ? address.substr(address.rfind(':')) : name, trouble),
      server_({.credentials = Insecure(), .listen = {ListenAddress(address)}}) {
  server_.Add(echo_);
  server_.Add(health_);
  server_.Add(reflection_);
}

void EchoBackend::Start() {
  const absl::Status status = server_.Start();
  if (!status.ok()) throw Stop(kFailed, std::string(status.message()));
  health_.SetStatus("grpc.examples.echo.Echo", ServingStatus::kServing);
}

std::string ListenAddress(const std::string& text) {
  return text.starts_with(':') ? "0.0.0.0" + text : text;
}

}  // namespace rondo::cli
