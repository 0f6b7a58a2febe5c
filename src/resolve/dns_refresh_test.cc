// When dns asks again: on the TTL, on wishes, after failures.
#include "resolve/dns_fixture.h"

namespace rondo::resolve {
namespace {

using event::NamedAddresses;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

using testing::AllOf;
using testing::Ge;
using testing::Le;

class DnsRefresh : public DnsTest {
 protected:
  // Asks, finds one address with `ttl`, and waits for the next question.
  Duration RestAfter(Duration ttl, uint64_t seed = 1) {
    EXPECT_TRUE(Make(Factory(), "shop.example", seed).ok());
    resolver->Start();
    Find({"10.0.0.1"}, ttl);
    return UntilAsked();
  }
};

// ---- TTL.

TEST_F(DnsRefresh, AsksAgainWhenTheTtlIsOverOrUpToAFifthLater) {
  EXPECT_THAT(RestAfter(100s), AllOf(Ge(100s), Le(120s)));
}

TEST_F(DnsRefresh, TheSmallestTtlCounts) {
  Ask("shop.example");
  Tell4(NamedAddresses{{"10.0.0.1"}, 200s});
  Tell6(NamedAddresses{{"::1"}, 50s});
  EXPECT_THAT(UntilAsked(), AllOf(Ge(50s), Le(60s)));
}

TEST_F(DnsRefresh, DoesNotAskMoreOftenThanEachThirtySeconds) {
  EXPECT_THAT(RestAfter(0s), AllOf(Ge(30s), Le(36s)));
  EXPECT_THAT(RestAfter(1s), AllOf(Ge(30s), Le(36s)));
}

TEST_F(DnsRefresh, DoesNotAskMoreSeldomThanEachFiveMinutes) {
  EXPECT_THAT(RestAfter(24h), AllOf(Ge(250s), Le(5min)));
  EXPECT_THAT(RestAfter(Duration::max()), AllOf(Ge(250s), Le(5min)));
}

TEST_F(DnsRefresh, ClientsOfOneCacheDoNotAskInStep) {
  for (const Duration ttl : {Duration(0s), Duration(100s), Duration(24h)}) {
    std::vector<Duration> rests;
    for (uint64_t seed = 0; seed < 20; ++seed) rests.push_back(RestAfter(ttl, seed));
    const auto [first, last] = std::ranges::minmax(rests);
    EXPECT_GT(last - first, (first + last) / 20) << "of ttl " << ttl.count();
  }
}

TEST_F(DnsRefresh, TheLimitsCanBeSet) {
  options.min_interval = 2s;
  options.max_interval = 10s;
  EXPECT_THAT(RestAfter(0s), AllOf(Ge(2s), Le(2400ms)));
  EXPECT_THAT(RestAfter(1h), AllOf(Ge(8s), Le(10s)));
  options.max_interval = 1s;  // Below the other: that one counts.
  EXPECT_EQ(RestAfter(1h), 2s);
}

TEST_F(DnsRefresh, CanBeTurnedOff) {
  options.refresh_on_ttl = false;
  EXPECT_EQ(RestAfter(30s), Duration::max());
  resolver->Refresh();
  EXPECT_EQ(UntilAsked(), 30s);
}

TEST_F(DnsRefresh, PublishesTheNewList) {
  Ask("shop.example");
  Find({"10.0.0.1"});
  UntilAsked();
  Find({"10.0.0.1", "10.0.0.2"});
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:443", "10.0.0.2:443"));
}

// ---- Wishes.

TEST_F(DnsRefresh, AWishWithinThirtySecondsOfAnAnswerWaitsForTheirEnd) {
  Ask("shop.example");
  Find({"10.0.0.1"}, 1h);
  loop->Advance(10s);
  resolver->Refresh();
  EXPECT_FALSE(asks());
  EXPECT_EQ(UntilAsked(), 20s);
}

TEST_F(DnsRefresh, AWishAfterThatIsAskedInTheNextTurn) {
  Ask("shop.example");
  Find({"10.0.0.1"}, 1h);
  loop->Advance(31s);
  resolver->Refresh();
  EXPECT_FALSE(asks()) << "asked inside Refresh";
  loop->RunUntilIdle();
  EXPECT_TRUE(asks());
}

TEST_F(DnsRefresh, ManyWishesAreOneQuestion) {
  Ask("shop.example");
  Find({"10.0.0.1"}, 1h);
  for (int i = 0; i < 100; ++i) {
    resolver->Refresh();
    loop->Advance(1ms);
  }
  UntilAsked();
  EXPECT_EQ(names.asked, 4);
  Find({"10.0.0.1"}, 1h);
  EXPECT_THAT(UntilAsked(), Ge(250s));
}

TEST_F(DnsRefresh, AWishDuringAQuestionIsAskedThirtySecondsAfterItsAnswer) {
  Ask("shop.example");
  resolver->Refresh();
  resolver->Refresh();
  EXPECT_EQ(names.asked, 2);
  Find({"10.0.0.1"}, 1h);
  EXPECT_EQ(UntilAsked(), 30s);
}

TEST_F(DnsRefresh, AWishInsideTheNewsIsNotLost) {
  on_news = [this] { resolver->Refresh(); };
  Ask("shop.example");
  Find({"10.0.0.1"}, 1h);
  EXPECT_EQ(UntilAsked(), 30s);
}

// ---- Failures.

TEST_F(DnsRefresh, AfterAnErrorItBacksOff) {
  Ask("shop.example");
  double expected = 1.6;
  for (int i = 0; i < 20; ++i) {
    Fail();
    const double rest = std::chrono::duration<double>(UntilAsked()).count();
    EXPECT_GE(rest, expected * 0.8 - 1e-6);
    EXPECT_LE(rest, expected * 1.2 + 1e-6);
    expected = std::min(expected * 1.6, 120.0);
  }
}

TEST_F(DnsRefresh, AWishDoesNotShortenTheBackoff) {
  Ask("shop.example");
  Fail();
  resolver->Refresh();
  EXPECT_THAT(UntilAsked(), Ge(1280ms));
}

TEST_F(DnsRefresh, ASuccessEndsTheBackoff) {
  Ask("shop.example");
  for (int i = 0; i < 5; ++i) {
    Fail();
    UntilAsked();
  }
  Find({"10.0.0.1"}, 1h);
  EXPECT_THAT(UntilAsked(), Ge(250s));
  Fail();
  EXPECT_THAT(UntilAsked(), Le(1920ms));
}

TEST_F(DnsRefresh, WhatTheChannelCantUseIsAskedForAgainWithBackoff) {
  answer = absl::InvalidArgumentError("bad service config");
  Ask("shop.example");
  Find({"10.0.0.1"}, 1h);
  EXPECT_THAT(UntilAsked(), AllOf(Ge(1280ms), Le(1920ms)));
  Find({"10.0.0.1"}, 1h);
  EXPECT_THAT(UntilAsked(), AllOf(Ge(2048ms), Le(3072ms)));
  answer = absl::OkStatus();
  Find({"10.0.0.1"}, 1h);
  EXPECT_THAT(UntilAsked(), Ge(250s));
}

TEST_F(DnsRefresh, AnErrorOfOneRoundFollowsGoodOnes) {
  Ask("shop.example");
  Find({"10.0.0.1"});
  UntilAsked();
  Fail();
  EXPECT_THAT(Addresses(), ElementsAre("UNAVAILABLE: dns: shop.example: the server failed "
                                       "(SERVFAIL); asked 10.0.0.53:53"));
  EXPECT_THAT(UntilAsked(), Le(1920ms));
  Find({"10.0.0.1"});
  EXPECT_THAT(Addresses(), ElementsAre("10.0.0.1:443"));
}

TEST_F(DnsRefresh, TheTimeoutCanBeSet) {
  options.timeout = 3s;
  Ask("shop.example");
  loop->Advance(3s);
  EXPECT_THAT(Addresses(), ElementsAre("UNAVAILABLE: dns: shop.example: no answer within 3s; asked "
                                       "10.0.0.53:53"));
}

TEST_F(DnsRefresh, ATimeoutBelowASecondIsToldInMilliseconds) {
  options.timeout = 250ms;
  Ask("shop.example");
  loop->Advance(250ms);
  EXPECT_THAT(Addresses(), ElementsAre("UNAVAILABLE: dns: shop.example: no answer within 250ms; "
                                       "asked 10.0.0.53:53"));
}

}  // namespace
}  // namespace rondo::resolve
