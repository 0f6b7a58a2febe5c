// gRPC's metrics as channels and servers fill them: behaviour 6.1, 6.3.
#include "rondo/metrics.h"

#include "channel/channel_fixture.h"
#include "server/server_fixture.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// The lines of the text that begin so, without buckets.
std::vector<std::string> Lines(const Metrics& metrics, std::string_view begin) {
  std::vector<std::string> out;
  const std::string text = metrics.PrometheusText();
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    if (line.starts_with(begin) && line.find("_bucket{") == line.npos) out.push_back(line);
  }
  return out;
}

class ChannelMetricsTest : public channel::ChannelTest {
 protected:
  ChannelMetricsTest() {
    options_.observers = {metrics_};
    options_.backoff.jitter = 0;
  }
  std::vector<std::string> Told(std::string_view begin) { return Lines(*metrics_, begin); }
  void Methods(std::string_view policy) {
    options_.default_service_config =
        Cat(R"({"loadBalancingConfig":[{"round_robin":{}}],"methodConfig":[{"name":[{}],)", policy,
            "}]}");
  }
  const std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>();
};

TEST_F(ChannelMetricsTest, ACallIsAnAttemptWithItsTimeAndItsBytes) {
  channel::FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Connect();
  auto call = Ask("hello");
  EXPECT_THAT(Told("grpc_client_attempt_started"),
              ElementsAre("grpc_client_attempt_started_total{grpc_method=\"test.Echo/Unary\","
                          "grpc_target=\"test:///service\"} 1"));
  EXPECT_THAT(Told("grpc_client_attempt_duration"), IsEmpty());
  Advance(250ms);
  a.last().Answer();  // "a:1:hello"
  Run();
  const std::string labels =
      R"({grpc_method="test.Echo/Unary",grpc_target="test:///service",grpc_status="OK"})";
  EXPECT_THAT(Told("grpc_client_attempt_duration_seconds"),
              ElementsAre("grpc_client_attempt_duration_seconds_sum" + labels + " 0.25",
                          "grpc_client_attempt_duration_seconds_count" + labels + " 1"));
  EXPECT_THAT(Told("grpc_client_attempt_sent_total_compressed_message_size_bytes_sum"),
              ElementsAre("grpc_client_attempt_sent_total_compressed_message_size_bytes_sum" +
                          labels + " 5"));
  EXPECT_THAT(Told("grpc_client_attempt_rcvd_total_compressed_message_size_bytes_sum"),
              ElementsAre("grpc_client_attempt_rcvd_total_compressed_message_size_bytes_sum" +
                          labels + " 9"));
  EXPECT_THAT(Told("grpc_client_call_duration_seconds_sum"),
              ElementsAre("grpc_client_call_duration_seconds_sum" + labels + " 0.25"));
  EXPECT_THAT(Told("grpc_client_call_retr"), IsEmpty());
}
TEST_F(ChannelMetricsTest, AStreamsBytesAreThoseOfAllItsMessages) {
  Serve("a:1");
  OpenTo({"a:1"});
  StreamCall call = channel_->Stream(channel::kChat, {});
  for (const char* text : {"one", "four"}) {
    const std::string_view m = text;
    call.Write(FrameMessage(m.size(), [&](uint8_t* to) { std::memcpy(to, m.data(), m.size()); }),
               m == "four", [](bool) {});
    Run();
  }
  call.Finish([](const absl::Status&) {});
  Run();
  const std::string labels =
      R"({grpc_method="test.Echo/Chat",grpc_target="test:///service",grpc_status="OK"})";
  EXPECT_THAT(Told("grpc_client_attempt_sent_total_compressed_message_size_bytes_sum"),
              ElementsAre("grpc_client_attempt_sent_total_compressed_message_size_bytes_sum" +
                          labels + " 7"));
  EXPECT_THAT(Told("grpc_client_attempt_rcvd_total_compressed_message_size_bytes_sum"),
              ElementsAre("grpc_client_attempt_rcvd_total_compressed_message_size_bytes_sum" +
                          labels + " 15"));
}
TEST_F(ChannelMetricsTest, RetriesAreAttemptsOfOneCall) {
  Methods(R"("retryPolicy":{"maxAttempts":3,"initialBackoff":"1s","maxBackoff":"1s",)"
          R"("backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]})");
  channel::FakeBackend& a = Serve("a:1");
  a.hold = true;
  OpenTo({"a:1"});
  Connect();
  auto call = Ask("x");
  const http2::Header fields[] = {{"grpc-status", "14"}, {"grpc-retry-pushback-ms", "500"}};
  a.last().stream.Respond(channel::AnswerHead(), fields, true);
  Advance(500ms);
  a.last().Answer();
  Run();
  ASSERT_EQ(call->text(), "a:1:x");
  const std::string who = R"(grpc_method="test.Echo/Unary",grpc_target="test:///service")";
  EXPECT_THAT(Told("grpc_client_attempt_started"),
              ElementsAre("grpc_client_attempt_started_total{" + who + "} 2"));
  EXPECT_THAT(
      Told("grpc_client_attempt_duration_seconds_count"),
      ElementsAre(
          "grpc_client_attempt_duration_seconds_count{" + who + ",grpc_status=\"OK\"} 1",
          "grpc_client_attempt_duration_seconds_count{" + who + ",grpc_status=\"UNAVAILABLE\"} 1"));
  EXPECT_THAT(
      Told("grpc_client_call_"),
      ElementsAre("grpc_client_call_duration_seconds_sum{" + who + ",grpc_status=\"OK\"} 0.5",
                  "grpc_client_call_duration_seconds_count{" + who + ",grpc_status=\"OK\"} 1",
                  "grpc_client_call_retries_sum{" + who + "} 1",
                  "grpc_client_call_retries_count{" + who + "} 1",
                  "grpc_client_call_retry_delay_seconds_sum{" + who + "} 0.5",
                  "grpc_client_call_retry_delay_seconds_count{" + who + "} 1"));
}
TEST_F(ChannelMetricsTest, TransparentRetriesAreCountedApart) {
  channel::FakeBackend& a = Serve("a:1");
  a.refuse = true;
  OpenTo({"a:1"});
  Ask("x");
  const std::string who = R"({grpc_method="test.Echo/Unary",grpc_target="test:///service"})";
  EXPECT_THAT(Told("grpc_client_attempt_started"),
              ElementsAre("grpc_client_attempt_started_total" + who + " 2"));
  EXPECT_THAT(Told("grpc_client_call_transparent_retries"),
              ElementsAre("grpc_client_call_transparent_retries_sum" + who + " 1",
                          "grpc_client_call_transparent_retries_count" + who + " 1"));
  EXPECT_THAT(Told("grpc_client_call_retries"), IsEmpty());
}
TEST_F(ChannelMetricsTest, HedgesAreAttemptsOfOneCall) {
  Methods(R"("hedgingPolicy":{"maxAttempts":2,"hedgingDelay":"0.05s"})");
  channel::FakeBackend &a = Serve("a:1"), &b = Serve("b:1");
  a.hold = b.hold = true;
  OpenTo({"a:1", "b:1"});
  Connect();
  auto call = Ask("x");
  Advance(50ms);
  ASSERT_EQ(a.served.size(), 1u);
  ASSERT_EQ(b.served.size(), 1u);
  b.last().Answer();
  Run();
  ASSERT_TRUE(call->done);
  const std::string who = R"(grpc_method="test.Echo/Unary",grpc_target="test:///service")";
  EXPECT_THAT(Told("grpc_client_attempt_started"),
              ElementsAre("grpc_client_attempt_started_total{" + who + "} 2"));
  EXPECT_THAT(
      Told("grpc_client_attempt_duration_seconds_count"),
      ElementsAre(
          "grpc_client_attempt_duration_seconds_count{" + who + ",grpc_status=\"CANCELLED\"} 1",
          "grpc_client_attempt_duration_seconds_count{" + who + ",grpc_status=\"OK\"} 1"));
  EXPECT_THAT(
      Told("grpc_client_call_"),
      ElementsAre("grpc_client_call_duration_seconds_sum{" + who + ",grpc_status=\"OK\"} 0.05",
                  "grpc_client_call_duration_seconds_count{" + who + ",grpc_status=\"OK\"} 1",
                  "grpc_client_call_hedges_sum{" + who + "} 1",
                  "grpc_client_call_hedges_count{" + who + "} 1"));
}
TEST_F(ChannelMetricsTest, ACallThatNeverHadABackendIsAnAttemptThatFailed) {
  Open();
  Ask("x", {.timeout = 100ms});
  Advance(100ms);
  const std::string labels = R"({grpc_method="test.Echo/Unary",grpc_target="test:///service",)"
                             R"(grpc_status="DEADLINE_EXCEEDED"})";
  EXPECT_THAT(Told("grpc_client_attempt_duration_seconds"),
              ElementsAre("grpc_client_attempt_duration_seconds_sum" + labels + " 0.1",
                          "grpc_client_attempt_duration_seconds_count" + labels + " 1"));
}
TEST_F(ChannelMetricsTest, ConnectionsAreCountedFromTheirAttemptsToTheirEnds) {
  channel::FakeBackend& a = Serve("a:1");
  network_.Refuse("a:1");
  OpenTo({"a:1"});
  Ask("x");
  network_.Heal("a:1");
  Advance(1s);
  Ask("x");
  const std::string target = R"({grpc_target="test:///service")";
  EXPECT_THAT(Told("grpc_subchannel"),
              ElementsAre("grpc_subchannel_connection_attempts_failed_total" + target + "} 1",
                          "grpc_subchannel_connection_attempts_succeeded_total" + target + "} 1",
                          "grpc_subchannel_open_connections" + target +
                              ",grpc_security_level=\"none\"} 1"));
  a.Die();
  Run();
  a.Listen();
  Ask("x");
  a.GoAway();
  Run();
  Ask("x");
  channel_->Close();
  Run();
  EXPECT_THAT(Told("grpc_subchannel_disc"),
              ElementsAre("grpc_subchannel_disconnections_total" + target +
                              ",grpc_disconnect_error=\"GOAWAY NO_ERROR\"} 1",
                          "grpc_subchannel_disconnections_total" + target +
                              ",grpc_disconnect_error=\"connection reset\"} 1",
                          "grpc_subchannel_disconnections_total" + target +
                              ",grpc_disconnect_error=\"subchannel shutdown\"} 1"));
  EXPECT_THAT(Told("grpc_subchannel_open"),
              ElementsAre("grpc_subchannel_open_connections" + target +
                          ",grpc_security_level=\"none\"} 0"));
}
TEST_F(ChannelMetricsTest, ATargetThatIsNotKeptIsOther) {
  options_.observers = {std::make_shared<Metrics>(MetricsOptions{
      .keep_target = [](std::string_view target) { return target != "test:///b"; }})};
  const auto& metrics = static_cast<const Metrics&>(*options_.observers[0]);
  Serve("a:1");
  names_.PublishAddresses({"a:1"});
  Open("test:///b");
  Ask("x");
  EXPECT_THAT(Lines(metrics, "grpc_client_attempt_started"),
              ElementsAre("grpc_client_attempt_started_total{grpc_method=\"test.Echo/Unary\","
                          "grpc_target=\"other\"} 1"));
}
TEST_F(ChannelMetricsTest, ChannelsShareARegistryAndWhatTheyCountedOutlivesThem) {
  Serve("a:1");
  for (int i = 0; i < 2; ++i) {
    OpenTo({"a:1"});
    Ask("x");
    subscription_ = nullptr;
    channel_.reset();
    Run();
  }
  EXPECT_THAT(Told("grpc_client_attempt_started"),
              ElementsAre("grpc_client_attempt_started_total{grpc_method=\"test.Echo/Unary\","
                          "grpc_target=\"test:///service\"} 2"));
}
// Counts something of its own whenever it is told of endpoints.
class Counting final : public Policy {
 public:
  absl::Status OnUpdate(const Update&, Control& control) override {
    const MetricPoint::Label labels[] = {{"grpc.lb.locality", "eu-1"}};
    control.Metric({.name = "grpc.lb.counting.updates", .value = 2, .labels = labels});
    control.Publish(Connectivity::kConnecting, QueuePicker());
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status&, Control&) override {}
};
TEST_F(ChannelMetricsTest, WhatAPolicyCountsIsACounter) {
  options_.policies = {{.name = "counting", .make = [] { return std::make_unique<Counting>(); }}};
  options_.default_service_config = R"({"loadBalancingConfig":[{"counting":{}}]})";
  OpenTo({"a:1"});
  Connect();
  EXPECT_THAT(Told("grpc_lb"),
              ElementsAre("grpc_lb_counting_updates_total{grpc_target=\"test:///service\","
                          "grpc_lb_locality=\"eu-1\"} 2"));
}

