// What dns asks, and what it makes of the answers. When it asks again: dns_refresh_test.cc.
#include "resolve/dns_fixture.h"

namespace rondo::resolve {
namespace {

using event::NamedAddresses;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

using Dns = DnsTest;

// ---- Targets (behaviour: the golden tables of dns endpoints).

TEST_F(Dns, AsksForBothFamiliesAtOnce) {
  Ask("dns:///www.google.com");
  EXPECT_THAT(names.Open(), ElementsAre("www.google.com 6", "www.google.com 4"));
  EXPECT_THAT(names.servers, ElementsAre(""));
}

TEST_F(Dns, AddsThePortOfTheTargetToEachAddress) {
  Ask("dns:///foo.bar:12345");
  Find({"10.0.0.1"});
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:12345"));
}

TEST_F(Dns, AddsPort443IfTheTargetNamesNone) {
  Ask("foo.bar");
  Find({"10.0.0.1"});
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:443"));
}

TEST_F(Dns, KeepsAServicesNameAsPort) {
  Ask("golang.org:http");
  Find({"10.0.0.1"});
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:http"));
}

TEST_F(Dns, ABarePortIsLocalhosts) {
  Ask(":80");
  EXPECT_THAT(names.Open(), ElementsAre("localhost 6", "localhost 4"));
}

TEST_F(Dns, ABadEndpointIsAnErrorThatShowsTheTarget) {
  EXPECT_EQ(Refused(""), "UNAVAILABLE: dns:///: invalid target address: it is empty");
  EXPECT_EQ(Refused(":"), "UNAVAILABLE: dns:///:: \":\" ends with a colon: the port is missing");
  EXPECT_EQ(Refused("[2001:db8::1]:"),
            "UNAVAILABLE: dns:///[2001:db8::1]:: \"[2001:db8::1]:\" ends with a colon: the port is "
            "missing");
  EXPECT_EQ(
      Refused("[2001:db8:a0b:12f0::1"),
      "UNAVAILABLE: dns:///[2001:db8:a0b:12f0::1: \"[2001:db8:a0b:12f0::1\" has a bracket that "
      "doesn't close");
  EXPECT_EQ(Refused("dns:///a/b"), "UNAVAILABLE: dns:///a/b: \"a/b\" is not a host name and port");
}

class Literal : public Dns,
                public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(Literal, IsPublishedOnceAndNeverLookedUp) {
  EXPECT_THAT(Resolve(Factory(), GetParam().first), ElementsAre(GetParam().second));
  resolver->Refresh();
  loop->Advance(1h);
  EXPECT_EQ(heard.size(), 1u);
  EXPECT_EQ(names.asked, 0);
  EXPECT_EQ(heard[0].note, "given in the target");
}

INSTANTIATE_TEST_SUITE_P(
    Golden, Literal,
    testing::Values(std::pair{"127.0.0.1", "127.0.0.1:443"},
                    std::pair{"127.0.0.1:12345", "127.0.0.1:12345"}, std::pair{"::1", "[::1]:443"},
                    std::pair{"[::1]", "[::1]:443"}, std::pair{"::", "[::]:443"},
                    std::pair{"[::1]:12345", "[::1]:12345"},
                    std::pair{"2001:db8:85a3::8a2e:370:7334", "[2001:db8:85a3::8a2e:370:7334]:443"},
                    std::pair{"[2001:db8:85a3::8a2e:370:7334]",
                              "[2001:db8:85a3::8a2e:370:7334]:443"},
                    std::pair{"[2001:db8::1]:http", "[2001:db8::1]:http"},
                    std::pair{"[fe80::1%25lo0]:80", "[fe80::1%lo0]:80"},
                    std::pair{"fe80::1%25eth0", "[fe80::1%eth0]:443"},
                    std::pair{"dns:///127.0.0.1:1", "127.0.0.1:1"}));

// ---- The target's name server.

TEST_F(Dns, AsksTheServerOfTheAuthority) {
  for (const char* server : {"4.3.2.1", "4.3.2.1:123", "[::1]", "[::1]:123", "::1"}) {
    Ask(std::string("dns://") + server + "/a.example");
  }
  EXPECT_THAT(names.servers,
              ElementsAre("4.3.2.1:53", "4.3.2.1:123", "[::1]:53", "[::1]:123", "[::1]:53"));
}

TEST_F(Dns, LooksUpAServerThatIsAName) {
  Ask("dns://dnsserver.com/a.example");
  EXPECT_THAT(names.Open(), ElementsAre("dnsserver.com 4", "dnsserver.com 4"));
  Tell4(NamedAddresses{{"4.3.2.1"}});
  Tell4(NamedAddresses{{"4.3.2.1"}});
  EXPECT_THAT(names.servers, ElementsAre("", "4.3.2.1:53", "4.3.2.1:53"));
  Find({"10.0.0.1"});
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:443"));
}

TEST_F(Dns, UsesTheIpv6AddressOfAServerWithoutAnother) {
  Ask("dns://:123/a.example");
  Tell4(NamedAddresses{});
  Tell4(absl::NotFoundError("no such name (NXDOMAIN)"));
  EXPECT_THAT(names.Open(), ElementsAre("localhost 6", "localhost 6"));
  Tell6(NamedAddresses{{"::1"}});
  Tell6(NamedAddresses{{"::1"}});
  EXPECT_THAT(names.servers, ElementsAre("", "[::1]:123", "[::1]:123"));
}

TEST_F(Dns, TellsWhenTheServersNameCantBeFound) {
  Ask("dns://dnsserver.com/a.example");
  for (int i = 0; i < 2; ++i) Tell4(NamedAddresses{});
  for (int i = 0; i < 2; ++i) Tell6(NamedAddresses{});
  EXPECT_THAT(Addresses(),
              ElementsAre("UNAVAILABLE: dns: a.example: the name server's own name has "
                          "no address; asked for dnsserver.com:53"));
}

TEST_F(Dns, ABadAuthorityIsAnError) {
  EXPECT_EQ(Refused("dns://:/a"),
            "UNAVAILABLE: dns://:/a: name server: \":\" ends with a colon: the port is missing");
  EXPECT_EQ(Refused("dns://[::1]:/a"),
            "UNAVAILABLE: dns://[::1]:/a: name server: \"[::1]:\" ends with a colon: the port is "
            "missing");
  EXPECT_EQ(
      Refused("dns://dnsserver.com:/a"),
      "UNAVAILABLE: dns://dnsserver.com:/a: name server: \"dnsserver.com:\" ends with a colon: "
      "the port is missing");
}

TEST_F(Dns, OnALoopWithoutSocketsIsAnError) {
  EXPECT_EQ(WhyNot(DnsScheme(), "a.example"),
            "UNAVAILABLE: dns:///a.example: name server: this loop has no sockets");
}

// ---- Answers.

TEST_F(Dns, PutsBothFamiliesIntoOneList) {
  Ask("shop.example:80");
  Tell4(NamedAddresses{{"10.0.0.1", "10.0.0.2"}, 30s});
  EXPECT_THAT(heard, IsEmpty());
  Tell6(NamedAddresses{{"2001:db8::1"}, 60s});
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_THAT(Addresses(), ElementsAre("[2001:db8::1]:80", "10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_EQ(heard[0].note, "dns, 3 addresses, ttl 30s");
  EXPECT_EQ(heard[0].service_config_json, std::nullopt);
}

TEST_F(Dns, PutsLastWhatThisMachineHasNoWayTo) {
  Ask("shop.example:80");
  Tell6(NamedAddresses{{"2001:db8::1"}, 30s, false});
  Tell4(NamedAddresses{{"10.0.0.1"}, 30s});
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:80", "[2001:db8::1]:80"));
}

TEST_F(Dns, AnEmptyFamilyIsNoError) {
  Ask("shop.example:80");
  Find({"10.0.0.1"}, 45s);
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(heard[0].note, "dns, 1 address, ttl 45s");
}

TEST_F(Dns, ANameThatDoesNotExistIsAnErrorNamingHostAndServer) {
  Ask("dns://4.3.2.1/shop.example");
  Tell4(absl::NotFoundError("no such name (NXDOMAIN)"));
  Tell6(absl::NotFoundError("no such name (NXDOMAIN)"));
  EXPECT_THAT(Addresses(), ElementsAre("UNAVAILABLE: dns: shop.example: no such name (NXDOMAIN); "
                                       "asked 4.3.2.1:53"));
}

TEST_F(Dns, ANameWithoutAddressesIsAnError) {
  Ask("shop.example");
  Find({});
  EXPECT_THAT(Addresses(), ElementsAre("UNAVAILABLE: dns: shop.example: the name has no address; "
                                       "asked 10.0.0.53:53"));
}

TEST_F(Dns, AFailureIsToldBeforeAnEmptyAnswer) {
  Ask("shop.example");
  Tell4(NamedAddresses{});
  Tell6(absl::UnavailableError("the server failed (SERVFAIL)"));
  EXPECT_THAT(Addresses(), ElementsAre("UNAVAILABLE: dns: shop.example: the server failed "
                                       "(SERVFAIL); asked 10.0.0.53:53"));
}

TEST_F(Dns, OneFamilyIsEnough) {
  Ask("shop.example");
  Tell6(absl::UnavailableError("the server failed (SERVFAIL)"));
  Tell4(NamedAddresses{{"10.0.0.1"}, 30s});
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:443"));
  EXPECT_EQ(heard[0].note, "dns, 1 address, ttl 30s, IPv6: the server failed (SERVFAIL)");
}

// ---- The race of the families.

TEST_F(Dns, UsesOneFamilysAnswerAfterHalfASecondWithoutTheOther) {
  Ask("shop.example");
  loop->Advance(2s);
  Tell4(NamedAddresses{{"10.0.0.1"}, 30s});
  loop->Advance(499ms);
  EXPECT_THAT(heard, IsEmpty());
  loop->Advance(1ms);
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:443"));
  EXPECT_EQ(heard[0].note, "dns, 1 address, ttl 30s, IPv6 not answered yet");
}

TEST_F(Dns, ALateAnswerIsASecondUpdate) {
  Ask("shop.example");
  Tell4(NamedAddresses{{"10.0.0.1"}, 30s});
  loop->Advance(1s);
  Tell6(NamedAddresses{{"::1"}, 30s});
  EXPECT_EQ(heard.size(), 2u);
  EXPECT_THAT(Addresses(), ElementsAre("[::1]:443", "10.0.0.1:443"));
}

TEST_F(Dns, ALateAnswerThatBringsNothingIsNoUpdate) {
  Ask("shop.example");
  Tell4(NamedAddresses{{"10.0.0.1"}, 30s});
  loop->Advance(1s);
  Tell6(NamedAddresses{});
  EXPECT_EQ(heard.size(), 1u);
}

TEST_F(Dns, WaitsForTheOtherFamilyIfOneHasNothing) {
  Ask("shop.example");
  Tell4(NamedAddresses{});
  loop->Advance(20s);
  EXPECT_THAT(heard, IsEmpty());
  Tell6(NamedAddresses{{"::1"}, 30s});
  EXPECT_THAT(Addresses(), ElementsAre("[::1]:443"));
}

TEST_F(Dns, GivesUpAfterThirtySeconds) {
  Ask("shop.example");
  loop->Advance(30s - 1ms);
  EXPECT_THAT(heard, IsEmpty());
  loop->Advance(1ms);
  EXPECT_THAT(Addresses(),
              ElementsAre("UNAVAILABLE: dns: shop.example: no answer within 30s; asked "
                          "10.0.0.53:53"));
  EXPECT_THAT(names.Open(), IsEmpty());
}

TEST_F(Dns, AFamilyThatIsNeverAnsweredStopsNothing) {
  Ask("shop.example");
  Tell4(NamedAddresses{{"10.0.0.1"}, 40s});
  loop->Advance(30s);
  EXPECT_EQ(heard.size(), 1u);
  EXPECT_THAT(names.Open(), IsEmpty());
  EXPECT_LE(UntilAsked(), 20s);
}

TEST_F(Dns, AFamilyWhoseServerFailsOnceKeepsItsEndpoints) {
  Ask("shop.example");
  Tell4(NamedAddresses{{"10.0.0.1"}, 30s});
  Tell6(NamedAddresses{{"::1"}, 30s});
  UntilAsked();
  Tell4(NamedAddresses{{"10.0.0.2"}, 30s});
  Tell6(absl::UnavailableError("the server failed (SERVFAIL)"));
  EXPECT_THAT(Addresses(), ElementsAre("[::1]:443", "10.0.0.2:443"));
  UntilAsked();
  Tell4(NamedAddresses{{"10.0.0.2"}, 30s});
  Tell6(absl::NotFoundError("no such name (NXDOMAIN)"));
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.2:443"));
}

// ---- Dropping it.

TEST_F(Dns, EndsItsQuestionsWhenDropped) {
  Ask("shop.example");
  resolver = nullptr;
  EXPECT_THAT(names.Open(), IsEmpty());
  loop->Advance(1h);
  EXPECT_THAT(heard, IsEmpty());
  EXPECT_FALSE(loop->has_timers());
}

TEST_F(Dns, MayBeDroppedInsideItsNews) {
  on_news = [this] { resolver = nullptr; };
  Ask("shop.example");
  Find({"10.0.0.1"});
  EXPECT_FALSE(loop->has_timers());
  Ask("shop.example");
  Fail();
  EXPECT_FALSE(loop->has_timers());
}

TEST_F(Dns, MayBeDroppedInsideTheFirstOfTwoUpdates) {
  on_news = [this] { resolver = nullptr; };
  Ask("shop.example");
  Tell4(NamedAddresses{{"10.0.0.1"}, 30s});
  loop->Advance(1s);
  EXPECT_EQ(heard.size(), 1u);
  EXPECT_THAT(names.Open(), IsEmpty());
}

}  // namespace
}  // namespace rondo::resolve
