#pragma once
// A connected socket of the operating system on an AsioLoop.
// Threads: the loop's.
#include <asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>

#include "event/asio_loop.h"
#include "event/socket.h"

namespace rondo::event {

class SystemSocket final : public Socket {
 public:
  // Takes `fd`, which must be connected and non-blocking.
  SystemSocket(AsioLoop& loop, int fd);
  ~SystemSocket() override;

  void Start(SocketEvents& events) override;
  Io Read(std::span<uint8_t> into) override;
  Io Write(std::span<const iovec> from) override;
  void PauseReading(bool pause) override;
  std::string peer() const override { return peer_; }
  std::string local() const override { return local_; }

 private:
  // Outlives the socket in the handlers that wait; deaf once the socket is gone.
  struct Ear {
    SystemSocket* socket;
  };
  void WaitToRead();
  void WaitToWrite();
  void TellReadable();

  asio::posix::stream_descriptor descriptor_;
  const std::shared_ptr<Ear> ear_;
  SocketEvents* events_ = nullptr;
  const std::string peer_, local_;
  bool waiting_to_read_ = false, waiting_to_write_ = false;
  bool paused_ = false, missed_ = false;  // missed_: became readable during a pause.
};

// NODELAY, and an end to connections whose peer acknowledges nothing for 20 s (A18).
void TuneTcp(int fd);

}  // namespace rondo::event
