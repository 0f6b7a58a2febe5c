// RFC 9113, rule by rule: what our session answers to bytes that break it, however they are cut.
#include <gmock/gmock.h>

#include "http2/session_pair_fixture.h"

namespace rondo::http2 {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string Bytes4(uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}
std::string Literal(std::string_view name, std::string_view value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + std::string(name) +
         static_cast<char>(value.size()) + std::string(value);
}
std::string Fields(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string block;
  for (const auto& [name, value] : fields) block += Literal(name, value);
  return block;
}
std::string Request(uint32_t id, std::string_view more = "",
                    uint8_t flags = kEndHeaders | kEndStream) {
  return Frame(kHeaders, flags, id, kRequestBlock + std::string(more));
}
std::string Begun(uint32_t id, std::string_view more = "") {
  return Request(id, more, kEndHeaders);
}
std::string OneSetting(uint16_t id, uint32_t value) {
  return Frame(kSettings, 0, 0, std::string{0, static_cast<char>(id)} + Bytes4(value));
}

struct Case {
  std::string bytes, answer;  // A frame of the answer: "rst 1 CANCEL"; "" if nobody minds.
};

class Rules : public SessionTest {
 protected:
  std::vector<std::string> Answer(Role role, std::string_view bytes) {
    Recorder recorder;
    auto session = Make(role, {}, recorder);
    const std::string hello = role == Role::kServer ? kHello : Frame(kSettings, 0, 0, "");
    Give([&](Bytes b) { return session->Receive(b); }, hello, chunk(), random);
    if (role == Role::kClient) {
      for (int i = 0; i < 3; ++i) session->Open(kEcho, {}, Body(10), true, nullptr);
    }
    Take(*session);
    Give([&](Bytes b) { return session->Receive(b); }, bytes, chunk(), random);
    why = session->fault().why;
    heard = recorder.log;
    return Frames(Take(*session));
  }
  void Check(Role role, const std::vector<Case>& cases) {
    for (size_t i = 0; i < cases.size(); ++i) {
      const auto frames = Answer(role, cases[i].bytes);
      const bool fine = cases[i].answer.empty();
      if (!fine) {
        EXPECT_THAT(frames, Contains(cases[i].answer)) << "case " << i << ": " << why;
      }
      for (const std::string& frame : frames) {
        const bool error = frame.starts_with("rst") || frame.starts_with("goaway");
        if (error) {
          EXPECT_EQ(frame, cases[i].answer) << "case " << i << ": " << why;
        }
      }
    }
  }
  std::string why;
  std::map<uint32_t, std::string> heard;
};

TEST_P(Rules, FramesHaveTheirSizeAndTheirPlace) {
  const std::string protocol = "goaway PROTOCOL_ERROR", size = "goaway FRAME_SIZE_ERROR";
  Check(Role::kServer, {{Frame(kData, 0, 0, "x"), protocol},
                        {Frame(kHeaders, kEndHeaders, 0, kRequestBlock), protocol},
                        {Frame(kHeaders, kEndHeaders, 2, kRequestBlock), protocol},
                        {Frame(kPriority, 0, 0, Bytes4(0) + "\1"), protocol},
                        {Frame(kRstStream, 0, 0, Bytes4(8)), protocol},
                        {Frame(kRstStream, 0, 1, Bytes4(8)), protocol},
                        {Begun(1) + Frame(kRstStream, 0, 1, "abc"), size},
                        {Frame(kSettings, 0, 1, ""), protocol},
                        {Frame(kSettings, 0, 0, "abc"), size},
                        {Frame(kSettings, kAck, 0, std::string(6, '\0')), size},
                        {Frame(kSettings, kAck, 0, "") + Frame(kSettings, kAck, 0, ""), protocol},
                        {Frame(kPushPromise, kEndHeaders, 1, Bytes4(2)), protocol},
                        {Frame(kPing, 0, 1, "12345678"), protocol},
                        {Frame(kPing, 0, 0, "1234567"), size},
                        {Frame(kGoAway, 0, 1, Bytes4(0) + Bytes4(0)), protocol},
                        {Frame(kGoAway, 0, 0, Bytes4(0)), size},
                        {Frame(kWindowUpdate, 0, 0, "abc"), size},
                        {Frame(kWindowUpdate, 0, 0, Bytes4(0)), protocol},
                        {Frame(kWindowUpdate, 0, 1, Bytes4(1)), protocol},
                        {Frame(kContinuation, kEndHeaders, 1, ""), protocol},
                        {Frame(0x42, 0, 7, "ignored"), ""}});
}

TEST_P(Rules, SettingsHaveTheirRange) {
  Check(Role::kServer, {{OneSetting(2, 1), ""},
                        {OneSetting(2, 2), "goaway PROTOCOL_ERROR"},
                        {OneSetting(4, 0x7fffffff), ""},
                        {OneSetting(4, 0x80000000), "goaway FLOW_CONTROL_ERROR"},
                        {OneSetting(5, 16383), "goaway PROTOCOL_ERROR"},
                        {OneSetting(5, 0xffffff), ""},
                        {OneSetting(5, 0x1000000), "goaway PROTOCOL_ERROR"},
                        {OneSetting(8, 2), "goaway PROTOCOL_ERROR"},
                        {OneSetting(0x99, 2), ""}});
  Check(Role::kClient, {{OneSetting(2, 0), ""}, {OneSetting(2, 1), "goaway PROTOCOL_ERROR"}});
}

TEST_P(Rules, HeaderBlocksAreNotInterrupted) {
  const std::string open = Frame(kHeaders, 0, 1, kRequestBlock), protocol = "goaway PROTOCOL_ERROR";
  Check(Role::kServer, {{open + Frame(kData, 0, 1, "x"), protocol},
                        {open + Begun(3), protocol},
                        {open + Frame(kPing, 0, 0, "12345678"), protocol},
                        {open + Frame(0x42, 0, 1, ""), protocol},
                        {open + Frame(kContinuation, kEndHeaders, 3, ""), protocol},
                        {open + Frame(kContinuation, kEndHeaders, 1, ""), ""}});
}

TEST_P(Rules, StreamsGoThroughTheirStates) {
  const std::string rst = Frame(kRstStream, 0, 1, Bytes4(8)), data = Frame(kData, 0, 1, "x");
  const std::string window = Frame(kWindowUpdate, 0, 1, Bytes4(9));
  const std::string priority = Frame(kPriority, 0, 1, Bytes4(0) + "\1");
  Check(Role::kServer, {{Request(1) + data, "rst 1 STREAM_CLOSED"},
                        {Request(1) + Request(1), "rst 1 STREAM_CLOSED"},
                        {Request(1) + window + priority + rst, ""},
                        {Request(1) + rst + data, "goaway STREAM_CLOSED"},
                        {Request(1) + rst + Request(1), "goaway STREAM_CLOSED"},
                        {Request(1) + rst + window + priority + rst, ""},
                        {Request(5) + Request(3), "goaway PROTOCOL_ERROR"},
                        {Begun(1) + Begun(1), "rst 1 PROTOCOL_ERROR"}});  // Trailers must end it.
}

TEST_P(Rules, FramesUnderWayToAStreamThatWeResetAreIgnored) {
  Serve();
  Hear(kHello + Begun(1) + Begun(3));
  server->Reset(*at_server.open[1], Code::kCancel);
  EXPECT_TRUE(Hear(Frame(kData, 0, 1, "x") + Request(1) + Frame(kWindowUpdate, 0, 1, Bytes4(0)) +
                   Frame(kRstStream, 0, 1, Bytes4(8))))
      << server->fault().why;
  EXPECT_EQ(Count(Frames(Take(*server)), "rst 1 CANCEL"), 1u);
  Hear(Frame(kData, kEndStream, 3, "y"));
  EXPECT_THAT(at_server.log[3], HasSubstr("data 1"));  // And the table has stayed in step.
}

TEST_P(Rules, AnEarlyAnswerAsksForNoMore) {
  Serve();
  Hear(kHello + Begun(1));
  server->Respond(*at_server.open[1], kTrailersOnly, {}, true);
  EXPECT_TRUE(Hear(Frame(kData, 0, 1, "x") + Frame(kData, kEndStream, 1, "x")));
  const auto frames = Frames(Take(*server));
  EXPECT_EQ(Count(frames, "rst 1 NO_ERROR"), 1u);
  EXPECT_THAT(at_server.log[1], HasSubstr("complete NO_ERROR"));
}

TEST_P(Rules, RequestsHaveTheirFields) {
  const std::string bad = "rst 1 PROTOCOL_ERROR";
  const std::string begin = Fields({{":method", "POST"}, {":scheme", "http"}, {":path", "/a"}});
  const std::string all = begin + Fields({{":authority", "h"}});
  const auto block = [](const std::string& b) {
    return Frame(kHeaders, kEndHeaders | kEndStream, 1, b);
  };
  std::vector<Case> cases = {
      {block(all), ""},
      {block(begin + Literal("host", "h")), ""},
      {block(begin), bad},
      {block(Fields(
           {{":method", "OPTIONS"}, {":scheme", "http"}, {":path", "*"}, {":authority", "h"}})),
       ""},
      {block(Fields({{":method", "CONNECT"}, {":authority", "h"}})), ""},
      {block(Fields({{":method", "CONNECT"}})), bad},
      {block(all + Literal("te", "trailers")), ""},
      {block(all + Literal("x", "a\tb \x80")), ""},
      {block(all + Literal("content-length", "0")), ""}};
  for (const auto& [name, value] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {":path", "/b"},
           {":status", "200"},
           {":unknown", "x"},
           {"X", "x"},
           {"", "x"},
           {"a b", "x"},
           {"a:b", "x"},
           {"te", "gzip"},
           {"connection", "close"},
           {"keep-alive", "x"},
           {"upgrade", "h2c"},
           {"proxy-connection", "x"},
           {"transfer-encoding", "chunked"},
           {"content-length", "1"},
           {"content-length", "-1"},
           {"content-length", ""},
           {"x", "a\nb"},
           {"x", std::string_view("\0", 1)}}) {
    cases.push_back({block(all + Literal(name, value)), bad});
  }
  cases.push_back({block(Literal("x", "y") + all), bad});  // Pseudo-headers come first.
  for (const auto& [at, value] :
       std::initializer_list<std::pair<size_t, std::string_view>>{{0, ""},
                                                                  {0, "P ST"},
                                                                  {1, ""},
                                                                  {1, "1http"},
                                                                  {2, ""},
                                                                  {2, "a"},
                                                                  {2, "*"},
                                                                  {2, "/ "},
                                                                  {3, ""},
                                                                  {3, "a<b"}}) {
    std::string_view values[] = {"POST", "http", "/a", "h"};
    values[at] = value;
    cases.push_back({block(Fields({{":method", values[0]},
                                   {":scheme", values[1]},
                                   {":path", values[2]},
                                   {":authority", values[3]}})),
                     bad});
  }
  Check(Role::kServer, cases);
}

