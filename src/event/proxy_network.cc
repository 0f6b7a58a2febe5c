#include "event/proxy_network.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.h"
#include "event/address.h"
#include "event/proxy_tunnel.h"

namespace rondo::event {
namespace {

std::string HostAndPort(std::string_view host, std::string_view port) {
  return IpFamily(host) == 6 ? Cat("[", host, "]:", port) : Cat(host, ":", port);
}

// What attempts share.
struct Way {
  HttpProxy proxy;
  Network& inner;
  NameServiceFactory names;
  size_t first = 0;  // With which of the proxy's addresses the next attempt begins.
};

// An attempt: the proxy's addresses, a connection to one of them, the tunnel.
class ProxyDial final : public Dial, private TimerNode {
 public:
  ProxyDial(Way& way, EventLoop& loop, std::string_view address, DialDone done)
      : way_(way), loop_(loop), address_(address), done_(std::move(done)) {
    LookUp();
  }
  ~ProxyDial() override {
    if (dial_ != nullptr || tunnel_ != nullptr) NextBeginsElsewhere();
  }

 private:
  struct Answer {
    std::unique_ptr<Lookup> lookup;  // Null once answered.
    absl::StatusOr<NamedAddresses> said = NamedAddresses{};
  };

  void LookUp() {
    const HttpProxy& proxy = way_.proxy;
    if (IpFamily(proxy.host) != 0) {
      addresses_ = {proxy.Text()};
      return Next();
    }
    auto names = way_.names(loop_, "");
    if (!names.ok()) return FailLater(names.status());
    names_ = *std::move(names);
    for (const Family family : {Family::kIpv6, Family::kIpv4}) {
      Answer& answer = answers_[family == Family::kIpv6 ? 0 : 1];
      answer.lookup =
          names_->Find(proxy.host, family, [this, &answer](absl::StatusOr<NamedAddresses> said) {
            auto over = std::move(answer.lookup);
            answer.said = std::move(said);
            OnAnswer();
          });
    }
  }

  void OnAnswer() {
    if (answers_[0].lookup != nullptr || answers_[1].lookup != nullptr) return;
    for (const bool usable : {true, false}) {
      for (const Answer& a : answers_) {
        if (!a.said.ok() || a.said->usable != usable) continue;
        for (const std::string& ip : a.said->addresses) {
          addresses_.push_back(HostAndPort(ip, way_.proxy.port));
        }
      }
    }
    if (!addresses_.empty()) return Next();
    // Of two errors the one that may pass says more.
    const absl::Status &six = answers_[0].said.status(), &four = answers_[1].said.status();
    if (six.ok() && four.ok()) return Fail(absl::UnavailableError("its name has no address"));
    Fail(four.ok() || (four.code() == absl::StatusCode::kNotFound && !six.ok()) ? six : four);
  }

  void Next() {
    if (tried_ == 0) start_ = way_.first;
    if (tried_ == addresses_.size()) return Fail(last_);
    const std::string& at = addresses_[(start_ + tried_) % addresses_.size()];
    ++tried_;
    dial_ = way_.inner.Connect(loop_, at, [this](absl::StatusOr<std::unique_ptr<Socket>> socket) {
      const auto over = std::move(dial_);
      if (socket.ok()) return Open(*std::move(socket));
      NextBeginsElsewhere();
      last_ = socket.status();
      Next();
    });
  }

  // The address tried last has failed. Attempts at the same time that meet the same bad address
  // move the beginning once.
  void NextBeginsElsewhere() {
    if (way_.first == start_ + tried_ - 1) ++way_.first;
  }

  void Open(std::unique_ptr<Socket> socket) {
    tunnel_ = std::make_unique<ProxyTunnel>(std::move(socket), address_, way_.proxy.authorization,
                                            [this](const absl::Status& s) { OnOpened(s); });
  }

  void OnOpened(const absl::Status& status) {
    auto tunnel = std::move(tunnel_);
    if (!status.ok()) {
      NextBeginsElsewhere();
      return Fail(status);
    }
    DialDone done = std::move(done_);
    done(std::unique_ptr<Socket>(std::move(tunnel)));  // This is gone.
  }

  void Fail(const absl::Status& why) {
    const std::string proxy = way_.proxy.Text();
    std::string_view words = MessageOf(why);
    const std::string prefix = Cat("connect to ", proxy, ": ");
    if (words.starts_with(prefix)) words.remove_prefix(prefix.size());
    DialDone done = std::move(done_);
    done(absl::UnavailableError(Cat("connect to ", address_, ": the proxy ", proxy, ": ", words)));
  }
  // Out of Connect.
  void FailLater(absl::Status why) {
    last_ = std::move(why);
    loop_.Arm(*this, loop_.Now());
  }
  void OnTimer() override { Fail(last_); }

  Way& way_;
  EventLoop& loop_;
  const std::string address_;
  DialDone done_;
  std::unique_ptr<NameService> names_;
  std::array<Answer, 2> answers_;
  std::vector<std::string> addresses_;  // Of the proxy.
  size_t start_ = 0, tried_ = 0;
  absl::Status last_;
  std::unique_ptr<Dial> dial_;
  std::unique_ptr<ProxyTunnel> tunnel_;
};

class ProxyNetwork final : public Network {
 public:
  ProxyNetwork(Way way, IsDirect direct) : way_(std::move(way)), direct_(std::move(direct)) {}

  std::unique_ptr<Dial> Connect(EventLoop& loop, std::string_view address, DialDone done) override {
    if (direct_(address)) return way_.inner.Connect(loop, address, std::move(done));
    return std::make_unique<ProxyDial>(way_, loop, address, std::move(done));
  }
  absl::StatusOr<std::unique_ptr<Listener>> Listen(EventLoop& loop, std::string_view address,
                                                   PickLoop pick, Accept accept) override {
    return way_.inner.Listen(loop, address, std::move(pick), std::move(accept));
  }

 private:
  Way way_;
  const IsDirect direct_;
};

}  // namespace

std::string HttpProxy::Text() const { return HostAndPort(host, port); }

std::unique_ptr<Network> NetworkThrough(HttpProxy proxy, Network& inner, NameServiceFactory names,
                                        IsDirect direct) {
  return std::make_unique<ProxyNetwork>(Way{std::move(proxy), inner, std::move(names)},
                                        std::move(direct));
}

}  // namespace rondo::event
