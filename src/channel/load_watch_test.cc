// Load reports (A51) on a channel: those that come with calls, and out of band.
#include "channel/load_watch.h"

#include "channel/channel_fixture.h"
#include "wire/base64.h"
#include "wire/compression.h"
#include "wire/load_report.h"
#include "wire/proto_fields.h"

namespace rondo::channel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string FramedText(const std::string& body, Compression how = Compression::kIdentity) {
  const Slice framed = wire::CompressMessage(how, rondo::FrameMessage(body));
  return {framed.bytes().begin(), framed.bytes().end()};
}

// Ends calls as they end, and keeps what their reports said.
struct Heard {
  std::vector<double> cpu;  // -1: no report.
  std::vector<NamedFigure> named;
};
class HearingPicker final : public Picker {
 public:
  HearingPicker(SubchannelRef backend, Heard& heard)
      : backend_(std::move(backend)), heard_(heard) {}
  PickResult Pick(const PickArgs&) const override {
    PickResult result = Picked{backend_.get()};
    result.Tell(this, 0);
    return result;
  }
  void OnDone(uint64_t, const CallEnd& end) const override {
    heard_.cpu.push_back(end.report != nullptr ? end.report->cpu : -1);
    if (end.report != nullptr) heard_.named = end.report->named;
  }

 private:
  const SubchannelRef backend_;
  Heard& heard_;
};
// One connection, with a further handle for each of the periods.
class Hearing final : public Policy {
 public:
  explicit Hearing(std::vector<std::unique_ptr<SubchannelHandle>>& handles, Heard& heard,
                   std::vector<Duration>& periods)
      : handles_(handles), heard_(heard), periods_(periods) {}
  ~Hearing() override { handles_.clear(); }
  absl::Status OnUpdate(const Update& update, Control& control) override {
    const std::string& address = update.endpoints[0].addresses[0];
    if (handles_.empty()) {
      handles_.push_back(
          control.Open({.address = address}, [this](const SubchannelState& s, Control& c) {
            if (s.connectivity == Connectivity::kIdle) handles_.front()->Connect();
            c.Publish(s.connectivity, [this](const View&) {
              return std::make_shared<HearingPicker>(handles_.front()->Ref(), heard_);
            });
          }));
      handles_.front()->Connect();
    }
    while (handles_.size() <= periods_.size()) {
      const Duration period = periods_[handles_.size() - 1];
      handles_.push_back(control.Open({.address = address, .report_period = period},
                                      [](const SubchannelState&, Control&) {}));
    }
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status&, Control&) override {}

 private:
  std::vector<std::unique_ptr<SubchannelHandle>>& handles_;
  Heard& heard_;
  std::vector<Duration>& periods_;
};

class LoadReportsTest : public ChannelTest {
 protected:
  LoadReportsTest() : backend_(Serve("a:1")) { backend_.hold = true; }
  ~LoadReportsTest() override {  // The policy goes before what it writes to.
    subscription_ = nullptr;
    channel_.reset();
    Run();
  }
  void Begin(bool call_reports) {
    options_.policies = {
        {.name = "hearing",
         .make = [this] { return std::make_unique<Hearing>(handles_, heard_, periods_); },
         .watches = 1,
         .call_reports = call_reports}};
    options_.default_service_config = R"({"loadBalancingConfig":[{"hearing":{}}]})";
    OpenTo({"a:1"});
    Connect();
  }
  const LoadCell& Cell() const { return handles_.front()->Ref()->load; }
  LoadReport InCell(ReportSource source) const { return Cell().Report(source); }
  static std::string Encoded(const LoadReport& report) {
    std::string text;
    wire::AppendBase64(text, wire::EncodeLoadReport(report));
    return text;
  }
  // A call that the server answers with these values of the report's key.
  std::shared_ptr<Asked> AskAndReport(std::vector<std::string> values,
                                      std::string_view status = "0") {
    auto asked = Ask("x");
    FakeBackend::Served& call = backend_.last();
    call.Begin();
    call.Say("x");
    std::vector<http2::Header> trailers{{"grpc-status", status}};
    for (const std::string& v : values) trailers.push_back({wire::kLoadReportKey, v});
    static const http2::HeaderTemplate none(http2::HeaderTemplate::Fields{});
    call.stream.Finish(none, trailers);
    Run();
    EXPECT_TRUE(asked->done);
    return asked;
  }

  FakeBackend& backend_;
  Heard heard_;
  std::vector<Duration> periods_;
  std::vector<std::unique_ptr<SubchannelHandle>> handles_;
};

// ---- With calls.

