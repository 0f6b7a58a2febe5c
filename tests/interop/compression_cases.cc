// gRPC's own cases of compression (doc/interop-test-descriptions.md of grpc/grpc). Whether a reply
// came compressed is not for an application to see; the servers' words about requests are.
#include <string>

#include "interop_cases.h"

namespace rondo::interop {
namespace {

using grpc::testing::SimpleRequest;
using grpc::testing::StreamingInputCallRequest;
using grpc::testing::StreamingOutputCallRequest;

constexpr CallOptions kPlain{.compression = Compression::kIdentity};
constexpr CallOptions kGzipped{.compression = Compression::kGzip};

void RequireSize(const grpc::testing::Payload& payload, size_t size, const std::string& what) {
  Require(payload.body().size() == size, what + ": got " + std::to_string(payload.body().size()) +
                                             " bytes, want " + std::to_string(size));
}

void ClientCompressedUnary(const Client& client) {
  SimpleRequest request = SizedRequest(271'828, 314'159);
  request.mutable_expect_compressed()->set_value(true);
  // A probe: the server must notice.
  RequireCode(client.stub.UnaryCall(request, kPlain).status(), absl::StatusCode::kInvalidArgument,
              "UnaryCall that says it is compressed and is not");
  const auto compressed = client.stub.UnaryCall(request, kGzipped);
  RequireOk(compressed.status(), "UnaryCall, compressed");
  RequireSize(compressed->payload(), 314'159, "UnaryCall, compressed");
  request.mutable_expect_compressed()->set_value(false);
  const auto plain = client.stub.UnaryCall(request, kPlain);
  RequireOk(plain.status(), "UnaryCall, uncompressed");
  RequireSize(plain->payload(), 314'159, "UnaryCall, uncompressed");
}

StreamingInputCallRequest Input(size_t size, bool compressed) {
  StreamingInputCallRequest request;
  request.mutable_payload()->set_body(std::string(size, '\0'));
  request.mutable_expect_compressed()->set_value(compressed);
  return request;
}

void ClientCompressedStreaming(const Client& client) {
  auto probe = client.stub.StreamingInputCall(kPlain);
  (void)probe.Write(Input(27'182, true));
  RequireCode(probe.Finish().status(), absl::StatusCode::kInvalidArgument,
              "StreamingInputCall that says it is compressed and is not");
  auto stream = client.stub.StreamingInputCall(kGzipped);
  Require(stream.Write(Input(27'182, true)), "StreamingInputCall: the compressed write");
  Require(stream.Write(Input(45'904, false), WriteOptions{.compress = false}),
          "StreamingInputCall: the uncompressed write");
  const auto reply = stream.Finish();
  RequireOk(reply.status(), "StreamingInputCall");
  Require(reply->aggregated_payload_size() == 73'086, "StreamingInputCall: the sum is wrong");
}

void ServerCompressedUnary(const Client& client) {
  for (const bool compressed : {true, false}) {
    SimpleRequest request = SizedRequest(271'828, 314'159);
    request.mutable_response_compressed()->set_value(compressed);
    const auto reply = client.stub.UnaryCall(request);
    RequireOk(reply.status(), "UnaryCall");
    RequireSize(reply->payload(), 314'159, "UnaryCall");
  }
}

void ServerCompressedStreaming(const Client& client) {
  StreamingOutputCallRequest request;
  for (const int size : {31'415, 92'653}) {
    auto& parameters = *request.add_response_parameters();
    parameters.set_size(size);
    parameters.mutable_compressed()->set_value(size == 31'415);
  }
  auto stream = client.stub.StreamingOutputCall(request);
  for (const size_t size : {31'415UL, 92'653UL}) {
    const auto reply = stream.Read();
    Require(reply.has_value(), "StreamingOutputCall: a reply is missing");
    RequireSize(reply->payload(), size, "StreamingOutputCall");
  }
  RequireOk(stream.Finish(), "StreamingOutputCall");
}

}  // namespace

void AddCompressionCases(Cases& cases) {
  cases["client_compressed_unary"] = ClientCompressedUnary;
  cases["client_compressed_streaming"] = ClientCompressedStreaming;
  cases["server_compressed_unary"] = ServerCompressedUnary;
  cases["server_compressed_streaming"] = ServerCompressedStreaming;
}

}  // namespace rondo::interop
