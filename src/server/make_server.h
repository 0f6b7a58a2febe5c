#pragma once
// A server whose loops and network are given: what tests and simulations use.
// Threads: any.
#include "rondo/server.h"
#include "server/core.h"

namespace rondo::server {

Server MakeServer(ServerOptions options, Environment env);

}  // namespace rondo::server
