// Each limit of a server is counted under its name; what ends a connection or a stream is told to
// the log as well.
#include <gmock/gmock.h>

#include "rondo/observe.h"
#include "server/server_fixture.h"
#include "server/warnings.h"
#include "wire/compression.h"

namespace rondo::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

class CountsLimits final : public Observer {
 public:
  std::unique_ptr<ServerObserver> ForServer() override { return std::make_unique<Ear>(counts); }
  std::map<std::string, int> counts;

 private:
  struct Ear final : ServerObserver {
    explicit Ear(std::map<std::string, int>& c) : counts(c) {}
    void OnLimit(std::string_view limit) override { ++counts[std::string(limit)]; }
    std::map<std::string, int>& counts;
  };
};

// Bytes to a server, whatever they are.
class RawClient final : public event::SocketEvents {
 public:
  RawClient(event::ManualLoop& loop, transport::MemoryNetwork& network) : loop_(loop) {
    dial_ = network.Connect(loop, kAddress, [this](auto socket) {
      ASSERT_TRUE(socket.ok());
      socket_ = *std::move(socket);
      socket_->Start(*this);
    });
    loop.RunUntilIdle();
  }
  void OnReadable() override {
    if (deaf) return;
    for (uint8_t room[4096]; socket_ != nullptr;) {
      const event::Io io = socket_->Read(room);
      if (io.kind == event::Io::Kind::kWouldBlock) return;
      if (io.kind != event::Io::Kind::kMoved) return socket_.reset();
    }
  }
  void OnWritable() override {}
  RawClient& Say(std::string bytes) {
    if (socket_ == nullptr) return *this;
    const iovec view{bytes.data(), bytes.size()};
    socket_->Write({&view, 1});
    loop_.RunUntilIdle();
    return *this;
  }
  bool closed() const { return socket_ == nullptr; }
  std::string local() const { return socket_->local(); }
  bool deaf = false;  // Reads nothing.

 private:
  event::ManualLoop& loop_;
  std::unique_ptr<event::Dial> dial_;
  std::unique_ptr<event::Socket> socket_;
};

std::string RawFrame(int type, int flags, uint32_t stream, const std::string& body = "") {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(body.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out + body;
}
enum RawType {
  kData,
  kHeaders,
  kPriority,
  kReset,
  kSettings,
  kPush,
  kPing,
  kGoAway,
  kWindow,
  kMore
};
constexpr int kAck = 1, kEndHeaders = 4;

std::string BeginsRightly() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + RawFrame(kSettings, 0, 0);
}
std::string OpensStream(uint32_t stream, int flags = kEndHeaders) {
  const std::string fields =
      "\x83\x86\x44\x0c/a.Echo/Keep\x41\x01z\x5f\x10"
      "application/grpc";
  return RawFrame(kHeaders, flags, stream, fields);
}
std::string Repeated(int n, const std::string& what) {
  std::string out;
  for (int i = 0; i < n; ++i) out += what;
  return out;
}

class LimitsReportTest : public ServerTest {
 protected:
  LimitsReportTest() {
    options.observers = {counter};
    options.on_warning = [this](std::string_view line) { lines.emplace_back(line); };
    options.keepalive.min_time = 5min;
    // Small, so that floods are short.
    options.max_concurrent_streams = 4;
    options.limits.reset_burst = 2;
    options.limits.control_burst = 10;
  }
  ~LimitsReportTest() override {
    for (ServerCall* call : kept) call->Finish(absl::OkStatus());
  }
  void Serve() {
    OnKeep();
    OnEcho();
    ASSERT_TRUE(server->Start().ok());
  }
  // A client that says so much is closed, by this limit and with these words, and others aren't.
  void Expect(const std::string& says, const std::string& limit, const std::string& words) {
    Serve();
    Connect();
    RawClient bad(*loop, network);
    const std::string peer = bad.local();
    bad.Say(says);
    Advance(1s);  // Its last words.
    EXPECT_TRUE(bad.closed());
    EXPECT_THAT(counter->counts, ElementsAre(Pair(limit, 1)));
    EXPECT_THAT(lines,
                ElementsAre("server: " + peer + ": closed: " + words + " (limit " + limit + ")"));
    EXPECT_EQ(Ask("/a.Echo/Say").trailers, "grpc-status=0");
  }
  void Advance(Duration d) { loop->Advance(d); }

  std::shared_ptr<CountsLimits> counter = std::make_shared<CountsLimits>();
  std::vector<std::string> lines;
};