TEST_P(Rules, BodiesAreAsLongAsTheySay) {
  const std::string four = Literal("content-length", "4"), bad = "rst 1 PROTOCOL_ERROR";
  const auto data = [](uint8_t flags, std::string_view body) {
    return Frame(kData, flags, 1, body);
  };
  Check(Role::kServer,
        {{Begun(1, four) + data(0, "ab") + data(kEndStream, "cd"), ""},
         {Begun(1, four) + data(kEndStream, "abc"), bad},
         {Begun(1, four) + data(0, "abcde"), bad},
         {Begun(1, four) + data(0, "abcd") + data(kEndStream, ""), ""},
         {Begun(1, four) + Frame(kHeaders, kEndHeaders | kEndStream, 1, Literal("a", "b")), bad},
         {Begun(1, four + four), bad}});
}

TEST_P(Rules, AnswersHaveTheirFields) {
  const std::string bad = "rst 1 PROTOCOL_ERROR";
  const auto block = [](std::string_view status, const std::string& more = "", uint8_t end = 0) {
    return Frame(kHeaders, static_cast<uint8_t>(kEndHeaders | end), 1,
                 Literal(":status", status) + more);
  };
  const auto trailers = [](const std::string& b) {
    return Frame(kHeaders, kEndHeaders | kEndStream, 1, b);
  };
  Check(Role::kClient,
        {{block("200") + trailers(Literal("grpc-status", "0")), ""},
         {block("100") + block("103") + block("200", "", kEndStream), ""},
         {block("100", "", kEndStream), bad},
         {block("101"), bad},
         {block("20"), bad},
         {block("2x0"), bad},
         {block("200", Literal(":path", "/")), bad},
         {block("200", Literal("content-length", "5"), kEndStream), bad},
         {block("304", Literal("content-length", "5"), kEndStream), ""},
         {trailers(Literal("grpc-status", "0")), bad},
         {Frame(kData, 0, 1, "x"), bad},
         {block("200") + block("200", "", kEndStream), bad},
         {block("200") + Frame(kHeaders, kEndHeaders, 1, Literal("a", "b")), bad},
         {Frame(kHeaders, kEndHeaders, 7, Literal(":status", "200")), "goaway PROTOCOL_ERROR"},
         {Frame(kHeaders, kEndHeaders, 2, Literal(":status", "200")), "goaway PROTOCOL_ERROR"}});
}

