#include "base/hash.h"

#include <string>

#include "gtest/gtest.h"

namespace rondo {
namespace {

TEST(Hash64, IsXxh64) {
  EXPECT_EQ(Hash64(""), 0xEF46DB3751D8E999u);
  EXPECT_EQ(Hash64("1"), 13237225503670494420u);
  EXPECT_EQ(Hash64("2"), 6927017134761466251u);
  EXPECT_EQ(Hash64("a_0"), 7866922100246443948u);
}
TEST(Hash64, DependsOnTheSeed) { EXPECT_NE(Hash64("a", 1), Hash64("a", 2)); }
TEST(HashStream, PiecesHashAsTheWhole) {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    HashStream stream(7);
    const size_t half = text.size() / 2;
    stream.Add(std::string_view(text).substr(0, half));
    stream.Add("");
    stream.Add(std::string_view(text).substr(half));
    EXPECT_EQ(stream.Sum(), Hash64(text, 7)) << i;
    text += static_cast<char>('a' + i % 26);
  }
}

}  // namespace
}  // namespace rondo
