#pragma once
// The dns resolver over names that the test answers for.
// Threads: one; for tests only.
#include "resolve/dns.h"
#include "resolve/fake_names.h"
#include "resolve/resolver_fixture.h"

namespace rondo::resolve {

class DnsTest : public ResolverTest {
 public:
  ~DnsTest() override { resolver = nullptr; }  // Before the names that it asks.

 protected:
  ResolverFactory Factory() { return DnsSchemeOver(names.Factory(), options); }
  void Ask(std::string_view target) { Start(Factory(), target); }
  std::string Refused(std::string_view target) { return WhyNot(Factory(), target); }

  void Tell4(FakeNames::Answer found) { Tell(event::Family::kIpv4, std::move(found)); }
  void Tell6(FakeNames::Answer found) { Tell(event::Family::kIpv6, std::move(found)); }
  void Tell(event::Family family, FakeNames::Answer found) {
    ASSERT_TRUE(names.Tell(family, std::move(found))) << "nobody asks for this family";
    loop->RunUntilIdle();
  }
  // A whole round: IPv4 addresses alone.
  void Find(std::vector<std::string> addresses, Duration ttl = std::chrono::seconds(30)) {
    Tell6(event::NamedAddresses{});
    Tell4(event::NamedAddresses{std::move(addresses), ttl});
  }
  void Fail() {
    Tell6(absl::UnavailableError("the server failed (SERVFAIL)"));
    Tell4(absl::UnavailableError("the server failed (SERVFAIL)"));
  }
  bool asks() const { return !names.Open().empty(); }
  // How long until the next question; only while there is none.
  Duration UntilAsked() {
    const Time from = loop->Now();
    while (!asks()) {
      if (!loop->has_timers()) return Duration::max();
      loop->Advance(loop->next_timer() - loop->Now());
    }
    return loop->Now() - from;
  }

  DnsOptions options;
  FakeNames names;
};

}  // namespace rondo::resolve
