#include "server.h"

#include <map>

#include "gtest/gtest.h"
#include "random.h"

namespace rondo::lab {
namespace {

const ServerModel kSharing{.queue = ServerModel::Queue::kSharing, .cores = 1};

TEST(Server, ACallWithAUsedIdGetsItsWholeService) {
  Server server(kSharing);
  server.Arrive(0, 1, 0);
  const uint64_t first = server.Arrive(1, 10, 0);
  server.Cancel(first, 0);
  EXPECT_NE(server.Arrive(1, 2, 0), first);
  EXPECT_NEAR(server.NextEnd(), 2, 1e-9);
  EXPECT_EQ(server.Finish(server.NextEnd()), 0u);
  EXPECT_NEAR(server.NextEnd(), 3, 1e-9);
  EXPECT_EQ(server.Finish(server.NextEnd()), 1u);
  EXPECT_EQ(server.NextEnd(), Server::kNever);
  EXPECT_NEAR(server.used(), 3, 1e-9);
}
TEST(Server, WhatArrivedEndedOrIsInFlight) {
  for (const auto queue : {ServerModel::Queue::kSharing, ServerModel::Queue::kFifo}) {
    Server server({.queue = queue, .cores = 2});
    Chance chance(1);
    std::map<uint32_t, uint64_t> in_flight;  // Ids, of few; their tickets.
    uint64_t arrived = 0, given_up = 0;
    double now = 0;
    const auto finish = [&] {
      now = server.NextEnd();
      EXPECT_EQ(in_flight.erase(server.Finish(now)), 1u) << "ended, but isn't in flight";
    };
    for (int i = 0; i < 10000; ++i) {
      const double next = now + Exponential(chance, 0.1);
      while (server.NextEnd() <= next) finish();
      now = next;
      const uint32_t id = chance.Below(20);
      if (const auto it = in_flight.find(id); it != in_flight.end()) {
        server.Cancel(it->second, now);
        in_flight.erase(it);
        ++given_up;
      } else {
        in_flight[id] = server.Arrive(id, Exponential(chance, 1), now);
        ++arrived;
      }
      ASSERT_EQ(server.in_flight(), in_flight.size());
      ASSERT_EQ(server.finished() + given_up + server.in_flight(), arrived);
    }
    EXPECT_GT(given_up, 100u);
    EXPECT_GT(server.finished(), 100u);
    while (server.NextEnd() < Server::kNever) finish();
    EXPECT_EQ(server.in_flight(), 0u);
  }
}
TEST(Server, WhatWasUsedIsUpToDateAfterAdvance) {
  Server server(kSharing);
  server.Arrive(0, 10, 0);
  EXPECT_EQ(server.used(), 0);
  server.Advance(4);
  EXPECT_NEAR(server.used(), 4, 1e-9);
  EXPECT_NEAR(server.NextEnd(), 10, 1e-9);
}

}  // namespace
}  // namespace rondo::lab
