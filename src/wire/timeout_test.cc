#include "wire/timeout.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

namespace rondo::wire {
namespace {

using namespace std::chrono_literals;

std::string Encoded(Duration timeout) {
  TimeoutText text;
  return std::string(text.Set(timeout));
}

TEST(Timeout, IsWrittenInTheLargestUnitThatIsExact) {
  EXPECT_EQ(Encoded(1ns), "1n");
  EXPECT_EQ(Encoded(1500us), "1500u");
  EXPECT_EQ(Encoded(250ms), "250m");
  EXPECT_EQ(Encoded(1s), "1S");
  EXPECT_EQ(Encoded(90s), "90S");
  EXPECT_EQ(Encoded(120s), "2M");
  EXPECT_EQ(Encoded(48h), "48H");
}

TEST(Timeout, HasAtMostEightDigitsAndIsRoundedUp) {
  EXPECT_EQ(Encoded(99'999'999ns), "99999999n");
  EXPECT_EQ(Encoded(100'000'001ns), "100001u");
  EXPECT_EQ(Encoded(1'234'567'891ns), "1234568u");
  EXPECT_EQ(Encoded(99'999'999us + 1ns), "100S");
}

TEST(Timeout, IsNeverZero) {
  EXPECT_EQ(Encoded(0ns), "1n");
  EXPECT_EQ(Encoded(-5s), "1n");
}

TEST(Timeout, OfTheLongestDurationFits) {
  const std::string text = Encoded(Duration::max());
  EXPECT_EQ(text, "2562048H");
  EXPECT_EQ(DecodeTimeout(text), Duration::max());
}

TEST(Timeout, IsReadInEveryUnit) {
  EXPECT_EQ(DecodeTimeout("7n"), 7ns);
  EXPECT_EQ(DecodeTimeout("7u"), 7us);
  EXPECT_EQ(DecodeTimeout("7m"), 7ms);
  EXPECT_EQ(DecodeTimeout("7S"), 7s);
  EXPECT_EQ(DecodeTimeout("7M"), 7min);
  EXPECT_EQ(DecodeTimeout("99999999H"), Duration::max());
  EXPECT_EQ(DecodeTimeout("00000000n"), 0ns);
}

TEST(Timeout, ThatIsMalformedIsRefused) {
  for (const std::string_view bad :
       {"", "S", "1", "1s", "123456789S", "-1S", "+1S", "1.5S", " 1S", "1S ", "0x1S", "1SS",
        "\xff"
        "1S"}) {
    EXPECT_EQ(DecodeTimeout(bad), std::nullopt) << bad;
  }
}

TEST(Timeout, ReadBackIsNeverShorterAndLosesAtMostAPartInAHundredThousand) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const Duration whole(static_cast<int64_t>(random() >> (1 + random() % 62)) + 1);
    const std::optional<Duration> read = DecodeTimeout(Encoded(whole));
    ASSERT_TRUE(read.has_value()) << whole.count();
    EXPECT_GE(*read, whole);
    if (whole > 1000h) continue;  // From here hours and minutes are all that eight digits hold.
    EXPECT_LE((*read - whole).count(), whole.count() / 100'000 + 1) << whole.count();
  }
}

}  // namespace
}  // namespace rondo::wire
