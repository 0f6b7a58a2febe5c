// The completion queue API, all of it on one thread. Each method keeps calls ready to be taken.
#include <optional>
#include <thread>

#include "programs.h"

namespace bench {
namespace {

class Tag {
 public:
  virtual ~Tag() = default;
  virtual void Done(bool ok) = 0;
};

struct Place {
  Echo::AsyncService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
};

class Unary final : public Tag {
 public:
  explicit Unary(Place& place) : place_(place) { Wait(); }
  void Done(bool ok) override {
    if (!ok) return;
    if (std::exchange(finishing_, !finishing_)) return Wait();
    reply_->Finish(request_, grpc::Status::OK, this);
  }

 private:
  void Wait() {
    reply_.reset();
    context_.emplace();
    reply_.emplace(&*context_);
    place_.service.RequestUnary(&*context_, &request_, &*reply_, place_.queue.get(),
                                place_.queue.get(), this);
  }
  Place& place_;
  bool finishing_ = false;
  Text request_;
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncResponseWriter<Text>> reply_;
};

class Many final : public Tag {
 public:
  explicit Many(Place& place) : place_(place) {
    place_.service.RequestMany(&context_, &request_, &writer_, place_.queue.get(),
                               place_.queue.get(), this);
  }
  void Done(bool ok) override {
    if (left_ == kMany) new Many(place_);
    if (over_ || !ok) {
      delete this;
    } else if (left_-- > 0) {
      writer_.Write(request_, this);
    } else {
      over_ = true;
      writer_.Finish(grpc::Status::OK, this);
    }
  }

 private:
  Place& place_;
  uint64_t left_ = kMany;
  bool over_ = false;
  Text request_;
  grpc::ServerContext context_;
  grpc::ServerAsyncWriter<Text> writer_{&context_};
};

// One message at a time: read, write, read. Never ends, for its clients don't end theirs.
class Both final : public Tag {
 public:
  explicit Both(Place& place) : place_(place) {
    place_.service.RequestBoth(&context_, &stream_, place_.queue.get(), place_.queue.get(), this);
  }
  void Done(bool ok) override {
    if (!std::exchange(taken_, true)) new Both(place_);
    if (!ok) {
      delete this;
    } else if (std::exchange(reading_, !reading_)) {
      stream_.Write(message_, this);
    } else {
      stream_.Read(&message_, this);
    }
  }

 private:
  Place& place_;
  bool taken_ = false, reading_ = false;
  Text message_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<Text, Text> stream_{&context_};
};

}  // namespace

void AsyncServer(const Arguments&) {
  Place place;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&place.service);
  place.queue = builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  for (int i = 0; i < 1000; ++i) new Unary(place);
  new Many(place);
  new Both(place);
  std::thread([&] {
    void* tag = nullptr;
    for (bool ok = false; place.queue->Next(&tag, &ok);) static_cast<Tag*>(tag)->Done(ok);
  }).detach();
  ServeUntilStdinEnds(*server, port);
}

}  // namespace bench