TEST_F(LoadReportsTest, AReportThatComesWithACallReachesThePolicyAndTheCell) {
  Begin(true);
  AskAndReport({Encoded({.cpu = 0.5, .qps = 20, .named = {{"utilization.gpu", 0.25}}})});
  EXPECT_THAT(heard_.cpu, ElementsAre(0.5));
  EXPECT_THAT(heard_.named, ElementsAre(NamedFigure{"utilization.gpu", 0.25}));
  EXPECT_EQ(InCell(ReportSource::kPerCall).qps, 20);
  EXPECT_EQ(InCell(ReportSource::kPerCall).at, loop_->Now());
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).at, Time{});
}

TEST_F(LoadReportsTest, AReportIsOfItsOwnCallOnly) {
  Begin(true);
  AskAndReport({Encoded({.cpu = 0.5})});
  AskAndReport({});
  EXPECT_THAT(heard_.cpu, ElementsAre(0.5, -1));
  EXPECT_EQ(InCell(ReportSource::kPerCall).cpu, 0.5);
}

TEST_F(LoadReportsTest, ACallThatFailedReportsToo) {
  Begin(true);
  EXPECT_EQ(AskAndReport({Encoded({.cpu = 0.5})}, "8")->Code(), "RESOURCE_EXHAUSTED");
  EXPECT_THAT(heard_.cpu, ElementsAre(0.5));
}

TEST_F(LoadReportsTest, WhereNoPolicyAsksReportsAreNotLookedAt) {
  Begin(false);
  AskAndReport({Encoded({.cpu = 0.5})});
  AskAndReport({"?"});
  EXPECT_THAT(heard_.cpu, ElementsAre(-1, -1));
  EXPECT_EQ(InCell(ReportSource::kPerCall).at, Time{});
  EXPECT_EQ(Cell().reports_refused(), 0U);
}

TEST_F(LoadReportsTest, AReportThatIsNoneIsCountedAndTheCallDoesNotMind) {
  Begin(true);
  std::string negative, bytes;
  wire::AppendReal(bytes, 1, -1);
  wire::AppendBase64(negative, bytes);
  for (const std::string& wrong : {std::string("/w"), negative}) {
    EXPECT_EQ(AskAndReport({wrong})->text(), "a:1:x");
  }
  EXPECT_EQ(AskAndReport({Encoded({.cpu = 0.5}), Encoded({.cpu = 0.5})})->text(), "a:1:x")
      << "two reports";
  EXPECT_THAT(heard_.cpu, ElementsAre(-1, -1, -1));
  EXPECT_EQ(InCell(ReportSource::kPerCall).at, Time{});
  EXPECT_EQ(Cell().reports_refused(), 3U);
}

TEST_F(LoadReportsTest, ANewServiceConfigEndsAndBeginsTheReading) {
  Begin(true);
  ASSERT_TRUE(channel_->SetServiceConfig(R"({"loadBalancingConfig":[{"round_robin":{}}]})").ok());
  Run();
  auto asked = Ask("x");
  const http2::Header report[] = {{"grpc-status", "8"}, {wire::kLoadReportKey, "?"}};
  backend_.last().stream.Respond(AnswerHead(), report, true);
  Run();
  EXPECT_EQ(asked->Code(), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(asked->report.attempts.back().backend->load.reports_refused(), 0U);
}

// ---- Out of band.

class OutOfBandTest : public LoadReportsTest {
 protected:
  void Begin(std::vector<Duration> periods) {
    periods_ = std::move(periods);
    LoadReportsTest::Begin(false);
  }
  FakeBackend::Served& Stream() {
    EXPECT_EQ(backend_.last().headers[":path"],
              "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics");
    return backend_.last();
  }
  void Say(const std::string& body) {
    if (std::exchange(answered_, &Stream()) != &Stream()) Stream().Begin();
    Stream().SayRaw(FramedText(body));
    Run();
  }
  // What the stream asks for, in nanoseconds.
  static int64_t PeriodOf(const FakeBackend::Served& stream) {
    wire::ProtoReader request(stream.messages.at(0));
    int64_t all = 0;
    while (request.Next()) {
      wire::ProtoReader duration(request.text());
      while (duration.Next()) {
        all +=
            static_cast<int64_t>(duration.number()) * (duration.field() == 1 ? 1'000'000'000 : 1);
      }
    }
    return all;
  }
  FakeBackend::Served* answered_ = nullptr;
};

TEST_F(OutOfBandTest, EachReportGoesIntoTheCell) {
  Begin({1500ms});
  EXPECT_EQ(PeriodOf(Stream()), 1'500'000'000);
  EXPECT_TRUE(Stream().half_closed);
  Say(wire::EncodeLoadReport({.cpu = 0.5, .named = {{"utilization.gpu", 0.25}}}));
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).cpu, 0.5);
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).at, loop_->Now());
  EXPECT_THAT(Cell().Named(ReportSource::kOutOfBand),
              ElementsAre(NamedFigure{"utilization.gpu", 0.25}));
  Advance(2s);
  Say(wire::EncodeLoadReport({.cpu = 0.7}));
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).cpu, 0.7);
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).at, loop_->Now());
  EXPECT_EQ(InCell(ReportSource::kPerCall).at, Time{});
}

