#pragma once
// The public harness (rondo/testing.h) as a gtest fixture. Control's draws are 0 unless a test says
// otherwise. Threads: the test's.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "balance/builtin.h"
#include "balance/lb_config.h"
#include "base/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rondo/testing.h"

namespace rondo {

class PolicyTest : public ::testing::Test, public testing::PolicyHarness {
 protected:
  using Tag = testing::Tag;
  PolicyTest() {
    DrawWith([](uint64_t) { return 0; });
  }
  ~PolicyTest() override { DropPolicy(); }
  void Start(std::string_view policies, const Addresses& addresses) {
    ASSERT_EQ(PolicyHarness::Start(policies, addresses), absl::OkStatus());
  }
  // A live switch: the new policy over the same or other addresses.
  void SwitchTo(std::string_view policies, const Addresses& addresses) {
    Start(policies, addresses);
  }
};

}  // namespace rondo
