#include "event/ip_range.h"

#include "gtest/gtest.h"

namespace rondo::event {
namespace {

bool IsIn(std::string_view ip, std::string_view range) {
  const auto parsed = IpRange::Parse(range);
  EXPECT_TRUE(parsed.has_value()) << range;
  return parsed.has_value() && parsed->Contains(ip);
}

TEST(IpRange, APrefixHoldsWhatBeginsWithIt) {  // RFC 4632
  EXPECT_TRUE(IsIn("10.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(IsIn("11.0.0.1", "10.0.0.0/8"));
  EXPECT_TRUE(IsIn("192.168.31.255", "192.168.16.0/20"));
  EXPECT_FALSE(IsIn("192.168.32.0", "192.168.16.0/20"));
  EXPECT_TRUE(IsIn("fd12::1", "fd00::/8"));
  EXPECT_FALSE(IsIn("fe80::1", "fd00::/8"));
  EXPECT_TRUE(IsIn("2001:db8:7fff::1", "2001:db8::/33"));
  EXPECT_FALSE(IsIn("2001:db8:8000::1", "2001:db8::/33"));
}
TEST(IpRange, ThePrefixMayBeNothingOrAll) {
  EXPECT_TRUE(IsIn("1.2.3.4", "0.0.0.0/0"));
  EXPECT_TRUE(IsIn("1.2.3.4", "1.2.3.4/32"));
  EXPECT_FALSE(IsIn("1.2.3.5", "1.2.3.4/32"));
  EXPECT_FALSE(IsIn("::1", "0.0.0.0/0"));
}
TEST(IpRange, AnAddressAloneIsARangeOfOne) {
  EXPECT_TRUE(IsIn("1.2.3.4", "1.2.3.4"));
  EXPECT_TRUE(IsIn("2001:db8::1", "2001:DB8:0::1"));
  EXPECT_FALSE(IsIn("1.2.3.5", "1.2.3.4"));
}
TEST(IpRange, BitsBehindThePrefixCountForNothing) { EXPECT_TRUE(IsIn("10.0.0.1", "10.9.9.9/8")); }
TEST(IpRange, AnIpv4AddressInIpv6ClothesIsTheIpv4One) {
  EXPECT_TRUE(IsIn("::ffff:10.0.0.1", "10.0.0.0/8"));
}
TEST(IpRange, NamesAreInNone) {
  EXPECT_FALSE(IsIn("ten.example", "0.0.0.0/0"));
  EXPECT_FALSE(IsIn("", "0.0.0.0/0"));
}
TEST(IpRange, WhatIsNoRangeIsRefused) {
  for (const char* text : {"", "/8", "a.example", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                           "10.0.0.0/8x", "fd00::/129", "10.0.0/8", "10.0.0.0/8/8"}) {
    EXPECT_FALSE(IpRange::Parse(text).has_value()) << text;
  }
}
TEST(IpRange, LoopbackIsKnown) {
  for (const char* text : {"127.0.0.1", "127.8.9.10", "::1"}) EXPECT_TRUE(IsLoopback(text)) << text;
  for (const char* text : {"128.0.0.1", "::2", "localhost"}) EXPECT_FALSE(IsLoopback(text)) << text;
}

}  // namespace
}  // namespace rondo::event
