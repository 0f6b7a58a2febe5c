// RFC 7541: the vectors of its appendix C, and what a malicious or forgetful peer may send.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http2/hpack_decoder.h"
#include "http2/hpack_encoder.h"
#include "http2/hpack_huffman.h"
#include "http2/hpack_integer.h"

namespace rondo::http2 {
namespace {

constexpr size_t kNoLimit = 1 << 20;

Bytes BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
// "8286 84" as bytes.
std::string Hex(std::string_view text) {
  std::string digits, bytes;
  for (const char c : text) {
    if (c != ' ') digits += c;
  }
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}
std::string Show(const HpackDecoder::Block* block) {
  if (block == nullptr) return "error";
  std::string text;
  for (const Header& h : block->headers.fields) {
    EXPECT_EQ(h.token, TokenOf(h.name));
    text += (text.empty() ? "" : ",") + std::string(h.name) + "=" + std::string(h.value);
  }
  return text;
}

struct Decoder {
  HpackDecoder decoder;
  // Each block in its own heap memory, so that ASan sees a view that outlives it.
  std::string operator()(std::string_view block, size_t limit = kNoLimit) {
    const std::vector<uint8_t> copy(block.begin(), block.end());
    return Show(decoder.Decode(copy, limit));
  }
  std::string OfHex(std::string_view hex) { return (*this)(Hex(hex)); }
};

struct Encoder {
  HpackEncoder encoder;
  std::string operator()(const HeaderTemplate& head, ExtraHeaders extra = {}) {
    std::vector<uint8_t> out(encoder.Bound(head, extra));
    const uint8_t* const end = encoder.Encode(head, extra, out.data());
    EXPECT_LE(static_cast<size_t>(end - out.data()), out.size());
    return std::string(static_cast<const uint8_t*>(out.data()), end);
  }
};

const HeaderTemplate kMethod({{":method", "POST"},
                              {":scheme", "http"},
                              {":path", "/package.Service/Method"},
                              {":authority", "backend:50051"},
                              {"te", "trailers"},
                              {"content-type", "application/grpc"}});
const std::string kMethodText =
    ":method=POST,:scheme=http,:path=/package.Service/Method,:authority=backend:50051,te=trailers,"
    "content-type=application/grpc";

// -- Integers and strings.

TEST(Hpack, IntegersAreThoseOfAppendixC1) {
  uint8_t out[8];
  EXPECT_EQ(hpack::PutInteger(out, 0, 5, 10) - out, 1);
  EXPECT_EQ(out[0], 10);
  ASSERT_EQ(hpack::PutInteger(out, 0, 5, 1337) - out, 3);
  EXPECT_EQ(std::string(out, out + 3), Hex("1f9a0a"));
  for (const uint32_t value : {0u, 30u, 31u, 127u, 128u, 16384u, 0xffffffffu}) {
    const uint8_t* const end = hpack::PutInteger(out, 0, 5, value);
    const uint8_t* p = out;
    uint64_t back = 0;
    EXPECT_TRUE(hpack::GetInteger(p, end, 5, back));
    EXPECT_EQ(back, value);
    EXPECT_EQ(p, end);
  }
}

TEST(Hpack, IntegersThatAreCutOffOrNeverEndAreErrors) {
  for (const char* hex : {"", "1f", "1f80", "1fffffffffffff", "1f808080808001"}) {
    const std::string bytes = Hex(hex);
    const auto* p = reinterpret_cast<const uint8_t*>(bytes.data());
    uint64_t value = 0;
    EXPECT_FALSE(hpack::GetInteger(p, p + bytes.size(), 5, value)) << hex;
  }
}

TEST(Hpack, HuffmanBringsBackEveryByte) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& text : {all, std::string(), std::string("www.example.com"),
                                  std::string(1000, '\xff'), std::string(1000, 'a')}) {
    std::vector<uint8_t> coded(hpack::HuffmanSize(text));
    EXPECT_EQ(hpack::HuffmanEncode(text, coded.data()), coded.data() + coded.size());
    std::vector<char> back(hpack::MostDecoded(coded.size()) + 1);
    const char* const end = hpack::HuffmanDecode(coded, back.data());
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(std::string(static_cast<const char*>(back.data()), end), text);
  }
}

