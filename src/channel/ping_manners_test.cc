#include "channel/ping_manners.h"

#include <gtest/gtest.h>

namespace rondo::channel {
namespace {

using namespace std::chrono_literals;

TEST(PingManners, SeveralConnectionsThatAreToldTheSameDoubleItOnce) {
  PingManners manners({.time = 10s});
  EXPECT_EQ(
      manners.OnTooMany(10s),
      "the server said too_many_pings: later connections have a keepalive time of 20.0s, this "
      "one had 10.0s");
  EXPECT_EQ(manners.OnTooMany(10s), "");
  EXPECT_EQ(manners.keepalive_time(), 20s);
  EXPECT_NE(manners.OnTooMany(20s), "");
  EXPECT_EQ(manners.keepalive_time(), 40s);
}
TEST(PingManners, ItNeverGrowsBeyondAYear) {
  PingManners manners({.time = 24h * 300});
  manners.OnTooMany(24h * 300);
  EXPECT_EQ(manners.keepalive_time(), 24h * 365);
  EXPECT_EQ(manners.OnTooMany(24h * 365), "");
}
TEST(PingManners, WithoutKeepaliveStallsAreAskedAfterOnce) {
  PingManners manners({});
  EXPECT_EQ(manners.stall_pings(), 2);
  EXPECT_EQ(manners.OnTooMany({}),
            "the server said too_many_pings though keepalive is off: from now on a silence is "
            "asked after by one PING, not by two");
  EXPECT_EQ(manners.OnTooMany({}), "");
  EXPECT_EQ(manners.stall_pings(), 1);
  EXPECT_EQ(manners.keepalive_time(), Duration{});
}

}  // namespace
}  // namespace rondo::channel
