// The rules of http2::Session, the same for every chunking of the bytes.
#include "http2/session_pair_fixture.h"

namespace rondo::http2 {
namespace {

TEST_P(SessionTest, AUnaryCallLooksTheSameEveryTime) {
  Start();
  AnswerAll();
  for (int i = 0; i < 5; ++i) {  // tables and memos differ from call to call; the events may not
    const std::string timeout = std::to_string(i) + "S", blob(300, static_cast<char>('a' + i));
    const Header extra[] = {{"grpc-timeout", timeout}, {"x-blob", blob}};
    Stream* stream = client->Open(kEcho, extra, Body(20), true, nullptr);
    ASSERT_NE(stream, nullptr);
    const uint32_t id = stream->id;
    Run();
    EXPECT_EQ(at_server.log[id], kEchoText + ",grpc-timeout=" + timeout + ",x-blob=" + blob +
                                     "; data 20; end; complete NO_ERROR maybe-processed; ");
    EXPECT_EQ(at_client.log[id], kAnswerText);
  }
}

TEST_P(SessionTest, TrailersOnlyIsOneBlock) {
  Start();
  at_server.on_end = [this](Stream& s) { server->Respond(s, kTrailersOnly, {}, true); };
  client->Open(kEcho, {}, Slice(), true, nullptr);
  Run();
  EXPECT_EQ(at_server.log[1], kEchoText + " end; complete NO_ERROR maybe-processed; ");
  EXPECT_EQ(at_client.log[1],
            ":status=200,content-type=application/grpc,grpc-status=12 end; "
            "complete NO_ERROR maybe-processed; ");
}

TEST_P(SessionTest, ABodyStopsAtTheWindowAndGoesOnWithCredit) {
  Options small;
  small.stream_window = 70000;
  Start({}, small);
  AnswerAll();
  at_server.credit_stream = false;
  client->Open(kEcho, {}, Body(300000), true, nullptr);
  Run();
  EXPECT_EQ(at_server.body[1], 70000u);
  EXPECT_EQ(at_server.log[1], kEchoText + "; ");
  at_server.credit_stream = true;
  server->Credit(*at_server.open[1], 70000);
  Run();
  EXPECT_EQ(at_server.log[1],
            kEchoText + "; data 300000; end; complete NO_ERROR maybe-processed; ");
  EXPECT_EQ(at_client.log[1], kAnswerText);
}

TEST_P(SessionTest, OneSlowReaderStopsNobodyElse) {
  Options small;
  small.stream_window = small.connection_window = 70000;
  Start({}, small);
  AnswerAll();
  at_server.credit_stream = false;  // stream 1 is never read
  client->Open(kEcho, {}, Body(300000), true, nullptr);
  Run();
  at_server.credit_stream = true;
  client->Open(kEcho, {}, Body(300000), true, nullptr);
  Run();
  EXPECT_EQ(at_client.log[3], kAnswerText);
  EXPECT_EQ(at_client.log[1], "");
}

TEST_P(SessionTest, TrailersWaitBehindABlockedBody) {
  Options small;
  small.stream_window = 70000;
  Start(small, {});
  at_server.on_end = [this](Stream& s) {
    server->Respond(s, kResponse, {}, false);
    server->Send(s, Body(100000), false);
    const std::string gone = "gone before it is written";
    const Header extra[] = {{"x-late", gone}};
    server->Finish(s, kOk, extra);
  };
  at_client.credit_stream = false;
  Stream* stream = client->Open(kEcho, {}, Body(1), true, nullptr);
  Run();
  EXPECT_EQ(at_client.body[1], 70000u);
  client->Credit(*stream, 70000);
  Run();
  EXPECT_EQ(at_client.log[1],
            ":status=200,content-type=application/grpc; data 100000; "
            "grpc-status=0,x-late=gone before it is written end; "
            "complete NO_ERROR maybe-processed; ");
}

TEST_P(SessionTest, SendSaysStopAndOnWritableSaysGo) {
  Options small;
  small.stream_window = 70000;
  small.send_high = 200000;
  small.send_low = 50000;
  Start(small, small);
  at_server.credit_stream = false;
  Stream* stream = client->Open(kEcho, {}, Slice(), false, nullptr);
  Run();
  EXPECT_TRUE(client->Send(*stream, Body(1000), false));
  EXPECT_FALSE(client->Send(*stream, Body(300000), false));
  Run();
  EXPECT_GT(stream->queued, 200000u);
  EXPECT_EQ(at_client.writable, 0);
  at_server.credit_stream = true;
  server->Credit(*at_server.open[1], 70000);
  Run();
  EXPECT_EQ(stream->queued, 0u);
  EXPECT_EQ(at_client.writable, 1);
}

TEST_P(SessionTest, ResetBeforeTheFirstByteLeavesNothingBehind) {
  Options one;
  one.max_streams = 1;
  Start({}, one);
  AnswerAll();
  Stream* stream = client->Open(kEcho, {}, Body(20), false, nullptr);
  EXPECT_EQ(client->slots(), 0u);
  client->Reset(*stream, Code::kCancel);
  Run();
  EXPECT_EQ(client->slots(), 1u);
  EXPECT_EQ(at_client.log[1], "");
  Stream* next = client->Open(kEcho, {}, Body(20), true, nullptr);
  ASSERT_NE(next, nullptr);
  Run();
  EXPECT_EQ(at_client.log[3], kAnswerText);
}

TEST_P(SessionTest, ResetMidwayTellsThePeerAndNobodyHere) {
  Options small;
  small.stream_window = 70000;
  Start({}, small);
  at_server.credit_stream = false;
  Stream* stream = client->Open(kEcho, {}, Body(200000), true, nullptr);
  Run();
  client->Reset(*stream, Code::kCancel);
  Run();
  EXPECT_EQ(at_server.log[1], kEchoText + "; data 70000; peer-reset CANCEL maybe-processed; ");
  EXPECT_EQ(at_client.log[1], "");
}

TEST_P(SessionTest, ARefusedStreamWasNotProcessed) {
  Start();
  at_server.accept = false;
  client->Open(kEcho, {}, Body(20), true, nullptr);
  Run();
  EXPECT_EQ(at_client.log[1], "peer-reset REFUSED_STREAM not-processed; ");
}

TEST_P(SessionTest, AnEarlyAnswerEndsTheStreamWithoutAnError) {
  Start();
  Stream* stream = client->Open(kEcho, {}, Body(20), false, nullptr);
  Run();
  server->Respond(*at_server.open[1], kTrailersOnly, {}, true);
  Run();
  EXPECT_EQ(at_client.log[1],
            ":status=200,content-type=application/grpc,grpc-status=12 end; "
            "peer-reset NO_ERROR maybe-processed; ");
  EXPECT_EQ(at_server.log[1], kEchoText + "; data 20; complete NO_ERROR maybe-processed; ");
  (void)stream;
}

TEST_P(SessionTest, GoAwaySortsStreamsIntoProcessedAndNot) {
  Start();
  client->Open(kEcho, {}, Body(20), true, nullptr);
  Run();
  server->GoAway(Code::kNoError, "max_age");
  client->Open(kEcho, {}, Body(20), true, nullptr);
  const std::string crossing = Take(*client);        // written before the GOAWAY arrives
  client->Open(kEcho, {}, Body(20), true, nullptr);  // accepted, not written
  Move(*server, *client);
  Give([&](Bytes b) { return server->Receive(b); }, crossing, chunk(), random);
  EXPECT_EQ(client->slots(), 0u);
  EXPECT_EQ(client->Open(kEcho, {}, Body(20), true, nullptr), nullptr);
  AnswerAll();
  at_server.on_end(*at_server.open[1]);
  Run();
  EXPECT_EQ(at_client.goaways, 1);
  EXPECT_EQ(at_client.log[1], kAnswerText);
  EXPECT_EQ(at_client.log[3], "goaway REFUSED_STREAM not-processed; ");
  EXPECT_EQ(at_client.log[5], "goaway REFUSED_STREAM not-sent; ");
  EXPECT_EQ(at_server.log.count(3), 0u);
}

TEST_P(SessionTest, ALostConnectionSaysWhatWasNeverSent) {
  Start();
  client->Open(kEcho, {}, Body(20), true, nullptr);
  Run();
  client->Open(kEcho, {}, Body(20), true, nullptr);
  client->Lost();
  EXPECT_EQ(at_client.log[1], "connection NO_ERROR maybe-processed; ");
  EXPECT_EQ(at_client.log[3], "connection NO_ERROR not-sent; ");
  EXPECT_EQ(client->slots(), 0u);
}

TEST_P(SessionTest, PingComesBack) {
  Start();
  client->Ping(77);
  Run();
  EXPECT_EQ(at_client.pong, 77u);
}

TEST_P(SessionTest, SlicesAreReleasedExactlyOnce) {
  static int released;
  released = 0;
  static const std::vector<uint8_t> bytes(100000, 'y');
  const auto slice = [] { return Slice(bytes, [](void*) { ++released; }, nullptr); };
  Start();
  Stream* a = client->Open(kEcho, {}, slice(), false, nullptr);
  client->Send(*a, slice(), false);
  Take(*client, 30000);  // a's first slice is half out
  client->Reset(*a, Code::kCancel);
  client->Open(kEcho, {}, slice(), true, nullptr);
  Run();
  EXPECT_EQ(released, 3);
  client->Open(kEcho, {}, slice(), true, nullptr);
  client.reset();
  EXPECT_EQ(released, 4);
}

INSTANTIATE_TEST_SUITE_P(All, SessionTest, testing::ValuesIn(Settings()), SettingName);

}  // namespace
}  // namespace rondo::http2
