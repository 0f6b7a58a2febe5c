#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "event/manual_loop.h"
#include "rondo/resolve.h"

namespace rondo {
namespace {

using testing::HasSubstr;

class FindResolverTest : public testing::Test {
 protected:
  absl::StatusOr<FoundResolver> Find(std::string_view target,
                                     std::vector<ResolverFactory> resolvers = {}) {
    return FindResolver(
        target, *loop,
        [this](Resolution news) {
          heard.push_back(std::move(news));
          return absl::OkStatus();
        },
        {}, std::move(resolvers));
  }

  const std::shared_ptr<event::ManualLoop> loop = event::ManualLoop::Make();
  std::vector<Resolution> heard;
};

TEST_F(FindResolverTest, AProgramHearsWhatAChannelWould) {
  auto found = Find("static:///10.0.0.1:1,10.0.0.2:2");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->target.scheme, "static");
  found->resolver->Start();
  EXPECT_TRUE(heard.empty()) << "told inside Start";
  loop->RunUntilIdle();
  ASSERT_EQ(heard.size(), 1u);
  ASSERT_TRUE(heard[0].endpoints.ok());
  ASSERT_EQ(heard[0].endpoints->size(), 2u);
  EXPECT_EQ(heard[0].endpoints->at(1).addresses[0], "10.0.0.2:2");
}

TEST_F(FindResolverTest, AResolverOfTheProgramsOwnIsFoundByItsScheme) {
  const ManualResolver manual("shop");
  auto found = Find("shop:///cart", {manual.Factory()});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->authority, "cart");
  found->resolver->Start();
  manual.PublishAddresses({"10.0.0.1:1"});
  loop->RunUntilIdle();
  EXPECT_EQ(heard.size(), 1u);
}

TEST_F(FindResolverTest, ADroppedResolverSaysNothing) {
  auto found = Find("static:///10.0.0.1:1");
  ASSERT_TRUE(found.ok());
  found->resolver->Start();
  found->resolver.reset();
  loop->RunUntilIdle();
  EXPECT_TRUE(heard.empty());
}

TEST_F(FindResolverTest, ATargetThatNobodyCanUseIsToldAtOnce) {
  EXPECT_EQ(
      Find("ipv4:///nonsense").status(),
      absl::UnavailableError("ipv4:///nonsense: \"nonsense\" is not an IPv4 address and port"));
  EXPECT_EQ(Find("\x01").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace rondo
