#pragma once
// A peer that isn't rondo: a blocking TCP socket that says what the test wants.
// Threads: one.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rondo::sockets {

class RawPeer {
 public:
  explicit RawPeer(int port) : RawPeer("127.0.0.1", port) {}
  RawPeer(const std::string& host, int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to = Loopback(port);
    inet_pton(AF_INET, host.c_str(), &to.sin_addr);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  static RawPeer Of(int fd) { return RawPeer(fd, true); }
  RawPeer(RawPeer&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  RawPeer& operator=(RawPeer&&) = delete;
  ~RawPeer() { Close(); }

  bool connected() const { return connected_; }
  int fd() const { return fd_; }
  bool Say(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  ssize_t Hear(char* room, size_t size) { return recv(fd_, room, size, 0); }
  // All that comes until the other side closes; a minute without a byte is no end.
  std::pair<std::string, bool> HearToTheEnd() {
    std::string all;
    for (;;) {
      pollfd waits{fd_, POLLIN, 0};
      if (poll(&waits, 1, 60'000) <= 0) return {all, false};
      char room[4096];
      const ssize_t n = recv(fd_, room, sizeof room, 0);
      if (n <= 0) return {all, true};
      all.append(room, static_cast<size_t>(n));
    }
  }
  void HalfClose() { shutdown(fd_, SHUT_WR); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  void Reset() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    Close();
  }

  static sockaddr_in Loopback(int port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    out.sin_port = htons(static_cast<uint16_t>(port));
    return out;
  }

 private:
  RawPeer(int fd, bool connected) : fd_(fd), connected_(connected) {}
  int fd_;
  bool connected_;
};

// The other way round: a listener whose connections the test accepts by hand.
class RawListener {
 public:
  RawListener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at = RawPeer::Loopback(0);
    socklen_t size = sizeof at;
    bind(fd_, reinterpret_cast<const sockaddr*>(&at), size);
    listen(fd_, 16);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;
  ~RawListener() { close(fd_); }
  RawPeer Accept() { return RawPeer::Of(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int fd() const { return fd_; }

 private:
  const int fd_;
  int port_ = 0;
};

// An HTTP/2 frame.
inline std::string Frame(int type, int flags, uint32_t stream, const std::string& body) {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(body.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out + body;
}
inline const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline std::string Settings() { return Frame(4, 0, 0, ""); }

}  // namespace rondo::sockets