TEST_P(Rules, WindowsAreKeptAndDoNotOverflow) {
  const std::string most = Bytes4(0x7fffffff);
  Check(Role::kServer,
        {{Begun(1) + Frame(kWindowUpdate, 0, 1, most), "rst 1 FLOW_CONTROL_ERROR"},
         {Begun(1) + Frame(kWindowUpdate, 0, 1, Bytes4(0)), "rst 1 PROTOCOL_ERROR"},
         {Frame(kWindowUpdate, 0, 0, most), "goaway FLOW_CONTROL_ERROR"},
         {Begun(1) + Frame(kWindowUpdate, 0, 1, Bytes4(1 << 20)) + OneSetting(4, 0x7fffffff),
          "goaway FLOW_CONTROL_ERROR"}});
  Options small;
  small.stream_window = 70000;
  Serve(small);
  at_server.credit_stream = false;
  Hear(kHello + Begun(1) + Repeat(5, Frame(kData, 0, 1, std::string(16000, 'x'))));
  EXPECT_THAT(Frames(Take(*server)), Contains("rst 1 FLOW_CONTROL_ERROR"));
}

TEST_P(Rules, APeersSmallerWindowMayBecomeNegative) {
  Start();
  AnswerAll();
  at_server.credit_stream = false;
  Stream* stream = client->Open(kEcho, {}, Body(100000), false, nullptr);
  Take(*client);
  const auto hear = [&](const std::string& bytes) {
    Give([&](Bytes b) { return client->Receive(b); }, bytes, chunk(), random);
    return Take(*client).size();
  };
  hear(OneSetting(4, 1000));
  client->Send(*stream, Body(5000), false);
  EXPECT_EQ(hear(Frame(kWindowUpdate, 0, 1, Bytes4(98000))), 0u);  // It was at -99,000.
  EXPECT_EQ(hear(Frame(kWindowUpdate, 0, 1, Bytes4(1500))), 9u + 500);
  EXPECT_EQ(hear(OneSetting(4, 2000)), 9u + 9 + 1000);  // And the acknowledgement.
}

