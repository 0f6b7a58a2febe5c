// Thousands of byte streams, valid and mutated, to our session and to the one over nghttp2.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "http2/frame.h"
#include "http2/hpack_encoder.h"
#include "oracle/differential.h"

namespace rondo::http2 {
namespace {

using differential::Compare;
using differential::Meant;
using differential::Outcome;

// Writes what an honest peer may send, and now and then something unusual that is legal.
class Peer {
 public:
  Peer(Role session, uint32_t seed) : is_client_(session == Role::kServer), random_(seed) {}

  std::string Script() {
    if (is_client_) Frame(frame::kSettings, 0, 0, Settings());
    Frame(frame::kSettings, frame::kAck, 0, "");
    const uint32_t streams = is_client_ ? 4 + Below(12) : differential::kClientStreams;
    for (uint32_t i = 0; i < streams; ++i) {
      Call(2 * i + 1);
      while (Below(3) == 0) Aside(2 * i + 1);
    }
    return bytes_;
  }

 private:
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  void Frame(frame::Type type, unsigned flags, uint32_t id, std::string_view payload) {
    std::array<uint8_t, frame::kHeadSize> head;
    frame::WriteHead(head.data(), type, flags, id, payload.size());
    bytes_.append(head.begin(), head.end()).append(payload);
  }
  static std::string Number(uint32_t n) {
    std::array<uint8_t, 4> bytes;
    frame::Put32(bytes.data(), n);
    return {bytes.begin(), bytes.end()};
  }
  std::string Settings() {
    return std::string("\0\4", 2) + Number(Below(200000)) + std::string("\0\1", 2) +
           Number(Below(5000));
  }

  void Call(uint32_t id) {
    static const HeaderTemplate kTrailers(HeaderTemplate::Fields{{"grpc-status", "0"}});
    Block(id, is_client_ ? differential::kRequest : differential::kResponse, Below(4) == 0);
    if (ended_) return;
    for (uint32_t n = Below(4); n > 0; --n) Data(id, false);
    if (is_client_ || Below(4) == 0) {
      Data(id, true);
    } else {
      Block(id, kTrailers, true);
    }
  }
  void Block(uint32_t id, const HeaderTemplate& head, bool end) {
    std::vector<Header> extra;
    std::vector<std::string> texts(6);
    for (size_t i = 0; i < texts.size(); ++i) {
      texts[i] = std::string(Below(30), static_cast<char>('a' + Below(26)));
      if (Below(2) == 0) continue;
      static constexpr std::string_view kNames[] = {"x-a",        "x-b-bin", "grpc-timeout",
                                                    "user-agent", "cookie",  "grpc-message"};
      extra.push_back({kNames[i], texts[i], TokenOf(kNames[i]), Below(2) == 0});
    }
    std::vector<uint8_t> block(encoder_.Bound(head, extra));
    const uint8_t* const last = encoder_.Encode(head, extra, block.data());
    std::string rest(static_cast<const uint8_t*>(block.data()), last);
    ended_ = end;
    unsigned flags = frame::EndFlag(end);
    if (Below(4) == 0) {
      rest = Number(2 * Below(5)) + "\x10" + rest;  // An even one: never itself.
      flags |= frame::kHasPriority;
    }
    frame::Type type = frame::kHeaders;
    for (uint32_t pieces = 0; Below(4) == 0 && pieces < 6 && rest.size() > 8; ++pieces) {
      const size_t n = 6 + Below(static_cast<uint32_t>(rest.size()) - 6);
      Frame(type, flags, id, rest.substr(0, n));
      rest.erase(0, n);
      type = frame::kContinuation;
      flags = 0;
    }
    Frame(type, flags | frame::kEndHeaders, id, rest);
  }
  void Data(uint32_t id, bool end) {
    const unsigned flags = frame::EndFlag(end);
    const std::string body(Below(300), static_cast<char>('A' + Below(26)));
    if (Below(3) != 0) return Frame(frame::kData, flags, id, body);
    const uint32_t padding = Below(50);
    Frame(frame::kData, flags | frame::kPadded, id,
          std::string(1, static_cast<char>(padding)) + body + std::string(padding, '\0'));
  }
  void Aside(uint32_t id) {
    switch (Below(7)) {
      case 0:
        return Frame(frame::kPing, 0, 0, "12345678");
      case 1:
        return Frame(frame::kWindowUpdate, 0, Below(2) == 0 ? 0 : id, Number(1 + Below(1000)));
      case 2:
        return Frame(frame::kPriority, 0, 1 + Below(40), Number(0) + "\1");
      case 3:
        return Frame(static_cast<frame::Type>(0x20 + Below(20)), Below(256), Below(20), "unknown");
      case 4:
        return Frame(frame::kRstStream, 0, id, Number(8));
      case 5:
        return Frame(frame::kSettings, 0, 0, Settings());
      default:
        return Frame(frame::kPing, frame::kAck, 0, "12345678");
    }
  }

