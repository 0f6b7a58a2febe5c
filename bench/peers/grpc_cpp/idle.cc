// Connects without calling, and waits for a line on stdin. A thread polls a completion queue all
// the while: without it nothing drives this library's connections.
#include <thread>

#include "programs.h"

namespace bench {

void Idle(const Arguments& arguments) {
  grpc::CompletionQueue queue;
  std::thread([&] {
    void* tag = nullptr;
    for (bool ok = false; queue.Next(&tag, &ok);) {
    }
  }).detach();
  PrintStarted();
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  const bool connect = arguments.Int("connect", 1) != 0;
  for (int i = arguments.Int("channels", 1); i > 0; --i) {
    channels.push_back(Open(arguments.Text("port", "1"), true));
    if (!connect) continue;
    const grpc_connectivity_state state = channels.back()->GetState(true);
    channels.back()->NotifyOnStateChange(state, gpr_inf_future(GPR_CLOCK_REALTIME), &queue,
                                         nullptr);
  }
  while (std::getchar() != '\n') {
    if (std::feof(stdin)) break;
  }
  std::printf("{\"resident_kib\": %ld, \"threads\": %ld}\n", Status("VmRSS"), Status("Threads"));
  std::fflush(stdout);
}

}  // namespace bench
