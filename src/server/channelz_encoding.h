#pragma once
// The messages of grpc.channelz.v1 as bytes.
// Threads: any; nothing here has state.
#include <string>

#include "base/channelz.h"

namespace rondo::channelz {

std::string Encode(const Channel& channel);
std::string Encode(const Subchannel& subchannel);
std::string Encode(const Server& server);
std::string Encode(const Socket& socket);
std::string SocketRef(int64_t id);

}  // namespace rondo::channelz
