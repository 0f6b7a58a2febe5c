// Names asked for with c-ares, of a server that the test answers for.
#include <algorithm>
#include <fstream>

#include "event/manual_loop.h"
#include "event/name_service.h"
#include "event/system_loop_fixture.h"
#include "has_ipv6.h"
#include "name_server.h"

namespace rondo::sockets {
namespace {

using event::Family;
using event::NamedAddresses;
using Texts = std::vector<std::string>;

class NamesTest : public testing::Test {
 protected:
  struct Question {
    std::unique_ptr<event::Lookup> lookup;
    absl::StatusOr<NamedAddresses> answer;
    bool told = false;
  };
  void SetUp() override { names_ = *event::SystemNames(*loop, server.address()); }

  void Begin(Question& q, const std::string& host, Family family = Family::kIpv4) {
    q.lookup = names_->Find(host, family, [&q](absl::StatusOr<NamedAddresses> answer) {
      EXPECT_FALSE(q.told);
      q.told = true;
      q.answer = std::move(answer);
    });
    EXPECT_FALSE(q.told) << "told inside Find";
  }
  absl::StatusOr<NamedAddresses> Find(const std::string& host, Family family = Family::kIpv4) {
    Question q;
    Begin(q, host, family);
    loop->Until([&] { return q.told; });
    return q.answer;
  }
  bool WasAsked(const std::string& question) {
    return server.asked.Wait(
        [&](const auto& all) { return std::ranges::count(all, question) > 0; });
  }

  NameServer server;
  std::shared_ptr<event::HandLoop> loop = std::make_shared<event::HandLoop>();
  std::unique_ptr<event::NameService> names_;
};

TEST_F(NamesTest, AllAddressesComeInTheServersOrder) {
  server.Set("a.test", {.v4 = {"127.0.0.1", "127.0.0.3", "127.0.0.2"}});
  const auto found = Find("a.test");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->addresses, (Texts{"127.0.0.1", "127.0.0.3", "127.0.0.2"}));
  EXPECT_TRUE(found->usable);
  EXPECT_EQ(server.asked.Get(), Texts{"a.test 1"});
}

TEST_F(NamesTest, OneFamilyIsAskedForAtATime) {
  server.Set("a.test", {.v4 = {"127.0.0.1"}, .v6 = {"::1", "2001:db8::7"}});
  const auto found = Find("a.test", Family::kIpv6);
  ASSERT_TRUE(found.ok()) << found.status();
  std::vector<std::string> sorted = found->addresses;
  std::ranges::sort(sorted);
  EXPECT_EQ(sorted, (Texts{"2001:db8::7", "::1"}));
  EXPECT_EQ(server.asked.Get(), Texts{"a.test 28"});
}

TEST_F(NamesTest, AnAddressThisMachineHasNoWayToIsMarked) {
  if (HasIpv6()) {
    server.Set("a.test", {.v6 = {"::1"}});
    EXPECT_TRUE(Find("a.test", Family::kIpv6)->usable);
  }
  // Nobody can send to "no network" (RFC 1122).
  server.Set("b.test", {.v4 = {"255.255.255.255"}});
  EXPECT_FALSE(Find("b.test")->usable);
}

TEST_F(NamesTest, ARepeatedAddressIsOne) {
  server.Set("a.test", {.v4 = {"127.0.0.1", "127.0.0.1"}});
  EXPECT_EQ(Find("a.test")->addresses, Texts{"127.0.0.1"});
}

TEST_F(NamesTest, TheTtlIsTheRecords) {
  server.Set("a.test", {.v4 = {"127.0.0.1"}, .ttl = 77});
  EXPECT_EQ(Find("a.test")->ttl, 77s);
}

TEST_F(NamesTest, AnAliasIsFollowedAndTheSmallestTtlOfTheChainCounts) {
  server.Set("a.test", {.alias = "b.test", .ttl = 300});
  server.Set("b.test", {.alias = "c.test", .ttl = 5});
  server.Set("c.test", {.v4 = {"127.0.0.9"}, .ttl = 60});
  const auto found = Find("a.test");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->addresses, Texts{"127.0.0.9"});
  EXPECT_EQ(found->ttl, 5s);
}

TEST_F(NamesTest, AnAnswerCutShortIsAskedForAgainByTcp) {
  NameRecord record{.truncated = true};
  for (int i = 1; i <= 200; ++i) record.v4.push_back("127.0.1." + std::to_string(i));
  server.Set("a.test", record);
  const auto found = Find("a.test");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->addresses, record.v4);
  EXPECT_EQ(server.asked.Get(), (Texts{"a.test 1", "a.test 1 tcp"}));
}

TEST_F(NamesTest, ANameWithoutAddressesOfAFamilyIsNoError) {
  server.Set("a.test", {.v4 = {"127.0.0.1"}});
  const auto found = Find("a.test", Family::kIpv6);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->addresses, Texts{});
  EXPECT_EQ(found->ttl, 0s);
}

