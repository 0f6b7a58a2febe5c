#pragma once
// A service config for each policy: most need nothing, some have children or need a key.
#include <string>
#include <string_view>

// `name` as in a service config, NAME_experimental too.
inline std::string PolicyConfig(const std::string& name) {
  constexpr std::string_view kDraft = "_experimental";
  const std::string_view plain =
      name.ends_with(kDraft) ? std::string_view(name).substr(0, name.size() - kDraft.size()) : name;
  std::string config = "{}";
  if (plain == "ring_hash" || plain == "maglev") {
    config = R"({"requestHashHeader": "x-user"})";
  } else if (plain == "weighted_target") {  // Groups as the example's resolver names them.
    config = R"({"targets": {"first": {"weight": 3, "childPolicy": [{"round_robin": {}}]},
                             "second": {"weight": 1, "childPolicy": [{"round_robin": {}}]}}})";
  } else if (plain == "priority") {
    config = R"({"priorities": ["second", "first"],
                 "children": {"first": {"config": [{"round_robin": {}}]},
                              "second": {"config": [{"round_robin": {}}]}}})";
  } else if (plain == "outlier_detection") {
    config = R"({"failurePercentageEjection": {}, "childPolicy": [{"round_robin": {}}]})";
  } else if (plain == "pinned") {  // The example's calls have no pin: its child takes turns.
    config = R"({"childPolicy": [{"round_robin": {}}]})";
  } else if (plain == "aperture") {
    config = R"({"client": {"index": 1, "count": 3}, "childPolicy": [{"least_request": {}}]})";
  } else if (plain == "ringsteady") {  // Both, as below.
    config = R"({"subsetSize": 2, "client": {"index": 1, "count": 3},
                 "childPolicy": [{"round_robin": {}}]})";
  } else if (plain == "random_subsetting") {
    // Both: a subset of one would have nobody left when that one dies.
    config = R"({"subsetSize": 2, "childPolicy": [{"round_robin": {}}]})";
  }
  return R"({"loadBalancingConfig": [{")" + name + R"(": )" + config + "}]}";
}