TEST_F(OutOfBandTest, NobodyWhoAsksMeansNoStream) {
  Begin({});
  EXPECT_THAT(backend_.served, IsEmpty());
}

TEST_F(OutOfBandTest, WatchersShareOneStreamOfTheShortestPeriod) {
  Begin({123s, 56s, 234s});
  EXPECT_EQ(backend_.served.size(), 1U);
  EXPECT_EQ(PeriodOf(Stream()), 56'000'000'000);
  handles_.pop_back();  // 234 s: nothing changes.
  Run();
  EXPECT_EQ(backend_.served.size(), 1U);
  handles_.pop_back();  // 56 s.
  Run();
  ASSERT_EQ(backend_.served.size(), 2U);
  EXPECT_TRUE(backend_.served[0]->reset);
  EXPECT_EQ(PeriodOf(Stream()), 123'000'000'000);
  handles_.pop_back();
  Run();
  EXPECT_TRUE(Stream().reset);
  EXPECT_EQ(backend_.served.size(), 2U);
}

TEST_F(OutOfBandTest, AReportThatIsNoneIsCountedAndTheStreamGoesOn) {
  Begin({1s});
  std::string wrong;
  wire::AppendReal(wrong, 1, -1);
  Say(wrong);
  Say("\xff");
  EXPECT_EQ(Cell().reports_refused(), 2U);
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).at, Time{});
  Say(wire::EncodeLoadReport({.cpu = 0.5}));
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).cpu, 0.5);
  EXPECT_EQ(backend_.served.size(), 1U);
}

TEST_F(OutOfBandTest, AServerWithoutTheServiceIsNotAskedAgainAndThatIsTold) {
  Begin({1s});
  Stream().Fail("12", "unknown service xds.service.orca.v3.OpenRcaService");
  Run();
  EXPECT_THAT(warnings_,
              ElementsAre("rondo: test:///service: a:1: the policy asks for out-of-band load "
                          "reports, which the server doesn't give: unknown service "
                          "xds.service.orca.v3.OpenRcaService"));
  Advance(20min);
  EXPECT_EQ(backend_.served.size(), 1U);
  EXPECT_EQ(State(), "READY");
}

TEST_F(OutOfBandTest, AStreamThatEndsIsBegunAgainWithGrowingWaits) {
  options_.backoff.jitter = 0;
  Begin({1s});
  Stream().Fail("14", "busy");
  Run();
  Advance(999ms);
  EXPECT_EQ(backend_.served.size(), 1U);
  Advance(1ms);
  ASSERT_EQ(backend_.served.size(), 2U);
  Stream().Fail("14", "busy");
  Run();
  Advance(1599ms);
  EXPECT_EQ(backend_.served.size(), 2U);
  Advance(1ms);
  ASSERT_EQ(backend_.served.size(), 3U);
  Say(wire::EncodeLoadReport({.cpu = 0.5}));  // From here on the waits begin anew.
  Stream().End();
  Run();
  Advance(1s);
  EXPECT_EQ(backend_.served.size(), 4U);
  EXPECT_EQ(State(), "READY");
}

TEST_F(OutOfBandTest, AStreamBelongsToItsConnection) {
  Begin({1s});
  FakeBackend::Served& first = Stream();
  backend_.GoAway();
  Run();
  EXPECT_TRUE(first.ended);
  ASSERT_EQ(backend_.served.size(), 2U);
  Say(wire::EncodeLoadReport({.cpu = 0.5}));
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).cpu, 0.5);
}

TEST_F(OutOfBandTest, AReportMayBeCompressed) {
  Begin({1s});
  const http2::Header field[] = {{"grpc-encoding", "gzip"}};
  Stream().stream.Respond(AnswerHead(), field, false);
  std::string body = wire::EncodeLoadReport({.cpu = 0.5});
  wire::AppendText(body, 99, std::string(300, 'x'));
  Stream().SayRaw(FramedText(body, Compression::kGzip));
  Run();
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).cpu, 0.5);
}

TEST_F(OutOfBandTest, TheStreamWaitsUntilTheConnectionHasOneFree) {
  backend_.options.session.max_streams = 1;
  Begin({});
  auto asked = Ask("x");  // Takes the only one.
  FakeBackend::Served& call = backend_.last();
  periods_ = {1s};
  names_.PublishAddresses({"a:1"});
  Run();
  EXPECT_EQ(backend_.served.size(), 1U);
  call.Answer();
  Run();
  EXPECT_TRUE(asked->done);
  EXPECT_EQ(backend_.served.size(), 2U);
  Say(wire::EncodeLoadReport({.cpu = 0.5}));
  EXPECT_EQ(InCell(ReportSource::kOutOfBand).cpu, 0.5);
}

}  // namespace
}  // namespace rondo::channel
