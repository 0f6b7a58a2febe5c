// The server that the connectrpc conformance runner judges. It is told how to serve by one message
// on stdin, tells its port by one on stdout, and serves until it gets SIGTERM.
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "conformance.rondo.pb.h"
#include "event/tls_fixture.h"
#include "exchange.h"
#include "rondo/server.h"
#include "rondo/service.h"

namespace {

namespace pb = connectrpc::conformance::v1;
using rondo::ServerCall;
using rondo::Task;
using RequestInfo = pb::ConformancePayload::RequestInfo;

rondo::Sleep Milliseconds(uint32_t ms) { return rondo::Sleep(std::chrono::milliseconds(ms)); }

// What the server has seen of a call.
RequestInfo InfoOf(const ServerCall& call) {
  RequestInfo info;
  rondo::conformance::FromMetadata(call.metadata(), *info.mutable_request_headers());
  if (call.deadline().has_value()) {
    const auto left = *call.deadline() - std::chrono::steady_clock::now();
    const int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
    info.set_timeout_ms(ms < 0 ? 0 : ms);
  }
  return info;
}

// Headers and trailers, as either kind of definition asks for them.
template <class Definition>
void SetMetadata(ServerCall& call, const Definition& definition) {
  for (const auto& [key, value] : rondo::conformance::ToMetadata(definition.response_headers())) {
    call.AddHeader(key, value);
  }
  for (const auto& [key, value] : rondo::conformance::ToMetadata(definition.response_trailers())) {
    call.AddTrailer(key, value);
  }
}

// With the info among its details.
absl::Status ErrorWith(pb::Error error, const RequestInfo& info) {
  error.add_details()->PackFrom(info);
  return rondo::conformance::ToStatus(error);
}

// The answer of methods that have one.
template <class Response>
Task<absl::StatusOr<Response>> AnswerOnce(ServerCall& call, pb::UnaryResponseDefinition definition,
                                          RequestInfo info) {
  SetMetadata(call, definition);
  if (definition.response_delay_ms() > 0) co_await Milliseconds(definition.response_delay_ms());
  if (definition.has_error()) co_return ErrorWith(definition.error(), info);
  Response response;
  response.mutable_payload()->set_data(definition.response_data());
  *response.mutable_payload()->mutable_request_info() = std::move(info);
  co_return response;
}

// The replies of a streaming method, one by one.
template <class Response, class Out>
class Replies {
 public:
  Replies(ServerCall& call, Out& out, const pb::StreamResponseDefinition& definition)
      : call_(call), out_(out), definition_(definition) {}

  bool any_left() const { return next_ < definition_.response_data_size(); }
  // Sends the next one. The first also tells of the call. False: the caller has gone.
  Task<bool> SendNext(RequestInfo info) {
    Response response;
    response.mutable_payload()->set_data(definition_.response_data(next_++));
    *response.mutable_payload()->mutable_request_info() = std::move(info);
    if (definition_.response_delay_ms() > 0) co_await Milliseconds(definition_.response_delay_ms());
    co_return co_await out_.Write(response);
  }
  // Sends what is left; `info` goes with the first reply of all.
  Task<absl::Status> Finish(RequestInfo info) {
    while (any_left()) {
      RequestInfo now;
      if (next_ == 0) now = info;
      const bool sent = co_await SendNext(std::move(now));
      if (!sent) co_return absl::CancelledError("the caller has gone");
    }
    if (!definition_.has_error()) co_return absl::OkStatus();
    if (next_ == 0) co_return ErrorWith(definition_.error(), info);
    co_return rondo::conformance::ToStatus(definition_.error());
  }

 private:
  ServerCall& call_;
  Out& out_;
  const pb::StreamResponseDefinition& definition_;
  int next_ = 0;
};

class ConformanceService final : public pb::ConformanceServiceService {
 public:
  Task<absl::StatusOr<pb::UnaryResponse>> Unary(ServerCall& call,
                                                pb::UnaryRequest request) override {
    RequestInfo info = InfoOf(call);
    info.add_requests()->PackFrom(request);
    return AnswerOnce<pb::UnaryResponse>(call, request.response_definition(), std::move(info));
  }

  Task<absl::StatusOr<pb::IdempotentUnaryResponse>> IdempotentUnary(
      ServerCall& call, pb::IdempotentUnaryRequest request) override {
    RequestInfo info = InfoOf(call);
    info.add_requests()->PackFrom(request);
    return AnswerOnce<pb::IdempotentUnaryResponse>(call, request.response_definition(),
                                                   std::move(info));
  }

