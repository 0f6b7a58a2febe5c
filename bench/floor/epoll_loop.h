#pragma once
// The least that can be called an event loop: epoll, one read an event, one write a turn and peer.
// Threads: one.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "message.h"

namespace bench {

inline int NewSocket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}
inline sockaddr_in Loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}
inline void DontBlock(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) Die("fcntl");
}

// One connection's protocol.
class Peer {
 public:
  virtual ~Peer() {
    if (fd_ >= 0) close(fd_);
  }
  virtual void OnBytes(Bytes bytes) = 0;
  // Appends what is to be sent; may stop after kEnough and is called again then.
  virtual void Fill(std::vector<uint8_t>& out) = 0;
  static constexpr size_t kEnough = 256 << 10;

 private:
  friend class EpollLoop;
  int fd_ = -1;
  bool dirty_ = false, waits_to_write_ = false;
  std::vector<uint8_t> unsent_;
  size_t sent_ = 0;  // Of unsent_, already.
};

class EpollLoop {
 public:
  using MakePeer = std::function<std::unique_ptr<Peer>()>;

  EpollLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~EpollLoop() { close(epoll_); }

  // A port of 127.0.0.1 that the system chose.
  int Listen(MakePeer make) {
    const int fd = NewSocket();
    sockaddr_in at = Loopback(0);
    socklen_t size = sizeof at;
    if (bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(fd, 4096) != 0) Die("bind");
    getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    DontBlock(fd);
    listeners_.push_back({fd, std::move(make)});
    Watch(EPOLL_CTL_ADD, fd, EPOLLIN, {.u64 = listeners_.size() * 2 - 1});  // Odd: no pointer.
    return ntohs(at.sin_port);
  }
  // `peer` outlives the loop's run.
  void Connect(Peer& peer, int port) {
    const int fd = NewSocket();
    const sockaddr_in at = Loopback(port);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) Die("connect");
    Own(peer, fd);
    Dirty(peer);
  }
  // Its Fill is called at the end of this turn.
  void Dirty(Peer& peer) {
    if (!std::exchange(peer.dirty_, true)) dirty_.push_back(&peer);
  }
  // Stdin's end ends a server, so that none outlives who started it.
  void StopWithStdin() { Watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, {.u64 = 0}); }
  void Stop() { running_ = false; }
  // Called once a turn; says when it wants to be called at the latest (CLOCK_MONOTONIC's ns).
  void EachTurn(std::function<uint64_t()> work) { each_turn_ = std::move(work); }
  void Run() {
    running_ = true;
    epoll_event events[256];
    while (running_) {
      const uint64_t until = each_turn_ ? each_turn_() : 0;
      Flush();
      const int n = each_turn_ ? WaitUntil(until, events) : epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < n; ++i) OnEvent(events[i]);
    }
  }

 private:
  struct Listening {
    int fd;
    MakePeer make;
  };

  int WaitUntil(uint64_t until, epoll_event (&events)[256]) {
    const uint64_t now = NowNs(), wait = until > now ? until - now : 0;
    const timespec patience{static_cast<time_t>(wait / 1'000'000'000u),
                            static_cast<long>(wait % 1'000'000'000u)};
    return epoll_pwait2(epoll_, events, 256, &patience, nullptr);
  }
  void Watch(int how, int fd, uint32_t what, epoll_data_t who) {
    epoll_event event{.events = what, .data = who};
    if (epoll_ctl(epoll_, how, fd, &event) != 0) Die("epoll_ctl");
  }
  void Own(Peer& peer, int fd) {
    DontBlock(fd);
    peer.fd_ = fd;
    Watch(EPOLL_CTL_ADD, fd, EPOLLIN, {.ptr = &peer});
  }
  void OnEvent(const epoll_event& event) {
    if (event.data.u64 == 0) {
      Stop();
    } else if (event.data.u64 % 2 == 1) {
      Accept(listeners_[event.data.u64 / 2]);
    } else {
      auto& peer = *static_cast<Peer*>(event.data.ptr);
      if ((event.events & EPOLLOUT) != 0) Write(peer);
      if ((event.events & ~EPOLLOUT) != 0) Read(peer);
    }
  }
  void Accept(const Listening& listening) {
    const int fd = accept4(listening.fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Peer* peer = listening.make().release();  // Owned by its connection: Read deletes it.
    Own(*peer, fd);
    Dirty(*peer);
  }
  void Read(Peer& peer) {
    const ssize_t n = recv(peer.fd_, buffer_, sizeof buffer_, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      if (listeners_.empty()) Die("the server has gone");
      std::erase(dirty_, &peer);
      delete &peer;
      return;
    }
    peer.OnBytes({buffer_, static_cast<size_t>(n)});
    Dirty(peer);
  }
  void Flush() {
    for (size_t i = 0; i < dirty_.size(); ++i) {
      dirty_[i]->dirty_ = false;
      if (!dirty_[i]->waits_to_write_) Write(*dirty_[i]);
    }
    dirty_.clear();
  }
  void Write(Peer& peer) {
    for (bool more = true; more;) {
      if (peer.unsent_.empty()) peer.Fill(peer.unsent_);
      if (peer.unsent_.empty()) break;
      const ssize_t n = send(peer.fd_, peer.unsent_.data() + peer.sent_,
                             peer.unsent_.size() - peer.sent_, MSG_NOSIGNAL);
      if (n > 0) peer.sent_ += static_cast<size_t>(n);
      more = peer.sent_ == peer.unsent_.size() && peer.sent_ >= Peer::kEnough;
      if (peer.sent_ < peer.unsent_.size()) break;
      peer.unsent_.clear();
      peer.sent_ = 0;
    }
    const bool rest = !peer.unsent_.empty();
    if (rest != std::exchange(peer.waits_to_write_, rest)) {
      Watch(EPOLL_CTL_MOD, peer.fd_, EPOLLIN | (rest ? uint32_t{EPOLLOUT} : 0u), {.ptr = &peer});
    }
  }

  const int epoll_;
  bool running_ = false;
  std::function<uint64_t()> each_turn_;
  std::vector<Listening> listeners_;
  std::vector<Peer*> dirty_;
  uint8_t buffer_[256 << 10];
};

// A server's first words, for whoever starts it: the ports it listens on.
inline void PrintPorts(const std::vector<int>& ports) {
  for (const int port : ports) std::printf("%d ", port);
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace bench
