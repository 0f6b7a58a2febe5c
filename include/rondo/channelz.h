#pragma once
// gRPC's channelz service (grpc.channelz.v1.Channelz, gRFC A14): what channels, servers and
// connections there are in this process, what state they are in, and how many calls they have had.
//   rondo::ChannelzService channelz;
//   server.Add(channelz);
#include <string_view>
#include <vector>

#include "rondo/server.h"

namespace rondo {

// Tells of every channel and every started server of the process, whichever this one is added to:
// GetTopChannels, GetServers, GetServerSockets (in pages of max_results, 1 to 100; 0: 100),
// GetServer, GetChannel, GetSubchannel and GetSocket. Each is asked when a caller asks, on its own
// loop; who is not asked pays nothing. What has gone meanwhile is left out, or NOT_FOUND. It tells
// every caller the addresses of everything: serve it on a port of its own where that is not for
// everybody. It may serve several servers. Threads: any, all methods.
class ChannelzService final : public Service {
 public:
  std::vector<ServerMethod> Methods() override;
  std::string_view ProtoFile() const override;
};

}  // namespace rondo