TEST_P(Rules, PrioritiesAreReadAndForgottenUnlessTheyAreWrong) {
  const auto prioritised = [](uint32_t on) {
    return Frame(kHeaders, kEndHeaders | kEndStream | 32, 1, Bytes4(on) + "\x10" + kRequestBlock);
  };
  Check(Role::kServer,
        {{prioritised(0), ""},
         {prioritised(1), "rst 1 PROTOCOL_ERROR"},
         {Begun(1) + Frame(kPriority, 0, 1, Bytes4(1) + "\1"), "rst 1 PROTOCOL_ERROR"},
         {Begun(1) + Frame(kPriority, 0, 1, "abc"), "rst 1 FRAME_SIZE_ERROR"},
         {Request(1) + Frame(kRstStream, 0, 1, Bytes4(8)) + Frame(kPriority, 0, 1, "abc"),
          "rst 1 FRAME_SIZE_ERROR"},
         {Frame(kPriority, 0, 9, "abc"), "goaway FRAME_SIZE_ERROR"},
         {Frame(kPriority, 0, 9, Bytes4(1) + "\1"), ""}});
}

TEST_P(Rules, PaddingIsShorterThanItsFrame) {
  Check(Role::kServer, {{Begun(1) + Frame(kData, kPadded, 1,
                                          "\x05"
                                          "abcd"),
                         "goaway PROTOCOL_ERROR"},
                        {Begun(1) + Frame(kData, kPadded, 1,
                                          "\x04"
                                          "abcd"),
                         ""},
                        {Begun(1) + Frame(kData, kPadded, 1, ""), "goaway FRAME_SIZE_ERROR"},
                        {Frame(kHeaders, kPadded | kEndHeaders, 1, "\x7f" + kRequestBlock),
                         "goaway PROTOCOL_ERROR"}});
}

