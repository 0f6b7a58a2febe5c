#pragma once
// A network whose connections are TLS over another network's.
// Threads: as Network; it and the other one outlive what is made from it.
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "event/socket.h"
#include "rondo/credentials.h"

namespace rondo::event {

// For a channel. `name`: whom certificates must be good for, unless options.server_name says.
absl::StatusOr<std::unique_ptr<Network>> TlsClientNetwork(Network& inner, const TlsOptions& options,
                                                          std::string_view name);
// For a server.
absl::StatusOr<std::unique_ptr<Network>> TlsServerNetwork(Network& inner,
                                                          const TlsOptions& options);

}  // namespace rondo::event
