#include <gmock/gmock.h>

#include "rondo/health.h"
#include "server/server_fixture.h"
#include "wire/descriptors.h"
#include "wire/proto_fields.h"

namespace rondo::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Request(std::string_view service) {
  std::string out;
  wire::AppendText(out, 1, service);
  return out;
}
// A HealthCheckResponse.
std::string StatusIn(std::string_view message) {
  constexpr std::string_view kNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  wire::ProtoReader reader(message);
  uint64_t status = 0;
  while (reader.Next()) status = reader.number();
  return reader.good() && status < 4 ? std::string(kNames[status]) : "broken";
}

class HealthServiceTest : public ServerTest {
 protected:
  HealthServiceTest() { Make().Add(health); }
  ~HealthServiceTest() override {
    calls.clear();
    server->Stop();
  }
  std::string Check(std::string_view service) {
    ClientCall& call = Ask("/grpc.health.v1.Health/Check", Request(service));
    return call.messages.empty() ? call.trailers : StatusIn(call.messages.at(0));
  }
  ClientCall& Watch(std::string_view service) {
    return Ask("/grpc.health.v1.Health/Watch", Request(service));
  }
  static std::vector<std::string> Told(const ClientCall& call) {
    std::vector<std::string> out;
    for (const std::string& m : call.messages) out.push_back(StatusIn(m));
    return out;
  }
  void Set(std::string_view service, ServingStatus status) {
    health.SetStatus(service, status);
    Idle();
  }

  HealthService health;
};

TEST_F(HealthServiceTest, TheServerItselfServesFromTheStart) {
  Start();
  EXPECT_EQ(Check(""), "SERVING");
}

TEST_F(HealthServiceTest, AServiceHasTheStatusThatItWasGiven) {
  Start();
  EXPECT_EQ(Check("a.Echo"),
            ":status=200 grpc-status=5 grpc-message=health: unknown service a.Echo");
  health.SetStatus("a.Echo", ServingStatus::kServing);
  EXPECT_EQ(Check("a.Echo"), "SERVING");
  health.SetStatus("a.Echo", ServingStatus::kNotServing);
  EXPECT_EQ(Check("a.Echo"), "NOT_SERVING");
  health.SetStatus("a.Echo", ServingStatus::kUnknown);
  EXPECT_EQ(Check("a.Echo"), "UNKNOWN");
  EXPECT_EQ(Check(""), "SERVING");
  health.Remove("a.Echo");
  EXPECT_EQ(Check("a.Echo"),
            ":status=200 grpc-status=5 grpc-message=health: unknown service a.Echo");
}

TEST_F(HealthServiceTest, AWatchTellsTheStatusAndEachChangeOnce) {
  Start();
  health.SetStatus("a.Echo", ServingStatus::kServing);
  ClientCall& watch = Watch("a.Echo");
  EXPECT_THAT(Told(watch), ElementsAre("SERVING"));
  Set("a.Echo", ServingStatus::kServing);
  Set("other", ServingStatus::kServing);
  EXPECT_THAT(Told(watch), ElementsAre("SERVING"));
  Set("a.Echo", ServingStatus::kNotServing);
  health.SetAll(ServingStatus::kServing);
  Idle();
  EXPECT_THAT(Told(watch), ElementsAre("SERVING", "NOT_SERVING", "SERVING"));
  EXPECT_EQ(watch.end, "");
}

TEST_F(HealthServiceTest, AWatchOfAServiceThatNobodyKnowsWaitsForIt) {
  Start();
  ClientCall& watch = Watch("late");
  Set("late", ServingStatus::kServing);
  health.Remove("late");
  Idle();
  EXPECT_THAT(Told(watch), ElementsAre("SERVICE_UNKNOWN", "SERVING", "SERVICE_UNKNOWN"));
}

