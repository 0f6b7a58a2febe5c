#include "event/system_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>

#include "event/address.h"
#include "event/error_text.h"

namespace rondo::event {
namespace {

constexpr int kUserTimeout = 20'000;  // Milliseconds.
constexpr uint32_t kReading = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr uint32_t kBoth = kReading | EPOLLOUT;

SocketAddress NameOf(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  SocketAddress address;
  address.size = sizeof address.storage;
  // A peer that has hung up already has no name any more.
  if (ask(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) return {};
  return address;
}

std::string TextOf(const SocketAddress& address) {
  return address.size == 0 ? "unknown" : AddressText(address);
}

// What a failed read or write means.
Io Failure(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return {.kind = Io::Kind::kWouldBlock};
  return {.kind = Io::Kind::kError, .why = absl::UnavailableError(ErrorText(error))};
}

}  // namespace

void TuneTcp(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeout, sizeof kUserTimeout);
}

SystemSocket::SystemSocket(SystemLoop& loop, Fd fd)
    : loop_(std::static_pointer_cast<SystemLoop>(loop.shared_from_this())), fd_(std::move(fd)) {
  const SocketAddress local = NameOf(fd_.get(), &getsockname);
  tcp_ = local.is_tcp();
  local_ = TextOf(local);
  peer_ = TextOf(NameOf(fd_.get(), &getpeername));
}

SystemSocket::~SystemSocket() {
  if (gone_ != nullptr) *gone_ = true;
  End();
}

std::shared_ptr<const PeerIdentity> SystemSocket::identity() const {
  ucred who{};
  socklen_t size = sizeof who;
  if (tcp_ || getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return nullptr;
  return std::make_shared<PeerIdentity>(PeerIdentity{.proof = PeerIdentity::Proof::kUnixSocket,
                                                     .process = who.pid,
                                                     .user = who.uid,
                                                     .group = who.gid});
}

void SystemSocket::Start(SocketEvents& events) {
  events_ = &events;
  // One that can't be watched reports by its first read.
  if (Begin(loop_->poller(), fd_.get(), kReading) != 0) loop_->Arm(*this, loop_->Now());
}

Io SystemSocket::Read(std::span<uint8_t> into) {
  if (!watching()) return Failure(ENOSPC);
  if (dry_) {
    owes_readable_ = true;
    return {.kind = Io::Kind::kWouldBlock};
  }
  ssize_t n;
  do {
    n = recv(fd_.get(), into.data(), into.size(), 0);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    // A short read of TCP has emptied the socket: asking again would be a system call for nothing.
    dry_ = tcp_ && !ended_ && static_cast<size_t>(n) < into.size();
    return {.bytes = static_cast<size_t>(n)};
  }
  if (n == 0) return {.kind = Io::Kind::kEnd};
  Io io = Failure(errno);
  owes_readable_ = owes_readable_ || io.kind == Io::Kind::kWouldBlock;
  return io;
}

Io SystemSocket::Write(std::span<const iovec> from) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());
  message.msg_iovlen = std::min<size_t>(from.size(), IOV_MAX);
  ssize_t n;
  do {
    n = sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return {.bytes = static_cast<size_t>(n)};
  Io io = Failure(errno);
  // Asked for only now: a unix socket tells each time the peer reads.
  if (io.kind == Io::Kind::kWouldBlock && watching() && !owes_writable_) {
    owes_writable_ = true;
    Change(kBoth);
  }
  return io;
}

void SystemSocket::PauseReading(bool pause) {
  if (paused_ == pause) return;
  paused_ = pause;
  if (pause) return Disarm();
  owes_readable_ = false;
  if (events_ != nullptr) loop_->Arm(*this, loop_->Now());
}

void SystemSocket::SetUserTimeout(Duration timeout) {
  const auto all = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  const int ms = static_cast<int>(std::min<int64_t>(all, INT_MAX));
  if (tcp_ && ms != kUserTimeout) {
    setsockopt(fd_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
  }
}

void SystemSocket::OnTimer() { events_->OnReadable(); }

void SystemSocket::OnEvents(uint32_t events) {
  const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  ended_ = ended_ || broken || (events & EPOLLRDHUP) != 0;
  bool gone = false;
  gone_ = &gone;
  if (broken || (events & (EPOLLIN | EPOLLRDHUP)) != 0) {
    dry_ = false;
    if (owes_readable_ && !paused_) {
      owes_readable_ = false;
      events_->OnReadable();
      if (gone) return;
    }
  }
  if (owes_writable_ && (broken || (events & EPOLLOUT) != 0)) {
    owes_writable_ = false;
    Change(kReading);
    events_->OnWritable();
    if (gone) return;
  }
  gone_ = nullptr;
}

}  // namespace rondo::event
