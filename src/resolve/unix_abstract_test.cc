#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

using UnixAbstract = ResolverTest;

TEST_F(UnixAbstract, TheNameIsWhatFollowsTheColon) {
  EXPECT_THAT(Resolve(UnixAbstractScheme(), "unix-abstract:echo"),
              ElementsAre("unix-abstract:echo"));
  EXPECT_THAT(Resolve(UnixAbstractScheme(), "unix-abstract:passthrough:abc"),
              ElementsAre("unix-abstract:passthrough:abc"));
  EXPECT_THAT(Resolve(UnixAbstractScheme(), "unix-abstract:/ a///://::!@#$%25^&*()b"),
              ElementsAre("unix-abstract:/ a///://::!@"));
}

TEST_F(UnixAbstract, AnAuthorityIsAnError) {
  EXPECT_EQ(WhyNot(UnixAbstractScheme(), "unix-abstract://authority/a/b/c"),
            "UNAVAILABLE: unix-abstract://authority/a/b/c: invalid (non-empty) authority: "
            "authority; write unix-abstract:name");
}

TEST_F(UnixAbstract, AnEmptyNameIsAnError) {
  EXPECT_EQ(WhyNot(UnixAbstractScheme(), "unix-abstract:"),
            "UNAVAILABLE: unix-abstract:: the socket's name is empty; write unix-abstract:name");
}

}  // namespace
}  // namespace rondo::resolve
