#include "event/system_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "event/address.h"
#include "event/error_text.h"

namespace rondo::event {
namespace {

std::string NameOf(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (ask(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) return "unknown";
  return AddressText(address);
}

// What a failed or empty read or write means.
Io Failure() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {.kind = Io::Kind::kWouldBlock};
  return {.kind = Io::Kind::kError, .why = absl::UnavailableError(ErrorText(errno))};
}

}  // namespace

void TuneTcp(int fd) {
  const int on = 1, timeout_ms = 20'000;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

SystemSocket::SystemSocket(AsioLoop& loop, int fd)
    : descriptor_(loop.io(), fd),
      ear_(std::make_shared<Ear>(this)),
      peer_(NameOf(fd, &getpeername)),
      local_(NameOf(fd, &getsockname)) {}

SystemSocket::~SystemSocket() { ear_->socket = nullptr; }

void SystemSocket::Start(SocketEvents& events) {
  events_ = &events;
  WaitToRead();
}

Io SystemSocket::Read(std::span<uint8_t> into) {
  ssize_t n;
  do {
    n = recv(descriptor_.native_handle(), into.data(), into.size(), 0);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return {.bytes = static_cast<size_t>(n)};
  if (n == 0) return {.kind = Io::Kind::kEnd};
  Io io = Failure();
  if (io.kind == Io::Kind::kWouldBlock) WaitToRead();
  return io;
}

Io SystemSocket::Write(std::span<const iovec> from) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());
  message.msg_iovlen = std::min<size_t>(from.size(), IOV_MAX);
  ssize_t n;
  do {
    n = sendmsg(descriptor_.native_handle(), &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return {.bytes = static_cast<size_t>(n)};
  Io io = Failure();
  if (io.kind == Io::Kind::kWouldBlock) WaitToWrite();
  return io;
}

void SystemSocket::PauseReading(bool pause) {
  if (paused_ == pause) return;
  paused_ = pause;
  if (pause || events_ == nullptr) return;
  // One OnReadable follows, whether or not something came meanwhile.
  missed_ = false;
  WaitToRead();
}

void SystemSocket::WaitToRead() {
  if (waiting_to_read_ || events_ == nullptr) return;
  waiting_to_read_ = true;
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [ear = ear_](const asio::error_code&) {
                           if (ear->socket != nullptr) ear->socket->TellReadable();
                         });
}

void SystemSocket::TellReadable() {
  waiting_to_read_ = false;
  if (paused_) {
    missed_ = true;
    return;
  }
  events_->OnReadable();
}

void SystemSocket::WaitToWrite() {
  if (waiting_to_write_) return;
  waiting_to_write_ = true;
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                         [ear = ear_](const asio::error_code&) {
                           if (ear->socket == nullptr) return;
                           ear->socket->waiting_to_write_ = false;
                           ear->socket->events_->OnWritable();
                         });
}

}  // namespace rondo::event
