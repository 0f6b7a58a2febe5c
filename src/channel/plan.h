#pragma once
// What a call needs to know of its channel to go its way: one immutable value, published as a
// whole, so that a picker and its config always belong together. Threads: any; it is never changed.
#include <memory>

#include "channel/service_config.h"
#include "rondo/balance.h"

namespace rondo::channel {

struct Plan {
  PickerRef picker;                             // Null: none yet, wait for one.
  std::shared_ptr<const ServiceConfig> config;  // Never null once published.
};
using PlanRef = std::shared_ptr<const Plan>;

}  // namespace rondo::channel
