#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

using Static = ResolverTest;

TEST_F(Static, EachItemIsAnEndpoint) {
  EXPECT_THAT(Resolve(StaticScheme(), "static:///10.0.0.1:1,[::1]:2,unix:/a"),
              ElementsAre("10.0.0.1:1", "[::1]:2", "unix:/a"));
}

TEST_F(Static, AnItemMayHaveAWeight) {
  EXPECT_THAT(Resolve(StaticScheme(), "static:///a:1;w=3,b:2"), ElementsAre("a:1", "b:2"));
  const std::vector<Endpoint>& endpoints = *heard[0].endpoints;
  EXPECT_EQ(endpoints[0].weight, 3u);
  EXPECT_EQ(endpoints[1].weight, 1u);
}

TEST_F(Static, EmptyItemsAreSkipped) {
  EXPECT_THAT(Resolve(StaticScheme(), "static:///,a:1,,b:2,"), ElementsAre("a:1", "b:2"));
}

TEST_F(Static, WhatIsWrongIsAnErrorThatShowsTheForm) {
  const std::string form = "; write static:///host:port,host:port;w=3";
  EXPECT_EQ(WhyNot(StaticScheme(), "static:///"), "UNAVAILABLE: static:///: no address" + form);
  EXPECT_EQ(WhyNot(StaticScheme(), "static:///a:1;w=0"),
            "UNAVAILABLE: static:///a:1;w=0: \"w=0\" is not a weight of at least 1" + form);
  EXPECT_EQ(WhyNot(StaticScheme(), "static:///a:1;w="),
            "UNAVAILABLE: static:///a:1;w=: \"w=\" is not a weight of at least 1" + form);
  EXPECT_EQ(WhyNot(StaticScheme(), "static:///a:1;zone=b"),
            "UNAVAILABLE: static:///a:1;zone=b: \"zone=b\" is not a weight of at least 1" + form);
  EXPECT_EQ(
      WhyNot(StaticScheme(), "static:///a:1;w=4294967296"),
      "UNAVAILABLE: static:///a:1;w=4294967296: \"w=4294967296\" is not a weight of at least 1" +
          form);
  EXPECT_EQ(WhyNot(StaticScheme(), "static:///;w=1"),
            "UNAVAILABLE: static:///;w=1: an address is empty" + form);
  EXPECT_EQ(WhyNot(StaticScheme(), "static://b/a:1"),
            "UNAVAILABLE: static://b/a:1: there is nobody to ask, so no authority" + form);
}

}  // namespace
}  // namespace rondo::resolve
