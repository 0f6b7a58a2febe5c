#include "balance/select/zone_shares.h"

#include "gmock/gmock.h"

namespace rondo {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

auto About(double share) { return DoubleNear(share, 0.006); }
ZoneLoad Own(uint32_t endpoints, uint32_t ready, std::optional<double> used = {}) {
  return {.own = true, .endpoints = endpoints, .ready = ready, .utilization = used};
}
ZoneLoad Other(uint32_t endpoints, uint32_t ready, std::optional<double> used = {}) {
  return {.endpoints = endpoints, .ready = ready, .utilization = used};
}
ZoneLoad Zone(bool own, uint32_t endpoints, double clients) {
  return {.own = own, .endpoints = endpoints, .ready = endpoints, .clients = clients};
}
std::vector<double> By(const std::vector<ZoneLoad>& zones, const SpillRules& rules = {}) {
  return PreferredShares(zones, HomeByUtilization(zones, rules));
}

// ---- Prefer

TEST(PreferredShares, WithoutReportsAllStaysAtHome) {
  EXPECT_THAT(By({Own(10, 10), Other(10, 10), Other(5, 5)}), ElementsAre(1, 0, 0));
}
TEST(PreferredShares, WhatIsDownSpillsWithAnOverprovisioning) {  // Envoy's 1.4.
  EXPECT_THAT(By({Own(100, 72), Other(10, 10)}), ElementsAre(1, 0));
  EXPECT_THAT(By({Own(100, 71), Other(10, 10)}), ElementsAre(About(0.994), About(0.006)));
  EXPECT_THAT(By({Own(100, 50), Other(10, 10)}), ElementsAre(About(0.7), About(0.3)));
  EXPECT_THAT(By({Own(100, 50), Other(20, 20), Other(10, 10)}),
              ElementsAre(About(0.7), About(0.2), About(0.1)));
  EXPECT_THAT(By({Own(10, 0), Other(10, 1)}), ElementsAre(0, 1));
}
TEST(PreferredShares, NothingSpillsWhereNobodyIsReady) {
  EXPECT_THAT(By({Own(10, 1), Other(10, 0)}), ElementsAre(1, 0));
  EXPECT_THAT(By({Own(10, 0), Other(10, 0)}), ElementsAre(1, 0));
  EXPECT_THAT(By({Own(10, 5)}), ElementsAre(1));
}
TEST(PreferredShares, WhoIsBusierThanTheOthersSpillsByWhatEachHasFree) {
  EXPECT_THAT(By({Own(10, 10, 0.7), Other(10, 10, 0.3), Other(10, 10, 0.4)}),  // Envoy's example.
              ElementsAre(About(0.19), About(0.44), About(0.37)));
}
TEST(PreferredShares, WithinTheMarginOnlyTheProbeLeaves) {
  EXPECT_THAT(By({Own(10, 10, 0.44), Other(10, 10, 0.35)}), ElementsAre(About(0.97), About(0.03)));
  EXPECT_THAT(By({Own(10, 10, 0.44), Other(10, 10, 0.35)}, {.margin = 0.05, .probe = 0}),
              ElementsAre(About(0.46), About(0.54)));
  EXPECT_THAT(By({Own(10, 10, 0.2), Other(10, 10, 0.9)}, {.margin = 0, .probe = 0}),
              ElementsAre(1, 0));
}
TEST(PreferredShares, OthersThatDontReportAreTriedByTheProbe) {
  EXPECT_THAT(By({Own(10, 10, 0.99), Other(10, 10)}), ElementsAre(About(0.97), About(0.03)));
}
TEST(PreferredShares, ImpossibleUtilizationIsTakenForFull) {
  EXPECT_THAT(By({Own(1, 1, 7.0), Other(1, 1, 0.5)}), ElementsAre(About(0.02), About(0.98)));
  EXPECT_THAT(By({Own(1, 1, 1.0), Other(1, 1, 1.0)}, {.margin = 0, .probe = 0}), ElementsAre(1, 0));
}
TEST(PreferredShares, WithoutAHomeReadyEndpointsCount) {
  EXPECT_THAT(By({Other(10, 6), Other(10, 2)}), ElementsAre(About(0.75), About(0.25)));
}

// ---- Proportional (Envoy's zone aware routing)

TEST(ProportionalShares, AllStaysWhereServersAreNoFewerThanClients) {
  EXPECT_THAT(ProportionalShares({Zone(true, 5, 5), Zone(false, 5, 5)}), ElementsAre(1, 0));
  EXPECT_THAT(ProportionalShares({Zone(true, 8, 5), Zone(false, 2, 5)}), ElementsAre(1, 0));
}
TEST(ProportionalShares, OfMoreClientsThanServersAShareLeavesToWhereThereIsRoom) {
  EXPECT_THAT(ProportionalShares({Zone(true, 2, 5), Zone(false, 8, 5)}),
              ElementsAre(About(0.4), About(0.6)));
  // 40 % of the servers for 50 % of the clients; the third zone has no room.
  EXPECT_THAT(ProportionalShares({Zone(true, 40, 5), Zone(false, 40, 3), Zone(false, 20, 2)}),
              ElementsAre(About(0.8), About(0.2), 0));
}
TEST(ProportionalShares, EachEndpointHasTheSameLoad) {
  const double clients[] = {0.6, 0.3, 0.1}, servers[] = {0.2, 0.3, 0.5};
  double load[3] = {};
  for (int at = 0; at < 3; ++at) {
    std::vector<ZoneLoad> zones;
    for (int z = 0; z < 3; ++z) {
      zones.push_back(Zone(z == at, static_cast<uint32_t>(100 * servers[z]), clients[z]));
    }
    const std::vector<double> shares = ProportionalShares(zones);
    for (int z = 0; z < 3; ++z) load[z] += clients[at] * shares[z];
  }
  for (int z = 0; z < 3; ++z) EXPECT_NEAR(load[z], servers[z], 1e-9);
}
TEST(ProportionalShares, WithoutClientsAtHomeReadyEndpointsCount) {
  EXPECT_THAT(ProportionalShares({Zone(true, 2, 0), Zone(false, 8, 5)}),
              ElementsAre(About(0.2), About(0.8)));
  EXPECT_THAT(ProportionalShares({Zone(true, 2, 0), Zone(false, 8, 0)}),
              ElementsAre(About(0.2), About(0.8)));
}
TEST(EvenShares, AreOfAllEndpointsWhenNoneIsReady) {
  EXPECT_THAT(EvenShares({Own(3, 0), Other(1, 0)}), ElementsAre(About(0.75), About(0.25)));
}

}  // namespace
}  // namespace rondo
