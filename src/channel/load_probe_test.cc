// Load probes on a channel: a question of the runtime's own to a server, answered once.
#include "channel/load_probe.h"

#include "channel/channel_fixture.h"
#include "wire/load_report.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// One connection, which a test may probe.
class ProbedOne final : public Policy {
 public:
  explicit ProbedOne(std::unique_ptr<SubchannelHandle>& handle) : handle_(handle) {}
  ~ProbedOne() override { handle_ = nullptr; }
  absl::Status OnUpdate(const Update& update, Control& control) override {
    if (handle_ != nullptr) return absl::OkStatus();
    handle_ = control.Open({.address = update.endpoints[0].addresses[0]},
                           [this](const SubchannelState& s, Control& c) {
                             if (s.connectivity == Connectivity::kIdle) handle_->Connect();
                             c.Publish(s.connectivity, OnePicker(handle_->Ref()));
                           });
    handle_->Connect();
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status&, Control&) override {}

 private:
  std::unique_ptr<SubchannelHandle>& handle_;
};

class LoadProbeTest : public ChannelTest {
 protected:
  LoadProbeTest() : backend_(Serve("a:1")) {
    backend_.hold = true;
    options_.policies = {
        {.name = "probed", .make = [this] { return std::make_unique<ProbedOne>(handle_); }}};
    options_.default_service_config = R"({"loadBalancingConfig":[{"probed":{}}]})";
    OpenTo({"a:1"});
    Connect();
  }
  ~LoadProbeTest() override {  // The policy goes before what it writes to.
    subscription_ = nullptr;
    channel_.reset();
    Run();
  }
  void Probe(Duration timeout = 100ms) {
    handle_->Probe(timeout, [this](const LoadReport& report) { said_.push_back(report); });
    Run();
  }
  void Answer(const std::string& bytes) {
    FakeBackend::Served& call = backend_.last();
    call.Begin();
    const Slice framed = rondo::FrameMessage(bytes);
    call.SayRaw({reinterpret_cast<const char*>(framed.bytes().data()), framed.bytes().size()});
    call.End();
    Run();
  }
  std::string Report() const {
    return wire::EncodeLoadReport({.named = {{"named_metrics.rif", 7}}});
  }

  FakeBackend& backend_;
  std::unique_ptr<SubchannelHandle> handle_;
  std::vector<LoadReport> said_;
};

TEST_F(LoadProbeTest, IsAnsweredOnce) {
  Probe();
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_THAT(backend_.last().messages, ElementsAre(""));
  Answer(Report());
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_THAT(said_[0].named, ElementsAre(NamedFigure{"named_metrics.rif", 7}));
  EXPECT_EQ(said_[0].at, loop_->Now());
  EXPECT_EQ(handle_->Ref()->load.in_flight(), 0) << "no call of the user's";
  EXPECT_EQ(handle_->Ref()->load.succeeded(), 0u);
}
TEST_F(LoadProbeTest, OneThatIsLateIsCancelled) {
  Probe(100ms);
  Advance(101ms);
  EXPECT_TRUE(backend_.last().reset);
  EXPECT_THAT(said_, IsEmpty());
}
TEST_F(LoadProbeTest, AnAnswerThatIsNoReportIsCounted) {
  Probe();
  Answer("?");
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_EQ(handle_->Ref()->load.reports_refused(), 1u);
}
TEST_F(LoadProbeTest, AFailureIsNoAnswer) {
  Probe();
  backend_.last().Fail("8", "busy");
  Run();
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
  Probe();
  Answer(Report());
  EXPECT_EQ(said_.size(), 1u);
}
TEST_F(LoadProbeTest, AServerWithoutThemIsNotAskedAgainOnThisConnection) {
  Probe();
  backend_.last().Fail("12", "unknown service");
  Run();
  EXPECT_THAT(warnings_,
              ElementsAre("rondo: test:///service: a:1: the policy asks for load probes, which the "
                          "server doesn't offer; calls go to it at random"));
  const size_t before = backend_.served.size();
  Probe();
  EXPECT_EQ(backend_.served.size(), before);
}
TEST_F(LoadProbeTest, OnlySixteenAreOnTheWayAtOnce) {
  for (int i = 0; i < 30; ++i) Probe();
  EXPECT_EQ(backend_.served.size(), 16u);
  Advance(200ms);
  Probe();
  EXPECT_EQ(backend_.served.size(), 17u);
}
TEST_F(LoadProbeTest, ThoseOnTheWayEndWithTheConnection) {
  Probe();
  backend_.Die();
  Run();
  EXPECT_THAT(said_, IsEmpty());
  Advance(200ms);
}
TEST_F(LoadProbeTest, NobodyIsToldAfterTheHandleIsGone) {
  Probe();
  channel_.reset();
  Run();
  EXPECT_TRUE(backend_.last().ended);
  EXPECT_THAT(said_, IsEmpty());
}
TEST_F(LoadProbeTest, AHandleMayEndInItsAnswer) {
  int told = 0;
  handle_->Probe(100ms, [&](const LoadReport&) {
    ++told;
    handle_ = nullptr;
  });
  Run();
  Answer(Report());
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace rondo::channel
