#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

using Ipv6 = ResolverTest;

TEST_F(Ipv6, EachAddressIsAnEndpoint) {
  EXPECT_THAT(Resolve(Ipv6Scheme(), "ipv6:[::1]:80,[2001:db8::1]:81"),
              ElementsAre("[::1]:80", "[2001:db8::1]:81"));
}

TEST_F(Ipv6, WithoutAPortBracketsMayBeLeftOut) {
  EXPECT_THAT(Resolve(Ipv6Scheme(), "ipv6:::1,[::2],fe80::1%25lo"),
              ElementsAre("[::1]:443", "[::2]:443", "[fe80::1%lo]:443"));
}

TEST_F(Ipv6, WhatIsNoAddressIsAnError) {
  EXPECT_EQ(WhyNot(Ipv6Scheme(), "ipv6:1.2.3.4:80"),
            "UNAVAILABLE: ipv6:1.2.3.4:80: \"1.2.3.4:80\" is not an IPv6 address and port");
  EXPECT_EQ(WhyNot(Ipv6Scheme(), "ipv6:[::1]:"),
            "UNAVAILABLE: ipv6:[::1]:: \"[::1]:\" is not an IPv6 address and port");
  EXPECT_EQ(WhyNot(Ipv6Scheme(), "ipv6:"),
            "UNAVAILABLE: ipv6:: no address; write ipv6:address:port");
}

TEST_F(Ipv6, AnAuthorityIsAnError) {
  EXPECT_EQ(WhyNot(Ipv6Scheme(), "ipv6://a/[::1]:80"),
            "UNAVAILABLE: ipv6://a/[::1]:80: invalid (non-empty) authority: a");
}

}  // namespace
}  // namespace rondo::resolve
