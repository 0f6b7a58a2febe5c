// Interceptors of a server, around handlers of all kinds.
#include <stdexcept>

#include "base/cancel_signal.h"
#include "rondo/interceptor.h"
#include "rondo/spawn.h"
#include "server/server_fixture.h"

namespace rondo::server {
namespace {

using std::chrono_literals::operator""ms;

class InterceptorTest : public ServerTest {
 protected:
  ServerInterceptor Noting(std::string name) {
    return [this, name](ServerCall& call, ServerNext next) { return Note(name, call, next); };
  }
  Task<absl::Status> Note(std::string name, ServerCall& call, ServerNext next) {
    log += name + " ";
    absl::Status status = co_await next(call);
    log += name + ":" + absl::StatusCodeToString(status.code()) + " ";
    co_return status;
  }
  template <class F>
  static ServerInterceptor Of(F f) {
    return ServerInterceptor(f);
  }
};

TEST_F(InterceptorTest, TheFirstIsTheOutermost) {
  options.interceptors = {Noting("one"), Noting("two")};
  OnEcho();
  Start();
  const ClientCall& call = Ask("/a.Echo/Say", "hi");
  EXPECT_EQ(call.messages.at(0), "hi");
  EXPECT_EQ(call.trailers, "grpc-status=0");
  EXPECT_EQ(log, "one two two:OK one:OK ");
}
TEST_F(InterceptorTest, OneThatDoesNotGoOnEndsTheCallWithoutAHandler) {
  options.interceptors = {Of([](ServerCall& call, ServerNext) -> Task<absl::Status> {
    call.AddTrailer("why", "because");
    co_return absl::UnauthenticatedError("no token");
  })};
  bool handled = false;
  On("/a.Echo/Say", kUnary, [&](ServerCall& call, Bytes) {
    handled = true;
    call.Finish(absl::OkStatus());
  });
  Start();
  const ClientCall& call = Ask("/a.Echo/Say");
  EXPECT_FALSE(handled);
  EXPECT_NE(call.trailers.find("grpc-status=16"), std::string::npos) << call.trailers;
  EXPECT_NE(call.trailers.find("why=because"), std::string::npos);
}
TEST_F(InterceptorTest, OkWithoutAHandlerIsAnError) {
  options.interceptors = {
      Of([](ServerCall&, ServerNext) -> Task<absl::Status> { co_return absl::OkStatus(); })};
  OnEcho();
  Start();
  const ClientCall& call = Ask("/a.Echo/Say");
  EXPECT_NE(call.trailers.find("grpc-status=13"), std::string::npos) << call.trailers;
}
TEST_F(InterceptorTest, ItHoldsTheReplyBackUntilItHasEnded) {
  options.interceptors = {Of([](ServerCall& call, ServerNext next) -> Task<absl::Status> {
    absl::Status status = co_await next(call);
    co_await Sleep(20ms);
    call.AddTrailer("late", "1");
    co_return status;
  })};
  OnEcho();
  Start();
  ClientCall& call = Ask("/a.Echo/Say", "hi");
  EXPECT_EQ(call.end, "");
  loop->Advance(20ms);
  EXPECT_EQ(call.messages.at(0), "hi");
  EXPECT_EQ(call.trailers, "grpc-status=0 late=1");
}
TEST_F(InterceptorTest, ItMayTurnOkIntoAFailureAndTheReplyIsNotSent) {
  options.interceptors = {Of([](ServerCall& call, ServerNext next) -> Task<absl::Status> {
    absl::Status status = co_await next(call);
    co_return absl::DataLossError("checksum");
  })};
  OnEcho();
  Start();
  const ClientCall& call = Ask("/a.Echo/Say", "hi");
  EXPECT_TRUE(call.messages.empty());
  EXPECT_NE(call.trailers.find("grpc-status=15"), std::string::npos) << call.trailers;
}
TEST_F(InterceptorTest, AFailureStaysOne) {
  options.interceptors = {Of([](ServerCall& call, ServerNext next) -> Task<absl::Status> {
    absl::Status status = co_await next(call);
    co_return absl::OkStatus();
  })};
  On("/a.Echo/Say", kUnary,
     [](ServerCall& call, Bytes) { call.Finish(absl::NotFoundError("none")); });
  Start();
  EXPECT_NE(Ask("/a.Echo/Say").trailers.find("grpc-status=5"), std::string::npos);
}
TEST_F(InterceptorTest, AStreamGoesThroughTheSameFunction) {
  options.interceptors = {Noting("one")};
  OnKeep(kBoth);
  Start();
  ClientCall& call = Open("/a.Echo/Keep");
  Idle();
  ASSERT_EQ(kept.size(), 1u);
  kept[0]->Write(FrameMessage("reply"), [](bool) {});
  Idle();
  EXPECT_EQ(call.messages.at(0), "reply");
  EXPECT_EQ(log, "one ");
  kept[0]->Finish(absl::AbortedError("enough"));
  Idle();
  EXPECT_NE(call.trailers.find("grpc-status=10"), std::string::npos);
  EXPECT_EQ(log, "one one:ABORTED ");
}
TEST_F(InterceptorTest, ItMayWaitAndACallerWhoHasGoneGetsNoHandler) {
  options.interceptors = {Of([this](ServerCall& call, ServerNext next) -> Task<absl::Status> {
    co_await Sleep(20ms);
    absl::Status status = co_await next(call);
    log += absl::StatusCodeToString(status.code());
    co_return status;
  })};
  OnKeep(kUnary);
  Start();
  ClientCall& call = Ask("/a.Echo/Keep");
  call.stream.Cancel();
  Idle();
  loop->Advance(20ms);
  EXPECT_TRUE(kept.empty());
  EXPECT_EQ(log, "CANCELLED");
}
TEST_F(InterceptorTest, WhatItThrowsEndsTheCall) {
  options.interceptors = {Of([](ServerCall&, ServerNext) -> Task<absl::Status> {
    throw std::runtime_error("oops");
    co_return absl::OkStatus();
  })};
  OnEcho();
  Start();
  const ClientCall& call = Ask("/a.Echo/Say");
  EXPECT_NE(call.trailers.find("grpc-status=2"), std::string::npos) << call.trailers;
  EXPECT_NE(call.trailers.find("an interceptor threw: oops"), std::string::npos) << call.trailers;
}
TEST_F(InterceptorTest, ADrainWaitsForThem) {
  options.interceptors = {Of([](ServerCall& call, ServerNext next) -> Task<absl::Status> {
    absl::Status status = co_await next(call);
    co_await Sleep(20ms);
    co_return status;
  })};
  OnEcho();
  Start();
  ClientCall& call = Ask("/a.Echo/Say", "hi");
  std::optional<absl::Status> drained;
  server->DrainAsync(std::chrono::seconds(10), [&](absl::Status s) { drained = std::move(s); });
  Idle();
  EXPECT_FALSE(drained.has_value());
  loop->Advance(20ms);
  EXPECT_EQ(call.messages.at(0), "hi");
  loop->Advance(std::chrono::seconds(6));
  EXPECT_EQ(drained, absl::OkStatus());
}
TEST_F(InterceptorTest, AServerThatStopsLeavesThemToEnd) {
  options.interceptors = {Of([this](ServerCall& call, ServerNext next) -> Task<absl::Status> {
    co_await Sleep(20ms);
    absl::Status status = co_await next(call);
    log += absl::StatusCodeToString(status.code());
    co_return status;
  })};
  OnKeep(kUnary);
  Start();
  Ask("/a.Echo/Keep");
  server->Stop();
  Idle();
  loop->Advance(20ms);
  EXPECT_TRUE(kept.empty());
  EXPECT_EQ(log, "CANCELLED");
}
TEST_F(InterceptorTest, ALoopThatStopsTakesThemAlong) {
  options.interceptors = {Of([](ServerCall& call, ServerNext next) -> Task<absl::Status> {
    co_await Sleep(std::chrono::hours(1));
    co_return co_await next(call);
  })};
  OnKeep(kUnary);
  Start();
  Ask("/a.Echo/Keep");
  calls.clear();
  for (Client& c : clients) c.link.reset();
  loop->Stop();
  server.reset();
}
TEST_F(InterceptorTest, TheNextCallInTheSameMemoryBeginsAnew) {
  options.interceptors = {Noting("one")};
  OnEcho();
  Start();
  for (const char* text : {"a", "b", "c"}) EXPECT_EQ(Ask("/a.Echo/Say", text).messages.at(0), text);
  EXPECT_EQ(log, "one one:OK one one:OK one one:OK ");
}
Task<> Keep(Task<absl::Status> task, absl::Status* status) { *status = co_await std::move(task); }
TEST_F(InterceptorTest, WhatIsBegunAfterTheEndIsCancelledAndRunsNobody) {
  absl::Status elsewhere;
  options.interceptors = {Of([&](ServerCall& call, ServerNext next) -> Task<absl::Status> {
                            Spawn(call.loop(), Keep(next(call), &elsewhere));
                            co_return absl::AbortedError("left");
                          }),
                          Noting("two")};
  bool handled = false;
  On("/a.Echo/Say", kUnary, [&](ServerCall& call, Bytes) {
    handled = true;
    call.Finish(absl::OkStatus());
  });
  Start();
  EXPECT_NE(Ask("/a.Echo/Say").trailers.find("grpc-status=10"), std::string::npos);
  Idle();
  EXPECT_EQ(elsewhere, absl::CancelledError("the call is over"));
  EXPECT_FALSE(handled);
  EXPECT_EQ(log, "");
}
TEST_F(InterceptorTest, NextAfterTheEndIsCancelledAlsoWhenTheServerHasGone) {
  std::optional<ServerNext> late;
  ServerCall* its = nullptr;
  options.interceptors = {Of([&](ServerCall& call, ServerNext next) -> Task<absl::Status> {
                            late = next;
                            its = &call;
                            co_return absl::AbortedError("left");
                          }),
                          Noting("two")};
  OnEcho();
  Start();
  EXPECT_NE(Ask("/a.Echo/Say").trailers.find("grpc-status=10"), std::string::npos);
  calls.clear();
  for (Client& c : clients) c.link.reset();
  server.reset();
  Idle();
  absl::Status elsewhere;
  Spawn(*loop, Keep((*late)(*its), &elsewhere));
  Idle();
  EXPECT_EQ(elsewhere, absl::CancelledError("the call is over"));
  EXPECT_EQ(log, "");
}
TEST_F(InterceptorTest, TheSignalFiresWhenTheCallerHasGone) {
  OnKeep();
  Start();
  ClientCall& call = Open("/a.Echo/Keep");
  Idle();
  struct Ear final : CancelSignal::Listener {
    void OnCancelled() override { heard = true; }
    bool heard = false;
  } ear;
  const auto signal = kept[0]->cancel_signal();
  EXPECT_TRUE(signal->Add(ear));
  call.stream.Cancel();
  Idle();
  EXPECT_TRUE(ear.heard);
  signal->Remove(ear);
  EXPECT_FALSE(kept[0]->cancel_signal()->Add(ear));  // Too late.
  kept[0]->Finish(absl::OkStatus());
}

TEST_F(InterceptorTest, AHandlerThatHasEndedHearsNothingWhileItsEndIsHeldBack) {
  options.interceptors = {Of([](ServerCall& call, ServerNext next) -> Task<absl::Status> {
    absl::Status status = co_await next(call);
    co_await Sleep(20ms);
    co_return status;
  })};
  OnKeep();
  Start();
  ClientCall& call = Open("/a.Echo/Keep");
  Idle();
  ASSERT_EQ(kept.size(), 1u);
  for (int i = 0; i < 2; ++i) {
    kept[0]->Read([this](std::optional<Bytes>) { log += "read "; });
    kept[0]->Write(FrameMessage("reply"), [this](bool) { log += "written "; }, {});
  }
  kept[0]->Finish(absl::OkStatus());
  EXPECT_EQ(call.end, "");
  Say(call, "more");
  call.stream.Cancel();
  Idle();
  loop->Advance(20ms);
  EXPECT_EQ(log, "");
}

}  // namespace
}  // namespace rondo::server