TEST_P(Rules, AGoAwayNeverNamesMoreThanTheOneBefore) {
  const auto goaway = [](uint32_t last) { return Frame(kGoAway, 0, 0, Bytes4(last) + Bytes4(0)); };
  Check(Role::kClient, {{goaway(0x7fffffff) + goaway(3) + goaway(1), ""},
                        {goaway(1) + goaway(3), "goaway PROTOCOL_ERROR"}});
  Answer(Role::kClient, goaway(3));
  EXPECT_EQ(heard[5], "goaway REFUSED_STREAM not-processed; ");
  EXPECT_EQ(heard.count(3), 0u);
}

TEST_P(Rules, TheBeginningIsAsItMustBe) {
  const std::pair<std::string, std::string> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", "the peer speaks HTTP/1, not HTTP/2"},
      {"POST / HTTP/1.1\r\n\r\n", "the peer speaks HTTP/1, not HTTP/2"},
      {"\x16\x03\x01", "the peer speaks TLS, this side speaks plain text"},
      {"PRI * HTTP/2.1", "the peer does not begin with the preface of HTTP/2"},
      {kMagic + Ping(), "the peer's first frame is no SETTINGS"},
      {kMagic + Frame(kSettings, kAck, 0, ""), "the peer's first frame is no SETTINGS"}};
  for (const auto& [bytes, words] : cases) {
    Recorder recorder;
    auto session = Make(Role::kServer, {}, recorder);
    EXPECT_FALSE(Give([&](Bytes b) { return session->Receive(b); }, bytes, chunk(), random));
    EXPECT_EQ(session->fault().why, words);
    EXPECT_EQ(session->fault().code, Code::kProtocolError);
  }
}

// -- Sending.

TEST_P(Rules, WhatIsSentOnAStreamWithinATurnSharesAFrame) {
  Start();
  Stream* stream = client->Open(kEcho, {}, Slice(), false, nullptr);
  for (int i = 0; i < 100; ++i) client->Send(*stream, Body(100), false);
  client->Send(*stream, Slice(), true);
  EXPECT_EQ(Count(Frames(Take(*client)), "data 1"), 1u);
  Stream* other = client->Open(kEcho, {}, Slice(), false, nullptr);
  for (int i = 0; i < 100; ++i) client->Send(*other, Body(1000), i == 99);
  EXPECT_EQ(Count(Frames(Take(*client)), "data 3"), 7u);  // Of 16,384 bytes.
}

TEST_P(Rules, BlockedStreamsTakeTurns) {
  Options small;
  small.outbox_limit = 20000;
  Start(small, {});
  for (int i = 0; i < 3; ++i) client->Open(kEcho, {}, Body(60000), true, nullptr);
  std::vector<std::string> all;
  for (std::string bytes = Take(*client); !bytes.empty(); bytes = Take(*client)) {
    for (const std::string& frame : Frames(bytes)) {
      if (frame.starts_with("data")) all.push_back(frame);
    }
  }
  std::string order;
  for (const std::string& frame : all) order += frame.back();
  EXPECT_EQ(order, "111351353535");
}

std::vector<Setting> OwnSettings() {
  std::vector<Setting> all = Settings();
  std::erase_if(all, [](const Setting& s) { return s.pair != "OwnOwn"; });
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, Rules, testing::ValuesIn(OwnSettings()), SettingName);

}  // namespace
}  // namespace rondo::http2
