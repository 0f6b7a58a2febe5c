#include "resolve/name_server.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "resolve/host_port.h"

namespace rondo::resolve {
namespace {

using event::Family;
using event::NamedAddresses;

constexpr std::string_view kDnsPort = "53";

// What a question needs of its service, which it may outlive.
struct Server {
  event::NameServiceFactory make;
  std::unique_ptr<event::NameService> system;
  Loop& loop;
  HostPort at;
};

// The server's IPv4 address, or its IPv6 address if it has none; then the question to it.
class TwoStepLookup final : public event::Lookup {
 public:
  TwoStepLookup(std::shared_ptr<const Server> server, std::string_view host, Family family,
                event::NameService::Done done)
      : server_(std::move(server)), host_(host), family_(family), done_(std::move(done)) {
    FindServer(Family::kIpv4);
  }
  std::string asked() const override {
    return service_ != nullptr ? step_->asked() : Cat("for ", server_->at.Text());
  }

 private:
  void FindServer(Family family) {
    step_ = server_->system->Find(
        server_->at.host, family,
        [this, family](absl::StatusOr<NamedAddresses> found) { OnServer(family, found); });
  }
  void OnServer(Family family, const absl::StatusOr<NamedAddresses>& found) {
    const bool none = found.ok() ? found->addresses.empty() : absl::IsNotFound(found.status());
    if (none && family == Family::kIpv4) return FindServer(Family::kIpv6);
    if (none) return End(absl::UnavailableError("the name server's own name has no address"));
    if (!found.ok()) return End(found.status());
    const HostPort at{found->addresses[0], server_->at.port, family == Family::kIpv4 ? 4 : 6};
    auto service = server_->make(server_->loop, at.Text());
    if (!service.ok()) return End(service.status());
    service_ = *std::move(service);
    step_ = service_->Find(
        host_, family_, [this](absl::StatusOr<NamedAddresses> answer) { End(std::move(answer)); });
  }
  void End(absl::StatusOr<NamedAddresses> answer) {
    event::NameService::Done done = std::move(done_);  // It may drop this.
    done(std::move(answer));
  }

  const std::shared_ptr<const Server> server_;
  const std::string host_;
  const Family family_;
  event::NameService::Done done_;
  std::unique_ptr<event::NameService> service_;
  std::unique_ptr<event::Lookup> step_;
};

class NamedServer final : public event::NameService {
 public:
  explicit NamedServer(Server server) : server_(std::make_shared<Server>(std::move(server))) {}
  std::unique_ptr<event::Lookup> Find(std::string_view host, Family family, Done done) override {
    return std::make_unique<TwoStepLookup>(server_, host, family, std::move(done));
  }

 private:
  const std::shared_ptr<const Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<event::NameService>> NamesOf(const event::NameServiceFactory& make,
                                                            Loop& loop,
                                                            std::string_view authority) {
  if (authority.empty()) return make(loop, "");
  absl::StatusOr<HostPort> at = ParseHostPort(authority, kDnsPort);
  if (!at.ok()) return at.status();
  if (at->ip_family != 0) return make(loop, at->Text());
  auto system = make(loop, "");
  if (!system.ok()) return system.status();
  return std::make_unique<NamedServer>(Server{make, *std::move(system), loop, *std::move(at)});
}

}  // namespace rondo::resolve
