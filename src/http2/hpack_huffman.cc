#include "http2/hpack_huffman.h"

#include <array>

namespace rondo::http2::hpack {
namespace {

constexpr int kShortest = 5, kLongest = 30;
constexpr int kSymbols = 257;
constexpr uint16_t kEos = 256;
constexpr int kPeek = 8;  // Letters, digits and the usual signs have codes of five to eight bits.

// The code is canonical: the lengths ('A' = 5 bits), symbol by symbol with EOS last, say all.
constexpr std::string_view kLengths =
    "ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHF"
    "IBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJBKABABABBBACCBBBABCBAABCCCCCKGJIX"
    "PRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRS"
    "VVPORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWVZ";

constexpr int LengthOf(size_t symbol) { return kLengths[symbol] - 'A' + kShortest; }

struct Code {
  struct Short {
    uint8_t symbol = 0, length = 0;  // Length 0: the code is longer than kPeek bits.
  };
  std::array<Short, 1 << kPeek> first{};     // By the next kPeek bits.
  std::array<uint16_t, kSymbols> symbols{};  // In the order of their codes.
  std::array<uint32_t, kLongest + 1> first_code{}, first_index{}, count{};
  std::array<uint32_t, kSymbols> codes{};

  constexpr Code() {
    for (size_t s = 0; s < kSymbols; ++s) ++count[static_cast<size_t>(LengthOf(s))];
    uint32_t code = 0, index = 0;
    for (size_t length = 1; length <= kLongest; ++length) {
      code <<= 1;
      first_code[length] = code;
      first_index[length] = index;
      code += count[length];
      index += count[length];
    }
    auto next = first_index;
    for (size_t s = 0; s < kSymbols; ++s) {
      const auto length = static_cast<size_t>(LengthOf(s));
      const uint32_t at = next[length]++;
      symbols[at] = static_cast<uint16_t>(s);
      codes[s] = first_code[length] + at - first_index[length];
      if (length > kPeek) continue;
      const size_t spread = size_t{1} << (kPeek - length);
      for (size_t i = 0; i < spread; ++i) {
        first[codes[s] * spread + i] = {static_cast<uint8_t>(s), static_cast<uint8_t>(length)};
      }
    }
  }
};
static_assert(kLengths.size() == kSymbols);
constexpr Code kCode;
static_assert(kCode.codes['0'] == 0 && kCode.codes[kEos] == 0x3fffffff);

// The symbol of a code longer than kPeek bits, of which `have` are there; 0 bits: none.
struct Long {
  uint16_t symbol;
  int length;
};
Long FindLong(uint64_t bits, int have) {
  for (int length = kPeek + 1; length <= kLongest && length <= have; ++length) {
    const auto l = static_cast<size_t>(length);
    const auto code = static_cast<uint32_t>(bits >> (have - length)) & ((1u << length) - 1);
    const uint32_t offset = code - kCode.first_code[l];
    if (offset < kCode.count[l]) return {kCode.symbols[kCode.first_index[l] + offset], length};
  }
  return {0, 0};
}

}  // namespace

char* HuffmanDecode(Bytes in, char* out) {
  const uint8_t *p = in.data(), *const end = p + in.size();
  uint64_t bits = 0;  // The lowest `have` of them wait.
  int have = 0;
  for (;;) {
    while (have <= 56 && p != end) {
      bits = bits << 8 | *p++;
      have += 8;
    }
    const auto peek =
        static_cast<uint8_t>(have >= kPeek ? bits >> (have - kPeek) : bits << (kPeek - have));
    const Code::Short found = kCode.first[peek];
    if (found.length > 0 && found.length <= have) {
      *out++ = static_cast<char>(found.symbol);
      have -= found.length;
      continue;
    }
    const Long longer = FindLong(bits, have);
    if (longer.length == 0) break;
    if (longer.symbol == kEos) return nullptr;
    *out++ = static_cast<char>(longer.symbol);
    have -= longer.length;
  }
  // What is left must be padding: fewer than eight bits, the beginning of EOS.
  const uint64_t ones = (uint64_t{1} << have) - 1;
  return have < 8 && (bits & ones) == ones ? out : nullptr;
}

size_t HuffmanSize(std::string_view text) {
  size_t bits = 0;
  for (const char c : text) bits += static_cast<size_t>(LengthOf(static_cast<uint8_t>(c)));
  return (bits + 7) / 8;
}

uint8_t* HuffmanEncode(std::string_view text, uint8_t* out) {
  uint64_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const auto symbol = static_cast<uint8_t>(c);
    const int length = LengthOf(symbol);
    bits = bits << length | kCode.codes[symbol];
    for (have += length; have >= 8; have -= 8) *out++ = static_cast<uint8_t>(bits >> (have - 8));
  }
  if (have > 0) *out++ = static_cast<uint8_t>(bits << (8 - have) | (0xffu >> have));
  return out;
}

}  // namespace rondo::http2::hpack
