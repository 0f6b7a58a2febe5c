// A test of a policy against what was installed, with no test framework.
#include <cstdio>
#include <string>

#include "rondo/testing.h"

int main() {
  const std::string broken = rondo::testing::Nonconformance(rondo::PolicyFrom(
      "mine", [](const rondo::ReadySet& set, const rondo::PickArgs& args) -> rondo::PickResult {
        return rondo::Picked{rondo::LeastLoaded(set, args)};
      }));
  std::fputs(broken.c_str(), stderr);
  return broken.empty() ? 0 : 1;
}
