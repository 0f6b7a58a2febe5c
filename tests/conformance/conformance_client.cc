// The client that the connectrpc conformance runner judges. Each message on stdin describes a call;
// what became of it goes to stdout, in any order.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "conformance.rondo.pb.h"
#include "exchange.h"
#include "rondo/channel.h"

namespace {

namespace pb = connectrpc::conformance::v1;
using pb::ClientCompatRequest;
using pb::ClientResponseResult;
using pb::ConformanceServiceMethods;
using std::chrono::milliseconds;

using Outcome = absl::StatusOr<ClientResponseResult>;  // Not OK: the call could not be tried.

// Channels are kept, as a program would: one for each server, receive limit and certificate.
class Channels {
 public:
  absl::StatusOr<rondo::Channel> To(const ClientCompatRequest& request) {
    const Key key(request.host(), request.port(), request.message_receive_limit(),
                  request.server_tls_cert(), request.client_tls_creds().cert());
    if (const auto found = channels_.find(key); found != channels_.end()) return found->second;
    rondo::ChannelOptions options{.credentials = CredentialsFor(request)};
    if (request.message_receive_limit() > 0) {
      options.max_receive_message = request.message_receive_limit();
    }
    auto channel = rondo::Channel::Create(request.host() + ":" + std::to_string(request.port()),
                                          std::move(options));
    if (channel.ok()) channels_.emplace(key, *channel);
    return channel;
  }

 private:
  static rondo::Credentials CredentialsFor(const ClientCompatRequest& request) {
    if (request.server_tls_cert().empty()) return rondo::Insecure();
    return rondo::Tls({.roots = request.server_tls_cert(),
                       .certificate = request.client_tls_creds().cert(),
                       .private_key = request.client_tls_creds().key()});
  }

  using Key = std::tuple<std::string, uint32_t, uint32_t, std::string, std::string>;
  std::map<Key, rondo::Channel> channels_;
};

// When to cancel, as milliseconds after the sending side is closed.
std::optional<milliseconds> CancelAfterClose(const ClientCompatRequest& request) {
  using Cancel = ClientCompatRequest::Cancel;
  if (!request.has_cancel()) return std::nullopt;
  switch (request.cancel().cancel_timing_case()) {
    case Cancel::kAfterCloseSendMs:
      return milliseconds(request.cancel().after_close_send_ms());
    case Cancel::CANCEL_TIMING_NOT_SET:
      return milliseconds(0);
    case Cancel::kBeforeCloseSend:
    case Cancel::kAfterNumResponses:
      return std::nullopt;
  }
  return std::nullopt;
}

// One call, on a thread of its own.
class OneCall {
 public:
  OneCall(rondo::Channel channel, const ClientCompatRequest& request)
      : channel_(std::move(channel)),
        request_(request),
        metadata_(rondo::conformance::ToMetadata(request.request_headers())) {}

  Outcome Run() {
    const std::string& method = request_.method();
    if (request_.has_service() &&
        request_.service() != "connectrpc.conformance.v1.ConformanceService") {
      return absl::InvalidArgumentError("there is no service " + request_.service());
    }
    if (method == "Unary") return Unary(ConformanceServiceMethods::Unary);
    if (method == "IdempotentUnary") return Unary(ConformanceServiceMethods::IdempotentUnary);
    if (method == "Unimplemented") return Unary(ConformanceServiceMethods::Unimplemented);
    if (method == "ServerStream") return ServerStream();
    if (method == "ClientStream") return ClientStream();
    if (method == "BidiStream") return BidiStream();
    return absl::InvalidArgumentError("there is no method " + method);
  }

 private:
  rondo::CallOptions Options() {
    rondo::CallOptions options{.metadata = metadata_, .report = &report_};
    if (request_.compression() == pb::COMPRESSION_GZIP) {
      options.compression = rondo::Compression::kGzip;
    } else if (request_.compression() == pb::COMPRESSION_DEFLATE) {
      options.compression = rondo::Compression::kDeflate;
    }
    if (request_.has_timeout_ms()) options.timeout = milliseconds(request_.timeout_ms());
    return options;
  }

  template <class Request>
  absl::StatusOr<Request> RequestAt(int i) const {
    Request request;
    if (i >= request_.request_messages_size() || !request_.request_messages(i).UnpackTo(&request)) {
      return absl::InvalidArgumentError("request " + std::to_string(i) + " is missing or wrong");
    }
    return request;
  }

  void Delay() const { std::this_thread::sleep_for(milliseconds(request_.request_delay_ms())); }

  ClientResponseResult Finish(const absl::Status& status) {
    rondo::conformance::FromMetadata(report_.headers, *result_.mutable_response_headers());
    rondo::conformance::FromMetadata(report_.trailers, *result_.mutable_response_trailers());
    if (!status.ok()) *result_.mutable_error() = rondo::conformance::FromStatus(status);
    return std::move(result_);
  }
  template <class Reply>
  void Keep(const Reply& reply) {
    if constexpr (requires { reply.payload(); }) *result_.add_payloads() = reply.payload();
  }

  template <class M>
  Outcome Unary(const M& method) {
    if (request_.request_messages_size() != 1) {
      return absl::InvalidArgumentError("a unary call has one request");
    }
    const auto message = RequestAt<typename M::Request>(0);
    if (!message.ok()) return message.status();
    Delay();
    const auto reply = CancelAfterClose(request_).has_value()
                           ? CancelledUnary(method, *message)
                           : rondo::CallUnary(channel_, method, *message, Options());
    if (reply.ok()) Keep(*reply);
    return Finish(reply.status());
  }

