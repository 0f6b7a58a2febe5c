// The completion queue API, all of it on one thread.
#include <deque>
#include <list>
#include <optional>

#include "programs.h"

namespace bench {
namespace {

class Tag {
 public:
  virtual ~Tag() = default;
  virtual void Done(bool ok) = 0;
};

struct Load {
  explicit Load(const Arguments& a)
      : stub(Echo::NewStub(Open(a.Text("port")))),
        request(Request(a)),
        meter(a),
        pace(a),
        judge(meter, request),
        in_flight(static_cast<size_t>(a.Int("inflight", 100))) {}
  std::unique_ptr<Echo::Stub> stub;
  grpc::CompletionQueue queue;
  const Text request;
  Meter meter;
  Pace pace;
  Judge judge;
  const size_t in_flight;
};

// ---- Unary.
class Unary final : public Tag {
 public:
  Unary(Load& load, std::vector<Unary*>& free) : load_(load), free_(free) {}
  void Start(uint64_t begun) {
    begun_ = begun;
    reader_.reset();  // Before its context.
    context_.emplace();
    reader_ = load_.stub->AsyncUnary(&*context_, load_.request, &load_.queue);
    reader_->Finish(&reply_, &status_, this);
  }
  void Done(bool) override {
    load_.judge(status_.ok(), reply_, status_.error_message());
    const uint64_t now = load_.meter.Ended(begun_);
    if (load_.pace.open_loop()) {
      free_.push_back(this);
    } else if (now != 0) {
      Start(now);
    }
  }

 private:
  Load& load_;
  std::vector<Unary*>& free_;
  uint64_t begun_ = 0;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Text>> reader_;
  Text reply_;
  grpc::Status status_;
};

// ---- One request, many replies.
class Many final : public Tag {
 public:
  explicit Many(Load& load) : load_(load) { Start(); }
  void Done(bool ok) override {
    if (ending_) return Start();
    if (!reading_) {  // The call has been sent.
      reading_ = true;
    } else if (ok) {
      ++count_;
      load_.judge(true, reply_);
      if (load_.meter.Ended(begun_) == 0) return;
    } else {
      load_.judge(count_ == kMany, load_.request, "replies are missing");
      ending_ = true;
      return reader_->Finish(&status_, this);
    }
    reader_->Read(&reply_, this);
  }

 private:
  void Start() {
    reading_ = ending_ = false;
    count_ = 0;
    begun_ = load_.meter.Begin();
    reader_.reset();  // Before its context.
    context_.emplace();
    reader_ = load_.stub->AsyncMany(&*context_, load_.request, &load_.queue, this);
  }
  Load& load_;
  bool reading_ = false, ending_ = false;
  uint64_t begun_ = 0, count_ = 0;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncReader<Text>> reader_;
  Text reply_;
  grpc::Status status_;
};

// ---- Both ways: one write and one read are open at a time, as the API wants it.
class Both {
 public:
  explicit Both(Load& load)
      : load_(load), begun_(load.in_flight, load.meter.Begin()), to_write_(load.in_flight) {
    stream_ = load_.stub->AsyncBoth(&context_, &load_.queue, &started_);
  }

 private:
  struct Started final : Tag {
    explicit Started(Both& b) : both(b) {}
    void Done(bool) override {
      both.Write();
      both.stream_->Read(&both.reply_, &both.read_);
    }
    Both& both;
  };
  struct Written final : Tag {
    explicit Written(Both& b) : both(b) {}
    void Done(bool) override {
      both.writing_ = false;
      both.Write();
    }
    Both& both;
  };
  struct Read final : Tag {
    explicit Read(Both& b) : both(b) {}
    void Done(bool ok) override { both.OnRead(ok); }
    Both& both;
  };
  void Write() {
    if (writing_ || to_write_ == 0) return;
    --to_write_;
    writing_ = true;
    stream_->Write(load_.request, &written_);
  }
  void OnRead(bool ok) {
    load_.judge(ok, reply_);
    uint64_t& begun = begun_[oldest_];
    begun = load_.meter.Ended(begun);
    if (begun == 0 || !ok) return;
    if (++oldest_ == begun_.size()) oldest_ = 0;
    ++to_write_;
    Write();
    stream_->Read(&reply_, &read_);
  }

  Load& load_;
  std::vector<uint64_t> begun_;  // A ring, for messages come back in order.
  size_t to_write_, oldest_ = 0;
  bool writing_ = false;
  Started started_{*this};
  Written written_{*this};
  Read read_{*this};
  Text reply_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<Text, Text>> stream_;
};

}  // namespace

void AsyncClient(const Arguments& arguments) {
  Load load(arguments);
  std::deque<Unary> calls;
  std::vector<Unary*> free;
  std::list<Many> replies;
  std::list<Both> streams;
  if (load.pace.open_loop()) load.pace.Begin(load.meter.Begin());
  switch (KindOf(arguments)) {
    case Kind::kUnary:
      if (load.pace.open_loop()) break;
      for (size_t i = 0; i < load.in_flight; ++i) {
        calls.emplace_back(load, free).Start(load.meter.Begin());
      }
      break;
    case Kind::kMany:
      for (size_t i = 0; i < load.in_flight; ++i) replies.emplace_back(load);
      break;
    case Kind::kBoth:
      for (int i = arguments.Int("streams", 1); i > 0; --i) streams.emplace_back(load);
  }
  while (!load.meter.over()) {
    void* tag = nullptr;
    bool ok = false;
    if (!load.pace.open_loop()) {
      load.queue.Next(&tag, &ok);
      static_cast<Tag*>(tag)->Done(ok);
      continue;
    }
    uint64_t now = NowNs();
    while (load.pace.next() <= now) {
      if (free.empty()) free.push_back(&calls.emplace_back(load, free));
      Unary& call = *free.back();
      free.pop_back();
      call.Start(load.pace.Take());
    }
    now = NowNs();
    const uint64_t wait = load.pace.next() > now ? load.pace.next() - now : 0;
    const gpr_timespec until =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                     gpr_time_from_nanos(static_cast<int64_t>(wait), GPR_TIMESPAN));
    if (load.queue.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<Tag*>(tag)->Done(ok);
    }
  }
  load.meter.Print();
  std::fflush(nullptr);
  std::_Exit(0);  // What still runs is of no interest.
}

}  // namespace bench
