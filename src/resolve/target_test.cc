#include "resolve/target.h"

#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

// "scheme|authority|endpoint", as the registry reads a target, or why it can't.
std::string ReadTarget(std::string_view text, std::string_view default_scheme = "dns") {
  const Registry registry({});
  const auto found = registry.Find(text, default_scheme);
  if (!found.ok()) return Text(found.status());
  return found->target.scheme + "|" + found->target.authority + "|" + found->target.endpoint;
}
std::string Shown(std::string_view text) { return Registry({}).Find(text, "dns")->target.text; }
std::string Authority(std::string_view text) { return Registry({}).Find(text, "dns")->authority; }

TEST(Target, WithoutASchemeIsAnEndpointOfTheDefaultScheme) {
  EXPECT_EQ(ReadTarget("a"), "dns||a");
  EXPECT_EQ(ReadTarget(":8080"), "dns||:8080");
  EXPECT_EQ(ReadTarget("://a/b"), "dns||://a/b");
  EXPECT_EQ(ReadTarget("a//b"), "dns||a//b");
  EXPECT_EQ(ReadTarget("/a/b"), "dns||/a/b");
  EXPECT_EQ(ReadTarget("1.2.3.4:80"), "dns||1.2.3.4:80");
  EXPECT_EQ(ReadTarget("[::1]:80"), "dns||[::1]:80");
  EXPECT_EQ(ReadTarget(""), "dns||");
  EXPECT_EQ(ReadTarget("a:b", "passthrough"), "passthrough||a:b");
}

TEST(Target, WithAnUnknownSchemeIsAnEndpointOfTheDefaultScheme) {
  EXPECT_EQ(ReadTarget("a:b"), "dns||a:b");
  EXPECT_EQ(ReadTarget("a:///"), "dns||a:///");
  EXPECT_EQ(ReadTarget("unregistered:/a/b/c"), "dns||unregistered:/a/b/c");
}

TEST(Target, WithAKnownSchemeStandsAsItIs) {
  EXPECT_EQ(ReadTarget("dns://a.server.com/google.com"), "dns|a.server.com|google.com");
  EXPECT_EQ(ReadTarget("dns:/a/b/c"), "dns||a/b/c");
  EXPECT_EQ(ReadTarget("dns:a:1"), "dns||a:1");
  EXPECT_EQ(ReadTarget("passthrough:///unix:///a/b/c"), "passthrough||unix:///a/b/c");
  EXPECT_EQ(ReadTarget("unix-abstract:passthrough:abc"), "unix-abstract||passthrough:abc");
  EXPECT_EQ(ReadTarget("unix-abstract:/ a///://::!@#$%25^&*()b"), "unix-abstract|| a///://::!@");
  EXPECT_EQ(ReadTarget("unix://a/b/c"), "unix|a|b/c");
  EXPECT_EQ(ReadTarget("unix://authority"), "unix|authority|");
  EXPECT_EQ(ReadTarget("unix-abstract://authority/a/b/c"), "unix-abstract|authority|a/b/c");
}

TEST(Target, IsShownWhole) {
  EXPECT_EQ(Shown("a:b"), "dns:///a:b");
  EXPECT_EQ(Shown("a"), "dns:///a");
  EXPECT_EQ(Shown("dns:/a/b/c"), "dns:/a/b/c");
  EXPECT_EQ(Shown("unix-abstract:/ a///://::!@#$%25^&*()b"),
            "unix-abstract:/ a///://::!@#$%25^&*()b");
}

TEST(Target, FindsItsSchemeInAnyCase) {
  EXPECT_EQ(ReadTarget("DNS:///A.example"), "dns||A.example");
  EXPECT_EQ(ReadTarget("Passthrough:///a"), "passthrough||a");
}

TEST(Target, IsDecoded) {
  EXPECT_EQ(ReadTarget("dns:///a%3a1"), "dns||a:1");
  EXPECT_EQ(ReadTarget("dns:///[fe80::1%25lo]:80"), "dns||[fe80::1%lo]:80");
  EXPECT_EQ(ReadTarget("dns://%5b::1%5D/a"), "dns|[::1]|a");
}