TEST(Hpack, HuffmanPaddingIsFewerThanEightOnesAndEosIsAnError) {
  char out[64];
  const auto good = [&](std::string_view hex) {
    return hpack::HuffmanDecode(BytesOf(Hex(hex)), out) != nullptr;
  };
  EXPECT_TRUE(good("1f"));         // "a" and three ones.
  EXPECT_FALSE(good("1e"));        // A zero among them.
  EXPECT_FALSE(good("1fff"));      // Eleven.
  EXPECT_FALSE(good("ff"));        // Eight, of nothing.
  EXPECT_FALSE(good("fffffffc"));  // EOS itself,
  EXPECT_FALSE(good("1fffffffff"));
}

// -- Appendix C.

TEST(Hpack, LiteralsAreThoseOfAppendixC2) {
  Decoder d;
  EXPECT_EQ(d.OfHex("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"),
            "custom-key=custom-header");
  EXPECT_EQ(d.decoder.table_size(), 55u);
  EXPECT_EQ(d.OfHex("040c 2f73 616d 706c 652f 7061 7468"), ":path=/sample/path");
  EXPECT_EQ(d.OfHex("1008 7061 7373 776f 7264 0673 6563 7265 74"), "password=secret");
  EXPECT_EQ(d.OfHex("82"), ":method=GET");
  EXPECT_EQ(d.decoder.table_size(), 55u);
}

void Requests(const std::vector<std::string_view>& blocks) {
  Decoder d;
  EXPECT_EQ(d.OfHex(blocks[0]), ":method=GET,:scheme=http,:path=/,:authority=www.example.com");
  EXPECT_EQ(d.decoder.table_size(), 57u);
  EXPECT_EQ(d.OfHex(blocks[1]),
            ":method=GET,:scheme=http,:path=/,:authority=www.example.com,cache-control=no-cache");
  EXPECT_EQ(d.decoder.table_size(), 110u);
  EXPECT_EQ(d.OfHex(blocks[2]),
            ":method=GET,:scheme=https,:path=/index.html,:authority=www.example.com,"
            "custom-key=custom-value");
  EXPECT_EQ(d.decoder.table_size(), 164u);
  EXPECT_EQ(d.decoder.entries(), 3u);
}

TEST(Hpack, RequestsAreThoseOfAppendixC3AndC4) {
  Requests({"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"});
  Requests({"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"});
}

