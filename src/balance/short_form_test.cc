// The short forms: a function, a struct, and what they lean on.
#include <limits>

#include "balance/policy_test.h"
#include "rondo/policy.h"

namespace rondo {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// ---- A user's policy: leaves its zone when that is busy

struct NearZone {
  static constexpr std::string_view kName = "near_zone";
  struct Config {
    std::string zone;
    double spill = 1.5;
    void Read(ConfigReader& r) {
      r.Need("zone");
      r.Text("zone", zone);
      r.Number("spill", spill, 1.0);
    }
  };
  struct Picker {
    ReadySet near, far;
    double spill;
    PickResult Pick(const PickArgs& args) const {
      const Subchannel *n = LeastLoaded(near, args), *f = LeastLoaded(far, args);
      if (!n) return Picked{f, "zone has no ready backend"};
      if (!f || n->load.in_flight() + 1 <= spill * (f->load.in_flight() + 1)) return Picked{n};
      return Picked{f, "zone is busy"};
    }
  };
  Picker Build(const Config& c, const ReadySet& all) {
    const auto local = [&](const Ready& r) { return r.endpoint.zone == c.zone; };
    return {all.Where(local), all.Where([&](const Ready& r) { return !local(r); }), c.spill};
  }
};

class ShortFormTest : public PolicyTest {
 protected:
  void BeginNearZone() {
    Add(Adapt<NearZone>());
    ASSERT_EQ(Configure(R"([{"near_zone":{"zone":"z1"}}])"), absl::OkStatus());
    Endpoint near = Named("near");
    near.zone = "z1";
    ASSERT_TRUE(ResolveEndpoints({near, Named("far")}).ok());
  }
};

TEST_F(ShortFormTest, AUsersPolicySpillsOutOfItsZoneAndSaysWhy) {
  BeginNearZone();
  AllReady({"near", "far"});
  EXPECT_THAT(Shares(5), UnorderedElementsAre(Pair("near", 5)));
  const Call one = Begin();
  const Call two = Begin();
  EXPECT_EQ(two.where, "far");
  EXPECT_EQ(two.result.reason(), "zone is busy");
}
TEST_F(ShortFormTest, BuildsAnewWhenTheReadySetChanges) {
  BeginNearZone();
  EXPECT_EQ(Go(), "queue");
  Ready("far");
  EXPECT_EQ(Begin().result.reason(), "zone has no ready backend");
  Ready("near");
  EXPECT_EQ(Go(), "near");
}
TEST_F(ShortFormTest, BuildsAnewWhenOnlyTheEndpointChanges) {
  BeginNearZone();
  AllReady({"near", "far"});
  Endpoint moved = Named("far");
  moved.zone = "z1";
  ASSERT_TRUE(ResolveEndpoints({Named("near"), moved}).ok());
  EXPECT_EQ(Go(), "far");
}
TEST_F(ShortFormTest, ItsConfigErrorsNameTheField) {
  Add(Adapt<NearZone>());
  EXPECT_EQ(Configure(R"([{"near_zone":{}}])"),
            absl::InvalidArgumentError("1:15: loadBalancingConfig[0].near_zone.zone: is needed"));
  EXPECT_EQ(Configure(R"([{"near_zone":{"zone":"z","spill":0.5}}])"),
            absl::InvalidArgumentError(
                "1:35: loadBalancingConfig[0].near_zone.spill: 0.5 is less than 1"));
}
TEST_F(ShortFormTest, ItsFailureNamesItself) {
  BeginNearZone();
  Fails("near");
  Fails("far", "no route");
  EXPECT_THAT(Go(), ::testing::StartsWith("near_zone: none of 2 endpoints can be reached; last: "));
}

// ---- Level 0

TEST_F(ShortFormTest, AFunctionIsAPolicy) {
  Add(PolicyFrom("last", [](const ReadySet& ready, const PickArgs&) -> PickResult {
    return Picked{ready[ready.size() - 1].subchannel.get()};
  }));
  Start(R"([{"last":{}}])", {"a", "b"});
  Ready("a");
  EXPECT_EQ(Go(), "a");
  Ready("b");
  EXPECT_EQ(Go(), "b");
}
TEST_F(ShortFormTest, APickOfNothingQueues) {
  Add(PolicyFrom("none",
                 [](const ReadySet&, const PickArgs&) -> PickResult { return Picked{nullptr}; }));
  Start(R"([{"none":{}}])", {"a"});
  Ready("a");
  EXPECT_EQ(Go(), "queue");
}

// ---- What a struct may have besides

struct Counted {
  static constexpr std::string_view kName = "counted";
  struct Picker {
    std::shared_ptr<std::map<std::string, int>> ended;
    ReadySet ready;
    PickResult Pick(const PickArgs&) const { return Picked{ready[0].subchannel.get()}; }
    void OnDone(const Subchannel& s, const CallEnd& end) const {
      ++(*ended)[Cat(s.address, end.status.ok() ? " ok" : " failed")];
    }
  };
  Picker Build(const ReadySet& ready, const View&) { return {ended, ready}; }
  static inline auto ended = std::make_shared<std::map<std::string, int>>();
};
TEST_F(ShortFormTest, APickerHearsOfTheEndOfItsCallsOnce) {
  Add(Adapt<Counted>());
  EXPECT_EQ(registry().Find("counted")->watches, 1);
  Start(R"([{"counted":{}}])", {"a"});
  Ready("a");
  Go();
  const Call running = Begin();
  DropPolicy();  // The pin keeps the picker.
  End(running, absl::InternalError("x"));
  EXPECT_THAT(*Counted::ended, ElementsAre(Pair("a failed", 1), Pair("a ok", 1)));
}

struct Clock {
  static constexpr std::string_view kName = "clock";
  struct Config {
    Duration period{};
    void Read(ConfigReader& r) { r.Seconds("period", period); }
  };
  struct Picker {
    Time built;
    PickResult Pick(const PickArgs&) const {
      return Fail{absl::UnavailableError(Cat("built at ", built.time_since_epoch() / 1s))};
    }
  };
  Duration Refresh(const Config& c) { return c.period; }
  Picker Build(const Config&, const ReadySet&, const View& view) { return {view.now}; }
};
TEST_F(ShortFormTest, IsBuiltAnewAsOftenAsItWants) {
  Add(Adapt<Clock>());
  Start(R"([{"clock":{"period":"2s"}}])", {"a"});
  Ready("a");
  EXPECT_EQ(Go(), "built at 3600");
  Advance(3s);
  EXPECT_EQ(Go(), "built at 3602");
  SwitchTo(R"([{"clock":{}}])", {"a"});
  const int cooked = pickers_made();
  Advance(1min);
  EXPECT_EQ(pickers_made(), cooked) << "0 is never";
}

// ---- LeastLoaded

class LeastLoadedTest : public PolicyTest {
 protected:
  // One backend for each number of calls in flight.
  void Loads(const std::vector<int>& in_flight) {
    std::vector<ReadySet::Entry> entries;
    for (size_t i = 0; i < in_flight.size(); ++i) {
      auto s = std::make_shared<Subchannel>(std::to_string(i));
      for (int k = 0; k < in_flight[i]; ++k) s->load.Begin();
      entries.push_back(std::make_shared<const rondo::Ready>(rondo::Ready{s, {}, {}}));
    }
    set_ = ReadySet(std::move(entries));
  }
  std::map<std::string, int> Draws(int n, uint32_t choices = 2) {
    std::map<std::string, int> out;
    for (int i = 0; i < n; ++i) ++out[LeastLoaded(set_, args(), choices)->address];
    return out;
  }
  ReadySet set_;
};
TEST_F(LeastLoadedTest, OfFewTakesTheLeast) {
  Loads({3, 1, 2});
  EXPECT_THAT(Draws(20), ElementsAre(Pair("1", 20)));
}
TEST_F(LeastLoadedTest, DrawsForEquals) {
  Loads({0, 5, 0, 0});
  const auto draws = Draws(3000);
  EXPECT_EQ(draws.size(), 3u);
  for (const auto& [_, n] : draws) EXPECT_NEAR(n, 1000, 120);
}
TEST_F(LeastLoadedTest, OfManyTakesTheBetterOfTwoDifferentOnes) {
  Loads({9, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  const auto draws = Draws(9000);
  EXPECT_EQ(draws.count("0"), 0u) << "it could only win against itself";
  for (const auto& [_, n] : draws) EXPECT_NEAR(n, 1000, 150);
}
TEST_F(LeastLoadedTest, MoreChoicesFindTheLeastMoreOften) {
  Loads({0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  EXPECT_NEAR(Draws(6000, 2)["0"], 1000, 120);
  EXPECT_NEAR(Draws(6000, 5)["0"], 2500, 150);
}
TEST_F(LeastLoadedTest, TakesATriedBackendOnlyIfThereIsNoOther) {
  Loads({0, 7});
  const Subchannel* tried[] = {set_[0].subchannel.get(), set_[1].subchannel.get()};
  args().tried = std::span(tried).first(1);
  EXPECT_THAT(Draws(20), ElementsAre(Pair("1", 20)));
  args().tried = tried;
  EXPECT_THAT(Draws(20), ElementsAre(Pair("0", 20)));
}
TEST_F(LeastLoadedTest, OfNoneIsNull) { EXPECT_EQ(LeastLoaded(ReadySet(), args()), nullptr); }

}  // namespace
}  // namespace rondo
