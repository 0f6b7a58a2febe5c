#pragma once
// One round of questions for a name: both address families at once.
// Threads: the loop's.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "event/name_service.h"
#include "rondo/function.h"
#include "rondo/loop.h"

namespace rondo::resolve {

// What is known of one family. A round that brings no answer leaves the last one standing: a family
// whose server is silent for once doesn't lose its endpoints.
struct FamilyNews {
  event::NamedAddresses known{};
  absl::Status why{};   // How this round went; NOT_FOUND and an OK without addresses are answers.
  std::string asked{};  // Who was asked.
  bool pending = false;
};
using NameNews = std::array<FamilyNews, 2>;  // IPv6 first, as RFC 6724 prefers it.

class DnsRound {  // Destroying it ends it.
 public:
  // One family's answer waits so long for the other's, then is used without it.
  static constexpr Duration kPatience = std::chrono::milliseconds(500);

  // `news` is kept by the caller from round to round. `tell` comes in later turns: `over` is true
  // the last time, which is sure to come within `timeout`; before it, perhaps, once with the
  // answer of one family. It may destroy this.
  using Tell = Function<void(bool over)>;
  DnsRound(Loop& loop, event::NameService& names, std::string_view host, Duration timeout,
           NameNews& news, Tell tell);

 private:
  void OnAnswer(size_t side, absl::StatusOr<event::NamedAddresses> answer);
  void OnTimeout();
  bool pending() const { return news_[0].pending || news_[1].pending; }
  void End();

  Loop& loop_;
  const Duration timeout_;
  NameNews& news_;
  Tell tell_;
  std::array<std::unique_ptr<event::Lookup>, 2> lookups_;
  std::unique_ptr<Timer> deadline_, patience_;
};

// The round as a whole: OK if an address is known. UNAVAILABLE names the host, the reason and who
// was asked.
absl::Status RoundStatus(std::string_view host, const NameNews& news);

}  // namespace rondo::resolve
