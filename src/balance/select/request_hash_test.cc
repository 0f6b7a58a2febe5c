#include "balance/select/request_hash.h"

#include "base/hash.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo {
namespace {

using ::testing::Optional;

class RequestHashTest : public ::testing::Test {
 protected:
  std::optional<uint64_t> Hash(const Metadata& metadata) {
    args.metadata = &metadata;
    return hash.Of(args);
  }
  RequestHash hash{"x-key"};
  PickArgs args;
};
TEST_F(RequestHashTest, AHeadersValueIsHashed) {
  EXPECT_THAT(Hash(metadata("other", "2", "x-key", "1")), Optional(13237225503670494420u));
}
TEST_F(RequestHashTest, ValuesAreJoinedByCommas) {
  EXPECT_THAT(Hash(metadata("x-key", "1", "a", "b", "x-key", "2", "x-key", "3")),
              Optional(Hash64("1,2,3")));
}
TEST_F(RequestHashTest, AnEmptyValueIsAValue) {
  EXPECT_THAT(Hash(metadata("x-key", "")), Optional(Hash64("")));
}
TEST_F(RequestHashTest, WithoutTheHeaderThereIsNoHash) {
  EXPECT_EQ(Hash(metadata("other", "1")), std::nullopt);
  EXPECT_EQ(hash.Of(PickArgs()), std::nullopt);
}
TEST_F(RequestHashTest, TheCallersAffinityKeyWins) {
  args.affinity = 0x6261;
  const uint64_t key = Hash64(std::string_view("ab\0\0\0\0\0\0", 8));
  EXPECT_THAT(Hash(metadata("x-key", "1")), Optional(key));
  hash.header.clear();
  EXPECT_THAT(Hash({}), Optional(key));
}

}  // namespace
}  // namespace rondo
