#pragma once
// A listening socket of the operating system, which deals what it accepts to loops.
// Threads: the loop's; `accept` runs on the loop that was picked. A connection that is on its way
// to another loop when the listener ends is still delivered there if its turn has begun.
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "event/system_socket.h"

namespace rondo::event {

class SystemListener final : public Listener, private Watch, private TimerNode {
 public:
  static absl::StatusOr<std::unique_ptr<Listener>> Make(SystemLoop& loop, std::string_view address,
                                                        Network::PickLoop pick,
                                                        Network::Accept accept);
  ~SystemListener() override;
  std::string address() const override { return address_; }

 private:
  // Shared with connections on their way to another loop.
  struct Door {
    Network::Accept accept;
    std::atomic<bool> closed{false};
  };

  SystemListener(SystemLoop& loop, Fd fd, Network::PickLoop pick, Network::Accept accept);
  absl::Status Open(std::string_view address);
  void OnEvents(uint32_t events) override;
  void OnTimer() override;  // A pause of accepting has ended.
  bool AcceptOne();
  void Deal(Fd fd);

  const std::shared_ptr<SystemLoop> loop_;
  const Fd fd_;
  std::string address_;
  std::string path_;   // Of a unix socket that is a file.
  uint64_t file_ = 0;  // Which file: another server may have put its own there.
  const Network::PickLoop pick_;
  const std::shared_ptr<Door> door_;
  bool tcp_ = false;
};

}  // namespace rondo::event
