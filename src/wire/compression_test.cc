#include "wire/compression.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace rondo::wire {
namespace {

constexpr Compression kBoth[] = {Compression::kGzip, Compression::kDeflate};

Bytes BodyOf(const Slice& framed) { return framed.bytes().subspan(kMessagePrefix); }
bool Flagged(const Slice& framed) { return framed.bytes()[0] == 1; }
Bytes BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
std::string Noise(size_t size) {
  std::mt19937 random(7);
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}
std::string Text(const absl::Status& status) { return status.ToString(); }

TEST(Compression, WhatWasCompressedComesBack) {
  for (const Compression how : kBoth) {
    for (const size_t size : {100UL, 65'536UL, 3'000'000UL}) {
      const std::string body(size, 'x');
      const Slice small = CompressMessage(how, FrameMessage(body));
      EXPECT_TRUE(Flagged(small));
      EXPECT_LT(small.size(), body.size());
      ByteVector out{1, 2, 3};
      ASSERT_EQ(DecompressMessage(how, BodyOf(small), size, out), absl::OkStatus());
      EXPECT_EQ(std::string(out.begin(), out.end()), body);
    }
  }
}

TEST(Compression, ThePrefixTellsTheCompressedLength) {
  const Slice small = CompressMessage(Compression::kGzip, FrameMessage(std::string(1000, 'x')));
  uint8_t prefix[kMessagePrefix];
  WriteMessagePrefix(prefix, small.size() - kMessagePrefix, true);
  EXPECT_TRUE(std::ranges::equal(prefix, small.bytes().first(kMessagePrefix)));
}

TEST(Compression, WhatDoesNotBecomeShorterGoesAsItIs) {
  for (const Compression how : kBoth) {
    for (const std::string& body :
         {std::string(), std::string("x"), std::string("short"), Noise(5000)}) {
      const Slice same = CompressMessage(how, FrameMessage(body));
      EXPECT_FALSE(Flagged(same));
      EXPECT_EQ(same.size(), kMessagePrefix + body.size());
    }
  }
}

TEST(Compression, IdentityTouchesNothing) {
  EXPECT_FALSE(
      Flagged(CompressMessage(Compression::kIdentity, FrameMessage(std::string(999, 'x')))));
}

TEST(Compression, AMessageOfExactlyTheLimitPassesAndOneByteMoreDoesNot) {
  for (const Compression how : kBoth) {
    const Slice small = CompressMessage(how, FrameMessage(std::string(5000, 'x')));
    ByteVector out;
    EXPECT_EQ(DecompressMessage(how, BodyOf(small), 5000, out), absl::OkStatus());
    EXPECT_EQ(DecompressMessage(how, BodyOf(small), 4999, out).code(),
              absl::StatusCode::kResourceExhausted);
  }
}

TEST(Compression, ABombIsStoppedAtTheLimitBeforeItTakesMoreMemory) {
  const Slice bomb = CompressMessage(Compression::kGzip, FrameMessage(std::string(64 << 20, '\0')));
  ASSERT_LT(bomb.size(), 70'000U);
  ByteVector out;
  const absl::Status status = DecompressMessage(Compression::kGzip, BodyOf(bomb), 1 << 20, out);
  EXPECT_EQ(Text(status),
            "RESOURCE_EXHAUSTED: a message of " + std::to_string(bomb.size() - kMessagePrefix) +
                " bytes that grows beyond the limit of 1048576 bytes when its gzip is "
                "undone");
  EXPECT_LE(out.capacity(), (1U << 20) + 1);
}

// The length at a gzip's end is a hint: it may promise too much or too little.
TEST(Compression, AGzipThatLiesAboutItsLengthCostsNoMemory) {
  for (const uint8_t lie : {0x00, 0xff}) {
    const Slice honest = CompressMessage(Compression::kGzip, FrameMessage(std::string(5000, 'x')));
    std::vector<uint8_t> bytes(BodyOf(honest).begin(), BodyOf(honest).end());
    for (size_t i = 1; i <= 4; ++i) bytes[bytes.size() - i] = lie;
    ByteVector out;
    EXPECT_EQ(Text(DecompressMessage(Compression::kGzip, bytes, 4 << 20, out)),
              "INTERNAL: a message of " + std::to_string(bytes.size()) +
                  " bytes that is not gzip: incorrect length check");
    EXPECT_LE(out.capacity(), bytes.size() * 1032 + 64);
  }
}

TEST(Compression, WhatIsNotCompressedIsAnErrorThatSaysWhy) {
  ByteVector out;
  EXPECT_EQ(Text(DecompressMessage(Compression::kGzip, BytesOf("not a gzip"), 99, out)),
            "INTERNAL: a message of 10 bytes that is not gzip: incorrect header check");
  EXPECT_EQ(Text(DecompressMessage(Compression::kDeflate, BytesOf("not zlib"), 99, out)),
            "INTERNAL: a message of 8 bytes that is not deflate: incorrect header check");
  EXPECT_EQ(Text(DecompressMessage(Compression::kGzip, {}, 99, out)),
            "INTERNAL: a message of 0 bytes that is not gzip: it ends too early");
}

TEST(Compression, ACutOrLengthenedMessageIsAnError) {
  for (const Compression how : kBoth) {
    const Slice small = CompressMessage(how, FrameMessage(std::string(5000, 'x')));
    ByteVector out, bytes(BodyOf(small).begin(), BodyOf(small).end());
    const std::string name(EncodingName(how));
    EXPECT_EQ(Text(DecompressMessage(how, BodyOf(small).first(bytes.size() - 1), 1 << 20, out)),
              "INTERNAL: a message of " + std::to_string(bytes.size() - 1) + " bytes that is not " +
                  name + ": it ends too early");
    bytes.push_back(0);
    EXPECT_EQ(Text(DecompressMessage(how, bytes, 1 << 20, out)),
              "INTERNAL: a message of " + std::to_string(bytes.size()) + " bytes that is not " +
                  name + ": 1 bytes follow its end");
  }
}

TEST(Compression, AFaultyMessageSpoilsNoLaterOne) {
  ByteVector out;
  ASSERT_FALSE(DecompressMessage(Compression::kGzip, BytesOf("rubbish"), 99, out).ok());
  const Slice small = CompressMessage(Compression::kGzip, FrameMessage(std::string(50, 'x')));
  EXPECT_EQ(DecompressMessage(Compression::kGzip, BodyOf(small), 99, out), absl::OkStatus());
}

TEST(Compression, NamesAreThoseOfTheProtocol) {
  for (const Compression c : {Compression::kIdentity, Compression::kGzip, Compression::kDeflate}) {
    EXPECT_EQ(ParseEncoding(EncodingName(c)), c);
    EXPECT_TRUE(ParseAcceptEncoding(kAcceptEncoding).Has(c));
  }
  EXPECT_EQ(ParseEncoding("br"), std::nullopt);
  EXPECT_EQ(ParseEncoding("GZIP"), std::nullopt);
}

TEST(Compression, AListOfEncodingsMayHaveSpacesAndStrangers) {
  const Encodings some = ParseAcceptEncoding(" zstd ,  gzip,,br");
  EXPECT_TRUE(some.Has(Compression::kGzip));
  EXPECT_FALSE(some.Has(Compression::kDeflate));
  EXPECT_TRUE(some.Has(Compression::kIdentity));
  EXPECT_FALSE(ParseAcceptEncoding("").Has(Compression::kGzip));
}

}  // namespace
}  // namespace rondo::wire