void Responses(const std::vector<std::string_view>& blocks) {
  Decoder d;
  const std::string date = "date=Mon, 21 Oct 2013 20:13:21 GMT",
                    where = "location=https://www.example.com";
  d.OfHex("3fe101");  // A table of 256 bytes.
  EXPECT_EQ(d.OfHex(blocks[0]), ":status=302,cache-control=private," + date + "," + where);
  EXPECT_EQ(d.decoder.table_size(), 222u);
  EXPECT_EQ(d.OfHex(blocks[1]), ":status=307,cache-control=private," + date + "," + where);
  EXPECT_EQ(d.decoder.table_size(), 222u);
  EXPECT_EQ(d.OfHex(blocks[2]),
            ":status=200,cache-control=private,date=Mon, 21 Oct 2013 20:13:22 GMT," + where +
                ",content-encoding=gzip,"
                "set-cookie=foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
  EXPECT_EQ(d.decoder.table_size(), 215u);
  EXPECT_EQ(d.decoder.entries(), 3u);
}

TEST(Hpack, ResponsesThatEvictAreThoseOfAppendixC5AndC6) {
  Responses(
      {"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032"
       "303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63"
       "6f6d",
       "4803 3330 37c1 c0bf",
       "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0"
       "5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851"
       "5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31"});
  Responses(
      {"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b"
       "ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
       "4883 640e ffc1 c0bf",
       "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad"
       "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160"
       "65c0 03ed 4ee5 b106 3d50 07"});
}

// -- Bad input.

TEST(Hpack, StringsMayBeEmpty) {
  Decoder d;
  EXPECT_EQ(d.OfHex("0001 6180"), "a=");  // Huffman of nothing.
  EXPECT_EQ(d.OfHex("0001 6100"), "a=");
}

TEST(Hpack, WhatCannotBeDecodedIsAnError) {
  for (const char* hex : {
           "80",              // Index 0.
           "be",              // Beyond the table.
           "ffffffffff7f",    // Far beyond.
           "40",              // Cut off before the name,
           "4001",            // in it,
           "400161",          // before the value,
           "40016105",        // in it.
           "7f",              // In an index.
           "0085ffffffff00",  // A name of bad Huffman.
           "3fe21f",          // A table of 4,097 bytes.
           "8220",            // A size update after a field.
       }) {
    Decoder d;
    EXPECT_EQ(d.OfHex(hex), "error") << hex;
  }
}

TEST(Hpack, ASizeUpdateEvictsAndMayComeTwice) {
  Decoder d;
  d.OfHex("4001 6101 62");  // a=b: 34 bytes.
  EXPECT_EQ(d.decoder.entries(), 1u);
  EXPECT_EQ(d.OfHex("3f03 be"), "a=b");           // 34.
  EXPECT_EQ(d.OfHex("3f02 3fe11f be"), "error");  // 33, then 4,096: it is gone.
  Decoder other;
  other.OfHex("4001 6101 62");
  EXPECT_EQ(other.OfHex("20 3fe11f 82"), ":method=GET");
  EXPECT_EQ(other.decoder.entries(), 0u);
}

TEST(Hpack, AnEntryLargerThanTheTableEmptiesIt) {
  Decoder d;
  d.OfHex("4001 6101 62");
  EXPECT_EQ(d("\x40\x01x\x7f\x81\x20" + std::string(4224, 'v')), "x=" + std::string(4224, 'v'));
  EXPECT_EQ(d.decoder.entries(), 0u);
}

TEST(Hpack, AFieldMayNameTheEntryThatItEvicts) {
  Decoder d;
  const std::string name(100, 'n');
  d.OfHex("3f7d");  // A table of 156 bytes: room for one.
  EXPECT_EQ(d("\x40\x64" + name + "\x01" + "a"), name + "=a");
  EXPECT_EQ(d("\xbe\x7e\x01" + std::string("b\xbe")), name + "=a," + name + "=b," + name + "=b");
}

TEST(Hpack, ViewsOutliveTheirEvictionByTheSameBlock) {
  Decoder d;
  d.OfHex("4001 6101 62");
  std::string block = "\xbe", expected = "a=b";
  for (int i = 0; i < 300; ++i) {  // Each pushes the others on, and out.
    const std::string value = std::to_string(1000 + i);
    block += std::string("\x40\x01", 2) + "k\x04" + value;
    expected += ",k=" + value;
  }
  EXPECT_EQ(d(block), expected);
}

TEST(Hpack, BeyondTheLimitFieldsAreCountedNotKeptAndTheTableStaysInStep) {
  Decoder d;
  const std::vector<uint8_t> block = {0x40, 1, 'a', 1, 'b', 0x40, 1, 'c', 1, 'd'};
  const HpackDecoder::Block* decoded = d.decoder.Decode(block, 40);
  ASSERT_NE(decoded, nullptr);
  EXPECT_EQ(Show(decoded), "a=b");
  EXPECT_EQ(decoded->headers.size, 68u);
  EXPECT_EQ(d.OfHex("be bf"), "c=d,a=b");
}

TEST(Hpack, ABlockThatComesAgainIsTheSameUntilTheTableChanges) {
  Decoder d;
  d.OfHex("4001 6101 62");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(d.OfHex("be 82 0001 7801 79"), "a=b,:method=GET,x=y");
  d.OfHex("4001 6301 64");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(d.OfHex("be 82 0001 7801 79"), "c=d,:method=GET,x=y");
  d.OfHex("20");
  EXPECT_EQ(d.OfHex("be 82 0001 7801 79"), "error");
}

TEST(Hpack, AFieldsVerdictStaysWithItsEntry) {
  Decoder d;
  const auto good = [&](std::string_view hex) {
    return d.decoder.Decode(BytesOf(Hex(hex)), kNoLimit)->shape.IsTrailers();
  };
  EXPECT_FALSE(good("4001 4101 62"));  // An upper-case name.
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(good("be"));
  EXPECT_TRUE(good("4001 6101 62"));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(good("be"));
}

// -- The encoder.

TEST(Hpack, ATemplateBecomesAFewBytesThatStay) {
  Encoder encode;
  Decoder decode;
  size_t size = 0;
  for (int i = 0; i < 5; ++i) {
    const std::string block = encode(kMethod);
    EXPECT_EQ(decode(block), kMethodText);
    size = block.size();
  }
  EXPECT_EQ(size, 6u);
}

TEST(Hpack, ManyTemplatesAreEachRightWhenTheTableIsFull) {
  std::vector<std::unique_ptr<HeaderTemplate>> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(std::make_unique<HeaderTemplate>(HeaderTemplate::Fields{
        {":method", "POST"}, {":path", "/service/Method" + std::to_string(i)}}));
  }
  Encoder encode;
  Decoder decode;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(decode(encode(*all[static_cast<size_t>(i)])),
                ":method=POST,:path=/service/Method" + std::to_string(i));
    }
  }
  EXPECT_LE(decode.decoder.table_size(), 4096u);
}

