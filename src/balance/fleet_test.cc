#include "balance/fleet.h"

#include "balance/policy_test.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Endpoint Labelled(std::string index) {
  Endpoint e;
  e.labels["index"] = std::move(index);
  return e;
}

TEST(Fleet, AnIndexIsTheConfigsElseTheResolversElseTheChannels) {
  Update update;
  EXPECT_EQ(PeerOf({}, update), std::nullopt);
  update.settings.Set(PeerIndex{3, 9});
  EXPECT_EQ(PeerOf({}, update), (PeerIndex{3, 9}));
  Endpoint knows;
  knows.attributes.Set(PeerIndex{2, 8});
  update.endpoints = {Endpoint(), knows};
  EXPECT_EQ(PeerOf({}, update), (PeerIndex{2, 8}));
  EXPECT_EQ(PeerOf({PeerIndex{1, 7}}, update), (PeerIndex{1, 7}));
}
TEST(Fleet, AnIndexThatIsNotBelowItsCountIsUnknown) {
  Update update;
  update.settings.Set(PeerIndex{9, 9});
  EXPECT_EQ(PeerOf({}, update), std::nullopt);
  update.settings.Set(PeerIndex{});
  EXPECT_EQ(PeerOf({}, update), std::nullopt);
}
TEST(Fleet, BackendsAreNumberedByALabelThatAllHave) {
  EXPECT_THAT(IndicesOf({}), IsEmpty());
  EXPECT_THAT(IndicesOf({Labelled("7"), Labelled("0"), Labelled("4294967295")}),
              ElementsAre(7, 0, 4294967295));
  EXPECT_THAT(IndicesOf({Labelled("7"), Endpoint()}), IsEmpty());
  for (const char* bad : {"", "x", "-1", "1x", " 1", "4294967296"}) {
    EXPECT_THAT(IndicesOf({Labelled("7"), Labelled(bad)}), IsEmpty()) << bad;
  }
}

class ClientInConfig : public PolicyTest {
 protected:
  static std::string Config(std::string_view client) {
    return Cat(R"([{"aperture":{"client":)", client, R"(,"childPolicy":[{"round_robin":{}}]}}])");
  }
};
TEST_F(ClientInConfig, IsBelowTheCount) {
  const std::string path = ": loadBalancingConfig[0].aperture.client";
  EXPECT_EQ(ErrorOf(Config(R"({"index":0,"count":1})")), "");
  EXPECT_EQ(ErrorOf(Config(R"({"index":5,"count":5})")),
            "1:33" + path + ".index: 5 is not within 0..4: it counts from 0 and stays below count");
  EXPECT_EQ(ErrorOf(Config(R"({"index":0,"count":0})")),
            "1:43" + path + ".count: 0 is not within 1..4294967295");
  EXPECT_EQ(ErrorOf(Config(R"({"index":-1,"count":2})")),
            "1:33" + path + ".index: -1 is not within 0..4294967295");
  EXPECT_EQ(ErrorOf(Config(R"({"count":2})")), "1:24" + path + ".index: is needed");
  EXPECT_EQ(ErrorOf(Config(R"({"index":0})")), "1:24" + path + ".count: is needed");
  EXPECT_EQ(ErrorOf(Config("3")), "1:24" + path + ": must be an object");
}

}  // namespace
}  // namespace rondo
