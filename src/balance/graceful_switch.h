#pragma once
// The root of a channel's tree, and of each child that a config names: when the policy changes, the
// old one serves until the new one can. Not in the registry: its config is made, not parsed.
// Threads: home.
#include <utility>

#include "rondo/balance.h"
#include "rondo/config.h"

namespace rondo {

// Update::config of a graceful switch.
struct SwitchConfig final : PolicyConfig {
  explicit SwitchConfig(ChildConfig c) : child(std::move(c)) {}
  const ChildConfig child;
};

PolicyFactory GracefulSwitchPolicy();

}  // namespace rondo
