// dns://server/host:port: a name's addresses, asked for again when their time is over (gRPC's
// naming.md; A61: each address is an endpoint).
#include "resolve/dns.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/backoff.h"
#include "base/text.h"
#include "resolve/builtin.h"
#include "resolve/dns_round.h"
#include "resolve/host_port.h"
#include "resolve/name_server.h"
#include "rondo/pick.h"

namespace rondo::resolve {
namespace {

std::string_view View(absl::string_view s) { return {s.data(), s.size()}; }

int64_t Seconds(Duration d) { return std::chrono::floor<std::chrono::seconds>(d).count(); }

class Dns final : public Resolver {
 public:
  Dns(HostPort host, std::unique_ptr<event::NameService> names, Loop& loop, OnResolution tell,
      DnsOptions options, uint64_t seed)
      : host_(std::move(host)),
        names_(std::move(names)),
        loop_(loop),
        tell_(std::move(tell)),
        options_(options),
        chance_(seed) {}
  ~Dns() override {
    if (gone_ != nullptr) *gone_ = true;
  }

  void Start() override { Ask(); }

  // Many wishes are one question. A wish doesn't shorten the backoff.
  void Refresh() override {
    if (round_ == nullptr && (failures_ > 0 || !answered_at_ || wanted_)) return;
    wanted_ = true;
    if (round_ == nullptr) AskAt(*answered_at_ + options_.min_interval);
  }

 private:
  void Ask() {
    next_ = nullptr;
    wanted_ = false;
    told_.reset();
    round_ = std::make_unique<DnsRound>(loop_, *names_, host_.host, options_.timeout, news_,
                                        [this](bool over) { OnNews(over); });
  }
  void AskAt(Time at) {
    next_ = loop_.After(at - loop_.Now(), [this] { Ask(); });
  }

  void OnNews(bool over) {
    const absl::Status status = RoundStatus(host_.host, news_);
    if (!status.ok()) {
      if (!Tell({.endpoints = status, .note = "dns"})) return;
    } else {
      if (!answered_at_ || !told_) answered_at_ = loop_.Now();
      // A late answer of the other family may have brought nothing.
      std::vector<Endpoint> endpoints = Endpoints();
      if (told_ != endpoints) {
        told_ = endpoints;
        if (!Tell({.endpoints = std::move(endpoints), .note = Note()})) return;
      }
    }
    if (over) Rest(status.ok());
  }

  // False: the listener has destroyed this.
  bool Tell(Resolution resolution) {
    bool gone = false;
    gone_ = &gone;
    const OnResolution tell = tell_;
    const bool taken = tell(std::move(resolution)).ok();
    if (gone) return false;
    gone_ = nullptr;
    taken_ = taken;
    return true;
  }

  // Until the next question.
  void Rest(bool found) {
    round_ = nullptr;
    if (!found || !taken_) return AskAt(loop_.Now() + kBackoff.Wait(++failures_, Random()));
    failures_ = 0;
    if (wanted_) return AskAt(*answered_at_ + options_.min_interval);
    if (options_.refresh_on_ttl) AskAt(*answered_at_ + Patience());
  }

  // Up to a fifth later than the TTL says, but within the limits: there too the clients that share
  // a cache are spread.
  Duration Patience() {
    const Duration floor = options_.min_interval, ceiling = std::max(floor, options_.max_interval);
    const Duration ttl = std::clamp(Ttl(), floor, std::max(floor, ceiling / 6 * 5));
    return std::min(ceiling, ttl + Duration(static_cast<int64_t>(static_cast<double>(ttl.count()) *
                                                                 0.2 * Random())));
  }
  Duration Ttl() const {
    Duration ttl = Duration::max();
    for (const FamilyNews& n : news_) {
      if (!n.known.addresses.empty()) ttl = std::min(ttl, n.known.ttl);
    }
    return ttl;
  }
  double Random() { return static_cast<double>(chance_.Next() >> 11) * 0x1p-53; }