TEST_F(NamesTest, EachErrorHasItsWords) {
  server.Set("fail.test", {.rcode = 2});
  server.Set("refuse.test", {.rcode = 5});
  EXPECT_EQ(Find("none.test").status(), absl::NotFoundError("no such name (NXDOMAIN)"));
  EXPECT_EQ(Find("fail.test").status(), absl::UnavailableError("the server failed (SERVFAIL)"));
  EXPECT_EQ(Find("refuse.test").status(),
            absl::UnavailableError("the server refused to answer (REFUSED)"));
}

TEST_F(NamesTest, NobodyAtTheServersAddressIsAnError) {
  std::string nobody;
  {
    const NameServer gone;
    nobody = gone.address();
  }
  names_ = *event::SystemNames(*loop, nobody);
  EXPECT_EQ(Find("a.test").status(),
            absl::UnavailableError("no server can be reached, or none can answer"));
}

TEST_F(NamesTest, QuestionsDoNotWaitForEachOther) {
  server.Set("a.test", {.v4 = {"127.0.0.1"}, .silent_v6 = true});
  Question v6, v4, other;
  Begin(v6, "a.test", Family::kIpv6);
  Begin(v4, "a.test", Family::kIpv4);
  Begin(other, "none.test");
  loop->Until([&] { return v4.told && other.told; });
  EXPECT_FALSE(v6.told);
  EXPECT_EQ(v4.answer->addresses, Texts{"127.0.0.1"});
}

TEST_F(NamesTest, ItTellsWhomItAsks) {
  server.Set("a.test", {.silent_v4 = true});
  Question q;
  Begin(q, "a.test");
  EXPECT_EQ(q.lookup->asked(), server.address());
  const auto v6 = *event::SystemNames(*loop, "[::1]:5353");
  EXPECT_EQ(v6->Find("a.test", Family::kIpv4, [](const auto&) {})->asked(), "[::1]:5353");
}

TEST_F(NamesTest, ADroppedQuestionTellsNothing) {
  server.Set("a.test", {.v4 = {"127.0.0.1"}});
  server.Set("silent.test", {.silent_v4 = true});
  Question at_once, in_flight, answered;
  Begin(at_once, "a.test");
  at_once.lookup = nullptr;
  Begin(in_flight, "silent.test");
  ASSERT_TRUE(WasAsked("silent.test 1"));
  in_flight.lookup = nullptr;
  Begin(answered, "a.test");
  ASSERT_TRUE(WasAsked("a.test 1"));  // The answer waits in the socket, or will soon.
  answered.lookup = nullptr;
  EXPECT_TRUE(Find("a.test").ok());
  EXPECT_FALSE(at_once.told || in_flight.told || answered.told);
}

TEST_F(NamesTest, AQuestionMayBeDroppedInsideItsAnswer) {
  server.Set("a.test", {.v4 = {"127.0.0.1"}});
  std::unique_ptr<event::Lookup> lookup;
  bool told = false;
  lookup = names_->Find("a.test", Family::kIpv4, [&](const auto& answer) {
    told = answer.ok();
    lookup = nullptr;
  });
  loop->Until([&] { return told; });
}

TEST_F(NamesTest, QuestionsOutliveTheServiceAndMayOutliveTheLoopsWork) {
  server.Set("a.test", {.v4 = {"127.0.0.1"}});
  server.Set("silent.test", {.silent_v4 = true});
  Question good, silent;
  Begin(good, "a.test");
  Begin(silent, "silent.test");
  names_ = nullptr;
  loop->Until([&] { return good.told; });
  loop = nullptr;  // The question keeps the loop's memory; nobody turns it any more.
  EXPECT_TRUE(good.answer.ok());
  EXPECT_FALSE(silent.told);
}

TEST_F(NamesTest, TheHostsFileComesFirst) {
  std::ifstream hosts("/etc/hosts");
  const std::string all(std::istreambuf_iterator<char>(hosts), {});
  if (all.find("127.0.0.1") == all.npos || all.find("localhost") == all.npos) {
    GTEST_SKIP() << "this machine's hosts file says nothing of localhost";
  }
  const auto found = Find("localhost");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->addresses, Texts{"127.0.0.1"});
  EXPECT_TRUE(Find("localhost", Family::kIpv6).ok());
  EXPECT_EQ(server.asked.Get(), Texts{});
}

TEST_F(NamesTest, ABadServerOrLoopIsToldAtOnce) {
  EXPECT_FALSE(event::SystemNames(*loop, "nowhere").ok());
  const auto manual = std::make_shared<event::ManualLoop>();
  EXPECT_EQ(event::SystemNames(*manual, "").status(),
            absl::FailedPreconditionError("this loop has no sockets"));
}

}  // namespace
}  // namespace rondo::sockets