TEST(Hpack, APeersSmallerTableIsTakenAtOnceAndSaidFirst) {
  Encoder encode;
  Decoder decode;
  decode(encode(kMethod));
  encode.encoder.Limit(100);
  const std::string block = encode(kMethod);
  EXPECT_EQ(block.substr(0, 3), Hex("203f45"));  // 0, then 100.
  EXPECT_EQ(decode(block), kMethodText);
  EXPECT_LE(decode.decoder.table_size(), 100u);
  encode.encoder.Limit(0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(decode(encode(kMethod)), kMethodText);
  EXPECT_EQ(decode.decoder.entries(), 0u);
  encode.encoder.Limit(1 << 20);
  EXPECT_EQ(encode(kMethod).substr(0, 3), Hex("3fe11f"));  // Never more than 4,096.
}

TEST(Hpack, ATableThatShrankAndGrewBetweenTwoBlocksIsSaidTwice) {
  Encoder encode;
  Decoder decode;
  decode(encode(kMethod));
  encode.encoder.Limit(0);
  encode.encoder.Limit(4096);
  const std::string block = encode(kMethod);
  EXPECT_EQ(block.substr(0, 4), Hex("203fe11f"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(decode(i == 0 ? block : encode(kMethod)), kMethodText);
}

TEST(Hpack, SecretsEnterNoTable) {
  Encoder encode;
  const Header secret{.name = "authorization", .value = "Bearer x", .index = true};
  encode(kMethod, {&secret, 1});
  encode(kMethod, {&secret, 1});
  const std::string block = encode(kMethod, {&secret, 1});
  EXPECT_EQ(block.substr(6, 2), Hex("1f08"));  // Never indexed, name 23.
}

TEST(Hpack, ExtrasOfThisCallFollow) {
  Encoder encode;
  Decoder decode;
  for (int i = 0; i < 4; ++i) {
    const std::string timeout = std::to_string(i) + "m";
    const Header extra[] = {{"grpc-timeout", timeout},
                            {.name = "x", .value = "always", .index = true}};
    EXPECT_EQ(decode(encode(kMethod, extra)),
              kMethodText + ",grpc-timeout=" + timeout + ",x=always");
  }
}

}  // namespace
}  // namespace rondo::http2