  Task<absl::StatusOr<pb::ClientStreamResponse>> ClientStream(
      ServerCall& call, rondo::Reader<pb::ClientStreamRequest>& requests) override {
    RequestInfo info = InfoOf(call);
    pb::UnaryResponseDefinition definition;
    while (auto request = co_await requests.Read()) {
      if (info.requests().empty()) definition = request->response_definition();
      info.add_requests()->PackFrom(*request);
    }
    auto answer =
        AnswerOnce<pb::ClientStreamResponse>(call, std::move(definition), std::move(info));
    co_return co_await std::move(answer);
  }

  Task<absl::Status> ServerStream(ServerCall& call, pb::ServerStreamRequest request,
                                  rondo::Writer<pb::ServerStreamResponse>& replies) override {
    RequestInfo info = InfoOf(call);
    info.add_requests()->PackFrom(request);
    SetMetadata(call, request.response_definition());
    if (SendsAtOnce(request.response_definition())) call.SendHeaders();
    Replies<pb::ServerStreamResponse, rondo::Writer<pb::ServerStreamResponse>> all(
        call, replies, request.response_definition());
    co_return co_await all.Finish(std::move(info));
  }

  Task<absl::Status> BidiStream(
      ServerCall& call,
      rondo::ReaderWriter<pb::BidiStreamRequest, pb::BidiStreamResponse>& stream) override {
    RequestInfo info = InfoOf(call);
    auto first = co_await stream.Read();
    if (!first.has_value()) co_return absl::OkStatus();
    const pb::StreamResponseDefinition definition = first->response_definition();
    SetMetadata(call, definition);
    if (first->full_duplex() && SendsAtOnce(definition)) call.SendHeaders();
    Replies<pb::BidiStreamResponse,
            rondo::ReaderWriter<pb::BidiStreamRequest, pb::BidiStreamResponse>>
        replies(call, stream, definition);
    const bool full_duplex = first->full_duplex();
    for (auto request = std::move(first); request.has_value(); request = co_await stream.Read()) {
      info.add_requests()->PackFrom(*request);
      if (!full_duplex) continue;
      if (!replies.any_left()) break;
      const bool sent = co_await replies.SendNext(std::exchange(info, RequestInfo()));
      if (!sent) co_return absl::CancelledError("the caller has gone");
    }
    co_return co_await replies.Finish(std::move(info));
  }

 private:
  // An error without any reply shall be trailers only.
  static bool SendsAtOnce(const pb::StreamResponseDefinition& definition) {
    return definition.response_data_size() > 0 || !definition.has_error();
  }
};

rondo::Credentials CredentialsFor(const pb::ServerCompatRequest& wanted,
                                  const rondo::event::TestAuthority& authority) {
  if (!wanted.use_tls()) return rondo::Insecure();
  rondo::TlsOptions options = authority.Server();
  if (!wanted.client_tls_cert().empty()) {
    options.roots = wanted.client_tls_cert();
    options.client_certificate = rondo::ClientCertificate::kRequired;
  }
  return rondo::Tls(std::move(options));
}

}  // namespace

int main() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // Before any thread starts: sigwait gets them.

  pb::ServerCompatRequest wanted;
  if (!rondo::conformance::ReadMessage(wanted)) {
    std::fprintf(stderr, "conformance_server: stdin told nothing\n");
    return 1;
  }
  const rondo::event::TestAuthority authority;
  rondo::ServerOptions options{.credentials = CredentialsFor(wanted, authority),
                               .listen = {"127.0.0.1:0"}};
  if (wanted.message_receive_limit() > 0) {
    options.max_receive_message = wanted.message_receive_limit();
  }
  ConformanceService service;
  rondo::Server server(std::move(options));
  server.Add(service);
  if (absl::Status s = server.Start(); !s.ok()) {
    std::fprintf(stderr, "conformance_server: %s\n", s.ToString().c_str());
    return 1;
  }
  pb::ServerCompatResponse told;
  told.set_host("127.0.0.1");
  told.set_port(server.port());
  if (wanted.use_tls()) told.set_pem_cert(authority.root());
  if (!rondo::conformance::WriteMessage(told)) return 1;
  int which = 0;
  sigwait(&ends, &which);
  server.Stop();
  return 0;
}
