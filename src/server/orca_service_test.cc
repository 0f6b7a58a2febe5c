// Load reports (A51): out of band, and with calls.
#include <gmock/gmock.h>

#include "rondo/orca.h"
#include "server/server_fixture.h"
#include "wire/base64.h"
#include "wire/descriptors.h"
#include "wire/load_report.h"
#include "wire/proto_fields.h"

namespace rondo::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kStream = "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics";

std::string Request(int64_t seconds, int64_t nanos = 0) {
  std::string duration, out;
  wire::AppendNumber(duration, 1, static_cast<uint64_t>(seconds));
  wire::AppendNumber(duration, 2, static_cast<uint64_t>(nanos));
  wire::AppendText(out, 1, duration);
  return out;
}

class OrcaServiceTest : public ServerTest {
 protected:
  explicit OrcaServiceTest(OrcaOptions orca_options = {.min_report_period = 10s})
      : orca(load, orca_options) {
    Make().Add(orca);
  }
  ~OrcaServiceTest() override {
    calls.clear();
    server->Stop();
  }
  ClientCall& Stream(const std::string& request) { return Ask(kStream, request); }
  // The cpu of each report.
  static std::vector<double> Told(const ClientCall& call) {
    std::vector<double> out;
    for (const std::string& m : call.messages) {
      const auto report = wire::DecodeLoadReport(m);
      out.push_back(report ? report->cpu : -1);
    }
    return out;
  }

  ServerLoad load;
  OrcaService orca;
};

TEST_F(OrcaServiceTest, AReportComesAtOnceAndThenPeriodically) {
  Start();
  load.Set({.cpu = 0.5, .named = {{"utilization.gpu", 0.25}}});
  ClientCall& stream = Stream(Request(12, 500'000'000));
  EXPECT_THAT(Told(stream), ElementsAre(0.5));
  EXPECT_THAT(wire::DecodeLoadReport(stream.messages[0])->named,
              ElementsAre(NamedFigure{"utilization.gpu", 0.25}));
  load.Change([](LoadReport& now) { now.cpu = 0.7; });
  loop->Advance(12499ms);
  EXPECT_THAT(Told(stream), ElementsAre(0.5));
  loop->Advance(1ms);
  EXPECT_THAT(Told(stream), ElementsAre(0.5, 0.7));
  loop->Advance(12500ms);
  EXPECT_THAT(Told(stream), ElementsAre(0.5, 0.7, 0.7));
  EXPECT_EQ(load.Get().named.size(), 1U);
}

TEST_F(OrcaServiceTest, NobodyIsToldMoreOftenThanTheShortestPeriod) {
  Start();
  for (const std::string& eager :
       {Request(1), std::string(), Request(-5), Request(0, -5), std::string("\x0a\x00", 2)}) {
    ClientCall& stream = Stream(eager);
    loop->Advance(9999ms);
    EXPECT_EQ(stream.messages.size(), 1U);
    loop->Advance(1ms);
    EXPECT_EQ(stream.messages.size(), 2U);
    stream.stream.Cancel();
    Idle();
  }
}

TEST_F(OrcaServiceTest, AnEndlessPeriodIsTaken) {
  Start();
  ClientCall& stream = Stream(Request(INT64_MAX, INT64_MAX));
  loop->Advance(1h);
  EXPECT_EQ(stream.messages.size(), 1U);
  EXPECT_EQ(stream.end, "");
}

TEST_F(OrcaServiceTest, AStreamThatWasCancelledIsForgotten) {
  Start();
  ClientCall& stream = Stream(Request(10));
  stream.stream.Cancel();
  loop->Advance(1h);
  EXPECT_EQ(stream.messages.size(), 1U);
  EXPECT_EQ(Told(Stream(Request(10))).size(), 1U);
}

TEST_F(OrcaServiceTest, ARequestThatIsNoneIsInternal) {
  Start();
  for (const std::string_view wrong : {"\xff", "\x0a\x02\xff\xff"}) {
    EXPECT_EQ(Ask(kStream, wrong).trailers,
              ":status=200 grpc-status=13 grpc-message=/xds.service.orca.v3.OpenRcaService/"
              "StreamCoreMetrics: the request is no OrcaLoadReportRequest");
  }
}

TEST_F(OrcaServiceTest, ADrainLetsItsClientsGo) {
  Start();
  ClientCall& stream = Stream(Request(10));
  std::string drained;
  server->DrainAsync(1h, [&](absl::Status s) { drained = s.ToString(); });
  loop->Advance(2s);
  EXPECT_EQ(stream.trailers, "grpc-status=14 grpc-message=orca: the server is draining");
  EXPECT_EQ(drained, "OK");
}