  // RFC 6724: IPv6 first, unless this machine has no way to it.
  std::vector<Endpoint> Endpoints() const {
    std::vector<Endpoint> out;
    for (const bool usable : {true, false}) {
      for (size_t i = 0; i < news_.size(); ++i) {
        const event::NamedAddresses& known = news_[i].known;
        if (known.usable != usable) continue;
        for (const std::string& a : known.addresses) {
          out.push_back({.addresses = {HostPort{a, host_.port, i == 0 ? 6 : 4}.Text()}});
        }
      }
    }
    return out;
  }
  // "dns, 2 addresses, ttl 30s", and what is wrong with one family.
  std::string Note() const {
    const size_t n = news_[0].known.addresses.size() + news_[1].known.addresses.size();
    std::string note =
        Cat("dns, ", n, n == 1 ? " address" : " addresses", ", ttl ", Seconds(Ttl()), "s");
    for (size_t i = 0; i < news_.size(); ++i) {
      const std::string_view family = i == 0 ? ", IPv6" : ", IPv4";
      if (news_[i].pending) {
        Append(note, Cat(family, " not answered yet"));
      } else if (!news_[i].why.ok() && !absl::IsNotFound(news_[i].why)) {
        Append(note, Cat(family, ": ", View(news_[i].why.message())));
      }
    }
    return note;
  }

  static constexpr Backoff kBackoff{};

  const HostPort host_;
  const std::unique_ptr<event::NameService> names_;
  Loop& loop_;
  const OnResolution tell_;
  const DnsOptions options_;
  Chance chance_;
  NameNews news_;                              // Outlives the round.
  std::unique_ptr<DnsRound> round_;            // While it asks.
  std::unique_ptr<Timer> next_;                // While it rests.
  std::optional<Time> answered_at_;            // The last success.
  std::optional<std::vector<Endpoint>> told_;  // In this round.
  int failures_ = 0;                           // Rounds in a row.
  bool taken_ = true;                          // The channel can use what it was told last.
  bool wanted_ = false;                        // Somebody would like news.
  bool* gone_ = nullptr;                       // To tell Tell.
};

absl::StatusOr<std::unique_ptr<Resolver>> Make(const event::NameServiceFactory& names,
                                               const DnsOptions& options, const Target& target,
                                               Loop& loop, OnResolution tell, uint64_t seed) {
  const auto bad = [&](std::string_view what, const absl::Status& why) {
    return absl::UnavailableError(Cat(target.text, ": ", what, View(why.message())));
  };
  absl::StatusOr<HostPort> host = ParseHostPort(target.endpoint);
  if (!host.ok()) return bad("", host.status());
  if (host->ip_family != 0) {
    const ResolverFactory fixed =
        FixedResolver(target.scheme, [&](const Target&) -> absl::StatusOr<std::vector<Endpoint>> {
          return std::vector<Endpoint>{{.addresses = {host->Text()}}};
        });
    return fixed.make(target, loop, std::move(tell), {});
  }
  auto service = NamesOf(names, loop, target.authority);
  if (!service.ok()) return bad("name server: ", service.status());
  return std::make_unique<Dns>(*std::move(host), *std::move(service), loop, std::move(tell),
                               options, seed);
}

}  // namespace

ResolverFactory DnsSchemeOver(event::NameServiceFactory names, DnsOptions options) {
  return {.scheme = "dns",
          .make = [names = std::move(names), options](
                      const Target& target, Loop& loop, OnResolution tell,
                      const ResolverOptions& o) -> absl::StatusOr<std::unique_ptr<Resolver>> {
            return Make(names, options, target, loop, std::move(tell), o.seed);
          }};
}

ResolverFactory DnsScheme() { return DnsResolver(); }

}  // namespace rondo::resolve

namespace rondo {

ResolverFactory DnsResolver(DnsOptions options) {
  return resolve::DnsSchemeOver(event::SystemNames, options);
}

}  // namespace rondo
