// Streaming calls: verbs, back-pressure, replay, the end.
#include <algorithm>

#include "channel/channel_fixture.h"
#include "channel/request_body.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StreamTest : public ChannelTest {
 protected:
  ~StreamTest() override {
    call_ = StreamCall();
    if (!loop_->stopped()) Run();
  }
  void Begin(CallOptions options = {}) {
    call_ = channel_->Stream(kChat, options);
    Run();
  }
  void Write(std::string_view text, bool last = false) {
    call_.Write(FrameMessage(text), last, [this](bool ok) { writes_ += ok ? 'w' : 'x'; });
    Run();
  }
  void Read() {
    call_.Read([this](std::optional<Bytes> m) {
      read_.push_back(m ? std::string(m->begin(), m->end()) : "end");
    });
    Run();
  }
  void Finish() {
    call_.Finish([this](absl::Status s) { status_ = std::move(s); });
    Run();
  }
  std::string Status() const {
    return status_ ? absl::StatusCodeToString(status_->code()) : std::string("waiting");
  }

  StreamCall call_;
  std::string writes_;
  std::vector<std::string> read_;
  std::optional<absl::Status> status_;
};

TEST_F(StreamTest, MessagesGoBothWaysAndTheEndComes) {
  Serve("a:1");
  OpenTo({"a:1"});
  Begin();
  Write("one");
  Write("two", true);
  Read();
  Read();
  Read();
  Finish();
  EXPECT_EQ(writes_, "ww");
  EXPECT_THAT(read_, ElementsAre("a:1:one", "a:1:two", "end"));
  EXPECT_EQ(Status(), "OK");
}
TEST_F(StreamTest, MessagesWrittenBeforeThereIsABackendAreKept) {
  Open();
  Begin();
  Write("early");
  EXPECT_EQ(writes_, "w");
  Serve("a:1");
  names_.PublishAddresses({"a:1"});
  Run();
  call_.WritesDone();
  Read();
  EXPECT_THAT(read_, ElementsAre("a:1:early"));
}
TEST_F(StreamTest, WhatIsKeptHasABound) {
  Open();
  Begin();
  Write(std::string(ReplayRoom{}.call, 'x'));
  EXPECT_EQ(writes_, "") << "no room for more until there is a stream";
  Serve("a:1");
  names_.PublishAddresses({"a:1"});
  Run();
  EXPECT_EQ(writes_, "w");
}
TEST_F(StreamTest, RepliesCanBeReadWhileRequestsGoOn) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Begin();
  Write("x");
  a.last().stream.Respond(AnswerHead(), {}, false);
  a.last().Say("first");
  Run();
  Read();
  EXPECT_THAT(read_, ElementsAre("a:1:first"));
  Write("y");
  EXPECT_EQ(a.last().messages.size(), 2u);
}
TEST_F(StreamTest, HeadersComeBeforeMessages) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Begin();
  std::string seen = "nothing";
  call_.Headers([&](const Metadata& m) { seen = std::string(m.Find("color").value_or("none")); });
  Run();
  EXPECT_EQ(seen, "nothing");
  const http2::Header extra[] = {{"color", "blue"}};
  a.last().stream.Respond(AnswerHead(), extra, false);
  Run();
  EXPECT_EQ(seen, "blue");
}
TEST_F(StreamTest, FinishDropsRepliesThatNobodyReads) {
  Serve("a:1");
  OpenTo({"a:1"});
  Begin();
  for (int i = 0; i < 5; ++i) Write("x", i == 4);
  Finish();
  EXPECT_EQ(Status(), "OK");
}
TEST_F(StreamTest, AReplyThatIsAwaitedIsReadAlthoughFinishWaitsToo) {
  Serve("a:1");
  OpenTo({"a:1"});
  Begin();
  Read();
  Finish();
  Write("x");
  Write("y", true);
  EXPECT_THAT(read_, ElementsAre("a:1:x"));
  EXPECT_EQ(Status(), "OK");
}
TEST_F(StreamTest, ASecondReadAtATimeHearsThatItIsOver) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Begin();
  Read();
  EXPECT_THAT(read_, IsEmpty());
  Read();
  EXPECT_THAT(read_, ElementsAre("end"));
}
TEST_F(StreamTest, WritingAfterTheEndHearsThatItIsOver) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Begin();
  a.last().Fail("9", "closed for today");
  Run();
  Write("x");
  EXPECT_EQ(writes_, "x");
  Finish();
  EXPECT_EQ(Status(), "FAILED_PRECONDITION");
}
TEST_F(StreamTest, TheDeadlineEndsAStream) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Begin({.timeout = 1s});
  Read();
  Advance(1s);
  EXPECT_THAT(read_, ElementsAre("end"));
  Finish();
  EXPECT_EQ(Status(), "DEADLINE_EXCEEDED");
  EXPECT_TRUE(a.last().reset);
}
TEST_F(StreamTest, CancelEndsAStream) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Begin();
  call_.Cancel();
  Finish();
  EXPECT_EQ(Status(), "CANCELLED");
  EXPECT_TRUE(a.last().reset);
}
TEST_F(StreamTest, DroppingAStreamCancelsItAndCallsNobodyBack) {
  FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Begin();
  Read();
  call_ = StreamCall();
  Run();
  EXPECT_TRUE(a.last().reset);
  EXPECT_THAT(read_, IsEmpty());
}
TEST_F(StreamTest, AStreamThatTheServerDidNotLookAtIsSentAgainWithItsMessages) {
  FakeBackend& a = Serve("a:1");
  FakeBackend& b = Serve("b:1");
  RoundRobin();
  OpenTo({"a:1", "b:1"});
  const bool a_is_next = Ask(2)[0] == "a:1:x";
  (a_is_next ? a : b).refuse = true;
  Begin();
  Write("one");
  Write("two", true);
  Read();
  Read();
  const std::string other = a_is_next ? "b:1" : "a:1";
  EXPECT_THAT(read_, ElementsAre(other + ":one", other + ":two"));
}
TEST_F(StreamTest, AMessageOverTheLimitEndsTheCall) {
  Serve("a:1");
  options_.max_send_message = 3;
  OpenTo({"a:1"});
  Begin();
  Write("four");
  EXPECT_EQ(writes_, "x");
  Finish();
  EXPECT_EQ(Status(), "RESOURCE_EXHAUSTED");
}
TEST_F(StreamTest, ASlowServerHoldsTheWriterBack) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Ask("x");
  network_.Freeze("a:1");
  Begin();
  for (int i = 0; i < 40; ++i) Write(std::string(100'000, 'x'));
  EXPECT_LT(writes_.find('x'), std::string::npos) << "a second write at a time was refused";
  const size_t taken = static_cast<size_t>(std::ranges::count(writes_, 'w'));
  EXPECT_LT(taken, 20u) << "2 MB at most are held for it";
  network_.Heal("a:1");
  Run();
  EXPECT_GT(std::ranges::count(writes_, 'w'), static_cast<ptrdiff_t>(taken));
  (void)a;
}

TEST_F(StreamTest, AnOpenStreamKeepsItsChannelFromIdling) {
  FakeBackend& a = Serve("a:1");
  OpenTo({"a:1"});
  Begin();
  Advance(61min);
  EXPECT_EQ(State(), "READY");
  EXPECT_EQ(a.connections(), 1u);
  Write("x", true);
  Read();
  Finish();
  EXPECT_EQ(Status(), "OK");
  Advance(60min);
  EXPECT_EQ(State(), "IDLE");
}

}  // namespace
}  // namespace rondo::channel