  const bool is_client_;
  std::mt19937 random_;
  HpackEncoder encoder_;
  bool ended_ = false;
  std::string bytes_;
};

// Half of the time in the head of a frame, or where its payload begins.
size_t Somewhere(const std::string& bytes, std::mt19937& random) {
  if (random() % 2 == 0) return random() % bytes.size();
  std::vector<size_t> heads;
  for (size_t at = 0; at + frame::kHeadSize <= bytes.size();) {
    heads.push_back(at);
    const auto* p = reinterpret_cast<const uint8_t*>(bytes.data() + at);
    at += frame::kHeadSize + frame::ReadHead(p).length;
  }
  if (heads.empty()) return 0;
  return std::min(bytes.size() - 1, heads[random() % heads.size()] + random() % 14);
}

void Mutate(std::string& bytes, std::mt19937& random) {
  for (size_t i = 0; i <= random() % 3; ++i) {
    const size_t at = Somewhere(bytes, random);
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.erase(at, 1 + random() % 3);
        break;
      default:
        bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 20));
    }
    if (bytes.empty()) bytes = "x";
  }
}

// "type/flags/stream/length" of each frame, for those who must find out.
std::string Describe(std::string_view bytes) {
  std::string text;
  while (bytes.size() >= frame::kHeadSize) {
    const auto head = frame::ReadHead(reinterpret_cast<const uint8_t*>(bytes.data()));
    text += " " + std::to_string(head.type) + "/" + std::to_string(head.flags) + "/" +
            std::to_string(head.id) + "/" + std::to_string(head.length);
    bytes.remove_prefix(std::min(bytes.size(), frame::kHeadSize + head.length));
  }
  return text;
}

Meant Differ(Role role, std::string_view bytes, uint32_t seed, std::string& difference) {
  const Outcome ours = differential::Run(&MakeHttp2Session, role, bytes, seed);
  const Outcome theirs = differential::Run(&MakeNghttp2Session, role, bytes, seed);
  return Compare(ours, theirs, difference);
}

class DifferentialTest : public testing::TestWithParam<Role> {};

TEST_P(DifferentialTest, HonestPeersAreHeardAlike) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::string difference;
    const std::string bytes = Peer(GetParam(), seed).Script();
    const Meant meant = Differ(GetParam(), bytes, seed, difference);
    ASSERT_TRUE(meant == Meant::kNothing || meant == Meant::kSooner)
        << "seed " << seed << ": " << difference << Describe(bytes);
  }
}

TEST_P(DifferentialTest, MutatedBytesAreHeardAlikeButForWhatIsMeant) {
  std::array<int, static_cast<size_t>(Meant::kNotMeant) + 1> count{};
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    std::mt19937 random(seed);
    std::string difference, bytes = Peer(GetParam(), seed).Script();
    Mutate(bytes, random);
    bytes = differential::WholeFrames(bytes);
    const Meant meant = Differ(GetParam(), bytes, seed, difference);
    EXPECT_NE(meant, Meant::kNotMeant) << "seed " << seed << ": " << difference << Describe(bytes);
    ++count[static_cast<size_t>(meant)];
    if (testing::Test::HasFailure()) return;
  }
  for (size_t i = 0; i < count.size(); ++i) {
    RecordProperty("meant" + std::to_string(i), count[i]);
  }
  EXPECT_GT(count[0], 750);  // Most agree: else nothing was compared.
}

std::string RoleName(const testing::TestParamInfo<Role>& info) {
  return info.param == Role::kServer ? "Server" : "Client";
}
INSTANTIATE_TEST_SUITE_P(All, DifferentialTest, testing::Values(Role::kServer, Role::kClient),
                         RoleName);

}  // namespace
}  // namespace rondo::http2
