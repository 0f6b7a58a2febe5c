#pragma once
// Looks names up, one address family at a time, so that who asks may use one family's answer
// without waiting for the other's.
// Threads: everything belongs to the loop that the service was made for.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "rondo/function.h"
#include "rondo/loop.h"

namespace rondo::event {

enum class Family : uint8_t { kIpv4, kIpv6 };

// What a name stands for. No address: the name exists, but has none of this family.
struct NamedAddresses {
  std::vector<std::string> addresses{};  // "10.0.0.1", "2001:db8::1": without port and brackets.
  Duration ttl{};                        // How long this may be believed; 0 if nobody says.
  bool usable = true;                    // This machine has a way to such addresses (RFC 6724).
};

// Destroying it ends the lookup: nothing is told afterwards. It may be destroyed inside its Done.
class Lookup {
 public:
  virtual ~Lookup() = default;
  // Who is asked, for error texts: "10.0.0.2:53", "10.0.0.2:53,10.0.0.3:53".
  virtual std::string asked() const = 0;
};

class NameService {
 public:
  // NOT_FOUND: there is no such name. Any other error may pass. The text says neither the name nor
  // who was asked: "the server failed (SERVFAIL)".
  using Done = Function<void(absl::StatusOr<NamedAddresses>)>;

  virtual ~NameService() = default;  // Lookups may outlive it.
  // Calls `done` once, in a later turn; it has no time limit that could be relied on.
  virtual std::unique_ptr<Lookup> Find(std::string_view host, Family family, Done done) = 0;
};

// `server`: "10.0.0.2:53" or "[::1]:53"; empty: those that the system is set up for. An error says
// what is wrong with the server's address or the loop.
using NameServiceFactory = std::function<absl::StatusOr<std::unique_ptr<NameService>>(
    Loop& loop, std::string_view server)>;

// The hosts file, then the DNS, asked by c-ares on `loop`, which must be the library's.
absl::StatusOr<std::unique_ptr<NameService>> SystemNames(Loop& loop, std::string_view server);

}  // namespace rondo::event
