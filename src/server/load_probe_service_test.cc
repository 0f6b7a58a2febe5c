// The server's half of prequal: what a probe is told.
#include <gmock/gmock.h>

#include "rondo/load_probe.h"
#include "server/server_fixture.h"
#include "wire/load_report.h"

namespace rondo::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class LoadProbeServiceTest : public ServerTest {
 protected:
  LoadProbeServiceTest() {
    options.interceptors = {probes.Counter()};
    Make().Add(probes);
    On("/a.Slow/Say", kUnary, [this](ServerCall& call, Bytes) { kept.push_back(&call); });
  }
  ~LoadProbeServiceTest() override {
    calls.clear();
    server->Stop();
  }
  std::vector<NamedFigure> Probe() {
    const ClientCall& call = Ask("/rondo.load.v1.LoadProbe/Probe", "");
    EXPECT_EQ(call.trailers, "grpc-status=0");
    if (call.messages.size() != 1) return {};
    return wire::DecodeLoadReport(call.messages[0]).value_or(LoadReport()).named;
  }
  static std::vector<NamedFigure> Saying(double in_flight, double latency) {
    return {{"named_metrics.rif", in_flight}, {"named_metrics.latency", latency}};
  }
  void AnswerFirst() {
    ServerCall* call = kept.front();
    kept.erase(kept.begin());
    call->Reply(FrameMessage(std::string_view("done")));
    Idle();
  }
  LoadProbeService probes;
};

TEST_F(LoadProbeServiceTest, AnIdleServerSaysSo) {
  Start();
  EXPECT_EQ(Probe(), Saying(0, 0));
  EXPECT_EQ(Probe(), Saying(0, 0)) << "probes don't count";
}
TEST_F(LoadProbeServiceTest, CallsCountWhileTheyRunAndTheirTimeIsTold) {
  Start();
  Ask("/a.Slow/Say");
  Ask("/a.Slow/Say");
  EXPECT_EQ(Probe(), Saying(2, 0));
  loop->Advance(20ms);
  AnswerFirst();
  EXPECT_EQ(Probe(), Saying(1, 0.02));
  loop->Advance(980ms);
  AnswerFirst();
  EXPECT_EQ(Probe().at(0).value, 0);
}
TEST_F(LoadProbeServiceTest, ACallThatIsCancelledNoLongerCounts) {
  Start();
  ClientCall& call = Ask("/a.Slow/Say");
  EXPECT_EQ(Probe(), Saying(1, 0));
  call.stream.Cancel();
  Idle();
  ServerCall* cancelled = kept.front();
  kept.clear();
  cancelled->Finish(absl::CancelledError(""));
  Idle();
  EXPECT_EQ(Probe().at(0).value, 0);
}
TEST_F(LoadProbeServiceTest, ItsCounterMayOutliveTheService) {
  ServerInterceptor counter;
  {
    LoadProbeService gone;
    counter = gone.Counter();
  }
  EXPECT_TRUE(counter != nullptr);
}

}  // namespace
}  // namespace rondo::server
