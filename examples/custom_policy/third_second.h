#pragma once
// A policy of the user's own: every so many calls go to the second backend, the others to the
// first.
#include <atomic>
#include <memory>

#include "rondo/policy.h"

struct ThirdSecond {
  static constexpr std::string_view kName = "third_second";
  struct Config {
    uint32_t every = 3;
    void Read(rondo::ConfigReader& r) { r.Number("chooseSecond", every, 1u); }
  };
  struct Picker {
    rondo::ReadySet ready;
    uint32_t every;
    std::shared_ptr<std::atomic<uint32_t>> calls = std::make_shared<std::atomic<uint32_t>>(0);
    rondo::PickResult Pick(const rondo::PickArgs&) const {
      const bool second = ++*calls % every == 0 && ready.size() > 1;
      return rondo::Picked{ready[second ? 1 : 0].subchannel.get(),
                           second ? "it is the second's turn" : "it is the first's turn"};
    }
  };
  Picker Build(const Config& config, const rondo::ReadySet& ready) { return {ready, config.every}; }
};
