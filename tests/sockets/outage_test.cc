// What the outage of one backend of three costs, with a channel's defaults: no keepalive, no
// retries. The load is an open loop of 600 calls a second by the clock of the channel's loop, each
// with a second to live; what happens when is told by the number of calls begun, and what is judged
// is the number that failed.
#include <cstdio>
#include <cstdlib>
#include <future>

#include "backend_process.h"
#include "relay.h"

namespace rondo::sockets {
namespace {

constexpr int kRate = 600;  // Calls a second.
constexpr Duration kTick = 5ms;
constexpr int kMostFailed = 100;
constexpr int64_t kMostAtOnce = 3 * kRate * (kTick / 1ms) / 1000;  // Calls of one tick.

// Of calls begun. RONDO_OUTAGE_SECONDS=5 is the full length: 3 s, 5 s and 5 s, 7,800 calls.
struct Course {
  int before = kRate, during = 2 * kRate, after = kRate;
  int all() const { return before + during + after; }
};

Course WantedCourse() {
  const char* wanted = std::getenv("RONDO_OUTAGE_SECONDS");
  const int seconds = wanted == nullptr ? 0 : std::atoi(wanted);
  if (seconds <= 0) return {};
  return {3 * kRate, seconds * kRate, 5 * kRate};
}

class OutageTest : public testing::Test {
 protected:
  struct Counts {
    std::map<std::string, int> ok, failed;  // By backend.
    int ended = 0;
  };

  void SetUp() override {
#ifdef RONDO_SANITIZED
    GTEST_SKIP() << "what a slow build loses in a second says nothing";
#endif
    for (BackendProcess& b : backends) ASSERT_TRUE(b.Start());
  }
  // Of backends at these addresses, the second of which is the victim of stop() until go_on().
  void Measure(const char* what, const std::vector<std::string>& addresses,
               std::function<void()> stop, std::function<void()> go_on) {
    victim_ = addresses[1];
    stop_ = std::move(stop);
    go_on_ = std::move(go_on);
    stub_.emplace(Stub(TargetOf(addresses), {.default_service_config = kRoundRobin}));
    std::set<std::string> seen;
    while (seen.size() < 3) {
      CallReport report;
      ASSERT_TRUE(stub_->UnaryEcho(Request("a"), {.timeout = kLong, .report = &report}).ok());
      seen.insert(report.peer);
    }
    reports_.resize(static_cast<size_t>(course_.all()));
    Loop& loop = stub_->channel().loop();
    loop.Post([this, &loop] {
      began_ = loop.Now();
      Tick();
    });
    ASSERT_TRUE(counts_.Wait([this](const Counts& c) { return c.ended == course_.all(); }));
    Judge(what);
    // It comes back, at the latest after a backoff.
    const auto until = std::chrono::steady_clock::now() + kLong;
    for (CallReport report; report.peer != victim_;) {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "nobody came back to " << victim_;
      ASSERT_TRUE(stub_->UnaryEcho(Request("a"), {.timeout = kLong, .report = &report}).ok());
    }
  }
  // However it went: nothing is called any more when the members go.
  void TearDown() override {
    if (!stub_) return;
    std::promise<void> over;
    stub_->channel().loop().Post([this, &over] {
      timer_ = nullptr;
      over.set_value();
    });
    over.get_future().wait();
    stub_.reset();
  }

  BackendProcess backends[3];
  std::optional<Relay> relay_;

 private:
  // On the channel's loop. As many calls as are due by now; but a machine that held us up doesn't
  // get them all at once, for then it would be the load that costs calls.
  void Tick() {
    Loop& loop = stub_->channel().loop();
    const auto due = std::min<int64_t>((loop.Now() - began_) * kRate / Duration(1s), course_.all());
    if (const int64_t late = due - begun_ - kMostAtOnce; late > 0) {
      began_ += late * Duration(1s) / kRate;
    }
    for (int64_t n = std::min(due - begun_, kMostAtOnce); n > 0; --n) Begin();
    timer_ = begun_ < course_.all() ? loop.After(kTick, [this] { Tick(); }) : nullptr;
  }
  void Begin() {
    if (begun_ == course_.before) stop_();
    if (begun_ == course_.before + course_.during) go_on_();
    CallReport& report = reports_[static_cast<size_t>(begun_++)];
    stub_->UnaryEcho(Request("a"), {.timeout = 1s, .report = &report},
                     [this, &report](const Reply& reply) {
                       counts_.Change([&](Counts& c) {
                         ++(reply.ok() ? c.ok : c.failed)[report.peer];
                         ++c.ended;
                       });
                     });
  }
  void Judge(const char* what) {
    const Counts counts = counts_.Get();
    int failed = 0, of_the_well = 0;
    for (const auto& [peer, n] : counts.failed) {
      failed += n;
      if (peer != victim_) of_the_well += n;
    }
    std::printf("%s: %d calls at %d/s, %d of them while one of three was out, %d failed\n", what,
                course_.all(), kRate, course_.during, failed);
    EXPECT_LT(failed, kMostFailed);
    EXPECT_LT(of_the_well, kMostFailed / 10) << "calls of backends that are well";
  }

  const Course course_ = WantedCourse();
  std::string victim_;
  std::function<void()> stop_, go_on_;
  std::optional<EchoStub> stub_;
  std::vector<CallReport> reports_;
  Shared<Counts> counts_;
  int begun_ = 0;  // The channel's loop's, as the two below.
  Time began_{};
  std::unique_ptr<Timer> timer_;
};

TEST_F(OutageTest, AProcessThatHangsCostsLessThanAHundredCalls) {
  Measure(
      "SIGSTOP", {backends[0].address(), backends[1].address(), backends[2].address()},
      [this] { backends[1].Stop(); }, [this] { backends[1].Continue(); });
}

TEST_F(OutageTest, ANetworkThatSwallowsAllCostsLessThanAHundredCalls) {
  relay_.emplace(backends[1].address());
  Measure(
      "blackhole", {backends[0].address(), relay_->address(), backends[2].address()},
      [this] { relay_->Stop(); }, [this] { relay_->Continue(); });
}

}  // namespace
}  // namespace rondo::sockets
