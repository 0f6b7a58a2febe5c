#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

using Unix = ResolverTest;

TEST_F(Unix, APathMayBeRelative) {
  EXPECT_THAT(Resolve(UnixScheme(), "unix:run/echo.sock"), ElementsAre("unix:run/echo.sock"));
}

TEST_F(Unix, APathMayBeAbsolute) {
  EXPECT_THAT(Resolve(UnixScheme(), "unix:/run/echo.sock"), ElementsAre("unix:/run/echo.sock"));
  EXPECT_THAT(Resolve(UnixScheme(), "unix:///run/a%20b"), ElementsAre("unix:/run/a b"));
}

TEST_F(Unix, AnAuthorityIsAnError) {
  EXPECT_EQ(WhyNot(UnixScheme(), "unix://a/b/c"),
            "UNAVAILABLE: unix://a/b/c: invalid (non-empty) authority: a; write unix:name");
  EXPECT_EQ(WhyNot(UnixScheme(), "unix://authority"),
            "UNAVAILABLE: unix://authority: invalid (non-empty) authority: authority; write "
            "unix:name");
}

TEST_F(Unix, AnEmptyPathIsAnError) {
  EXPECT_EQ(WhyNot(UnixScheme(), "unix:"),
            "UNAVAILABLE: unix:: the socket's name is empty; write unix:name");
}

}  // namespace
}  // namespace rondo::resolve
