#pragma once
// What the library's own layers need of a user's loop. Threads: any.
#include <memory>

#include "event/event_loop.h"

namespace rondo::event {

class SystemLoop;

// Every loop of a LoopPool, and every ManualLoop, is an EventLoop. Another implementation of
// rondo::Loop ends the program with a message.
EventLoop& Of(Loop& loop);

}  // namespace rondo::event

namespace rondo::detail {

// A pool of one loop that runs on a thread of the user's. `stop` ends the loop; it is called with
// the pool.
struct GuestPool {
  static std::unique_ptr<LoopPool> Make(std::shared_ptr<event::SystemLoop> loop,
                                        Function<void()> stop);
};

}  // namespace rondo::detail
