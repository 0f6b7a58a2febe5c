#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

using Ipv4 = ResolverTest;

TEST_F(Ipv4, EachAddressIsAnEndpoint) {
  EXPECT_THAT(Resolve(Ipv4Scheme(), "ipv4:1.2.3.4:80,5.6.7.8:http"),
              ElementsAre("1.2.3.4:80", "5.6.7.8:http"));
  EXPECT_EQ(heard[0].note, "given in the target");
}

TEST_F(Ipv4, ThePortMayBeLeftOut) {
  EXPECT_THAT(Resolve(Ipv4Scheme(), "ipv4:///1.2.3.4"), ElementsAre("1.2.3.4:443"));
}

TEST_F(Ipv4, EmptyItemsAreSkipped) {
  EXPECT_THAT(Resolve(Ipv4Scheme(), "ipv4:,1.2.3.4:80,,5.6.7.8:81,"),
              ElementsAre("1.2.3.4:80", "5.6.7.8:81"));
}

TEST_F(Ipv4, WhatIsNoAddressIsAnError) {
  EXPECT_EQ(WhyNot(Ipv4Scheme(), "ipv4:1.2.3.4:80,a:1"),
            "UNAVAILABLE: ipv4:1.2.3.4:80,a:1: \"a:1\" is not an IPv4 address and port");
  EXPECT_EQ(WhyNot(Ipv4Scheme(), "ipv4:[::1]:80"),
            "UNAVAILABLE: ipv4:[::1]:80: \"[::1]:80\" is not an IPv4 address and port");
  EXPECT_EQ(WhyNot(Ipv4Scheme(), "ipv4:,"),
            "UNAVAILABLE: ipv4:,: no address; write ipv4:address:port");
}

TEST_F(Ipv4, AnAuthorityIsAnError) {
  EXPECT_EQ(WhyNot(Ipv4Scheme(), "ipv4://a/1.2.3.4:80"),
            "UNAVAILABLE: ipv4://a/1.2.3.4:80: invalid (non-empty) authority: a");
}

}  // namespace
}  // namespace rondo::resolve
