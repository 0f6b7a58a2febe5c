// The hosts file, then the DNS, asked by c-ares on the loop: no threads.
// Threads: the loop's.
#include <ares.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <climits>
#include <map>
#include <utility>

#include "base/lifetime.h"
#include "base/text.h"
#include "event/address.h"
#include "event/fd.h"
#include "event/name_service.h"
#include "event/system_loop.h"

namespace rondo::event {
namespace {

// With four tries, each twice as patient as the last, a server gets 30 s.
constexpr int kFirstTryMs = 2000, kTries = 4;

absl::Status ErrorOf(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
      return absl::NotFoundError("no such name (NXDOMAIN)");
    case ARES_ESERVFAIL:
      return absl::UnavailableError("the server failed (SERVFAIL)");
    case ARES_EREFUSED:
      return absl::UnavailableError("the server refused to answer (REFUSED)");
    case ARES_ETIMEOUT:
      return absl::UnavailableError("no answer");
    case ARES_ECONNREFUSED:
      // Also what c-ares says when each server failed (SERVFAIL) or refused: see Init.
      return absl::UnavailableError("no server can be reached, or none can answer");
    default:
      std::string text = ares_strerror(status);
      text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
      return absl::UnavailableError(text);
  }
}

// RFC 6724 rule 1: whether the system would know by which way to send. Nothing is sent.
bool HasWay(const sockaddr* to, socklen_t size) {
  const Fd probe(socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return probe.ok() && connect(probe.get(), to, size) == 0;
}

NamedAddresses Read(const ares_addrinfo& info) {
  NamedAddresses out;
  int ttl = INT_MAX;
  for (const ares_addrinfo_cname* c = info.cnames; c != nullptr; c = c->next) {
    ttl = std::min(ttl, c->ttl);
  }
  for (const ares_addrinfo_node* n = info.nodes; n != nullptr; n = n->ai_next) {
    char text[INET6_ADDRSTRLEN] = "";
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(n->ai_addr);
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(n->ai_addr);
    const void* bytes = n->ai_family == AF_INET ? static_cast<const void*>(&v4->sin_addr)
                                                : static_cast<const void*>(&v6->sin6_addr);
    inet_ntop(n->ai_family, bytes, text, sizeof text);
    if (out.addresses.empty()) out.usable = HasWay(n->ai_addr, n->ai_addrlen);
    if (std::ranges::find(out.addresses, text) == out.addresses.end())
      out.addresses.push_back(text);
    ttl = std::min(ttl, n->ai_ttl);
  }
  if (!out.addresses.empty()) out.ttl = std::chrono::seconds(std::max(ttl, 0));
  return out;
}

// One question with a c-ares channel of its own: it can be dropped alone, and what the system's
// administrator changes in resolv.conf counts from the next question on.
class CaresLookup final : public Lookup, private TimerNode {
 public:
  CaresLookup(SystemLoop& loop, const std::string& server, std::string_view host, Family family,
              NameService::Done done)
      : loop_(std::static_pointer_cast<SystemLoop>(loop.shared_from_this())),
        done_(std::move(done)) {
    if (const int status = Init(server); status != ARES_SUCCESS) {
      Finish(ErrorOf(status));
      return;
    }
    Ask(std::string(host), family == Family::kIpv4 ? AF_INET : AF_INET6);
  }
  ~CaresLookup() override {
    ending_ = true;
    if (channel_ != nullptr) ares_destroy(channel_);  // Ends the watches.
  }

  std::string asked() const override {
    std::string out;
    ares_addr_port_node* servers = nullptr;
    if (channel_ != nullptr) ares_get_servers_ports(channel_, &servers);
    for (const ares_addr_port_node* s = servers; s != nullptr; s = s->next) {
      char host[INET6_ADDRSTRLEN] = "";
      inet_ntop(s->family, &s->addr, host, sizeof host);
      const bool v6 = s->family == AF_INET6;
      const int port = s->udp_port != 0 ? s->udp_port : 53;
      Append(out, Cat(out.empty() ? "" : ",", v6 ? "[" : "", host, v6 ? "]:" : ":", port));
    }
    ares_free_data(servers);
    return out.empty() ? "nobody" : out;
  }

 private:
  // One of c-ares' sockets.
  struct Wire final : Watch {
    Wire(CaresLookup* l, int f) : lookup(l), fd(f) {}
    void OnEvents(uint32_t events) override {
      // The rest of the flags are errors, which a read finds out about.
      const bool write = (events & EPOLLOUT) != 0, read = (events & ~EPOLLOUT) != 0;
      // This may end the watch.
      lookup->Process(read ? fd : ARES_SOCKET_BAD, write ? fd : ARES_SOCKET_BAD);
    }
    CaresLookup* const lookup;
    const int fd;
  };

  int Init(const std::string& server) {
    ares_options options{};
    options.timeout = kFirstTryMs;
    options.tries = kTries;
    options.lookups = const_cast<char*>("fb");  // Files, then the "bind" protocol.
    options.sock_state_cb = &OnSocket;
    options.sock_state_cb_data = this;
    // Where there is a next server to ask, one that fails is passed over, and its words are lost. A
    // server that was named stands alone: its words count.
    options.flags = server.empty() ? 0 : ARES_FLAG_NOCHECKRESP;
    ares_channel channel = nullptr;
    const int status = ares_init_options(&channel, &options,
                                         ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                             ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) return status;
    channel_ = channel;
    return server.empty() ? ARES_SUCCESS : ares_set_servers_ports_csv(channel_, server.c_str());
  }

  void Ask(const std::string& host, int family) {
    // What the hosts file says of one family counts for both, as in getaddrinfo(3).
    const int other = family == AF_INET ? AF_INET6 : AF_INET;
    if (!InHostsFile(host, family) && InHostsFile(host, other)) {
      Finish(NamedAddresses{});
      return;
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = family;
    ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &OnAnswer, this);
    SetTimer();
  }
  bool InHostsFile(const std::string& host, int family) {
    hostent* found = nullptr;
    const int status = ares_gethostbyname_file(channel_, host.c_str(), family, &found);
    if (found != nullptr) ares_free_hostent(found);
    return status == ARES_SUCCESS;
  }

  static void OnSocket(void* self, ares_socket_t fd, int read, int write) {
    auto& wires = static_cast<CaresLookup*>(self)->wires_;
    const uint32_t events = (read != 0 ? EPOLLIN : 0u) | (write != 0 ? EPOLLOUT : 0u);
    if (events == 0) {
      wires.erase(fd);
      return;
    }
    auto [it, is_new] = wires.try_emplace(fd, static_cast<CaresLookup*>(self), fd);
    if (!is_new) {
      it->second.Change(events);
      return;
    }
    it->second.Begin(static_cast<CaresLookup*>(self)->loop_->poller(), fd, events);
  }
  static void OnAnswer(void* self, int status, int, ares_addrinfo* info) {
    static_cast<CaresLookup*>(self)->Answer(status, info);
    ares_freeaddrinfo(info);
  }
  void Answer(int status, const ares_addrinfo* info) {
    if (ending_) return;
    if (status == ARES_SUCCESS && info != nullptr) return Finish(Read(*info));
    if (status == ARES_ENODATA) return Finish(NamedAddresses{});
    Finish(ErrorOf(status));
  }
  // Later, since c-ares is on the stack.
  void Finish(absl::StatusOr<NamedAddresses> result) {
    loop_->Post(lifetime_.Bind([this, result = std::move(result)]() mutable {
      NameService::Done done = std::move(done_);  // It may drop this.
      done(std::move(result));
    }));
  }

  void Process(ares_socket_t read, ares_socket_t write) {
    ares_process_fd(channel_, read, write);
    SetTimer();
  }
  void SetTimer() {
    timeval wait{};
    if (ares_timeout(channel_, nullptr, &wait) == nullptr) return Disarm();
    loop_->Arm(*this, loop_->Now() + std::chrono::seconds(wait.tv_sec) +
                          std::chrono::microseconds(wait.tv_usec));
  }
  void OnTimer() override { Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

  const std::shared_ptr<SystemLoop> loop_;
  NameService::Done done_;
  ares_channel channel_ = nullptr;
  std::map<int, Wire> wires_;
  bool ending_ = false;
  const Lifetime lifetime_;
};

class CaresNames final : public NameService {
 public:
  CaresNames(SystemLoop& loop, std::string server) : loop_(loop), server_(std::move(server)) {}
  std::unique_ptr<Lookup> Find(std::string_view host, Family family, Done done) override {
    return std::make_unique<CaresLookup>(loop_, server_, host, family, std::move(done));
  }

 private:
  SystemLoop& loop_;
  const std::string server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<NameService>> SystemNames(Loop& loop, std::string_view server) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return ErrorOf(library);
  auto* system = dynamic_cast<SystemLoop*>(&loop);
  if (system == nullptr) return absl::FailedPreconditionError("this loop has no sockets");
  if (server.empty()) return std::make_unique<CaresNames>(*system, "");
  const absl::StatusOr<SocketAddress> address = ParseAddress(server);
  if (!address.ok()) return address.status();
  return std::make_unique<CaresNames>(*system, AddressText(*address));
}

}  // namespace rondo::event
