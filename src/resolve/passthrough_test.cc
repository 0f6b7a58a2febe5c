#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

using Passthrough = ResolverTest;

TEST_F(Passthrough, TheEndpointIsTheOneAddress) {
  EXPECT_THAT(Resolve(PassthroughScheme(), "passthrough:///unix:///a/b/c"),
              ElementsAre("unix:///a/b/c"));
  EXPECT_EQ(heard.size(), 1u);
}

TEST_F(Passthrough, NothingIsLookedUp) {
  EXPECT_THAT(Resolve(PassthroughScheme(), "passthrough:///localhost:1"),
              ElementsAre("localhost:1"));
}

TEST_F(Passthrough, AnEmptyEndpointIsAnError) {
  EXPECT_EQ(WhyNot(PassthroughScheme(), "passthrough:///"),
            "UNAVAILABLE: passthrough:///: invalid target address: it is empty");
}

}  // namespace
}  // namespace rondo::resolve
