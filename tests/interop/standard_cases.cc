// gRPC's own cases (doc/interop-test-descriptions.md of grpc/grpc), but those that need
// cloud credentials; those of compression and load reports are beside it.
#include <chrono>
#include <string>

#include "interop_cases.h"
#include "test_metadata.h"

namespace rondo::interop {
namespace {

using namespace std::chrono_literals;
using grpc::testing::Empty;
using grpc::testing::SimpleRequest;
using grpc::testing::StreamingInputCallRequest;
using grpc::testing::StreamingOutputCallRequest;

constexpr int kRequestSizes[] = {27182, 8, 1828, 45904};
constexpr int kResponseSizes[] = {31415, 9, 2653, 58979};

void RequireSize(const grpc::testing::Payload& payload, int size, const std::string& what) {
  const auto got = static_cast<int>(payload.body().size());
  Require(got == size,
          what + ": got " + std::to_string(got) + " bytes, want " + std::to_string(size));
}

void EmptyUnary(const Client& client) {
  const auto reply = client.stub.EmptyCall(Empty());
  RequireOk(reply.status(), "EmptyCall");
  Require(reply->ByteSizeLong() == 0, "EmptyCall: the reply is not empty");
}

void LargeUnary(const Client& client) {
  const auto reply = client.stub.UnaryCall(SizedRequest(271'828, 314'159));
  RequireOk(reply.status(), "UnaryCall");
  RequireSize(reply->payload(), 314'159, "UnaryCall");
}

void ClientStreaming(const Client& client) {
  auto stream = client.stub.StreamingInputCall();
  int sum = 0;
  for (const int size : kRequestSizes) {
    StreamingInputCallRequest request;
    request.mutable_payload()->set_body(std::string(size, '\0'));
    Require(stream.Write(request), "StreamingInputCall: a write found the call over");
    sum += size;
  }
  const auto reply = stream.Finish();
  RequireOk(reply.status(), "StreamingInputCall");
  Require(reply->aggregated_payload_size() == sum,
          "StreamingInputCall: got " + std::to_string(reply->aggregated_payload_size()) +
              ", want " + std::to_string(sum));
}

void ServerStreaming(const Client& client) {
  StreamingOutputCallRequest request;
  for (const int size : kResponseSizes) request.add_response_parameters()->set_size(size);
  auto stream = client.stub.StreamingOutputCall(request);
  for (const int size : kResponseSizes) {
    const auto reply = stream.Read();
    Require(reply.has_value(), "StreamingOutputCall: a reply is missing");
    RequireSize(reply->payload(), size, "StreamingOutputCall");
  }
  Require(!stream.Read().has_value(), "StreamingOutputCall: a reply too many");
  RequireOk(stream.Finish(), "StreamingOutputCall");
}

void PingPong(const Client& client) {
  auto stream = client.stub.FullDuplexCall();
  for (size_t i = 0; i < std::size(kRequestSizes); ++i) {
    Require(stream.Write(Ask(kResponseSizes[i], kRequestSizes[i])),
            "FullDuplexCall: a write found the call over");
    const auto reply = stream.Read();
    Require(reply.has_value(), "FullDuplexCall: a reply is missing");
    RequireSize(reply->payload(), kResponseSizes[i], "FullDuplexCall");
  }
  stream.WritesDone();
  Require(!stream.Read().has_value(), "FullDuplexCall: a reply too many");
  RequireOk(stream.Finish(), "FullDuplexCall");
}

void EmptyStream(const Client& client) {
  auto stream = client.stub.FullDuplexCall();
  stream.WritesDone();
  Require(!stream.Read().has_value(), "FullDuplexCall: a reply to nothing");
  RequireOk(stream.Finish(), "FullDuplexCall");
}

void TimeoutOnSleepingServer(const Client& client) {
  auto stream = client.stub.FullDuplexCall({.timeout = 1ms});
  StreamingOutputCallRequest request;
  request.mutable_payload()->set_body(std::string(27182, '\0'));
  stream.Write(request);  // May find the call over already.
  Require(!stream.Read().has_value(), "FullDuplexCall: a reply that was not asked for");
  RequireCode(stream.Finish(), absl::StatusCode::kDeadlineExceeded, "FullDuplexCall");
}

void CancelAfterBegin(const Client& client) {
  auto stream = client.stub.StreamingInputCall();
  stream.Cancel();
  RequireCode(stream.Finish().status(), absl::StatusCode::kCancelled, "StreamingInputCall");
}

void CancelAfterFirstResponse(const Client& client) {
  auto stream = client.stub.FullDuplexCall();
  Require(stream.Write(Ask(31415, 27182)), "FullDuplexCall: the write found the call over");
  Require(stream.Read().has_value(), "FullDuplexCall: the reply is missing");
  stream.Cancel();
  RequireCode(stream.Finish(), absl::StatusCode::kCancelled, "FullDuplexCall");
}

void RequireEchoes(const CallReport& report, const std::string& what) {
  Require(report.headers.FindAll(kEchoInitial) ==
              std::vector<std::string_view>{"test_initial_metadata_value"},
          what + ": the initial metadata did not come back");
  Require(report.trailers.FindAll(kEchoTrailing) == std::vector<std::string_view>{"\xab\xab\xab"},
          what + ": the trailing metadata did not come back");
}

void CustomMetadata(const Client& client) {
  Metadata sent;
  sent.Add(kEchoInitial, "test_initial_metadata_value").Add(kEchoTrailing, "\xab\xab\xab");
  CallReport unary;
  const auto reply =
      client.stub.UnaryCall(SizedRequest(1, 1), {.metadata = sent, .report = &unary});
  RequireOk(reply.status(), "UnaryCall");
  RequireEchoes(unary, "UnaryCall");

  CallReport streamed;
  auto stream = client.stub.FullDuplexCall({.metadata = sent, .report = &streamed});
  Require(stream.Write(Ask(1, 1)), "FullDuplexCall: the write found the call over");
  Require(stream.Headers().Find(kEchoInitial).has_value(),
          "FullDuplexCall: the headers came without the echo");
  Require(stream.Read().has_value(), "FullDuplexCall: the reply is missing");
  stream.WritesDone();
  RequireOk(stream.Finish(), "FullDuplexCall");
  RequireEchoes(streamed, "FullDuplexCall");
}

void RequireText(const absl::Status& status, const std::string& text, const std::string& what) {
  RequireCode(status, absl::StatusCode::kUnknown, what);
  Require(status.message() == text,
          what + ": got the text \"" + std::string(status.message()) + "\", want \"" + text + "\"");
}

void StatusCodeAndMessage(const Client& client) {
  const std::string text = "test status message";
  SimpleRequest request;
  request.mutable_response_status()->set_code(2);
  request.mutable_response_status()->set_message(text);
  RequireText(client.stub.UnaryCall(request).status(), text, "UnaryCall");

  StreamingOutputCallRequest streamed;
  *streamed.mutable_response_status() = request.response_status();
  auto stream = client.stub.FullDuplexCall();
  Require(stream.Write(streamed), "FullDuplexCall: the write found the call over");
  stream.WritesDone();
  RequireText(stream.Finish(), text, "FullDuplexCall");
}

void SpecialStatusMessage(const Client& client) {
  const std::string text =
      "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n";
  SimpleRequest request;
  request.mutable_response_status()->set_code(2);
  request.mutable_response_status()->set_message(text);
  RequireText(client.stub.UnaryCall(request).status(), text, "UnaryCall");
}

void UnimplementedMethod(const Client& client) {
  RequireCode(client.stub.UnimplementedCall(Empty()).status(), absl::StatusCode::kUnimplemented,
              "TestService/UnimplementedCall");
}

void UnimplementedServiceCase(const Client& client) {
  const grpc::testing::UnimplementedServiceStub stub(client.stub.channel());
  RequireCode(stub.UnimplementedCall(Empty()).status(), absl::StatusCode::kUnimplemented,
              "UnimplementedService/UnimplementedCall");
}

void PickFirstUnary(const Client& client) {
  SimpleRequest request = SizedRequest(1, 1);
  request.set_fill_server_id(true);
  std::string first;
  for (int i = 0; i < 100; ++i) {
    const auto reply = client.stub.UnaryCall(request);
    RequireOk(reply.status(), "UnaryCall");
    Require(!reply->server_id().empty(), "UnaryCall: the server did not tell its id");
    if (first.empty()) first = reply->server_id();
    Require(reply->server_id() == first, "UnaryCall: two servers answered");
  }
}

}  // namespace

void AddStandardCases(Cases& cases) {
  cases["empty_unary"] = EmptyUnary;
  cases["large_unary"] = LargeUnary;
  cases["client_streaming"] = ClientStreaming;
  cases["server_streaming"] = ServerStreaming;
  cases["ping_pong"] = PingPong;
  cases["empty_stream"] = EmptyStream;
  cases["timeout_on_sleeping_server"] = TimeoutOnSleepingServer;
  cases["cancel_after_begin"] = CancelAfterBegin;
  cases["cancel_after_first_response"] = CancelAfterFirstResponse;
  cases["custom_metadata"] = CustomMetadata;
  cases["status_code_and_message"] = StatusCodeAndMessage;
  cases["special_status_message"] = SpecialStatusMessage;
  cases["unimplemented_method"] = UnimplementedMethod;
  cases["unimplemented_service"] = UnimplementedServiceCase;
  cases["pick_first_unary"] = PickFirstUnary;
}

}  // namespace rondo::interop
