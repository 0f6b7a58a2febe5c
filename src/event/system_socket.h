#pragma once
// A connected socket of the operating system, on a SystemLoop.
// Threads: the loop's.
#include <memory>
#include <string>

#include "event/fd.h"
#include "event/socket.h"
#include "event/system_loop.h"

namespace rondo::event {

class SystemSocket final : public Socket, private Watch, private TimerNode {
 public:
  // `fd` must be connected and non-blocking.
  SystemSocket(SystemLoop& loop, Fd fd);
  ~SystemSocket() override;

  void Start(SocketEvents& events) override;
  Io Read(std::span<uint8_t> into) override;
  Io Write(std::span<const iovec> from) override;
  void PauseReading(bool pause) override;
  void SetUserTimeout(Duration timeout) override;
  std::string peer() const override { return peer_; }
  std::string local() const override { return local_; }
  std::shared_ptr<const PeerIdentity> identity() const override;

 private:
  void OnEvents(uint32_t events) override;
  void OnTimer() override;  // A pause of reading has ended.

  const std::shared_ptr<SystemLoop> loop_;
  const Fd fd_;
  std::string peer_, local_;
  SocketEvents* events_ = nullptr;
  bool* gone_ = nullptr;  // Set while events are told: becomes true when this is destroyed.
  bool tcp_ = false;
  bool paused_ = false;
  bool owes_readable_ = true;  // OnReadable is to come when there is something to read.
  bool owes_writable_ = false;
  bool dry_ = false;    // The last read took all there was, and no event has come since.
  bool ended_ = false;  // No more bytes after those that wait: reads go on to the end.
};

// NODELAY, and an end to connections whose peer acknowledges nothing for 20 s (A18).
void TuneTcp(int fd);

}  // namespace rondo::event