TEST(Target, KeepsItsQueryAndItsPathAsideAndDropsTheFragment) {
  const auto target = ParseTarget("dns://s/a?zone=eu%201#top");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->endpoint, "a");
  EXPECT_EQ(target->path, "/a");
  EXPECT_EQ(target->query, "zone=eu%201");
}

TEST(Target, ThatIsNoUriIsAnErrorThatNamesTheSchemes) {
  EXPECT_EQ(
      ReadTarget("%zz"),
      "INVALID_ARGUMENT: target \"%zz\": not a URI, also not with \"dns:///\" before it; known "
      "schemes: dns, file, ipv4, ipv6, passthrough, static, unix, unix-abstract");
  EXPECT_EQ(ReadTarget("a%2").substr(0, 24), "INVALID_ARGUMENT: target");
  EXPECT_EQ(ReadTarget("a\nb").substr(0, 24), "INVALID_ARGUMENT: target");
  EXPECT_EQ(ReadTarget("a", "nowhere").substr(0, 68),
            "INVALID_ARGUMENT: target \"a\": not a URI, also not with \"nowhere:///\"");
}

TEST(Target, FindsTheUsersResolverBeforeABuiltInOne) {
  const Registry registry(
      {FixedResolver("dns", [](const Target&) { return absl::AbortedError("mine"); })});
  const auto found = registry.Find("a", "dns");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(
      Text(found->factory->make(found->target, *event::ManualLoop::Make(), nullptr, {}).status()),
      "ABORTED: mine");
}

TEST(Authority, IsTheEndpointAsItStands) {
  EXPECT_EQ(Authority("Non-Existent.Server:8080"), "Non-Existent.Server:8080");
  EXPECT_EQ(Authority("localhost:50051"), "localhost:50051");
  EXPECT_EQ(Authority("dns://8.8.8.8/a.example:1"), "a.example:1");
  EXPECT_EQ(Authority("[::1]"), "[::1]");
}

// The whole list would go out with every call, and with a thousand addresses be refused as too
// long.
TEST(Authority, OfAListIsItsFirstAddress) {
  EXPECT_EQ(Authority("ipv4:1.2.3.4:80"), "1.2.3.4:80");
  EXPECT_EQ(Authority("ipv4:1.2.3.4:80,5.6.7.8:81"), "1.2.3.4:80");
  EXPECT_EQ(Authority("ipv4:,1.2.3.4:80,"), "1.2.3.4:80");
  EXPECT_EQ(Authority("ipv6:[::1]:80,[::2]:81"), "[::1]:80");
  EXPECT_EQ(Authority("static:///a:1;w=3,b:2"), "a:1");
}
TEST(Authority, OfABarePortIsLocalhost) { EXPECT_EQ(Authority(":50051"), "localhost:50051"); }

TEST(Authority, OfUnixSocketsIsLocalhost) {
  EXPECT_EQ(Authority("unix:sock.sock"), "localhost");
  EXPECT_EQ(Authority("unix:/sock.sock"), "localhost");
  EXPECT_EQ(Authority("unix:///sock.sock"), "localhost");
  EXPECT_EQ(Authority("unix-abstract:sock"), "localhost");
}

TEST(Authority, HasEverythingUnusualEncoded) {
  EXPECT_EQ(EncodeAuthority("[::1]"), "[::1]");
  EXPECT_EQ(EncodeAuthority("userinfo@host:10001"), "userinfo@host:10001");
  EXPECT_EQ(EncodeAuthority("projects/123/network/abc/service"),
            "projects%2F123%2Fnetwork%2Fabc%2Fservice");
  EXPECT_EQ(EncodeAuthority("abc123-._~!$&'()*+,;=@:[]"), "abc123-._~!$&'()*+,;=@:[]");
  EXPECT_EQ(EncodeAuthority("a b\xff%"), "a%20b%FF%25");
}

TEST(Authority, IsTheResolversIfItHasOne) {
  ResolverFactory own = FixedResolver("own", [](const Target&) { return absl::AbortedError(""); });
  own.authority = [](const Target& t) { return "server-of-" + t.endpoint; };
  const Registry registry({own});
  EXPECT_EQ(registry.Find("own:///a", "dns")->authority, "server-of-a");
}

}  // namespace
}  // namespace rondo::resolve
