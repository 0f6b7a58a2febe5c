// One test for each limit of the wire: what a session bears, and what happens beyond.
#include <gmock/gmock.h>

#include "http2/session_pair_fixture.h"

namespace rondo::http2 {
namespace {

using testing::Contains;

class SessionLimitsTest : public SessionTest {};

std::string RequestFrame(uint32_t id, uint8_t flags = kEndHeaders | kEndStream) {
  return Frame(kHeaders, flags, id, kRequestBlock);
}
// A literal field that is entered into the table; lengths below 127.
std::string IndexedLiteral(std::string_view name, std::string_view value) {
  return "\x40" + std::string(1, static_cast<char>(name.size())) + std::string(name) +
         std::string(1, static_cast<char>(value.size())) + std::string(value);
}
constexpr std::string_view kRequestText = ":method=POST,:scheme=http,:path=/a,:authority=h";

TEST_P(SessionLimitsTest, BrokenRulesOfTheConnectionEndIt) {
  const std::pair<std::string, Code> cases[] = {
      {Frame(kData, 0, 1, "x"), Code::kProtocolError},  // On an idle stream.
      {Frame(kPing, 0, 0, "short"), Code::kFrameSizeError},
      {Frame(kHeaders, kEndHeaders, 1, "\xff\xff\xff\x7f"), Code::kCompressionError},
      {Frame(kHeaders, 0, 1, kRequestBlock) + Ping(), Code::kProtocolError},
      {Frame(kWindowUpdate, 0, 0, std::string_view("\x7f\xff\xff\xff", 4)),
       Code::kFlowControlError},
      {std::string("\x00\x40\x01\x00\x00\x00\x00\x00\x01", 9), Code::kFrameSizeError}};
  for (const auto& [bytes, code] : cases) {
    Recorder recorder;
    auto session = Make(Role::kServer, {}, recorder);
    EXPECT_FALSE(Give([&](Bytes b) { return session->Receive(b); }, kHello + bytes + Ping(),
                      chunk(), random));
    EXPECT_EQ(session->fault().code, code) << session->fault().why;
    EXPECT_THAT(Frames(Take(*session)), Contains("goaway " + std::string(Name(code))));
  }
}

TEST_P(SessionLimitsTest, AFaultEndsEveryStream) {
  Serve();
  Hear(kHello + RequestFrame(1) + RequestFrame(3, kEndHeaders) + Frame(kPing, 0, 0, "short"));
  EXPECT_EQ(at_server.log[1],
            std::string(kRequestText) + " end; connection FRAME_SIZE_ERROR maybe-processed; ");
  EXPECT_EQ(at_server.log[3],
            std::string(kRequestText) + "; connection FRAME_SIZE_ERROR maybe-processed; ");
}

TEST_P(SessionLimitsTest, PaddingIsLegalAndInvisible) {
  Serve();
  Hear(kHello + RequestFrame(1, kEndHeaders) +
       Frame(kData, kPadded, 1, std::string_view("\x03hello\0\0\0", 9)) +
       Frame(kData, kPadded | kEndStream, 1, std::string_view("\0", 1)));
  EXPECT_EQ(at_server.log[1], std::string(kRequestText) + "; data 5; end; ");
}

TEST_P(SessionLimitsTest, PaddingIsGivenBackToTheWindow) {
  Options small;
  small.stream_window = 70000;
  Serve(small);
  const std::string padded = Frame(kData, kPadded, 1,
                                   "\xff"
                                   "x" +
                                       std::string(255, '\0'));
  Hear(kHello + Frame(kSettings, kAck, 0, "") + RequestFrame(1, kEndHeaders));
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(Hear(padded)) << i << server->fault().why;
  EXPECT_EQ(at_server.body[1], 1000u);
}

// -- Header blocks.

TEST_P(SessionLimitsTest, ABlockOverTheHardLimitEndsOneStreamOnly) {
  Start();
  AnswerAll();
  const std::string big(6000, 'h');
  const Header extra[] = {{"x-a", big}, {"x-b", big}, {"x-c", big}};
  client->Open(kEcho, extra, Body(20), true, nullptr);
  Run();
  EXPECT_EQ(at_server.log[1], "");  // The owner never hears of it.
  EXPECT_EQ(at_server.offences[Offence::kResetSent], 1);
  EXPECT_EQ(at_client.log[1], "peer-reset ENHANCE_YOUR_CALM maybe-processed; ");
  client->Open(kEcho, {}, Body(20), true, nullptr);
  Run();
  EXPECT_EQ(at_client.log[3], kAnswerText);
}

TEST_P(SessionLimitsTest, AnAnswersBlockOverTheHardLimitIsTheServersFault) {
  Start();
  const std::string big(6000, 'h');
  at_server.on_end = [&](Stream& s) {
    const Header extra[] = {{"x-a", big}, {"x-b", big}, {"x-c", big}};
    server->Respond(s, kResponse, {}, false);
    server->Finish(s, kOk, extra);
  };
  client->Open(kEcho, {}, Body(20), true, nullptr);
  Run();
  EXPECT_EQ(at_client.log[1],
            ":status=200,content-type=application/grpc; "
            "peer-fault ENHANCE_YOUR_CALM maybe-processed; ");
}

TEST_P(SessionLimitsTest, AnHpackBombIsDecodedButNotKept) {
  Serve();
  // One entry of 3,000 bytes, then 16,000 references to it of one byte each.
  const std::string entry =
      std::string("\x40\x01", 2) + "b" + "\x7f\xb9\x16" + std::string(3000, 'v');
  Hear(kHello + Frame(kHeaders, kEndHeaders | kEndStream, 1, kRequestBlock + entry));
  const std::string log = at_server.log[1];
  Hear(Frame(kHeaders, kEndHeaders | kEndStream, 3, kRequestBlock + std::string(16000, '\xc0')));
  EXPECT_EQ(log, std::string(kRequestText) + ",b=" + std::string(3000, 'v') + " end; ");
  EXPECT_EQ(at_server.log.count(3), 0u);
  EXPECT_EQ(at_server.offences[Offence::kResetSent], 1);
  EXPECT_THAT(Frames(Take(*server)), Contains("rst 3 ENHANCE_YOUR_CALM"));
}

TEST_P(SessionLimitsTest, ContinuationsAreFewOrTheConnectionEnds) {
  Serve();
  std::string bytes = kHello + Frame(kHeaders, kEndStream, 1, kRequestBlock);
  for (int i = 0; i < 7; ++i) bytes += Frame(kContinuation, 0, 1, IndexedLiteral("a", "b"));
  EXPECT_TRUE(Hear(bytes + Frame(kContinuation, kEndHeaders, 1, "")));
  EXPECT_NE(at_server.log[1].find("a=b end"), std::string::npos);

  bytes = Frame(kHeaders, kEndStream, 3, kRequestBlock);
  EXPECT_FALSE(Hear(bytes + Repeat(12, Frame(kContinuation, 0, 3, ""))));
  EXPECT_EQ(server->fault().code, Code::kEnhanceYourCalm);
}

TEST_P(SessionLimitsTest, AnEmptyHeaderNameEndsTheStreamAndCounts) {
  Serve();
  Hear(kHello +
       Frame(kHeaders, kEndHeaders | kEndStream, 1, kRequestBlock + IndexedLiteral("", "x")));
  EXPECT_EQ(at_server.log.count(1), 0u);
  EXPECT_THAT(Frames(Take(*server)), Contains("rst 1 PROTOCOL_ERROR"));
  EXPECT_EQ(at_server.offences[Offence::kResetSent], 1);
}

TEST_P(SessionLimitsTest, AZeroWindowUpdateEndsAndCounts) {  // MadeYouReset, CVE-2025-8671.
  Serve();
  Hear(kHello + RequestFrame(1, kEndHeaders));
  Hear(Frame(kWindowUpdate, 0, 1, std::string_view("\0\0\0\0", 4)));
  const auto frames = Frames(Take(*server));
  EXPECT_EQ(at_server.offences[Offence::kResetSent] + Count(frames, "goaway PROTOCOL_ERROR"), 1u);
}

// -- Streams.

TEST_P(SessionLimitsTest, StreamsAboveTheMaximumAreRefusedAndThenEndTheConnection) {
  Options two;
  two.max_streams = 2;
  Serve(two);
  EXPECT_TRUE(
      Hear(kHello + RequestFrame(1) + RequestFrame(3) + RequestFrame(5)));  // Not acknowledged yet.
  EXPECT_THAT(Frames(Take(*server)), Contains("rst 5 REFUSED_STREAM"));
  EXPECT_EQ(at_server.log.count(5), 0u);
  EXPECT_FALSE(Hear(Frame(kSettings, kAck, 0, "") + RequestFrame(7)));
  EXPECT_EQ(server->fault().code, Code::kProtocolError);
}

TEST_P(SessionLimitsTest, AServerAnnouncesItsLimits) {
  Start();
  EXPECT_EQ(client->slots(), 100u);
}

TEST_P(SessionLimitsTest,
       TheReceivedResetsAreTheOwnersToJudge) {  // nghttp2's own limit would be 1,000.
  Serve();
  std::string bytes = kHello;
  for (uint32_t id = 1; id < 4000; id += 2) bytes += RequestFrame(id) + Rst(id, Code::kCancel);
  EXPECT_TRUE(Hear(bytes));
  EXPECT_EQ(at_server.offences[Offence::kReset], 2000);
}

// -- Floods.

TEST_P(SessionLimitsTest, PingComesBackAndOnlyTheSurplusCounts) {
  Start();
  client->Ping(77);
  Run();
  EXPECT_EQ(at_client.pong, 77u);
  EXPECT_EQ(at_server.offences[Offence::kPing], 0);
  for (int i = 0; i < 1000; ++i) client->Ping(7);
  Run();
  EXPECT_GE(at_server.offences[Offence::kPing], 900);
}

TEST_P(SessionLimitsTest, TheOwnersBudgetEndsAFlood) {
  Start();
  at_server.offences_allowed = 10;
  for (int i = 0; i < 1000; ++i) client->Ping(7);
  Run();
  EXPECT_EQ(server->fault().code, Code::kEnhanceYourCalm);
  EXPECT_EQ(server->fault().why, "the peer sends too many PING frames");
  EXPECT_EQ(at_client.goaways, 1);
}

TEST_P(SessionLimitsTest, RepliesToAPeerThatDoesNotReadAreCounted) {
  Options options;
  options.outbox_limit = 100;
  Serve(options);
  Hear(kHello + Repeat(50, Ping()));
  EXPECT_GT(server->replies(), 40u);
  while (!Take(*server).empty()) {
  }
  EXPECT_EQ(server->replies(), 0u);
}

TEST_P(SessionLimitsTest, AnswersToAPeerThatDoesNotReadKeepTheirStreamsOpen) {
  Options options;
  options.outbox_limit = 300;
  Serve(options);
  at_server.on_end = [this](Stream& s) { server->Respond(s, kTrailersOnly, {}, true); };
  std::string bytes = kHello;
  for (uint32_t id = 1; id < 200; id += 2) bytes += RequestFrame(id);
  Hear(bytes);
  EXPECT_LT(server->unsent(), 500u);
  EXPECT_GT(at_server.open.size(), 50u);
  while (!Take(*server).empty()) {
  }
  EXPECT_TRUE(at_server.open.empty());
}

TEST_P(SessionLimitsTest, SettingsAfterTheFirstCountAndManyEntriesEndTheConnection) {
  Serve();
  EXPECT_TRUE(Hear(kHello + Repeat(50, Frame(kSettings, 0, 0, ""))));
  EXPECT_EQ(at_server.offences[Offence::kSettings], 50);
  EXPECT_FALSE(Hear(Frame(kSettings, 0, 0, Repeat(40, std::string_view("\0\3\0\0\0\1", 6)))));
  EXPECT_EQ(server->fault().code, Code::kEnhanceYourCalm);
}

TEST_P(SessionLimitsTest, TheHundredAndFirstEmptyDataInARowCounts) {
  Serve();
  Hear(kHello + RequestFrame(1, kEndHeaders) + Repeat(100, Frame(kData, 0, 1, "")));
  EXPECT_EQ(at_server.offences[Offence::kEmptyData], 0);
  Hear(Frame(kData, 0, 1, "x") + Repeat(100, Frame(kData, 0, 1, "")));
  EXPECT_EQ(at_server.offences[Offence::kEmptyData], 0);
  Hear(Frame(kData, 0, 1, ""));
  EXPECT_EQ(at_server.offences[Offence::kEmptyData], 1);
}

TEST_P(SessionLimitsTest, WindowUpdatesThatOurDataPaidForDoNotCount) {
  Start();
  at_server.on_end = [this](Stream& s) {
    server->Respond(s, kResponse, {}, false);
    server->Send(s, Body(200000), false);
    server->Finish(s, kOk, {});
  };
  for (int i = 0; i < 10; ++i) client->Open(kEcho, {}, Body(1), true, nullptr);
  Run();
  EXPECT_EQ(at_server.offences[Offence::kWindowUpdate], 0);
}

TEST_P(SessionLimitsTest, SurplusWindowUpdatesCount) {
  Serve();
  Hear(kHello + Repeat(300, Frame(kWindowUpdate, 0, 0, std::string_view("\0\0\0\1", 4))));
  EXPECT_EQ(at_server.offences[Offence::kWindowUpdate], 200);
}

TEST_P(SessionLimitsTest, PriorityAndUnknownFramesCount) {
  Serve();
  Hear(kHello + Repeat(30, Frame(kPriority, 0, 1, std::string_view("\0\0\0\3\1", 5))) +
       Repeat(20, Frame(0x42, 0, 0, "whatever")));
  EXPECT_EQ(at_server.offences[Offence::kPriority], 30);
  EXPECT_EQ(at_server.offences[Offence::kUnknownFrame], 20);
}

TEST_P(SessionLimitsTest, AClientIsNotPushedAt) {
  Start();
  client->Open(kEcho, {}, Body(1), true, nullptr);
  Take(*client);
  const std::string push = Frame(kPushPromise, kEndHeaders, 1, std::string_view("\0\0\0\2", 4));
  EXPECT_FALSE(Give([&](Bytes b) { return client->Receive(b); }, push, chunk(), random));
  EXPECT_EQ(client->fault().code, Code::kProtocolError);
}

TEST_P(SessionLimitsTest, TheUsualWrongServersAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 400 Bad RequestFrame\r\n\r\n", "the peer answers in HTTP/1, not in HTTP/2"},
      {std::string("\x15\x03\x01\x00\x02\x02\x46", 7),
       "the peer answers in TLS, this side speaks plain text"}};
  for (const auto& [bytes, why] : cases) {
    if (chunk() == 1 && !own(Role::kClient)) continue;  // Seen only when it comes in one piece.
    Recorder recorder;
    auto session = Make(Role::kClient, {}, recorder);
    EXPECT_FALSE(Give([&](Bytes b) { return session->Receive(b); }, bytes, chunk(), random));
    EXPECT_EQ(session->fault().why, why);
  }
}

// -- Sending.

TEST_P(SessionLimitsTest, ExtrasLeaveTheTableAloneUnlessTheyAskForAnEntry) {
  Start();
  const auto size = [&](const Header& extra) {
    client->Open(kEcho, {&extra, 1}, Slice(), true, nullptr);
    return Take(*client).size();
  };
  const std::string value(60, '~');  // Huffman would only make it longer.
  size({"x-once", value});
  const size_t plain = size({"x-once", value});
  EXPECT_GT(plain, 60u);
  size({.name = "x-again", .value = value, .index = true});
  EXPECT_LT(size({.name = "x-again", .value = value, .index = true}), plain - 60);
  EXPECT_EQ(size({"x-once", value}), plain);
}

TEST_P(SessionLimitsTest, ManyStreamsTogetherAreToldToStop) {
  Options tight;
  tight.send_all_high = 1000000;
  tight.send_all_low = 500000;
  tight.stream_window = 70000;
  Start(tight, tight);
  at_server.credit_stream = false;
  std::vector<Stream*> streams;
  for (int i = 0; i < 4; ++i) streams.push_back(client->Open(kEcho, {}, Slice(), false, nullptr));
  Run();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(client->Send(*streams[i], Body(320000), false));
    Run();  // 70,000 of them have a window.
  }
  EXPECT_FALSE(client->Send(*streams[3], Body(350000), false));
  Run();
  EXPECT_EQ(at_client.writable, 0);
  at_server.credit_stream = true;
  for (auto& [id, stream] : at_server.open) server->Credit(*stream, 70000);
  Run();
  EXPECT_EQ(at_client.writable, 1);
}

