#include <thread>

#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

class Manual : public ResolverTest {
 protected:
  const ManualResolver manual{"push"};
  const ResolverFactory factory = manual.Factory();
};

TEST_F(Manual, SaysNothingByItself) { EXPECT_THAT(Resolve(factory, "push:///a"), IsEmpty()); }

TEST_F(Manual, TellsWhatIsPublishedInALaterTurn) {
  Start(factory, "push:///a");
  manual.PublishAddresses({"a:1", "b:2"});
  EXPECT_THAT(heard, IsEmpty());
  loop->RunUntilIdle();
  EXPECT_THAT(Addresses(), ElementsAre("a:1", "b:2"));
  EXPECT_EQ(heard[0].note, "pushed");
}

TEST_F(Manual, TellsErrorsAndServiceConfigsToo) {
  Start(factory, "push:///a");
  manual.Publish({.endpoints = absl::NotFoundError("nobody there"), .service_config_json = "{}"});
  loop->RunUntilIdle();
  EXPECT_THAT(Addresses(), ElementsAre("NOT_FOUND: nobody there"));
  EXPECT_EQ(heard[0].service_config_json, "{}");
}

TEST_F(Manual, WhatWasPublishedBeforeTheStartIsHeardFirst) {
  manual.PublishAddresses({"old:1"});
  manual.PublishAddresses({"a:1"});
  EXPECT_THAT(Resolve(factory, "push:///a"), ElementsAre("a:1"));
  EXPECT_EQ(heard.size(), 1u);
}

TEST_F(Manual, WhoStartsAgainHearsTheLastNews) {
  Start(factory, "push:///a");
  manual.PublishAddresses({"a:1"});
  loop->RunUntilIdle();
  resolver = nullptr;
  heard.clear();
  EXPECT_THAT(Resolve(factory, "push:///a"), ElementsAre("a:1"));
  EXPECT_EQ(manual.starts(), 2);
}

TEST_F(Manual, EveryChannelHearsEverythingInOrder) {
  Start(factory, "push:///a");
  const std::unique_ptr<Resolver> first = std::move(resolver);
  Start(factory, "push:///b");
  manual.PublishAddresses({"a:1"});
  manual.PublishAddresses({"b:2"});
  loop->RunUntilIdle();
  ASSERT_EQ(heard.size(), 4u);
  EXPECT_EQ(heard[0].endpoints->at(0).addresses[0], "a:1");
  EXPECT_EQ(heard[1].endpoints->at(0).addresses[0], "a:1");
  EXPECT_EQ(heard[2].endpoints->at(0).addresses[0], "b:2");
}

TEST_F(Manual, CountsWishesForNews) {
  Start(factory, "push:///a");
  resolver->Refresh();
  resolver->Refresh();
  EXPECT_EQ(manual.refreshes(), 2);
}

TEST_F(Manual, TellsNothingOnceDropped) {
  Start(factory, "push:///a");
  manual.PublishAddresses({"a:1"});
  resolver = nullptr;
  manual.PublishAddresses({"b:2"});
  loop->RunUntilIdle();
  EXPECT_THAT(heard, IsEmpty());
}

TEST_F(Manual, MayBeDroppedInsideItsNews) {
  manual.PublishAddresses({"a:1"});
  on_news = [this] { resolver = nullptr; };
  EXPECT_THAT(Resolve(factory, "push:///a"), ElementsAre("a:1"));
}

TEST_F(Manual, TakesNewsFromAnyThread) {
  Start(factory, "push:///a");
  std::thread([this] { manual.PublishAddresses({"a:1"}); }).join();
  loop->RunUntilIdle();
  EXPECT_THAT(Addresses(), ElementsAre("a:1"));
}

}  // namespace
}  // namespace rondo::resolve
