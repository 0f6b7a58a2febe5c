#include "event/system_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/text.h"
#include "event/address.h"
#include "event/error_text.h"

namespace rondo::event {
namespace {

constexpr int kAtOnce = 64;  // Accepted in one turn, so that connections get theirs.
constexpr std::chrono::milliseconds kPause(100);

// 0: no such file.
uint64_t FileOf(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) ? info.st_ino : 0;
}

// A socket that nobody listens on any more is in the way of the next server.
void RemoveStale(const SocketAddress& address, const std::string& path) {
  if (FileOf(path) == 0) return;
  const Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), address.get(), address.size) != 0 && errno == ECONNREFUSED) {
    unlink(path.c_str());
  }
}

absl::Status Failed(std::string_view address, int error) {
  return absl::UnavailableError(Cat("listen on ", address, ": ", ErrorText(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> SystemListener::Make(SystemLoop& loop,
                                                               std::string_view address,
                                                               Network::PickLoop pick,
                                                               Network::Accept accept) {
  const absl::StatusOr<SocketAddress> at = ParseAddress(address);
  if (!at.ok()) {
    return absl::InvalidArgumentError(Cat("listen on ", address, ": ", at.status().message()));
  }
  Fd fd(socket(at->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.ok()) return Failed(address, errno);
  std::unique_ptr<SystemListener> out(
      new SystemListener(loop, std::move(fd), std::move(pick), std::move(accept)));
  if (absl::Status s = out->Open(address); !s.ok()) return s;
  return out;
}

SystemListener::SystemListener(SystemLoop& loop, Fd fd, Network::PickLoop pick,
                               Network::Accept accept)
    : loop_(std::static_pointer_cast<SystemLoop>(loop.shared_from_this())),
      fd_(std::move(fd)),
      pick_(std::move(pick)),
      door_(std::make_shared<Door>(std::move(accept))) {}

SystemListener::~SystemListener() {
  door_->closed.store(true);
  End();
  if (file_ != 0 && FileOf(path_) == file_) unlink(path_.c_str());
}

absl::Status SystemListener::Open(std::string_view address) {
  const SocketAddress at = *ParseAddress(address);
  tcp_ = at.is_tcp();
  if (tcp_) {
    // A server that starts again needn't wait for the last connections of its former self.
    const int on = 1;
    setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  std::string path;
  if (address.starts_with("unix:")) RemoveStale(at, path = address.substr(5));
  if (bind(fd_.get(), at.get(), at.size) != 0) return Failed(address, errno);
  path_ = std::move(path);
  if (!path_.empty()) file_ = FileOf(path_);
  if (listen(fd_.get(), SOMAXCONN) != 0) return Failed(address, errno);
  SocketAddress chosen;
  chosen.size = sizeof chosen.storage;
  getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&chosen.storage), &chosen.size);
  address_ = AddressText(chosen);
  const int error = Begin(loop_->poller(), fd_.get(), EPOLLIN);
  return error == 0 ? absl::OkStatus() : Failed(address, error);
}

void SystemListener::OnEvents(uint32_t) {
  const std::shared_ptr<Door> door = door_;  // Dealing may destroy this listener.
  for (int i = 0; i < kAtOnce; ++i) {
    if (!AcceptOne() || door->closed.load()) break;
  }
}

// False: no more for now.
bool SystemListener::AcceptOne() {
  Fd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.ok()) {
    Deal(std::move(fd));
    return true;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    // Those who wait in the backlog wait on, and nothing spins meanwhile.
    Change(0);
    loop_->Arm(*this, loop_->Now() + kPause);
    return false;
  }
  // Of a connection that has gone again there is an error of its own; the next may be good.
  return errno != EAGAIN && errno != EWOULDBLOCK;
}

void SystemListener::OnTimer() { Change(EPOLLIN); }

void SystemListener::Deal(Fd fd) {
  if (tcp_) TuneTcp(fd.get());
  EventLoop& to = pick_();
  auto& system = static_cast<SystemLoop&>(to);
  const std::shared_ptr<Door> door = door_;
  if (&to == loop_.get()) {
    return door->accept(to, std::make_unique<SystemSocket>(system, std::move(fd)));
  }
  // The loop can't be gone before it has run or dropped what was posted to it.
  to.Post([&system, fd = std::move(fd), door]() mutable {
    if (door->closed.load()) return;
    door->accept(system, std::make_unique<SystemSocket>(system, std::move(fd)));
  });
}

}  // namespace rondo::event
