#pragma once
// A channel whose loop, network and chance are given: what tests and simulations use.
#include <string_view>

#include "channel/core.h"
#include "rondo/channel.h"

namespace rondo::channel {

absl::StatusOr<Channel> MakeChannel(std::string_view target, ChannelOptions options,
                                    Environment env);

}  // namespace rondo::channel