TEST_P(SessionLimitsTest, SteadyStateTakesNoMemoryFromAbove) {
  struct Counting : std::pmr::memory_resource {
    int count = 0;
    void* do_allocate(size_t n, size_t align) override {
      ++count;
      return std::pmr::new_delete_resource()->allocate(n, align);
    }
    void do_deallocate(void* p, size_t n, size_t align) override {
      std::pmr::new_delete_resource()->deallocate(p, n, align);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override {
      return this == &other;
    }
  } counting;
  FreeList list(&counting);
  client = maker(Role::kClient)(Role::kClient, {}, at_client, list);
  server = maker(Role::kServer)(Role::kServer, {}, at_server, list);
  at_client.session = client.get();
  at_server.session = server.get();
  AnswerAll();
  Run();
  const auto call = [&](int i) {
    const std::string timeout = std::to_string(i) + "m";
    const Header extra[] = {{"grpc-timeout", timeout}};
    client->Open(kEcho, extra, Body(20), true, nullptr);
    Run();
  };
  // A server remembers as many closed streams as it allows open ones.
  for (int i = 0; i < 150; ++i) call(i);
  const int before = counting.count;
  for (int i = 0; i < 100; ++i) call(i);
  EXPECT_EQ(counting.count, before);
  client.reset();
  server.reset();
}

TEST_P(SessionLimitsTest, MutatedBytesNeverCrashAndEndsAreFinal) {
  std::string good = kHello;
  for (uint32_t id = 1; id < 40; id += 2) {
    good += RequestFrame(id, kEndHeaders) + Frame(kData, kEndStream, id, "12345678") +
            Rst(id, Code::kCancel);
  }
  for (size_t round = 0; round < 150; ++round) {
    std::string bytes = good;
    for (size_t i = 0; i < 1 + round % 5; ++i) {
      bytes[24 + random() % (bytes.size() - 24)] = static_cast<char>(random());
    }
    Recorder recorder;
    auto session = Make(Role::kServer, {}, recorder);
    recorder.on_end = [&](Stream& stream) {
      session->Respond(stream, kResponse, {}, false);
      session->Finish(stream, kOk, {});
    };
    if (!Give([&](Bytes b) { return session->Receive(b); }, bytes, chunk(), random)) {
      EXPECT_TRUE(recorder.open.empty());
      const auto log = recorder.log;
      session->Receive({});
      Take(*session);
      session->Lost();
      EXPECT_EQ(recorder.log, log);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, SessionLimitsTest, testing::ValuesIn(Settings()), SettingName);

}  // namespace
}  // namespace rondo::http2
