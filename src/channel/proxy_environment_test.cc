#include "channel/proxy_environment.h"

#include <map>

#include "base/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo::channel {
namespace {

using Settings = std::map<std::string, std::string, std::less<>>;

absl::StatusOr<std::optional<ProxyRules>> Read(const Settings& settings) {
  return ProxyRules::Read([&](std::string_view name) -> std::optional<std::string> {
    const auto it = settings.find(name);
    return it != settings.end() ? std::optional(it->second) : std::nullopt;
  });
}
// "host:port authorization" of the proxy; "none", or what is wrong.
std::string Told(const Settings& settings) {
  const auto read = Read(settings);
  if (!read.ok()) return std::string(read.status().message());
  if (!read->has_value()) return "none";
  const event::HttpProxy& proxy = (*read)->proxy();
  return Cat(proxy.Text(), proxy.authorization.empty() ? "" : " ", proxy.authorization);
}
bool Excepts(const std::string& exceptions, std::string_view host, std::string_view port = "443") {
  const auto read = Read({{"http_proxy", "http://p:1"}, {"no_proxy", exceptions}});
  return (*read)->Excepts(host, port);
}

TEST(ProxyEnvironment, TheFirstVariableThatIsSetCounts) {
  Settings all{{"http_proxy", "http://d:4"}};
  EXPECT_EQ(Told(all), "d:4");
  all["HTTPS_PROXY"] = "http://c:3";
  EXPECT_EQ(Told(all), "c:3");
  all["https_proxy"] = "http://b:2";
  EXPECT_EQ(Told(all), "b:2");
  all["grpc_proxy"] = "http://a:1";
  EXPECT_EQ(Told(all), "a:1");
  all["grpc_proxy"] = "";  // Set, and says: none.
  EXPECT_EQ(Told(all), "none");
  EXPECT_EQ(Told({}), "none");
}
TEST(ProxyEnvironment, WhatARequestMayHaveSetIsNotRead) {
  EXPECT_EQ(Told({{"HTTP_PROXY", "http://evil:1"}}), "none");
}
TEST(ProxyEnvironment, TheUrlMayBeShort) {
  EXPECT_EQ(Told({{"http_proxy", "proxy.example"}}), "proxy.example:80");
  EXPECT_EQ(Told({{"http_proxy", " HTTP://proxy.example:3128/ "}}), "proxy.example:3128");
  EXPECT_EQ(Told({{"http_proxy", "http://[::1]:3128?x"}}), "[::1]:3128");
}
TEST(ProxyEnvironment, UserAndPasswordAreForBasicAuthorization) {  // RFC 7617
  EXPECT_EQ(Told({{"http_proxy", "http://Aladdin:open%20sesame@p:1"}}),
            "p:1 Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(Told({{"http_proxy", "http://a:b%40c@d@p:1"}}), "p:1 Basic YTpiQGNAZA==");
  EXPECT_EQ(Told({{"http_proxy", "http://user@p:1"}}), "p:1 Basic dXNlcjo=");
}
TEST(ProxyEnvironment, WhatIsWrongIsToldWithoutThePassword) {
  EXPECT_EQ(Told({{"http_proxy", "socks5://u:secret@p:1"}}),
            "http_proxy: the proxy's scheme is \"socks5\", only http:// is spoken to a proxy");
  for (const char* url :
       {"http://p:x:1", "http://u:secret@", "http://u:sec/ret@p:1", "http://u:secret@p:x:1",
        "http://u:secret%40p:1", "http://u:secret", "u:sec://ret@p:1"}) {
    EXPECT_EQ(Told({{"https_proxy", url}}),
              "https_proxy: the proxy is no host:port; write http://host:port");
  }
}
TEST(ProxyEnvironment, ExceptionsComeFromTheFirstThatIsSet) {
  const auto read = Read({{"http_proxy", "p"}, {"no_grpc_proxy", "a"}, {"no_proxy", "b"}});
  EXPECT_TRUE((*read)->Excepts("a", "1"));
  EXPECT_FALSE((*read)->Excepts("b", "1"));
  const auto upper = Read({{"http_proxy", "p"}, {"NO_PROXY", "c"}});
  EXPECT_TRUE((*upper)->Excepts("c", "1"));
}
TEST(ProxyEnvironment, ANameExceptsItselfAndAllBelowIt) {
  const std::string some = "a.example, .b.example,*.c.example , D.Example.";
  EXPECT_TRUE(Excepts(some, "a.example"));
  EXPECT_TRUE(Excepts(some, "x.A.example."));
  EXPECT_FALSE(Excepts(some, "xa.example"));
  EXPECT_FALSE(Excepts(some, "b.example"));
  EXPECT_TRUE(Excepts(some, "x.b.example"));
  EXPECT_FALSE(Excepts(some, "c.example"));
  EXPECT_TRUE(Excepts(some, "x.y.c.example"));
  EXPECT_TRUE(Excepts(some, "d.example"));
  EXPECT_FALSE(Excepts(some, "example"));
}
TEST(ProxyEnvironment, AnExceptionMayNameAPort) {
  EXPECT_TRUE(Excepts("a.example:80", "x.a.example", "80"));
  EXPECT_FALSE(Excepts("a.example:80", "a.example", "443"));
  EXPECT_TRUE(Excepts("[2001:db8::1]:80", "2001:db8::1", "80"));
  EXPECT_FALSE(Excepts("[2001:db8::1]:80", "2001:db8::1", "443"));
  EXPECT_TRUE(Excepts("10.0.0.1:80", "10.0.0.1", "80"));
}
TEST(ProxyEnvironment, AddressesAreExceptedByRangesToo) {
  EXPECT_TRUE(Excepts("10.0.0.0/8", "10.1.2.3"));
  EXPECT_FALSE(Excepts("10.0.0.0/8", "11.1.2.3"));
  EXPECT_TRUE(Excepts("fd00::/8,1.2.3.4", "1.2.3.4"));
  EXPECT_TRUE(Excepts("[2001:db8::1]", "2001:db8::1"));
  EXPECT_TRUE(Excepts("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(Excepts("::ffff:10.0.0.0/104", "11.1.2.3"));
  EXPECT_FALSE(Excepts("::ffff:10.0.0.0/8", "10.1.2.3")) << "that is more than IPv4's share";
  EXPECT_FALSE(Excepts("10.0.0.0/-0", "11.1.2.3"));
  EXPECT_FALSE(Excepts("10.0.0.0/99", "10.0.0.1"));
}
TEST(ProxyEnvironment, AStarExceptsAll) { EXPECT_TRUE(Excepts("a,*", "b.example")); }
TEST(ProxyEnvironment, WhatIsOnThisMachineNeedsNoProxy) {
  for (const char* host :
       {"localhost", "LOCALHOST.", "x.localhost", "127.0.0.1", "127.9.9.9", "::1"}) {
    EXPECT_TRUE(Excepts("", host)) << host;
  }
  EXPECT_FALSE(Excepts("", "localhost.example"));
}

}  // namespace
}  // namespace rondo::channel