TEST_F(LimitsReportTest, WhoBreaksTheProtocol) {
  Expect("GET / HTTP/1.1\r\n\r\n", "protocol",
         "PROTOCOL_ERROR: the peer speaks HTTP/1, not HTTP/2");
}

TEST_F(LimitsReportTest, WhoResetsStreamsRapidly) {  // CVE-2023-44487
  std::string says = BeginsRightly();
  for (uint32_t id = 1; id < 20; id += 2) {
    says += OpensStream(id) + RawFrame(kReset, 0, id, std::string("\0\0\0\x08", 4));
  }
  Expect(says, "resets", "ENHANCE_YOUR_CALM: the peer sends too many RST_STREAM frames");
}

TEST_F(LimitsReportTest, WhoMakesTheServerResetStreams) {  // CVE-2025-8671
  std::string says = BeginsRightly();
  for (uint32_t id = 1; id < 20; id += 2) {
    says += OpensStream(id) + RawFrame(kPriority, 0, id, std::string(4, '\0'));
  }
  Expect(says, "resets", "ENHANCE_YOUR_CALM: the peer sends too many frames that end their stream");
}

TEST_F(LimitsReportTest, WhoContinuesAHeaderBlockForEver) {  // CVE-2024-28182
  Expect(BeginsRightly() + OpensStream(1, 0) + Repeated(9, RawFrame(kMore, 0, 1)), "continuations",
         "ENHANCE_YOUR_CALM: the peer sends too many CONTINUATION frames");
}

TEST_F(LimitsReportTest, WhoSendsTooManySettingsAtOnce) {  // CVE-2020-11080
  Expect(
      BeginsRightly() + RawFrame(kSettings, 0, 0, Repeated(33, std::string("\0\x03\0\0\0\x09", 6))),
      "settings", "ENHANCE_YOUR_CALM: the peer sends too many settings at once");
}

TEST_F(LimitsReportTest, WhoSendsSettingsAgainAndAgain) {  // CVE-2019-9515
  Expect(BeginsRightly() + Repeated(11, RawFrame(kSettings, 0, 0)), "control_frames",
         "ENHANCE_YOUR_CALM: the peer sends too many SETTINGS frames");
}

TEST_F(LimitsReportTest, WhoPings) {  // CVE-2019-9512
  Expect(BeginsRightly() + Repeated(4, RawFrame(kPing, 0, 0, std::string(8, 'p'))), "pings",
         "ENHANCE_YOUR_CALM: too_many_pings");
}

TEST_F(LimitsReportTest, WhoSendsDataWithoutBytes) {  // CVE-2019-9518
  Expect(BeginsRightly() + OpensStream(1) + Repeated(101, RawFrame(kData, 0, 1)), "empty_data",
         "ENHANCE_YOUR_CALM: the peer sends too many empty DATA frames");
}

TEST_F(LimitsReportTest, WhoOpensMoreStreamsThanItMay) {
  std::string says = BeginsRightly() + RawFrame(kSettings, kAck, 0);
  for (uint32_t id = 1; id < 11; id += 2) says += OpensStream(id);
  Expect(says, "streams", "PROTOCOL_ERROR: the peer opens more streams than it may");
}

