// The fuzz targets of bytes from the network, over small seeds and some thousand mutations of them:
// what a compiler without libFuzzer can do in a second.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#define LLVMFuzzerTestOneInput Http2Input
#include "../fuzz/http2_input_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput GrpcFraming
#include "../fuzz/grpc_framing_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput Hpack
#include "../fuzz/hpack_fuzz.cc"
#undef LLVMFuzzerTestOneInput

namespace {

using Target = int (*)(const uint8_t*, size_t);

void Feed(Target target, const std::string& input) {
  target(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

void Mutate(Target target, const std::vector<std::string>& seeds, int rounds) {
  std::mt19937 random(1);
  for (const std::string& seed : seeds) {
    Feed(target, seed);
    for (int round = 0; round < rounds; ++round) {
      std::string input = seed;
      for (size_t i = 0; i <= random() % 4; ++i) {
        const size_t at = random() % input.size();
        switch (random() % 4) {
          case 0:
            input[at] = static_cast<char>(random());
            break;
          case 1:
            input.erase(at, 1 + random() % 8);
            if (input.empty()) input = "x";
            break;
          case 2:
            input.insert(at, input.substr(random() % input.size(), random() % 30));
            break;
          default:
            input[at] = static_cast<char>(input[at] ^ (1 << random() % 8));
        }
      }
      Feed(target, input);
    }
  }
}

std::string Frame(int type, int flags, int id, std::string_view payload) {
  const auto byte = [](size_t n) { return static_cast<char>(n); };
  std::string f = {
      0,       byte(payload.size() >> 8), byte(payload.size()), byte(type), byte(flags), 0, 0, 0,
      byte(id)};
  return f.append(payload);
}

TEST(FuzzReplay, Http2Input) {
  const std::string request = "\x83\x86\x44\x02/a\x41\x01h";
  const std::string rst("\0\0\0\x08", 4), update("\0\0\1\0", 4);
  std::string streams;
  for (const int id : {1, 3, 5, 15}) {
    streams += Frame(1, 4, id, request) + Frame(0, 0, id, "12345678") + Frame(0, 1, id, "");
  }
  const std::string server = streams + Frame(1, 0, 17, "\x83") +
                             Frame(9, 4, 17, request.substr(1)) + Frame(3, 0, 17, rst) +
                             Frame(8, 0, 0, update) + Frame(6, 0, 0, "pingpong") +
                             Frame(0x42, 1, 9, "unknown");
  const std::string client = Frame(1, 4, 1, "\x88") + Frame(0, 8, 1, std::string("\2hi\0\0", 5)) +
                             Frame(1, 5, 1,
                                   std::string("\x40\x0bgrpc-status\x01"
                                               "0")) +
                             Frame(3, 0, 3, rst) +
                             Frame(7, 0, 0, std::string("\0\0\0\5\0\0\0\0bye", 11)) +
                             Frame(1, 5, 5, "\x88");
  for (const char chunk : {'\0', '\1', '\2'}) {
    Mutate(&Http2Input, {std::string{0, chunk} + server, std::string{1, chunk} + client}, 500);
  }
}

TEST(FuzzReplay, GrpcFraming) {
  const std::string one("\0\0\0\0\5hello", 10), empty("\0\0\0\0\0", 5), zipped("\1\0\0\0\1z", 6);
  const std::string large = std::string("\0\0\0\1\x2c", 5) + std::string(300, 'm');
  for (const char pace : {'\0', '\1', '\2'}) {
    Mutate(&GrpcFraming, {pace + one + empty + zipped + one, pace + large + one + large}, 300);
  }
}

TEST(FuzzReplay, Hpack) {
  const std::string request = "\x83\x86\x44\x02/a\x41\x01h", again = "\xbf\x83\xbe\x7e\x01i\xbe";
  const std::string huffman = "\x82\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
  const std::string smaller = "\x3f\x21\x82\x40\x01x\x01y",
                    larger = "\x20\x3f\xe1\x1f\x40\x01x\x01y\xbe";
  std::string blocks;
  for (const std::string& block :
       {request, again, huffman, smaller, again, larger, request, request}) {
    blocks += static_cast<char>(block.size()) + block;
  }
  Mutate(&Hpack, {blocks, blocks + std::string(1, '\0') + blocks}, 1500);
}

}  // namespace
