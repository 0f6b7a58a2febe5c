#pragma once
// A backend as pickers and calls of this channel know it: the public memory, and the way to what
// lives behind it.
// Threads: the base as in rondo/backend.h; `live` belongs to the home loop.
#include "rondo/balance.h"

namespace rondo::channel {

class LiveSubchannel;

struct Backend final : Subchannel {
  using Subchannel::Subchannel;
  // Null when no policy holds the address any more. Picks see backends const; what is behind this
  // pointer isn't theirs.
  mutable LiveSubchannel* live = nullptr;
};

}  // namespace rondo::channel