// Measures something of its own whenever it is told of endpoints.
class Measuring final : public Policy {
 public:
  absl::Status OnUpdate(const Update&, Control& control) override {
    static constexpr double kBounds[] = {1, 10};
    const double samples[] = {0.5, 7, 8, 99};
    control.Metric({.name = "grpc.lb.measuring.sizes", .samples = samples, .bounds = kBounds});
    control.Publish(Connectivity::kConnecting, QueuePicker());
    return absl::OkStatus();
  }
  void OnResolverError(const absl::Status&, Control&) override {}
};
TEST_F(ChannelMetricsTest, WhatAPolicyMeasuresIsAHistogram) {
  options_.policies = {{.name = "measuring", .make = [] { return std::make_unique<Measuring>(); }}};
  options_.default_service_config = R"({"loadBalancingConfig":[{"measuring":{}}]})";
  OpenTo({"a:1"});
  Connect();
  const std::string target = "{grpc_target=\"test:///service\"";
  const std::string text = metrics_->PrometheusText();
  const std::vector<std::string> lines = {
      "_bucket" + target + ",le=\"1\"} 1\n", "_bucket" + target + ",le=\"10\"} 3\n",
      "_bucket" + target + ",le=\"+Inf\"} 4\n", "_sum" + target + "} 114.5\n",
      "_count" + target + "} 4\n"};
  for (const std::string& line : lines) {
    EXPECT_THAT(text, testing::HasSubstr("grpc_lb_measuring_sizes" + line));
  }
}

