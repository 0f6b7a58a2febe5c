#include "event/tls_network.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "event/tls_context.h"
#include "event/tls_identity.h"
#include "event/tls_socket.h"

namespace rondo::event {
namespace {

class TlsNetwork final : public Network {
 public:
  TlsNetwork(Network& inner, std::shared_ptr<TlsContext> context, std::string_view name)
      : inner_(inner), context_(std::move(context)), name_(name) {}

  std::unique_ptr<Dial> Connect(EventLoop& loop, std::string_view address, DialDone done) override {
    return inner_.Connect(loop, address,
                          [this, &loop, done = std::move(done)](
                              absl::StatusOr<std::unique_ptr<Socket>> socket) mutable {
                            if (socket.ok()) socket = Wrap(loop, *std::move(socket));
                            done(std::move(socket));
                          });
  }

  absl::StatusOr<std::unique_ptr<Listener>> Listen(EventLoop& loop, std::string_view address,
                                                   PickLoop pick, Accept accept) override {
    return inner_.Listen(
        loop, address, std::move(pick),
        // The listener may be gone, and this network too, when the last connection is delivered.
        [context = context_, accept = std::move(accept)](EventLoop& home,
                                                         std::unique_ptr<Socket> socket) {
          accept(home, std::make_unique<TlsSocket>(std::move(socket), context, "", home.Now()));
        });
  }

 private:
  std::unique_ptr<Socket> Wrap(EventLoop& loop, std::unique_ptr<Socket> socket) const {
    return std::make_unique<TlsSocket>(std::move(socket), context_, name_, loop.Now());
  }

  Network& inner_;
  const std::shared_ptr<TlsContext> context_;
  const std::string name_;
};

absl::StatusOr<std::unique_ptr<Network>> Make(Network& inner, TlsContext::Role role,
                                              const TlsOptions& options, std::string_view name) {
  std::string checked = CertifiedName(name);
  if (role == TlsContext::Role::kClient && checked.empty()) {
    return absl::InvalidArgumentError(
        Cat("TLS: \"", name,
            "\" is no name that a certificate can be for; set server_name to the "
            "server's"));
  }
  auto context = TlsContext::Make(role, options);
  if (!context.ok()) return context.status();
  return std::make_unique<TlsNetwork>(inner, *std::move(context), checked);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Network>> TlsClientNetwork(Network& inner, const TlsOptions& options,
                                                          std::string_view name) {
  return Make(inner, TlsContext::Role::kClient, options,
              options.server_name.empty() ? name : std::string_view(options.server_name));
}

absl::StatusOr<std::unique_ptr<Network>> TlsServerNetwork(Network& inner,
                                                          const TlsOptions& options) {
  return Make(inner, TlsContext::Role::kServer, options, {});
}

}  // namespace rondo::event
