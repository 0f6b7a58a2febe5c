#include "resolve/host_port.h"

#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

// "host port family", or the error.
std::string Read(std::string_view text) {
  const absl::StatusOr<HostPort> read = ParseHostPort(text);
  if (!read.ok()) return Text(read.status());
  return read->host + " " + read->port + " " + std::to_string(read->ip_family);
}

TEST(HostPort, NamesMayHaveAPort) {
  EXPECT_EQ(Read("www.google.com"), "www.google.com 443 0");
  EXPECT_EQ(Read("foo.bar:12345"), "foo.bar 12345 0");
  EXPECT_EQ(Read("golang.org:http"), "golang.org http 0");
  EXPECT_EQ(Read("under_score.example."), "under_score.example. 443 0");
}

TEST(HostPort, ABarePortIsLocalhosts) { EXPECT_EQ(Read(":80"), "localhost 80 0"); }

TEST(HostPort, AddressesMayHaveAPortAndBrackets) {
  EXPECT_EQ(Read("127.0.0.1"), "127.0.0.1 443 4");
  EXPECT_EQ(Read("127.0.0.1:12345"), "127.0.0.1 12345 4");
  EXPECT_EQ(Read("::"), ":: 443 6");
  EXPECT_EQ(Read("::1"), "::1 443 6");
  EXPECT_EQ(Read("[::1]"), "::1 443 6");
  EXPECT_EQ(Read("[::1]:80"), "::1 80 6");
  EXPECT_EQ(Read("[2001:db8:a0b:12f0::1]:21"), "2001:db8:a0b:12f0::1 21 6");
  EXPECT_EQ(Read("[2001:db8::1]:http"), "2001:db8::1 http 6");
  EXPECT_EQ(Read("fe80::1%eth0"), "fe80::1%eth0 443 6");
  EXPECT_EQ(Read("[fe80::1%lo0]:80"), "fe80::1%lo0 80 6");
}

TEST(HostPort, TheDefaultPortIsTheCallers) {
  EXPECT_EQ(ParseHostPort("4.3.2.1", "53")->Text(), "4.3.2.1:53");
  EXPECT_EQ(ParseHostPort("4.3.2.1:123", "53")->Text(), "4.3.2.1:123");
  EXPECT_EQ(ParseHostPort("::1", "53")->Text(), "[::1]:53");
  EXPECT_EQ(ParseHostPort("dnsserver.com", "53")->Text(), "dnsserver.com:53");
}

TEST(HostPort, WhatIsNeitherIsAnErrorThatSaysWhy) {
  EXPECT_EQ(Read(""), "INVALID_ARGUMENT: invalid target address: it is empty");
  EXPECT_EQ(Read(":"), "INVALID_ARGUMENT: \":\" ends with a colon: the port is missing");
  EXPECT_EQ(Read("[2001:db8::1]:"),
            "INVALID_ARGUMENT: \"[2001:db8::1]:\" ends with a colon: the port is missing");
  EXPECT_EQ(Read("[2001:db8:a0b:12f0::1"),
            "INVALID_ARGUMENT: \"[2001:db8:a0b:12f0::1\" has a bracket that doesn't close");
  EXPECT_EQ(Read("a:1:2"),
            "INVALID_ARGUMENT: \"a:1:2\" has too many colons for host:port; write [v6]:port");
  EXPECT_EQ(Read("[::1]80"), "INVALID_ARGUMENT: \"[::1]80\" has a bracket that doesn't close");
  EXPECT_EQ(Read("[a]:80"), "INVALID_ARGUMENT: \"[a]:80\" has no IPv6 address in its brackets");
  EXPECT_EQ(Read("[1.2.3.4]:80"),
            "INVALID_ARGUMENT: \"[1.2.3.4]:80\" has no IPv6 address in its brackets");
  EXPECT_EQ(Read("a:65536"), "INVALID_ARGUMENT: \"a:65536\" has no port after its colon");
  EXPECT_EQ(Read("a:b c"), "INVALID_ARGUMENT: \"a:b c\" has no port after its colon");
  EXPECT_EQ(Read("a/b"), "INVALID_ARGUMENT: \"a/b\" is not a host name and port");
  EXPECT_EQ(Read("a b:80"), "INVALID_ARGUMENT: \"a b:80\" is not a host name and port");
  EXPECT_EQ(Read("a:--"), "INVALID_ARGUMENT: \"a:--\" has no port after its colon");
  EXPECT_EQ(Read("a:sixteen--letters"),
            "INVALID_ARGUMENT: \"a:sixteen--letters\" has no port after its colon");
  EXPECT_EQ(Read("://a/b").substr(0, 16), "INVALID_ARGUMENT");
}

TEST(HostPort, AZoneIsWhatAnInterfaceMayBeCalled) {
  for (const std::string text : {"::%]%:]%]]d", "fe80::1%", "fe80::1%a:80", "[fe80::1%]:80",
                                 "[fe80::1%a%b]:80", "[::1%a b]", "[::1%sixteen--letters]:80"}) {
    EXPECT_EQ(Read(text), "INVALID_ARGUMENT: \"" + text +
                              "\" has a zone (behind the %) that is no name or number of an "
                              "interface");
  }
}

// The fuzzer's rule, for texts that once broke it.
TEST(HostPort, WhatIsAcceptedReadsBackTheSame) {
  for (const char* text : {"a", ":80", "1.2.3.4", "::1", "[::1]", "fe80::1%eth0", "[fe80::1%1]:x",
                           "a-b.c_d.:https", "::ffff:1.2.3.4"}) {
    const auto read = ParseHostPort(text);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(Read(read->Text()),
              read->host + " " + read->port + " " + std::to_string(read->ip_family));
  }
}

}  // namespace
}  // namespace rondo::resolve
