#include "event/system_dial.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/text.h"
#include "event/address.h"
#include "event/error_text.h"

namespace rondo::event {

SystemDial::SystemDial(SystemLoop& loop, std::string_view address, DialDone done)
    : loop_(std::static_pointer_cast<SystemLoop>(loop.shared_from_this())),
      address_(address),
      done_(std::move(done)) {
  if (const int error = Connect(); error != 0) why_ = Failed(error);
  // What failed at once is told in a later turn.
  if (!why_.ok()) loop_->Arm(*this, loop_->Now());
}

SystemDial::~SystemDial() { End(); }

absl::Status SystemDial::Failed(int error) const {
  return absl::UnavailableError(Cat("connect to ", address_, ": ", ErrorText(error)));
}

int SystemDial::Connect() {
  const absl::StatusOr<SocketAddress> to = ParseAddress(address_);
  if (!to.ok()) {
    why_ = absl::UnavailableError(Cat("connect to ", address_, ": ", to.status().message()));
    return 0;
  }
  fd_ = Fd(socket(to->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_.ok()) return errno;
  if (to->is_tcp()) TuneTcp(fd_.get());
  if (::connect(fd_.get(), to->get(), to->size) != 0 && errno != EINPROGRESS) return errno;
  // A unix socket is connected by now, and writable: told as any other.
  return Watch::Begin(loop_->poller(), fd_.get(), EPOLLOUT | EPOLLET);
}

void SystemDial::OnEvents(uint32_t) {
  End();
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return Tell(Failed(error));
  Tell(std::make_unique<SystemSocket>(*loop_, std::move(fd_)));
}

void SystemDial::OnTimer() { Tell(std::move(why_)); }

void SystemDial::Tell(absl::StatusOr<std::unique_ptr<Socket>> result) {
  DialDone done = std::move(done_);  // It may drop this dial.
  done(std::move(result));
}

}  // namespace rondo::event
