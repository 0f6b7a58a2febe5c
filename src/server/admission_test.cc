#include "server/admission.h"

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "base/text.h"
#include "rondo/observe.h"
#include "server/server_fixture.h"

namespace rondo::server {
namespace {

using namespace std::chrono_literals;

// As many of `n` calls as are taken.
size_t TakeAll(Admission::Guest& guest, size_t n, size_t connections) {
  size_t taken = 0;
  for (size_t i = 0; i < n; ++i) taken += guest.Take(connections) ? 1 : 0;
  return taken;
}
void ReturnAll(Admission::Guest& guest, size_t n) {
  for (size_t i = 0; i < n; ++i) guest.Return();
}

TEST(Admission, TheOnlyConnectionMayTakeAll) {
  Admission admission({.max_calls = 80});
  Admission::Guest only(admission);
  EXPECT_EQ(TakeAll(only, 100, 1), 80U);
  EXPECT_EQ(admission.refused(), 20U);
  only.Return();
  EXPECT_TRUE(only.Take(1));
  EXPECT_FALSE(only.Take(1));
  ReturnAll(only, 80);
}

TEST(Admission, WhereThereAreOthersAnEighthIsKeptForThem) {
  Admission admission({.max_calls = 80});
  Admission::Guest greedy(admission), newcomer(admission);
  EXPECT_EQ(TakeAll(greedy, 100, 2), 70U);
  EXPECT_EQ(TakeAll(newcomer, 100, 2), 10U);
  ReturnAll(greedy, 70);
  ReturnAll(newcomer, 10);
}

TEST(Admission, WhatTheGreedyGiveBackGoesToOthersUntilAllHaveTheirShare) {
  Admission admission({.max_calls = 80});
  Admission::Guest greedy(admission), other(admission);
  size_t of_greedy = TakeAll(greedy, 100, 2), of_other = TakeAll(other, 100, 2);
  // The greedy one asks ten times for each time that the other asks.
  for (int i = 0; i < 100; ++i) {
    greedy.Return();
    of_greedy += TakeAll(greedy, 10, 2) - 1;
    of_other += TakeAll(other, 1, 2);
  }
  EXPECT_EQ(of_greedy, 40U);
  EXPECT_EQ(of_other, 40U);
  ReturnAll(greedy, of_greedy);
  ReturnAll(other, of_other);
}

TEST(Admission, ManyWhoWantOneEachAllGetIt) {
  Admission admission({.max_calls = 80});
  Admission::Guest greedy(admission);
  EXPECT_EQ(TakeAll(greedy, 100, 11), 70U);
  std::deque<Admission::Guest> others;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(others.emplace_back(admission).Take(11)) << i;
  EXPECT_FALSE(greedy.Take(11));
  ReturnAll(greedy, 70);
  for (Admission::Guest& other : others) other.Return();
}

TEST(Admission, ALimitOfOneIsForWhoComesFirst) {
  Admission admission({.max_calls = 1});
  Admission::Guest one(admission), two(admission);
  EXPECT_TRUE(one.Take(2));
  EXPECT_FALSE(two.Take(2));
  one.Return();
  EXPECT_TRUE(two.Take(2));
  two.Return();
}

TEST(Admission, ManyThreadsNeverTakeMoreThanTheLimit) {
  Admission admission({.max_calls = 64});
  std::atomic<size_t> at_once{0}, most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Admission::Guest guest(admission);
      for (int round = 0; round < 2000; ++round) {
        size_t mine = 0;
        while (mine < 40 && guest.Take(4)) {
          ++mine;
          const size_t now = at_once.fetch_add(1) + 1;
          size_t before = most.load();
          while (now > before && !most.compare_exchange_weak(before, now)) {
          }
        }
        at_once.fetch_sub(mine);
        ReturnAll(guest, mine);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_LE(most.load(), 64U);
  Admission::Guest last(admission);
  EXPECT_EQ(TakeAll(last, 100, 1), 64U) << "all were given back";
  ReturnAll(last, 64);
}

TEST(Admission, PushbacksAreSpreadOverOnceToTwiceTheTime) {
  Admission admission({.max_calls = 1, .pushback = 100ms});
  std::set<int64_t> tenths;
  for (int i = 0; i < 40; ++i) {
    const int64_t ms = admission.NextPushbackMs();
    EXPECT_GE(ms, 100);
    EXPECT_LT(ms, 200);
    tenths.insert(ms / 10);
  }
  EXPECT_EQ(tenths.size(), 10U);
  Admission silent({.max_calls = 1, .pushback = {}});
  EXPECT_EQ(silent.NextPushbackMs(), 0);
}

// ---- On a server.

class AdmissionTest : public ServerTest {
 protected:
  AdmissionTest() { options.admission = {.max_calls = 2, .pushback = 100ms}; }
  ~AdmissionTest() override {
    for (ServerCall* call : kept) call->Finish(absl::OkStatus());
  }
  static constexpr const char* kRefused =
      ":status=200 grpc-status=8 grpc-message=server: 2 calls run at once, as many as it takes; "
      "try "
      "again later grpc-retry-pushback-ms=100";
};

TEST_F(AdmissionTest, ACallTooManyIsRefusedBeforeItsRequestIsRead) {
  OnKeep();
  OnEcho();
  Start();
  Open("/a.Echo/Keep");
  Open("/a.Echo/Keep");
  Idle();
  ClientCall& refused = Open("/a.Echo/Say");  // Its request doesn't come.
  Idle();
  EXPECT_EQ(refused.trailers, kRefused);
  EXPECT_EQ(kept.size(), 2U);
  EXPECT_EQ(server->calls_refused(), 1U);
  kept.back()->Finish(absl::OkStatus());
  kept.pop_back();
  Idle();
  EXPECT_EQ(Ask("/a.Echo/Say").messages.size(), 1U);
  EXPECT_EQ(server->calls_refused(), 1U);
}

TEST_F(AdmissionTest, ACallCountsUntilItsHandlerIsDone) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Open("/a.Echo/Keep").stream.Send(Slice(), true);
  Idle();
  for (ClientCall& call : calls) call.stream.Cancel();
  Idle();
  ClientCall& refused = Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(refused.end, "trailers");
  network.Reset(kAddress);  // The connection goes, the handlers run on.
  Idle();
  clients.clear();
  calls.clear();
  Connect();
  ClientCall& again = Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(again.end, "trailers");
  for (ServerCall* call : std::exchange(kept, {})) call->Finish(absl::OkStatus());
  Idle();
  ClientCall& taken = Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(taken.end, "");
  EXPECT_EQ(kept.size(), 1U);
}

TEST_F(AdmissionTest, OtherConnectionsGetTheirShare) {
  OnKeep();
  Start();
  Connect();
  Open("/a.Echo/Keep");
  ClientCall& refused = Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(refused.trailers, kRefused);
  Connect();
  ClientCall& taken = Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(taken.end, "");
  EXPECT_EQ(kept.size(), 2U);
}

TEST_F(AdmissionTest, MethodsThatAreAlwaysAdmittedDoNotCount) {
  OnKeep();
  methods.push_back({.path = "/a.Echo/Always"});
  server->Handle({&methods.back(), [](ServerCall& call, Bytes) { call.Reply(FrameMessage("yes")); },
                  /*always_admitted=*/true});
  Start();
  Open("/a.Echo/Keep");
  Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(Ask("/a.Echo/Always").messages.size(), 1U);
  EXPECT_EQ(server->calls_refused(), 0U);
}

TEST_F(AdmissionTest, WithoutALimitNothingIsRefused) {
  options.admission = {};
  OnKeep();
  Start();
  for (int i = 0; i < 50; ++i) Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(kept.size(), 50U);
}

TEST_F(AdmissionTest, APushbackOutOfItsRangeIsAnError) {
  options.admission.pushback = -1ms;
  OnEcho();
  EXPECT_EQ(server->Start(),
            absl::InvalidArgumentError(
                "server: admission.pushback is -1 ms, it should be 0 to 3600000 ms"));
}

TEST_F(AdmissionTest, WhoMeasuresIsToldTheMethodOfACallThatIsRefused) {
  struct Telling final : Observer {
    struct Here final : ServerObserver {
      explicit Here(std::string& l) : log(l) {}
      void OnCallStart(std::string_view path) override { log += Cat("+", path, " "); }
      void OnCallEnd(std::string_view path, const AttemptSeen& end) override {
        log += Cat("-", path, " ", absl::StatusCodeToString(end.code), " ");
      }
      std::string& log;
    };
    explicit Telling(std::string& l) : log(l) {}
    std::unique_ptr<ServerObserver> ForServer() override { return std::make_unique<Here>(log); }
    std::string& log;
  };
  std::string& told = log;  // Written until the server has gone.
  options.admission.max_calls = 1;
  options.observers = {std::make_shared<Telling>(told)};
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  Open("/a.Echo/Keep");
  Idle();
  EXPECT_EQ(told, "+/a.Echo/Keep +/a.Echo/Keep -/a.Echo/Keep RESOURCE_EXHAUSTED ");
  told.clear();
  Ask("/a.Echo/Nothing");
  EXPECT_EQ(told, "+ - UNIMPLEMENTED ");
}

}  // namespace
}  // namespace rondo::server