TEST_F(OrcaServiceTest, AServerMayGoWithAStreamOpen) {
  Start();
  Stream(Request(10));
  server->Stop();
  loop->Advance(1h);
  SUCCEED();
}

TEST_F(OrcaServiceTest, KnowsItsOwnProtoFile) {
  const wire::FileNames names = wire::NamesOf(orca.ProtoFile());
  EXPECT_EQ(names.name, "xds/service/orca/v3/orca.proto");
  EXPECT_THAT(names.imports, ElementsAre("xds/data/orca/v3/orca_load_report.proto",
                                         "google/protobuf/duration.proto"));
}

class WrongOrcaTest : public OrcaServiceTest {
 protected:
  WrongOrcaTest() : OrcaServiceTest({.min_report_period = 999us}) {}
};
TEST_F(WrongOrcaTest, APeriodThatIsTooShortIsAnErrorOfTheStart) {
  EXPECT_EQ(server->Start(),
            absl::InvalidArgumentError("orca: min_report_period is 999000 ns, it should be 1 ms or "
                                       "more"));
}

// ---- With calls.

class CallReportsTest : public ServerTest {
 protected:
  // What a call's trailers report; nullopt: they don't.
  static std::optional<LoadReport> ReportOf(const ClientCall& call) {
    constexpr std::string_view kKey = "endpoint-load-metrics-bin=";
    const size_t at = call.trailers.find(kKey);
    if (at == std::string::npos) return std::nullopt;
    const std::string_view rest = std::string_view(call.trailers).substr(at + kKey.size());
    EXPECT_EQ(rest.find(kKey), std::string_view::npos) << "two reports";
    std::string bytes;
    EXPECT_TRUE(wire::AppendDecodedBase64(bytes, rest.substr(0, rest.find(' '))));
    return wire::DecodeLoadReport(bytes);
  }
  // "/a.Echo/Cost" reports and ends with the status that it is told.
  void OnCost(LoadReport own) {
    On("/a.Echo/Cost", kUnary, [own](ServerCall& call, Bytes request) {
      call.ReportLoad(own);
      if (Text(request) == "fail") return call.Finish(absl::ResourceExhaustedError("too much"));
      call.Reply(FrameMessage("done"));
    });
  }
};

TEST_F(CallReportsTest, ACallReportsWhatItsHandlerSays) {
  OnCost({.cpu = 0.5, .named = {{"request_cost.rows", 3456.32}}});
  OnEcho();
  Start();
  const auto report = ReportOf(Ask("/a.Echo/Cost"));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->cpu, 0.5);
  EXPECT_THAT(report->named, ElementsAre(NamedFigure{"request_cost.rows", 3456.32}));
  EXPECT_FALSE(ReportOf(Ask("/a.Echo/Say")).has_value());
}

TEST_F(CallReportsTest, ACallThatFailsReportsToo) {
  OnCost({.cpu = 0.5});
  Start();
  ClientCall& call = Ask("/a.Echo/Cost", "fail");
  EXPECT_TRUE(call.trailers.starts_with(":status=200 grpc-status=8 grpc-message=too much "));
  EXPECT_EQ(ReportOf(call)->cpu, 0.5);
}

TEST_F(CallReportsTest, AServerReportsWithEveryCallAndTheCallsOwnFiguresWin) {
  ServerLoad load;
  OnCost({.cpu = 0.5});
  OnEcho();
  server->ReportLoad(load);
  Start();
  EXPECT_FALSE(ReportOf(Ask("/a.Echo/Say")).has_value()) << "there is nothing to say";
  load.Set({.cpu = 0.1, .qps = 100});
  EXPECT_EQ(ReportOf(Ask("/a.Echo/Say"))->cpu, 0.1);
  const auto both = ReportOf(Ask("/a.Echo/Cost"));
  EXPECT_EQ(both->cpu, 0.5);
  EXPECT_EQ(both->qps, 100);
  EXPECT_FALSE(ReportOf(Ask("/a.Echo/None")).has_value()) << "no handler took it";
}

TEST_F(CallReportsTest, FiguresThatOrcaDoesNotAllowAreLeftOut) {
  OnCost({.cpu = -1, .memory = 2, .qps = 7});
  Start();
  const auto report = ReportOf(Ask("/a.Echo/Cost"));
  EXPECT_EQ(report->cpu, 0);
  EXPECT_EQ(report->memory, 0);
  EXPECT_EQ(report->qps, 7);
}

}  // namespace
}  // namespace rondo::server