class ServerMetricsTest : public server::ServerTest {
 protected:
  ServerMetricsTest() { options.observers = {metrics_}; }
  std::vector<std::string> Told(std::string_view begin) { return Lines(*metrics_, begin); }
  const std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>();
};

TEST_F(ServerMetricsTest, ALimitIsCountedUnderItsName) {
  options.max_receive_message = 100;
  OnEcho();
  Start();
  Ask("/a.Echo/Say", std::string(101, 'x'));
  Ask("/a.Echo/Say", std::string(101, 'x'));
  EXPECT_THAT(Told("rondo_server_limits"),
              ElementsAre("rondo_server_limits_total{rondo_limit=\"message_bytes\"} 2"));
}

TEST_F(ServerMetricsTest, ACallIsCountedWhenItComesAndMeasuredWhenItEnds) {
  OnKeep(kUnary);
  Start();
  Ask("/a.Echo/Keep", "hello");
  EXPECT_THAT(Told("grpc_server_call_started"),
              ElementsAre("grpc_server_call_started_total{grpc_method=\"a.Echo/Keep\"} 1"));
  EXPECT_THAT(Told("grpc_server_call_duration"), IsEmpty());
  loop->Advance(20ms);
  kept[0]->Reply(FrameMessage("hi"));
  Idle();
  const std::string labels = R"({grpc_method="a.Echo/Keep",grpc_status="OK"})";
  EXPECT_THAT(Told("grpc_server_call_duration"),
              ElementsAre("grpc_server_call_duration_seconds_sum" + labels + " 0.02",
                          "grpc_server_call_duration_seconds_count" + labels + " 1"));
  EXPECT_THAT(
      Told("grpc_server_call_rcvd_total_compressed_message_size_bytes_sum"),
      ElementsAre("grpc_server_call_rcvd_total_compressed_message_size_bytes_sum" + labels + " 5"));
  EXPECT_THAT(
      Told("grpc_server_call_sent_total_compressed_message_size_bytes_sum"),
      ElementsAre("grpc_server_call_sent_total_compressed_message_size_bytes_sum" + labels + " 2"));
}
TEST_F(ServerMetricsTest, TheStatusIsTheOneThatWasSaid) {
  OnKeep();
  Start();
  Open("/a.Echo/Keep");
  Idle();
  kept[0]->Finish(absl::ResourceExhaustedError("full"));
  Idle();
  EXPECT_THAT(Told("grpc_server_call_duration_seconds_count"),
              ElementsAre("grpc_server_call_duration_seconds_count{grpc_method=\"a.Echo/Keep\","
                          "grpc_status=\"RESOURCE_EXHAUSTED\"} 1"));
}
TEST_F(ServerMetricsTest, ACallerWhoHasGoneHasCancelled) {
  OnKeep();
  Start();
  server::ClientCall& call = Open("/a.Echo/Keep");
  Idle();
  call.stream.Cancel();
  Idle();
  kept[0]->Finish(absl::OkStatus());
  Idle();
  EXPECT_THAT(Told("grpc_server_call_duration_seconds_count"),
              ElementsAre("grpc_server_call_duration_seconds_count{grpc_method=\"a.Echo/Keep\","
                          "grpc_status=\"CANCELLED\"} 1"));
}
TEST_F(ServerMetricsTest, AMethodThatNobodyServesIsOtherWhateverItsName) {
  OnEcho();
  Start();
  Ask("/a.Echo/Nope1");
  Ask("/b.Echo/Nope2");
  EXPECT_THAT(Told("grpc_server_call_started"),
              ElementsAre("grpc_server_call_started_total{grpc_method=\"other\"} 2"));
  EXPECT_THAT(Told("grpc_server_call_duration_seconds_count"),
              ElementsAre("grpc_server_call_duration_seconds_count{grpc_method=\"other\","
                          "grpc_status=\"UNIMPLEMENTED\"} 2"));
}

}  // namespace
}  // namespace rondo
