// The callback API. Its callbacks run on threads of the library, so what they count is locked.
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>

#include "programs.h"

namespace bench {
namespace {

class Load {
 public:
  explicit Load(const Arguments& a)
      : stub(Echo::NewStub(Open(a.Text("port")))),
        request(Request(a)),
        in_flight(static_cast<size_t>(a.Int("inflight", 100))),
        meter_(a),
        judge_(meter_, request) {}

  uint64_t Begin() {
    std::lock_guard lock(mutex_);
    return meter_.Begin();
  }
  // 0: time is up.
  uint64_t Ended(uint64_t begun, bool ok, const Text& reply, const std::string& why) {
    std::lock_guard lock(mutex_);
    judge_(ok, reply, why);
    const uint64_t now = meter_.Ended(begun);
    if (now == 0) over_.notify_one();
    return now;
  }
  void WaitAndPrint() {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [this] { return meter_.over(); });
    meter_.Print();
    std::fflush(nullptr);
    std::_Exit(0);  // What still runs is of no interest.
  }

  std::unique_ptr<Echo::Stub> stub;
  const Text request;
  const size_t in_flight;

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  Meter meter_;
  Judge judge_;
};

class Unary {
 public:
  explicit Unary(Load& load) : load_(load) { Start(load_.Begin()); }

 private:
  void Start(uint64_t begun) {
    context_.emplace();
    load_.stub->async()->Unary(
        &*context_, &load_.request, &reply_, [this, begun](const grpc::Status& status) {
          const uint64_t now = load_.Ended(begun, status.ok(), reply_, status.error_message());
          if (now != 0) Start(now);
        });
  }
  Load& load_;
  std::optional<grpc::ClientContext> context_;
  Text reply_;
};

class Many final : public grpc::ClientReadReactor<Text> {
 public:
  explicit Many(Load& load) : load_(load), begun_(load.Begin()) {
    load_.stub->async()->Many(&context_, &load_.request, this);
    StartRead(&reply_);
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (load_.Ended(begun_, true, reply_, "") != 0) StartRead(&reply_);
  }
  void OnDone(const grpc::Status&) override {
    new Many(load_);
    delete this;
  }

 private:
  Load& load_;
  const uint64_t begun_;
  grpc::ClientContext context_;
  Text reply_;
};

class Both final : public grpc::ClientBidiReactor<Text, Text> {
 public:
  explicit Both(Load& load)
      : load_(load), begun_(load.in_flight, load.Begin()), to_write_(load.in_flight) {
    load_.stub->async()->Both(&context_, this);
    Write();
    StartRead(&reply_);
    StartCall();
  }
  void OnWriteDone(bool) override {
    {
      std::lock_guard lock(mutex_);
      writing_ = false;
    }
    Write();
  }
  void OnReadDone(bool ok) override {
    const uint64_t now = load_.Ended(begun_[oldest_], ok, reply_, "the stream has ended");
    if (now == 0 || !ok) return;
    begun_[oldest_] = now;
    if (++oldest_ == begun_.size()) oldest_ = 0;
    {
      std::lock_guard lock(mutex_);
      ++to_write_;
    }
    Write();
    StartRead(&reply_);
  }

 private:
  void Write() {
    {
      std::lock_guard lock(mutex_);
      if (writing_ || to_write_ == 0) return;
      --to_write_;
      writing_ = true;
    }
    StartWrite(&load_.request);
  }
  Load& load_;
  std::vector<uint64_t> begun_;  // A ring, for messages come back in order.
  size_t oldest_ = 0;
  std::mutex mutex_;
  size_t to_write_;
  bool writing_ = false;
  grpc::ClientContext context_;
  Text reply_;
};

}  // namespace

void CallbackClient(const Arguments& arguments) {
  Load load(arguments);
  std::list<Unary> calls;
  std::list<Both> streams;
  switch (KindOf(arguments)) {
    case Kind::kUnary:
      for (size_t i = 0; i < load.in_flight; ++i) calls.emplace_back(load);
      break;
    case Kind::kMany:
      for (size_t i = 0; i < load.in_flight; ++i) new Many(load);
      break;
    case Kind::kBoth:
      for (int i = arguments.Int("streams", 1); i > 0; --i) streams.emplace_back(load);
  }
  load.WaitAndPrint();
}

}  // namespace bench
