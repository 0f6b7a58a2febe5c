#pragma once
// What the snippets of the pages take for granted: names that a reader's program has. Nothing of it
// is defined, since snippets are compiled and not linked.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "echo.rondo.pb.h"
#include "rondo/rondo.h"

namespace docs {

using namespace std::chrono_literals;
using grpc::examples::echo::EchoMethods;
using grpc::examples::echo::EchoRequest;
using grpc::examples::echo::EchoResponse;
using grpc::examples::echo::EchoService;
using grpc::examples::echo::EchoStub;
using grpc::examples::echo::EchoSyncService;

extern const std::string target;
extern rondo::Channel channel;
extern rondo::Server server;
extern const EchoStub stub, echo;
extern const EchoRequest request;
extern rondo::ServerCall& call;  // Inside a handler.

}  // namespace docs
