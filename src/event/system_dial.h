#pragma once
// One attempt to connect with the operating system's sockets.
// Threads: the loop's.
#include <memory>
#include <string>
#include <string_view>

#include "event/system_socket.h"

namespace rondo::event {

class SystemDial final : public Dial, private Watch, private TimerNode {
 public:
  SystemDial(SystemLoop& loop, std::string_view address, DialDone done);
  ~SystemDial() override;

 private:
  int Connect();  // 0, or errno of what failed at once.
  void OnEvents(uint32_t events) override;
  void OnTimer() override;
  void Tell(absl::StatusOr<std::unique_ptr<Socket>> result);
  absl::Status Failed(int error) const;

  const std::shared_ptr<SystemLoop> loop_;
  const std::string address_;
  DialDone done_;
  Fd fd_;
  absl::Status why_;  // What OnTimer tells.
};

}  // namespace rondo::event
