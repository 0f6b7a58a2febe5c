#pragma once
// What channelz (gRFC A14) tells of a process: its channels and servers, listed as they come and
// go. Nothing is gathered until somebody asks; then each tells of itself on its own loops.
// Threads: any, unless said.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "rondo/function.h"

namespace rondo::channelz {

// Of channels, subchannels, servers and sockets together: 1, 2, ... of the process, none twice.
int64_t NextId();

enum class State : uint8_t { kUnknown, kIdle, kConnecting, kReady, kTransientFailure, kShutdown };

struct Calls {  // Or streams.
  int64_t started = 0, succeeded = 0, failed = 0;
  void Add(const Calls& more) {
    started += more.started;
    succeeded += more.succeeded;
    failed += more.failed;
  }
};
struct Socket {
  int64_t id = 0;
  std::string local{}, remote{};  // No remote: it listens.
  Calls streams{};
  int64_t pings = 0;  // Sent to see whether the peer lives.
};
struct Subchannel {
  int64_t id = 0;
  std::string address{};
  State state = State::kUnknown;
  Calls calls{};                   // Attempts.
  std::vector<int64_t> sockets{};  // Ids.
};
struct Channel {
  int64_t id = 0;
  std::string target{};
  State state = State::kUnknown;
  Calls calls{};
  std::vector<Subchannel> subchannels{};
  std::vector<Socket> sockets{};
};
struct Server {
  int64_t id = 0;
  Calls calls{};
  std::vector<Socket> listeners{}, sockets{};
};

// Which sockets are wanted, by id: the first `most` from `from` on.
struct SocketRange {
  int64_t from = 0;
  size_t most = 0;
  // Keeps those of `all` (anything with an `id`) that are wanted, in the order of their ids.
  template <class T>
  void Apply(std::vector<T>& all) const {
    std::erase_if(all, [this](const T& s) { return s.id < from; });
    const auto end = all.begin() + static_cast<ptrdiff_t>(std::min(most, all.size()));
    std::ranges::partial_sort(all, end, {}, &T::id);
    all.erase(end, all.end());
  }
};

// Asks one for itself. `done` is called on any thread, or dropped if it is no more.
template <class T>
using Ask = std::function<void(SocketRange, Function<void(T)> done)>;

// Those of one kind, in the order of their ids.
template <class T>
class Directory {
 public:
  using Entry = std::pair<int64_t, Ask<T>>;

  void Add(int64_t id, Ask<T> ask) {
    const std::lock_guard lock(mutex_);
    all_.insert_or_assign(id, std::move(ask));
  }
  void Remove(int64_t id) {
    const std::lock_guard lock(mutex_);
    all_.erase(id);
  }
  // At most so many, the first of which has this id or the next higher one.
  std::vector<Entry> From(int64_t id, size_t most) const {
    const std::lock_guard lock(mutex_);
    std::vector<Entry> out;
    for (auto it = all_.lower_bound(id); it != all_.end() && out.size() < most; ++it) {
      out.emplace_back(*it);
    }
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::map<int64_t, Ask<T>> all_;
};
Directory<Channel>& Channels();
Directory<Server>& Servers();

}  // namespace rondo::channelz