TEST_F(LimitsReportTest, StreamsThatAreRefusedBeforeTheClientKnowsBetter) {
  Serve();
  std::string says = BeginsRightly();
  for (uint32_t id = 1; id < 13; id += 2) says += OpensStream(id);
  RawClient hasty(*loop, network);
  hasty.Say(says);
  EXPECT_FALSE(hasty.closed());
  EXPECT_THAT(counter->counts, ElementsAre(Pair("streams", 2)));
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(LimitsReportTest, WhoNeverSaysThePreface) {
  Serve();
  RawClient mute(*loop, network);
  const std::string peer = mute.local();
  Advance(10s);
  EXPECT_TRUE(mute.closed());
  EXPECT_THAT(counter->counts, ElementsAre(Pair("handshake_time", 1)));
  EXPECT_THAT(lines, ElementsAre("server: " + peer +
                                 ": closed: no HTTP/2 preface within 10000 ms (limit "
                                 "handshake_time)"));
}

TEST_F(LimitsReportTest, WhoLeavesItsAnswersUntaken) {  // CVE-2019-9517
  options.limits.stall_timeout = 5s;
  client_options.session.stream_window = 1000;
  Serve();
  Connect();
  Open("/a.Echo/Keep", {}, 0);
  Idle();
  kept.at(0)->Write(FrameMessage(std::string(100'000, 'x')), [](bool) {});
  Idle();
  Advance(7s);
  EXPECT_THAT(counter->counts, ElementsAre(Pair("stalled_stream", 1)));
  EXPECT_THAT(lines, ElementsAre("server: " + clients[0].link->local() +
                                 ": a stream was reset (limit stalled_stream)"));
}

TEST_F(LimitsReportTest, WhoComesWhenThereAreTooMany) {
  options.max_connections = 1;
  Serve();
  Connect();
  const RawClient second(*loop, network);
  Idle();
  EXPECT_THAT(counter->counts, ElementsAre(Pair("connections", 1)));
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], EndsWith(": refused, 1 are open (limit connections)"));
}

// ---- What the call's status tells isn't told to the log.

TEST_F(LimitsReportTest, HeadersThatAreTooLong) {
  Serve();
  Connect();
  Ask("/a.Echo/Say", "", {{"x", std::string(9000, 'x')}});
  EXPECT_THAT(counter->counts, ElementsAre(Pair("header_bytes", 1)));
  EXPECT_THAT(lines, IsEmpty());
  Ask("/a.Echo/Say", "", {{"x", std::string(17000, 'x')}});  // Reset without a status.
  EXPECT_THAT(counter->counts, ElementsAre(Pair("header_bytes", 2)));
  EXPECT_THAT(lines, ElementsAre("server: " + clients[0].link->local() +
                                 ": a stream was reset (limit header_bytes)"));
}

TEST_F(LimitsReportTest, MessagesThatAreTooLong) {
  options.max_receive_message = 1000;
  Serve();
  Connect();
  Ask("/a.Echo/Say", std::string(1001, 'x'));
  EXPECT_THAT(counter->counts, ElementsAre(Pair("message_bytes", 1)));
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(LimitsReportTest, MessagesThatGrowTooLong) {
  options.max_receive_message = 10'000;
  Serve();
  Connect();
  ClientCall& call = Open("/a.Echo/Say", {{"grpc-encoding", "gzip"}});
  call.stream.Send(
      wire::CompressMessage(Compression::kGzip, FrameMessage(std::string(1 << 20, '0'))), true);
  Idle();
  EXPECT_THAT(call.trailers, StartsWith(":status=200 grpc-status=8 "));
  EXPECT_THAT(counter->counts, ElementsAre(Pair("decompressed_bytes", 1)));
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(LimitsReportTest, CallsBeyondTheAdmissionLimit) {
  options.admission.max_calls = 1;
  Serve();
  Connect();
  Open("/a.Echo/Keep");
  Idle();
  Ask("/a.Echo/Say");
  EXPECT_THAT(counter->counts, ElementsAre(Pair("calls", 1)));
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(LimitsReportTest, HonestCallsRunIntoNone) {
  Serve();
  Connect();
  for (int i = 0; i < 100; ++i) Ask("/a.Echo/Say");
  EXPECT_THAT(counter->counts, IsEmpty());
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(LimitsReportTest, ALimitOutOfItsRangeIsAnError) {
  Make();
  const auto start = [this] {
    server = nullptr;
    Make();
    return std::string(MessageOf(server->Start()));
  };
  options.limits.reset_burst = 0;
  EXPECT_EQ(start(), "server: limits.reset_burst is 0, it should be 1 to 1000000000");
  options.limits = {.control_rate = 1e10};
  EXPECT_EQ(start(), "server: limits.control_rate is 1e+10, it should be 1 to 1000000000");
  options.limits = {.max_continuations = 1001};
  EXPECT_EQ(start(), "server: limits.max_continuations is 1001, it should be 0 to 1000");
  options.limits = {.max_held_bytes = 1000};
  EXPECT_EQ(start(), "server: limits.max_held_bytes is 1000, it should be 65536 or more");
  options.limits = {.stall_timeout = 10ms};
  EXPECT_EQ(start(), "server: limits.stall_timeout is 10 ms, it should be at least 1000");
}

TEST(Warnings, TenAtOnceThenOneASecondAndTheRestIsCounted) {
  Warnings warnings;
  const Time start = Time(1h);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(warnings.Tell("a", start), "a");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(warnings.Tell("b", start), std::nullopt);
  EXPECT_EQ(warnings.Tell("c", start + 1s), "c (3 more were not told)");
  EXPECT_EQ(warnings.Tell("d", start + 1s), std::nullopt);
  EXPECT_EQ(warnings.Tell("e", start + 1h), "e (1 more were not told)");
}

}  // namespace
}  // namespace rondo::server
