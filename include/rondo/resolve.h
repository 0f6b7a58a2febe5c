#pragma once
// Name resolvers: who turns a channel's target into endpoints, and tells when they change.
// Threads: a resolver lives on its channel's home loop; everything here runs there, except
// ManualResolver, which any thread may use.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/endpoint.h"
#include "rondo/loop.h"
#include "rondo/time.h"

namespace rondo {

// A target as it was read: `scheme://authority/endpoint`, RFC 3986 (gRPC's naming.md).
struct Target {
  std::string scheme;     // Lower case.
  std::string authority;  // Who is to be asked; mostly empty.
  std::string endpoint;   // What is asked for: the path without its first slash, decoded.
  std::string text;       // The whole, as it is shown: "dns:///a:1" also for a target "a:1".
  std::string path{};     // As it stands, decoded, with its first slash if it has one.
  std::string query{};    // What follows "?", not decoded; `scheme:///name?zone=a`.
};

// What a resolver has to say: endpoints or why there are none.
struct Resolution {
  absl::StatusOr<std::vector<Endpoint>> endpoints;
  // JSON; nullopt: the resolver has no opinion, and the channel's default config counts (A21).
  std::optional<std::string> service_config_json{};
  std::string note{};  // Where this comes from, for error texts: "dns, 2 addresses".
};
// Takes news to the channel. An error means that the channel can't use them: try again, with
// backoff. Never called inside Start or Refresh, nor after the resolver's end.
using OnResolution = std::function<absl::Status(Resolution)>;

class Resolver {  // Destroying it stops it.
 public:
  virtual ~Resolver() = default;
  virtual void Start() = 0;  // Publishes at least once, in a later turn.
  // Somebody would like news: a hint, which a resolver that watches ignores, and others limit.
  virtual void Refresh() {}
};

struct ResolverOptions {
  uint64_t seed = 0;  // For whatever chance it needs (jitter).
};

// How a resolver is found by scheme, and made. Passed in ChannelOptions::resolvers.
struct ResolverFactory {
  std::string scheme;  // Lower case.
  // On the home loop, when the channel leaves IDLE. An error fails the channel's calls.
  std::function<absl::StatusOr<std::unique_ptr<Resolver>>(const Target&, Loop&, OnResolution,
                                                          const ResolverOptions&)>
      make;
  // The channel's :authority for a target; empty: the endpoint, percent-encoded.
  std::function<std::string(const Target&)> authority{};
};

// A target's resolver, as a channel finds it.
struct FoundResolver {
  Target target;
  std::string authority;               // The :authority that calls to the target have.
  std::unique_ptr<Resolver> resolver;  // Not started.
};
// For programs that want a target's endpoints and no channel. `resolvers` are known besides the
// built-in ones; a target of no known scheme is taken for one of the scheme dns. The resolver lives
// on `loop`, a LoopPool's: this is called there, and there it is dropped. INVALID_ARGUMENT: the
// target can't be read; other errors are its resolver's, which can't use it.
absl::StatusOr<FoundResolver> FindResolver(std::string_view target, Loop& loop,
                                           OnResolution on_resolution,
                                           const ResolverOptions& options = {},
                                           std::vector<ResolverFactory> resolvers = {});

// A resolver that publishes once what a function of the target gives: for fixed lists.
// `find` runs on the home loop at each exit from IDLE.
ResolverFactory FixedResolver(
    std::string scheme, std::function<absl::StatusOr<std::vector<Endpoint>>(const Target&)> find);

// How the dns scheme asks. `options.resolvers.push_back(DnsResolver({...}))` replaces the built-in
// one for a channel.
struct DnsOptions {
  // Ask again when the answer's TTL has passed, but no sooner than after min_interval, nor later
  // than after max_interval; at a random time close by, so that clients don't ask in step.
  bool refresh_on_ttl = true;
  // From an answer to the next question, whoever asks for news. > 0
  Duration min_interval = std::chrono::seconds(30);
  Duration max_interval = std::chrono::minutes(5);  // >= min_interval
  Duration timeout = std::chrono::seconds(30);      // For an answer; then it is an error. > 0
};
// dns://server/host:port, dns:///host: asks the hosts file, then the DNS (c-ares on the channel's
// loop). Each address is an endpoint of its own.
// Where an HTTP proxy is in use (ChannelOptions::enable_http_proxy), dns names are the proxy's to
// look up, and this resolver, as any other of the scheme, isn't asked (A1).
ResolverFactory DnsResolver(DnsOptions options = {});

struct FileOptions {
  // From a look at the file to the next one. > 0
  Duration period = std::chrono::seconds(1);
};
// file:///path.json: endpoints with weights, zones and labels, and a service config, from a file
// that is looked at again and again (docs/resolvers/file.md). Written in place, replaced by
// rename, or reached by a link that is changed: what is new counts, as a whole or not at all.
// Read on the channel's loop, at most 1 MiB: meant for local disks.
ResolverFactory FileResolver(FileOptions options = {});

// A resolver whose news the program pushes: for tests, and for discovery of one's own. Copies share
// one state; every channel that uses the factory hears everything, and one that starts late, or
// again after idling, hears the last news first.
// Threads: any.
class ManualResolver {
 public:
  explicit ManualResolver(std::string scheme);
  ResolverFactory Factory() const;
  void Publish(Resolution resolution) const;
  void PublishAddresses(const std::vector<std::string>& addresses) const;  // One endpoint each.
  int starts() const;     // How often a channel has started it.
  int refreshes() const;  // How often somebody asked for news.

  struct State;  // Shared by copies and by the resolvers they make; opaque.

 private:
  std::shared_ptr<State> state_;
};

}  // namespace rondo
