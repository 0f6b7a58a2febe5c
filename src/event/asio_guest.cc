// The half of rondo/asio.h that knows the library's loops.
#include <utility>

#include "event/asio_loop.h"
#include "event/loop_pool.h"
#include "rondo/asio.h"

namespace rondo {

std::unique_ptr<LoopPool> LoopPoolOn(asio::io_context& io) {
  auto loop = event::AsioLoop::Make(io);
  return detail::GuestPool::Make(loop, [loop] { loop->Stop(); });
}

asio::io_context* ContextOf(Loop& loop) {
  auto* guest = dynamic_cast<event::AsioLoop*>(&loop);
  return guest == nullptr ? nullptr : &guest->context();
}

}  // namespace rondo
