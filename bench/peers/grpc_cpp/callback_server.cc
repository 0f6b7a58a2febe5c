// The callback API.
#include "programs.h"

namespace bench {
namespace {

class Many final : public grpc::ServerWriteReactor<Text> {
 public:
  explicit Many(const Text& request) : request_(request) { OnWriteDone(true); }
  void OnWriteDone(bool ok) override {
    if (ok && left_-- > 0) {
      StartWrite(&request_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnDone() override { delete this; }

 private:
  const Text request_;
  uint64_t left_ = kMany;
};

// One message at a time: read, write, read.
class Both final : public grpc::ServerBidiReactor<Text, Text> {
 public:
  Both() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (ok) {
      StartWrite(&message_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnWriteDone(bool) override { StartRead(&message_); }
  void OnDone() override { delete this; }

 private:
  Text message_;
};

class Service final : public Echo::CallbackService {
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Text* request,
                                  Text* reply) override {
    *reply = *request;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerBidiReactor<Text, Text>* Both(grpc::CallbackServerContext*) override {
    return new bench::Both;
  }
  grpc::ServerWriteReactor<Text>* Many(grpc::CallbackServerContext*, const Text* request) override {
    return new bench::Many(*request);
  }
};

}  // namespace

void CallbackServer(const Arguments&) {
  Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  ServeUntilStdinEnds(*server, port);
}

}  // namespace bench
