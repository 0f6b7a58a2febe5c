#pragma once
// What a channel is doing, and why, at one moment: for logs, debug pages and people.
// Threads: a value.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "rondo/balance.h"
#include "rondo/time.h"

namespace rondo {

// Made by Channel::Explain. Names are gRPC's: states are "IDLE", "CONNECTING", "READY",
// "TRANSIENT_FAILURE", and "SHUTDOWN" of a channel that was closed.
struct Explanation {
  // A policy of the tree, with its children below it.
  struct Node {
    std::string label;   // What it is to its parent: an endpoint's address, a target's name.
    std::string policy;  // Its name, as in the service config.
    Connectivity state = Connectivity::kIdle;  // That it last published.
    std::vector<Node> children{};
  };
  // One address that a policy holds.
  struct Backend {
    std::string address;
    Connectivity state = Connectivity::kIdle;
    absl::Status last_error{};            // Why the last attempt or connection ended; OK: none did.
    std::optional<Duration> error_age{};  // Since then.
    int tries = 0;                        // Failed attempts since the last success.
    std::optional<Duration> next_try{};   // After a failed attempt: until the next may begin.
    int32_t in_flight = 0;                // Calls.
    uint64_t succeeded = 0, failed = 0;   // Attempts that have ended, since it is known.
    Duration latency{};                   // Moving average; 0 before the first.
    std::optional<uint32_t> free_streams{};  // That its connections would take; nullopt: no limit.
    uint32_t waiting = 0;                    // Calls that wait for one of them.
    uint32_t connections = 0;                // That take calls (A105: there may be several).
  };
  struct Resolver {
    std::string scheme;
    bool answered = false;                // Since the channel left IDLE, well or not.
    size_t endpoints = 0;                 // Of the last good answer.
    std::string note{};                   // What the resolver says of it: "dns, 2 addresses".
    std::optional<Duration> age{};        // Of the last good answer.
    absl::Status error{};                 // Of the last answer; OK: it was good.
    std::optional<Duration> error_age{};  // Since the last answer that was an error.
  };
  struct Config {
    // "none" (no config can be in force, calls fail), "built in", "default service config",
    // "resolver", "SetServiceConfig".
    std::string source;
    std::string policy{};    // The top policy's name.
    std::string json{};      // As it was given; empty if it is built in.
    absl::Status refused{};  // Why the resolver's last one isn't used; OK: nothing was refused.
  };

  std::string target, authority, state;
  int64_t running = 0;     // Calls, those that wait included.
  size_t waiting = 0;      // For a picker or the resolver.
  size_t backing_off = 0;  // Until they are tried again.
  Resolver resolver;
  Config config;
  std::vector<Node> policies{};     // The one in force, then one that is to take its place, if any.
  std::vector<Backend> backends{};  // By address.

  std::string Text() const;  // Several lines, each ended, for people; it may change.
  std::string Json() const;  // One line without its end; fields are only ever added.
};

}  // namespace rondo
