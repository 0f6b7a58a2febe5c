// The operating system's network: what connects, and what listens.
#include <cstdio>
#include <cstdlib>

#include "event/system_dial.h"
#include "event/system_listener.h"

namespace rondo::event {
namespace {

SystemLoop& SystemLoopOf(EventLoop& loop) {
  auto* found = dynamic_cast<SystemLoop*>(&loop);
  if (found == nullptr) {
    std::fputs("rondo: the system's network needs a loop of a LoopPool\n", stderr);
    std::abort();
  }
  return *found;
}

class System final : public Network {
 public:
  std::unique_ptr<Dial> Connect(EventLoop& loop, std::string_view address, DialDone done) override {
    return std::make_unique<SystemDial>(SystemLoopOf(loop), address, std::move(done));
  }
  absl::StatusOr<std::unique_ptr<Listener>> Listen(EventLoop& loop, std::string_view address,
                                                   PickLoop pick, Accept accept) override {
    return SystemListener::Make(SystemLoopOf(loop), address, std::move(pick), std::move(accept));
  }
};

}  // namespace

Network& SystemNetwork() {
  static System network;
  return network;
}

}  // namespace rondo::event
