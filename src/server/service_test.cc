// Handlers of all kinds over a call that the test plays.
#include "rondo/service.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "event/manual_loop.h"

namespace rondo {
namespace {

using event::ManualLoop;
using std::chrono_literals::operator""ms;

// A message that is its bytes; those of "bad" can't be parsed.
struct Text {
  std::string text;
  size_t ByteSizeLong() const { return text.size(); }
  uint8_t* SerializeWithCachedSizesToArray(uint8_t* to) const {
    return std::copy(text.begin(), text.end(), to);
  }
  bool ParseFromArray(const void* from, int size) {
    text.assign(static_cast<const char*>(from), static_cast<size_t>(size));
    return text != "bad";
  }
};
Bytes AsBytes(const std::string& s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

using Outcome = absl::StatusOr<Text>;
constexpr MethodOf<Text, Text, MethodKind::kUnary> kUnary("/s/Unary");
constexpr MethodOf<Text, Text, MethodKind::kServerStreaming> kServer("/s/Server");
constexpr MethodOf<Text, Text, MethodKind::kClientStreaming> kClient("/s/Client");
constexpr MethodOf<Text, Text, MethodKind::kBidirectional> kBoth("/s/Both");

// The far end: requests that come, replies that go, and the end.
class PlayedCall final : public ServerCall {
 public:
  PlayedCall(Loop& loop, const Method& method, std::vector<std::string>& said) : said_(said) {
    loop_ = &loop;
    method_ = method.path;
    peer_ = &nobody_;
  }
  ~PlayedCall() override {
    if (worker_.joinable()) worker_.join();
  }
  void OnCancel(Function<void()> /*on_cancel*/) override {}
  void SendHeaders() override {}
  void Read(Function<void(std::optional<Bytes>)> done) override {
    reading_ = std::move(done);
    TellSoon();
  }
  bool SetCompression(Compression /*compression*/) override { return false; }
  void Write(Slice framed, Function<void(bool)> done, WriteOptions options) override {
    said_.push_back((options.compress ? "wrote " : "wrote uncompressed ") + Body(framed));
    loop_->Post([this, done = std::move(done)]() mutable { done(!cancelled()); });
  }
  void Finish(const absl::Status& status) override { End(status.ToString()); }
  void Reply(Slice framed) override { End("reply " + Body(framed)); }
  bool RunOnWorker(Function<void()> work) override {
    if (busy) return false;
    worker_ = std::thread(std::move(work));
    return true;
  }

  void Requests(std::deque<std::string> requests) {
    requests_ = std::move(requests);
    more_ = false;
  }
  void Arrives(std::string request) {
    requests_.push_back(std::move(request));
    TellSoon();
  }
  void CallerGoes() {
    cancelled_.store(true);
    requests_.clear();
    more_ = false;
    TellSoon();
  }
  bool ended() const { return ended_; }

  bool busy = false;

 private:
  static std::string Body(const Slice& framed) {
    const Bytes body = framed.bytes().subspan(kMessagePrefix);
    return {body.begin(), body.end()};
  }
  void TellSoon() {
    loop_->Post([this] {
      if (!reading_ || (requests_.empty() && more_)) return;
      auto done = std::exchange(reading_, nullptr);
      if (requests_.empty()) return done(std::nullopt);
      const std::string request = std::move(requests_.front());
      requests_.pop_front();
      done(AsBytes(request));
    });
  }
  void End(std::string how) {
    ended_ = true;
    reading_ = nullptr;
    said_.push_back(std::move(how));
  }

  std::vector<std::string>& said_;
  const std::string nobody_;
  std::deque<std::string> requests_;
  bool more_ = true, ended_ = false;
  Function<void(std::optional<Bytes>)> reading_;
  std::thread worker_;
};

class ServiceTest : public testing::Test {
 public:
  // A call has come for the handler.
  PlayedCall& Call(const ServerMethod& method, std::string request = "") {
    calls.push_back(std::make_unique<PlayedCall>(*loop, *method.method, said));
    method.start(*calls.back(), AsBytes(request));
    return *calls.back();
  }
  // Of a blocking handler: the loop runs until it has ended.
  void RunUntilEnded(PlayedCall& call) {
    while (!call.ended()) loop->RunUntilIdle();
  }
  ~ServiceTest() override { loop->Stop(); }

  std::shared_ptr<ManualLoop> loop = ManualLoop::Make();
  std::vector<std::string> said;
  std::vector<std::unique_ptr<PlayedCall>> calls;
};
using Said = std::vector<std::string>;

Task<Outcome> Slow(ServerCall& /*call*/, Text request) {
  co_await Sleep(10ms);
  co_return Text{"slow " + request.text};
}
Task<absl::Status> Echo(ServerCall& /*call*/, ReaderWriter<Text, Text>& stream) {
  while (auto request = co_await stream.Read()) {
    const bool room = co_await stream.Write(*request);
    if (!room) co_return absl::DataLossError("caller has gone");
  }
  co_return absl::OkStatus();
}

TEST_F(ServiceTest, APlainFunctionAnswersAtOnce) {
  Call(Handler(kUnary, [](ServerCall&, const Text& r) -> Outcome { return Text{r.text + "!"}; }),
       "hi");
  EXPECT_EQ(said, Said{"reply hi!"});
}

TEST_F(ServiceTest, ACoroutineAnswersWhenItEnds) {
  Call(Handler(kUnary, Slow), "hi");
  loop->Advance(9ms);
  EXPECT_EQ(said, Said{});
  loop->Advance(1ms);
  EXPECT_EQ(said, Said{"reply slow hi"});
}

TEST_F(ServiceTest, AnErrorIsTheCallsStatus) {
  Call(Handler(kUnary, [](ServerCall&, const Text&) -> Outcome {
    return absl::NotFoundError("no such thing");
  }));
  EXPECT_EQ(said, Said{"NOT_FOUND: no such thing"});
}

TEST_F(ServiceTest, WhatAHandlerThrowsIsUnknown) {
  Call(
      Handler(kUnary, [](ServerCall&, const Text&) -> Outcome { throw std::runtime_error("oh"); }));
  Call(Handler(kUnary, [](ServerCall&, Text) -> Task<Outcome> {
    co_await Sleep(0ms);
    throw 1;
  }));
  loop->RunUntilIdle();
  EXPECT_EQ(said, (Said{"UNKNOWN: /s/Unary: the handler threw: oh",
                        "UNKNOWN: /s/Unary: the handler threw something"}));
}

TEST_F(ServiceTest, ARequestThatCantBeParsedIsInternal) {
  Call(Handler(kUnary, Slow), "bad");
  EXPECT_EQ(said, Said{"INTERNAL: /s/Unary: the request can't be parsed; is it of the same message "
                       "type on both sides"});
}

TEST_F(ServiceTest, AServerStreamIsWrittenMessageByMessage) {
  Call(Handler(kServer,
               [](ServerCall&, Text r, Writer<Text>& writer) -> Task<absl::Status> {
                 for (int i = 0; i < 2; ++i) {
                   const Text reply{r.text + std::to_string(i)};
                   co_await writer.Write(reply);
                 }
                 co_return absl::OkStatus();
               }),
       "a");
  loop->RunUntilIdle();
  EXPECT_EQ(said, (Said{"wrote a0", "wrote a1", "OK"}));
}

TEST_F(ServiceTest, AClientStreamIsReadToItsEnd) {
  PlayedCall& call = Call(Handler(kClient, [](ServerCall&, Reader<Text>& reader) -> Task<Outcome> {
    Text all;
    while (auto request = co_await reader.Read()) all.text += request->text;
    co_return all;
  }));
  call.Requests({"a", "b", "c"});
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{"reply abc"});
}

TEST_F(ServiceTest, BothStreamsGoOnTogether) {
  PlayedCall& call = Call(Handler(kBoth, Echo));
  call.Arrives("a");
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{"wrote a"});
  call.Requests({"b"});
  call.Arrives("c");
  loop->RunUntilIdle();
  EXPECT_EQ(said, (Said{"wrote a", "wrote b", "wrote c", "OK"}));
}

TEST_F(ServiceTest, AStreamedRequestThatCantBeParsedEndsTheStreamAndIsInternal) {
  PlayedCall& call = Call(Handler(kBoth, Echo));
  call.Requests({"a", "bad", "c"});
  loop->RunUntilIdle();
  EXPECT_EQ(said, (Said{"wrote a",
                        "INTERNAL: /s/Both: the request can't be parsed; is it of the same "
                        "message type on both sides"}));
}

TEST_F(ServiceTest, AHandlerSeesThatItsCallerHasGone) {
  PlayedCall& call = Call(Handler(kBoth, Echo));
  loop->RunUntilIdle();
  call.CallerGoes();
  loop->RunUntilIdle();
  EXPECT_TRUE(call.cancelled());
  EXPECT_EQ(said, Said{"OK"});
}

TEST_F(ServiceTest, ASecondReadAtOnceIsRefused) {
  PlayedCall& call = Call(Handler(kClient, [](ServerCall&, Reader<Text>& reader) -> Task<Outcome> {
    const auto read = [](Reader<Text>& r) -> Task<std::string> {
      auto request = co_await r.Read();
      co_return request ? request->text : "refused";
    };
    auto [first, second] = co_await All(read(reader), read(reader));
    co_return Text{first + " " + second};
  }));
  call.Arrives("a");
  loop->RunUntilIdle();
  EXPECT_EQ(said, Said{"reply a refused"});
}

TEST_F(ServiceTest, ALoopThatStopsAnswersForTheHandler) {
  Call(Handler(kUnary, Slow), "hi");
  loop->Stop();
  EXPECT_EQ(said, Said{"CANCELLED: the server is stopping"});
}

TEST_F(ServiceTest, ABlockingHandlerRunsOnAWorkerAndAnswersOnTheLoop) {
  std::thread::id where;
  PlayedCall& call = Call(Blocking(kUnary,
                                   [&](ServerCall&, const Text& r) -> Outcome {
                                     where = std::this_thread::get_id();
                                     return Text{r.text + "!"};
                                   }),
                          "hi");
  RunUntilEnded(call);
  EXPECT_NE(where, std::this_thread::get_id());
  EXPECT_EQ(said, Said{"reply hi!"});
}

TEST_F(ServiceTest, ABlockingHandlerReadsAndWrites) {
  PlayedCall& call = Call(
      Blocking(kBoth, [](ServerCall&, BlockingReaderWriter<Text, Text>& stream) -> absl::Status {
        while (auto request = stream.Read()) {
          if (!stream.Write(*request)) return absl::DataLossError("caller has gone");
        }
        return absl::OkStatus();
      }));
  call.Requests({"a", "b"});
  RunUntilEnded(call);
  EXPECT_EQ(said, (Said{"wrote a", "wrote b", "OK"}));
}

TEST_F(ServiceTest, WithoutARoomAmongTheWorkersTheCallIsRefused) {
  const ServerMethod method =
      Blocking(kUnary, [](ServerCall&, const Text& r) -> Outcome { return r; });
  calls.push_back(std::make_unique<PlayedCall>(*loop, kUnary, said));
  calls.back()->busy = true;
  method.start(*calls.back(), {});
  EXPECT_EQ(said,
            Said{"RESOURCE_EXHAUSTED: /s/Unary: too many calls wait for a worker of the server"});
}

}  // namespace
}  // namespace rondo
