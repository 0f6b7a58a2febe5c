#pragma once
// A name server of the tests' own, on loopback, over UDP and TCP: answers as it is told, and may
// fail, cut its answers short, or keep silent.
// Threads: any; it has one of its own.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "echo_backend.h"

namespace rondo::sockets {

// What is known of a name. By itself: nothing of it, but it exists.
struct NameRecord {
  std::vector<std::string> v4{}, v6{};
  std::string alias{};  // CNAME: the records of that name follow in the same answer.
  int rcode = 0;        // 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
  bool silent_v4 = false, silent_v6 = false;
  bool truncated = false;  // Over UDP: nothing but "ask by TCP".
  uint32_t ttl = 30;
};

class NameServer {
 public:
  // Of an address family: 1 A, 28 AAAA. "tcp" is said of questions that came that way.
  using Questions = std::vector<std::string>;  // "a.test 1", "a.test 28 tcp"

  NameServer() {
    for (int tries = 0; tries < 100 && !Bind(); ++tries) {
    }
    if (udp_ < 0 || pipe(stop_) != 0) std::abort();
    thread_ = std::thread([this] { Serve(); });
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  ~NameServer() {
    close(stop_[1]);
    thread_.join();
    for (const int fd : {udp_, tcp_, stop_[0]}) close(fd);
  }

  // Names without a record do not exist (NXDOMAIN).
  void Set(const std::string& name, NameRecord record) {
    const std::lock_guard lock(mutex_);
    records_[name] = std::move(record);
  }
  Shared<Questions> asked;
  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // A target that asks here.
  std::string Target(const std::string& host, int port) const {
    return "dns://" + address() + "/" + host + ":" + std::to_string(port);
  }

 private:
  // One port for both protocols.
  bool Bind() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    udp_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    tcp_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto* address = reinterpret_cast<sockaddr*>(&at);
    if (bind(udp_, address, size) == 0 && getsockname(udp_, address, &size) == 0 &&
        bind(tcp_, address, size) == 0 && listen(tcp_, 16) == 0) {
      port_ = ntohs(at.sin_port);
      return true;
    }
    close(std::exchange(udp_, -1));
    close(tcp_);
    return false;
  }

  void Serve() {
    for (;;) {
      pollfd waits[] = {{stop_[0], POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
      poll(waits, 3, -1);
      if (waits[0].revents != 0) return;
      if (waits[1].revents != 0) ServeUdp();
      if (waits[2].revents != 0) ServeTcp();
    }
  }
  void ServeUdp() {
    char room[1500];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* address = reinterpret_cast<sockaddr*>(&from);
    const ssize_t n = recvfrom(udp_, room, sizeof room, 0, address, &size);
    if (n < 12) return;
    const std::string answer = Answer(std::string(room, static_cast<size_t>(n)), false);
    if (!answer.empty()) sendto(udp_, answer.data(), answer.size(), 0, address, size);
  }
  void ServeTcp() {
    const int fd = accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC);
    std::string head = ReadBytes(fd, 2);
    if (head.size() == 2) {
      const size_t length = Number(head, 0);
      const std::string question = ReadBytes(fd, length);
      if (question.size() == length && length > 12) {
        const std::string answer = Answer(question, true);
        const std::string framed = Two(answer.size()) + answer;
        if (!answer.empty()) (void)!send(fd, framed.data(), framed.size(), MSG_NOSIGNAL);
      }
    }
    close(fd);
  }
  static std::string ReadBytes(int fd, size_t n) {
    std::string out;
    char c = 0;
    while (out.size() < n && recv(fd, &c, 1, 0) == 1) out += c;
    return out;
  }

  static std::string Two(size_t n) { return {static_cast<char>(n >> 8), static_cast<char>(n)}; }
  static size_t Number(const std::string& s, size_t at) {
    return static_cast<size_t>(static_cast<uint8_t>(s[at])) << 8 | static_cast<uint8_t>(s[at + 1]);
  }
  static std::string Encoded(std::string_view name) {
    std::string out;
    while (!name.empty()) {
      const size_t dot = std::min(name.find('.'), name.size());
      out += static_cast<char>(dot);
      out += name.substr(0, dot);
      name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return out + '\0';
  }

  // A whole message (RFC 1035), or "" for silence.
  std::string Answer(const std::string& question, bool tcp) {
    std::string name;
    size_t at = 12;
    while (at < question.size() && question[at] != 0) {
      const size_t length = static_cast<uint8_t>(question[at]);
      name += (name.empty() ? "" : ".") + question.substr(at + 1, length);
      at += 1 + length;
    }
    if (at + 5 > question.size()) return "";
    const size_t type = Number(question, at + 1);
    asked.Change([&](Questions& all) {
      all.push_back(name + " " + std::to_string(type) + (tcp ? " tcp" : ""));
    });
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(name);
    const NameRecord record = found == records_.end() ? NameRecord{.rcode = 3} : found->second;
    if (type == 28 ? record.silent_v6 : record.silent_v4) return "";
    const bool cut = record.truncated && !tcp;
    size_t count = 0;
    const std::string body = cut ? "" : Records(name, type, count);
    std::string out = question.substr(0, 2);
    out += static_cast<char>(cut ? 0x87 : 0x85);  // An answer, by authority.
    out += static_cast<char>(0x80 | record.rcode);
    out += Two(1) + Two(count) + Two(0) + Two(0);
    return out + question.substr(12, at + 5 - 12) + body;
  }
  std::string Records(const std::string& name, size_t type, size_t& count) const {
    std::string out;
    std::string owner = name;
    for (int hops = 0; hops < 10; ++hops) {
      const auto found = records_.find(owner);
      if (found == records_.end()) break;
      const NameRecord& r = found->second;
      const auto add = [&](size_t kind, const std::string& data) {
        out += Encoded(owner) + Two(kind) + Two(1) + Two(r.ttl >> 16) + Two(r.ttl & 0xffff) +
               Two(data.size()) + data;
        ++count;
      };
      if (r.alias.empty()) {
        const int family = type == 28 ? AF_INET6 : AF_INET;
        for (const std::string& text : type == 28 ? r.v6 : r.v4) {
          char bytes[16];
          inet_pton(family, text.c_str(), bytes);
          add(type, std::string(bytes, type == 28 ? 16 : 4));
        }
        break;
      }
      add(5, Encoded(r.alias));
      owner = r.alias;
    }
    return out;
  }

  int udp_ = -1, tcp_ = -1, port_ = 0, stop_[2] = {-1, -1};
  std::mutex mutex_;
  std::map<std::string, NameRecord> records_;
  std::thread thread_;
};

}  // namespace rondo::sockets