  // Below the typed stubs, where a canceller for other threads can be had.
  template <class M>
  absl::StatusOr<typename M::Reply> CancelledUnary(const M& method,
                                                   const typename M::Request& message) {
    rondo::UnaryCall call = channel_.Unary(method, Options(), message.ByteSizeLong());
    message.SerializeWithCachedSizesToArray(call.body());
    std::promise<absl::StatusOr<typename M::Reply>> ended;
    rondo::CallCanceller canceller;
    std::move(call).Start(
        [&ended](rondo::UnaryResult end) {
          typename M::Reply reply;
          if (!end.status.ok()) return ended.set_value(end.status);
          reply.ParseFromArray(end.message.data(), static_cast<int>(end.message.size()));
          ended.set_value(std::move(reply));
        },
        &canceller);
    auto reply = ended.get_future();
    if (reply.wait_for(*CancelAfterClose(request_)) != std::future_status::ready) {
      canceller.Cancel();
    }
    return reply.get();
  }

  Outcome ServerStream() {
    if (request_.request_messages_size() != 1) {
      return absl::InvalidArgumentError("a server streaming call has one request");
    }
    const auto message = RequestAt<pb::ServerStreamRequest>(0);
    if (!message.ok()) return message.status();
    Delay();
    rondo::ReadStream<pb::ServerStreamResponse> stream(
        channel_, ConformanceServiceMethods::ServerStream, *message, Options());
    CancelInTime(stream);
    ReadAll(stream);
    return Finish(stream.Finish());
  }

  Outcome ClientStream() {
    rondo::WriteStream<pb::ClientStreamRequest, pb::ClientStreamResponse> stream(
        channel_, ConformanceServiceMethods::ClientStream, Options());
    for (int i = 0; i < request_.request_messages_size(); ++i) {
      const auto message = RequestAt<pb::ClientStreamRequest>(i);
      if (!message.ok()) return message.status();
      Delay();
      if (!stream.Write(*message)) {
        result_.set_num_unsent_requests(request_.request_messages_size() - i);
        break;
      }
    }
    if (request_.cancel().has_before_close_send()) stream.Cancel();
    std::optional<std::thread> later;
    if (const auto wait = CancelAfterClose(request_)) {
      later.emplace([&stream, wait] {
        std::this_thread::sleep_for(*wait);
        stream.Cancel();
      });
    }
    const auto reply = stream.Finish();
    if (later.has_value()) later->join();
    if (reply.ok()) Keep(*reply);
    return Finish(reply.status());
  }

  Outcome BidiStream() {
    rondo::ReadWriteStream<pb::BidiStreamRequest, pb::BidiStreamResponse> stream(
        channel_, ConformanceServiceMethods::BidiStream, Options());
    const bool full_duplex = request_.stream_type() == pb::STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM;
    for (int i = 0; i < request_.request_messages_size(); ++i) {
      const auto message = RequestAt<pb::BidiStreamRequest>(i);
      if (!message.ok()) return message.status();
      Delay();
      if (!stream.Write(*message)) {
        result_.set_num_unsent_requests(request_.request_messages_size() - i);
        break;
      }
      if (full_duplex && !ReadOne(stream)) break;
    }
    if (request_.cancel().has_before_close_send()) stream.Cancel();
    stream.WritesDone();
    CancelInTime(stream);
    ReadAll(stream);
    return Finish(stream.Finish());
  }

  template <class Stream>
  void CancelInTime(Stream& stream) {
    const auto wait = CancelAfterClose(request_);
    if (!wait.has_value()) return;
    std::this_thread::sleep_for(*wait);
    stream.Cancel();
  }
  template <class Stream>
  bool ReadOne(Stream& stream) {
    const auto reply = stream.Read();
    if (!reply.has_value()) return false;
    Keep(*reply);
    const auto enough = request_.cancel().after_num_responses();
    if (enough > 0 && static_cast<uint32_t>(result_.payloads_size()) == enough) stream.Cancel();
    return true;
  }
  template <class Stream>
  void ReadAll(Stream& stream) {
    while (ReadOne(stream)) {
    }
  }

  const rondo::Channel channel_;
  const ClientCompatRequest& request_;
  const rondo::Metadata metadata_;
  rondo::CallReport report_;
  ClientResponseResult result_;
};

class Runner {
 public:
  void Run() {
    ClientCompatRequest request;
    std::vector<std::thread> threads;
    while (rondo::conformance::ReadMessage(request)) {
      auto channel = channels_.To(request);
      threads.emplace_back([this, channel = std::move(channel), request] {
        Tell(request, channel.ok() ? OneCall(*channel, request).Run() : Outcome(channel.status()));
      });
    }
    for (std::thread& t : threads) t.join();
  }

 private:
  void Tell(const ClientCompatRequest& request, Outcome outcome) {
    pb::ClientCompatResponse told;
    told.set_test_name(request.test_name());
    if (outcome.ok()) {
      *told.mutable_response() = *std::move(outcome);
    } else {
      told.mutable_error()->set_message(outcome.status().ToString());
    }
    const std::lock_guard lock(stdout_);
    rondo::conformance::WriteMessage(told);
  }

  Channels channels_;
  std::mutex stdout_;
};

}  // namespace

int main() { Runner().Run(); }
