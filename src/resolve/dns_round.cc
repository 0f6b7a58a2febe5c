#include "resolve/dns_round.h"

#include <utility>

#include "base/text.h"

namespace rondo::resolve {
namespace {

constexpr event::Family kFamilies[] = {event::Family::kIpv6, event::Family::kIpv4};

// "30s", "250ms"
std::string Within(Duration limit) {
  const int64_t ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  return ms % 1000 == 0 ? Cat(ms / 1000, "s") : Cat(ms, "ms");
}

bool IsAnswer(const absl::Status& why) { return why.ok() || absl::IsNotFound(why); }

}  // namespace

DnsRound::DnsRound(Loop& loop, event::NameService& names, std::string_view host, Duration timeout,
                   NameNews& news, Tell tell)
    : loop_(loop), timeout_(timeout), news_(news), tell_(std::move(tell)) {
  for (size_t i = 0; i < 2; ++i) {
    lookups_[i] =
        names.Find(host, kFamilies[i], [this, i](absl::StatusOr<event::NamedAddresses> answer) {
          OnAnswer(i, std::move(answer));
        });
    news_[i].pending = true;
  }
  deadline_ = loop_.After(timeout_, [this] { OnTimeout(); });
}

void DnsRound::OnAnswer(size_t side, absl::StatusOr<event::NamedAddresses> answer) {
  FamilyNews& news = news_[side];
  const auto done = std::move(lookups_[side]);  // We are inside it.
  news.pending = false;
  news.asked = done->asked();
  news.why = answer.status();
  if (answer.ok()) news.known = *std::move(answer);
  if (absl::IsNotFound(news.why)) news.known = {};
  if (!pending()) return End();
  if (!news.why.ok() || news.known.addresses.empty()) return;
  patience_ = loop_.After(kPatience, [this] { tell_(false); });
}

void DnsRound::OnTimeout() {
  for (size_t i = 0; i < 2; ++i) {
    if (lookups_[i] == nullptr) continue;
    news_[i].asked = lookups_[i]->asked();
    news_[i].why = absl::DeadlineExceededError(Cat("no answer within ", Within(timeout_)));
    news_[i].pending = false;
    lookups_[i] = nullptr;
  }
  End();
}

void DnsRound::End() {
  deadline_ = nullptr;
  patience_ = nullptr;
  Tell tell = std::move(tell_);
  tell(true);
}

absl::Status RoundStatus(std::string_view host, const NameNews& news) {
  // What may pass says more than "there is none"; of two alike, IPv4's words.
  const FamilyNews* worst = &news[1];
  for (const FamilyNews& n : news) {
    if (n.why.ok() && !n.known.addresses.empty()) return absl::OkStatus();
    if (!IsAnswer(n.why) && IsAnswer(worst->why)) worst = &n;
  }
  const std::string_view why =
      worst->why.ok() ? std::string_view("the name has no address") : MessageOf(worst->why);
  return absl::UnavailableError(Cat("dns: ", host, ": ", why, "; asked ", worst->asked));
}

}  // namespace rondo::resolve
