#include "base/channelz.h"

#include <atomic>

namespace rondo::channelz {

int64_t NextId() {
  static std::atomic<int64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Never destroyed: channels may outlive main.
Directory<Channel>& Channels() {
  static auto& all = *new Directory<Channel>();
  return all;
}

Directory<Server>& Servers() {
  static auto& all = *new Directory<Server>();
  return all;
}

}  // namespace rondo::channelz
