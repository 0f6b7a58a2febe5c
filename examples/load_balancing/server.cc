// Two echo servers in one process; each answers with its own port.
//
//   load_balancing_server [PORT...]       default: 50051 50052
#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "backend_process.h"

int main(int argc, char** argv) {
  std::vector<std::string> ports(argv + 1, argv + argc);
  if (ports.empty()) ports = {"50051", "50052"};

  // A signal ends the program; block it before the library starts threads.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  std::vector<std::unique_ptr<PortEcho>> services;
  std::vector<std::unique_ptr<rondo::Server>> servers;
  for (const std::string& port : ports) {
    services.push_back(std::make_unique<PortEcho>(std::stoi(port)));
    servers.push_back(std::make_unique<rondo::Server>(
        rondo::ServerOptions{.credentials = rondo::Insecure(), .listen = {"127.0.0.1:" + port}}));
    servers.back()->Add(*services.back());
    if (absl::Status s = servers.back()->Start(); !s.ok()) {
      std::fprintf(stderr, "%s\n", s.ToString().c_str());
      return 1;
    }
    std::printf("serving on :%s\n", port.c_str());
  }
  std::printf("listening\n");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);
  for (auto& server : servers) server->Drain(std::chrono::seconds(5)).IgnoreError();
  return 0;
}
