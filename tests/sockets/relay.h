#pragma once
// Between a client and a backend: carries bytes to and fro until it is told to swallow none and
// pass none, as a network does that has lost its way while both ends live.
// Threads: its own; methods, the test's.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "raw_peer.h"

namespace rondo::sockets {

class Relay {
 public:
  explicit Relay(const std::string& backend)
      : port_(std::stoi(backend.substr(backend.rfind(':') + 1))),
        host_(backend.substr(0, backend.rfind(':'))) {
    if (pipe2(wake_, O_CLOEXEC | O_NONBLOCK) == 0) thread_ = std::thread([this] { Run(); });
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() {
    over_ = true;
    Wake();
    if (thread_.joinable()) thread_.join();
    for (const int fd : wake_) close(fd);
  }
  std::string address() const { return listener_.address(); }
  // Nothing is read, accepted or passed on.
  void Stop() { Set(true); }
  void Continue() { Set(false); }

 private:
  struct Pair {
    RawPeer client, backend;
    bool open = true;
  };

  void Set(bool stopped) {
    stopped_ = stopped;
    Wake();
  }
  void Wake() {
    if (write(wake_[1], "", 1) != 1) over_ = true;
  }
  void Run() {
    while (!over_) {
      std::vector<pollfd> waits{{wake_[0], POLLIN, 0}};
      if (!stopped_) {
        waits.push_back({listener_.fd(), POLLIN, 0});
        for (const Pair& p : pairs_) {
          if (!p.open) continue;
          waits.push_back({p.client.fd(), POLLIN, 0});
          waits.push_back({p.backend.fd(), POLLIN, 0});
        }
      }
      if (poll(waits.data(), waits.size(), -1) < 0) return;
      char woken[64];
      while (read(wake_[0], woken, sizeof woken) > 0) {
      }
      if (stopped_ || waits.size() < 2) continue;
      size_t i = 2;
      for (Pair& p : pairs_) {
        if (!p.open) continue;
        if (waits[i++].revents != 0) Carry(p, p.client, p.backend);
        if (waits[i++].revents != 0 && p.open) Carry(p, p.backend, p.client);
      }
      if (waits[1].revents != 0) {
        const Pair& fresh = pairs_.emplace_back(Pair{listener_.Accept(), RawPeer(host_, port_)});
        for (const RawPeer* peer : {&fresh.client, &fresh.backend}) {
          const timeval most{.tv_sec = 5,
                             .tv_usec = 0};  // Who reads nothing holds nobody up for long.
          setsockopt(peer->fd(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
        }
      }
    }
  }
  static void Carry(Pair& pair, RawPeer& from, RawPeer& to) {
    char room[16 << 10];
    const ssize_t n = from.Hear(room, sizeof room);
    if (n > 0 && to.Say({room, static_cast<size_t>(n)})) return;
    pair.open = false;
    from.Close();
    to.Close();
  }

  const int port_;
  const std::string host_;
  RawListener listener_;
  int wake_[2] = {-1, -1};
  std::atomic<bool> stopped_{false}, over_{false};
  std::deque<Pair> pairs_;  // The thread's.
  std::thread thread_;
};

}  // namespace rondo::sockets
