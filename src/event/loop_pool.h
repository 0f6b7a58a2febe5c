#pragma once
// What the library's own layers need of a user's loop. Threads: any.
#include "event/event_loop.h"

namespace rondo::event {

// Every loop of a LoopPool, and every ManualLoop, is an EventLoop. Another implementation of
// rondo::Loop ends the program with a message.
EventLoop& Of(Loop& loop);

}  // namespace rondo::event
