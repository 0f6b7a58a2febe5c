#include "event/address.h"

#include <netinet/in.h>

#include "gtest/gtest.h"

namespace rondo::event {
namespace {

std::string RoundTrip(std::string_view text) {
  const auto address = ParseAddress(text);
  return address.ok() ? AddressText(*address) : std::string(address.status().message());
}

TEST(Address, ReadsAndWritesEachForm) {
  for (const char* text :
       {"1.2.3.4:80", "0.0.0.0:0", "[::1]:65535", "[2001:db8::1]:443", "[fe80::1%lo]:80",
        "unix:/run/a.sock", "unix:a.sock", "unix-abstract:a b"}) {
    EXPECT_EQ(RoundTrip(text), text);
  }
}

TEST(Address, APortMayBeAService) { EXPECT_EQ(RoundTrip("[::1]:https"), "[::1]:443"); }

TEST(Address, AZoneMayBeANumber) { EXPECT_EQ(RoundTrip("[fe80::1%1]:80"), "[fe80::1%lo]:80"); }

TEST(Address, AnIpv4PeerOfASocketForBothFamiliesIsShownAsIpv4) {
  EXPECT_EQ(RoundTrip("[::ffff:1.2.3.4]:80"), "1.2.3.4:80");
}

TEST(Address, AUnixPeerWithoutANameIsJustUnix) {
  SocketAddress address;
  address.storage.ss_family = AF_UNIX;
  address.size = sizeof(sa_family_t);
  EXPECT_EQ(AddressText(address), "unix:");
}

TEST(Address, AnAbstractNameHasNoByteTooMany) {
  EXPECT_EQ(ParseAddress("unix-abstract:ab")->size, sizeof(sa_family_t) + 3);
}

TEST(Address, ErrorsNameTheText) {
  EXPECT_EQ(RoundTrip("localhost:80"),
            "address \"localhost:80\": not an IPv4 address before the port");
  EXPECT_EQ(RoundTrip("1.2.3.4"), "address \"1.2.3.4\": write host:port, [v6]:port or unix:path");
  EXPECT_EQ(RoundTrip("1.2.3.4:65536"),
            "address \"1.2.3.4:65536\": the port is neither a number of 0 to 65535 nor a service");
  EXPECT_EQ(RoundTrip("1.2.3.4:"),
            "address \"1.2.3.4:\": the port is neither a number of 0 to 65535 nor a service");
  EXPECT_EQ(RoundTrip("[lo]:80"), "address \"[lo]:80\": no IPv6 address in the brackets");
  EXPECT_EQ(RoundTrip("unix:"), "address \"unix:\": the name is empty");
  const std::string path = "unix:" + std::string(108, 'p');
  EXPECT_EQ(RoundTrip(path),
            "address \"" + path + "\": longer than the 107 bytes of a unix socket's name");
}

TEST(Address, AZoneIsAnInterfaceOfThisMachine) {
  EXPECT_EQ(RoundTrip("[::1%nosuch]:80"),
            "address \"[::1%nosuch]:80\": this machine has no interface for the zone \"nosuch\"");
  EXPECT_EQ(RoundTrip("[::1%4294967295]:80"),
            "address \"[::1%4294967295]:80\": this machine has no interface for the zone "
            "\"4294967295\"");
  EXPECT_EQ(RoundTrip("[::1%1x]:80"),
            "address \"[::1%1x]:80\": this machine has no interface for the zone \"1x\"");
  EXPECT_EQ(RoundTrip("[::1%]:80"),
            "address \"[::1%]:80\": the zone \"\" is no name or number of an interface");
  EXPECT_EQ(RoundTrip("[::1%a]b]:80"),
            "address \"[::1%a]b]:80\": the zone \"a]b\" is no name or number of an interface");
}

TEST(Address, AnInterfaceThatHasGoneIsShownByItsNumber) {
  SocketAddress address = *ParseAddress("[fe80::1%1]:80");
  reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_scope_id = 4294967295;
  EXPECT_EQ(AddressText(address), "[fe80::1%4294967295]:80");
}

// What stands behind it would be lost: the system's functions stop there.
TEST(Address, ANulByteIsAnError) {
  using std::string_view_literals::operator""sv;
  for (const auto text : {"1.2.3.4\0x:80"sv, "[::1\0]:80"sv, "1.2.3.4:http\0x"sv, "unix:a\0b"sv,
                          "unix-abstract:a\0"sv}) {
    EXPECT_EQ(RoundTrip(text), "address \"" + std::string(text.data()) +
                                   "\": a NUL byte can't be part of an address");
  }
}

TEST(IpFamily, AZoneIsWhatAnInterfaceMayBeCalled) {
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(IpFamily("fe80::1%br-0_a.1"), 6);
  EXPECT_EQ(IpFamily("fe80::1%fifteen-letters"), 6);
  for (const auto text : {"::1%sixteen--letters"sv, "::1%]"sv, "::%]%:]%]]d"sv, "::1%a%b"sv,
                          "::1%a:80"sv, "::1%a b"sv, "::1%a,b"sv, "::1%a/b"sv, "::1%a\n"sv,
                          "::1%\xff"sv, "::1\0"sv, "::1%a\0"sv, "1.2.3.4\0"sv}) {
    EXPECT_EQ(IpFamily(text), 0) << text;
  }
}

TEST(IpFamily, KnowsAddressesFromNames) {
  EXPECT_EQ(IpFamily("1.2.3.4"), 4);
  EXPECT_EQ(IpFamily("::"), 6);
  EXPECT_EQ(IpFamily("fe80::1%eth7"), 6);
  for (const char* text : {"", "a", "1.2.3", "1.2.3.4:80", "[::1]", "::1%", "fe80::g"}) {
    EXPECT_EQ(IpFamily(text), 0) << text;
  }
}

}  // namespace
}  // namespace rondo::event