TEST_F(HealthServiceTest, SeveralWatchesAreToldAlike) {
  Start();
  ClientCall& one = Watch("");
  ClientCall& two = Watch("");
  Set("", ServingStatus::kNotServing);
  EXPECT_THAT(Told(one), ElementsAre("SERVING", "NOT_SERVING"));
  EXPECT_THAT(Told(two), ElementsAre("SERVING", "NOT_SERVING"));
}

TEST_F(HealthServiceTest, AWatchThatWasCancelledIsForgotten) {
  Start();
  ClientCall& watch = Watch("");
  watch.stream.Cancel();
  Idle();
  Set("", ServingStatus::kNotServing);
  EXPECT_THAT(Told(watch), ElementsAre("SERVING"));
  EXPECT_EQ(Check(""), "NOT_SERVING");
}

TEST_F(HealthServiceTest, AListHoldsEveryServiceThatHasAStatus) {
  Start();
  health.SetStatus("a.Echo", ServingStatus::kNotServing);
  ClientCall& call = Ask("/grpc.health.v1.Health/List", "");
  std::vector<std::string> all;
  wire::ProtoReader entries(call.messages.at(0));
  while (entries.Next()) {
    wire::ProtoReader entry(entries.text());
    std::string line;
    while (entry.Next())
      line += entry.field() == 1 ? std::string(entry.text()) + "=" : StatusIn(entry.text());
    all.push_back(line);
  }
  EXPECT_THAT(all, ElementsAre("=SERVING", "a.Echo=NOT_SERVING"));
}

TEST_F(HealthServiceTest, AListOfMoreThanAHundredIsRefused) {
  Start();
  for (int i = 0; i < 100; ++i) health.SetStatus(std::to_string(i), ServingStatus::kServing);
  EXPECT_EQ(
      Ask("/grpc.health.v1.Health/List", "").trailers,
      ":status=200 grpc-status=8 grpc-message=health: there are more than 100 services; Check "
      "them one by one");
}

TEST_F(HealthServiceTest, ARequestThatIsNoneIsInternal) {
  Start();
  EXPECT_EQ(
      Ask("/grpc.health.v1.Health/Check", "\x0a\x7f").trailers,
      ":status=200 grpc-status=13 grpc-message=/grpc.health.v1.Health/Check: the request is no "
      "HealthCheckRequest");
}

TEST_F(HealthServiceTest, ADrainTellsWatchesNotServingEndsThemAndDoesNotWaitForThem) {
  OnKeep();
  Start();
  ClientCall& running = Open("/a.Echo/Keep");
  ClientCall& watch = Watch("");
  std::string drained;
  server->DrainAsync(std::chrono::seconds(9), [&](absl::Status s) { drained = s.ToString(); });
  Idle();
  EXPECT_THAT(Told(watch), ElementsAre("SERVING", "NOT_SERVING"));
  EXPECT_EQ(watch.trailers, "grpc-status=14 grpc-message=health: the server is draining");
  EXPECT_EQ(drained, "");
  kept.at(0)->Finish(absl::OkStatus());
  Idle();
  EXPECT_EQ(drained, "OK");
  EXPECT_EQ(running.trailers, ":status=200 grpc-status=0");
}

TEST_F(HealthServiceTest, StatusesSetDuringADrainAreNotTold) {
  Start();
  health.OnDrain();
  health.SetStatus("", ServingStatus::kServing);
  EXPECT_EQ(Check(""), "NOT_SERVING");
}

TEST_F(HealthServiceTest, AServiceMayOutliveItsServerWithAWatchOpen) {
  Start();
  Watch("");
  server->Stop();
  Idle();
  health.SetStatus("", ServingStatus::kNotServing);
  Idle();
  SUCCEED();
}

TEST_F(HealthServiceTest, KnowsItsOwnProtoFile) {
  EXPECT_EQ(wire::NamesOf(health.ProtoFile()).name, "grpc/health/v1/health.proto");
}

}  // namespace
}  // namespace rondo::server
