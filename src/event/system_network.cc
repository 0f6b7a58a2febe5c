// Connects and listens with the operating system's sockets.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/text.h"
#include "event/address.h"
#include "event/error_text.h"
#include "event/loop_pool.h"
#include "event/system_socket.h"

namespace rondo::event {
namespace {

AsioLoop& AsioOf(EventLoop& loop) { return static_cast<AsioLoop&>(loop); }

// A descriptor that nobody has yet.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

absl::Status Failed(std::string_view what, std::string_view address, int error) {
  return absl::UnavailableError(Cat(what, " ", address, ": ", ErrorText(error)));
}

// ---- Connecting.

class SystemDial final : public Dial {
 public:
  SystemDial(AsioLoop& loop, std::string_view address, DialDone done)
      : loop_(loop), address_(address), done_(std::move(done)), ear_(std::make_shared<Ear>(this)) {
    Begin();
  }
  ~SystemDial() override { ear_->dial = nullptr; }

 private:
  struct Ear {
    SystemDial* dial;
  };

  void Begin() {
    absl::StatusOr<SocketAddress> to = ParseAddress(address_);
    if (!to.ok()) return Later(to.status());
    Fd fd(socket(to->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) return Later(Failed("connect to", address_, errno));
    if (to->is_tcp()) TuneTcp(fd.get());
    const int result = connect(fd.get(), to->get(), to->size);
    if (result != 0 && errno != EINPROGRESS) return Later(Failed("connect to", address_, errno));
    descriptor_.emplace(loop_.io(), fd.Release());
    descriptor_->async_wait(asio::posix::stream_descriptor::wait_write,
                            [ear = ear_](const asio::error_code&) {
                              if (ear->dial != nullptr) ear->dial->End();
                            });
  }
  void Later(absl::Status why) {
    loop_.Post([ear = ear_, why = std::move(why)] {
      if (ear->dial != nullptr) ear->dial->Tell(why);
    });
  }
  void End() {
    int error = 0;
    socklen_t size = sizeof error;
    const int fd = descriptor_->native_handle();
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return Tell(Failed("connect to", address_, error));
    Tell(std::make_unique<SystemSocket>(loop_, descriptor_->release()));
  }
  void Tell(absl::StatusOr<std::unique_ptr<Socket>> result) {
    DialDone done = std::move(done_);  // It may drop this dial.
    done(std::move(result));
  }

  AsioLoop& loop_;
  const std::string address_;
  DialDone done_;
  const std::shared_ptr<Ear> ear_;
  std::optional<asio::posix::stream_descriptor> descriptor_;
};

// ---- Listening.

class SystemListener final : public Listener {
 public:
  SystemListener(AsioLoop& loop, Fd fd, std::string address, std::string unlink_path,
                 Network::PickLoop pick, Network::Accept accept)
      : loop_(loop),
        descriptor_(loop.io(), fd.Release()),
        address_(std::move(address)),
        unlink_path_(std::move(unlink_path)),
        pick_(std::move(pick)),
        accept_(std::make_shared<Network::Accept>(std::move(accept))),
        ear_(std::make_shared<Ear>(this)) {
    Wait();
  }
  ~SystemListener() override {
    ear_->listener = nullptr;
    if (!unlink_path_.empty()) unlink(unlink_path_.c_str());
  }
  std::string address() const override { return address_; }

 private:
  struct Ear {
    SystemListener* listener;
  };
  static constexpr int kAtOnce = 64;  // Accepted in one turn, so that connections get theirs.

  void Wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [ear = ear_](const asio::error_code&) {
                             if (ear->listener != nullptr) ear->listener->TakeSome();
                           });
  }
  void TakeSome() {
    for (int i = 0; i < kAtOnce; ++i) {
      Fd fd(accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd.get() >= 0) {
        Hand(std::move(fd));
        continue;
      }
      // No descriptors or memory left: those who wait in the backlog wait on, and nothing spins.
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return Pause();
      if (errno != EINTR && errno != ECONNABORTED) break;
    }
    Wait();
  }
  void Pause() {
    pause_ = loop_.After(std::chrono::milliseconds(100), [this] { Wait(); });
  }
  void Hand(Fd fd) {
    TuneTcp(fd.get());
    EventLoop& to = pick_();
    if (&to == &loop_) return (*accept_)(to, std::make_unique<SystemSocket>(loop_, fd.Release()));
    to.Post([&to, fd = std::move(fd), accept = accept_]() mutable {
      (*accept)(to, std::make_unique<SystemSocket>(AsioOf(to), fd.Release()));
    });
  }

  AsioLoop& loop_;
  asio::posix::stream_descriptor descriptor_;
  const std::string address_, unlink_path_;
  const Network::PickLoop pick_;
  const std::shared_ptr<Network::Accept> accept_;  // Connections on their way hold it too.
  const std::shared_ptr<Ear> ear_;
  std::unique_ptr<Timer> pause_;
};

// A path that nobody listens on any more is in the way of the next server: it is removed.
void RemoveStale(const SocketAddress& address, const std::string& path) {
  Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), address.get(), address.size) != 0 && errno == ECONNREFUSED) {
    unlink(path.c_str());
  }
}

class System final : public Network {
 public:
  std::unique_ptr<Dial> Connect(EventLoop& loop, std::string_view address, DialDone done) override {
    return std::make_unique<SystemDial>(AsioOf(loop), address, std::move(done));
  }

  absl::StatusOr<std::unique_ptr<Listener>> Listen(EventLoop& loop, std::string_view address,
                                                   PickLoop pick, Accept accept) override {
    absl::StatusOr<SocketAddress> at = ParseAddress(address);
    if (!at.ok()) return at.status();
    Fd fd(socket(at->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) return Failed("listen on", address, errno);
    std::string path;
    if (address.starts_with("unix:")) path = address.substr(5);
    if (at->is_tcp()) {
      const int on = 1;
      setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    } else if (!path.empty()) {
      RemoveStale(*at, path);
    }
    if (bind(fd.get(), at->get(), at->size) != 0 || listen(fd.get(), SOMAXCONN) != 0) {
      return Failed("listen on", address, errno);
    }
    SocketAddress chosen;
    chosen.size = sizeof chosen.storage;
    getsockname(fd.get(), reinterpret_cast<sockaddr*>(&chosen.storage), &chosen.size);
    return std::make_unique<SystemListener>(AsioOf(loop), std::move(fd), AddressText(chosen), path,
                                            std::move(pick), std::move(accept));
  }
};

}  // namespace

Network& SystemNetwork() {
  static System network;
  return network;
}

}  // namespace rondo::event
