#pragma once
// One echo server in a process of its own, so that it can be killed as real ones are.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "echo.rondo.pb.h"
#include "rondo/load_probe.h"
#include "rondo/server.h"
#include "rondo/task.h"

extern char** environ;

// Answers "<message> (from :PORT)".
class PortEcho final : public grpc::examples::echo::EchoService {
 public:
  explicit PortEcho(int port) : from_(" (from :" + std::to_string(port) + ")") {}
  rondo::Task<absl::StatusOr<grpc::examples::echo::EchoResponse>> UnaryEcho(
      rondo::ServerCall&, grpc::examples::echo::EchoRequest request) override {
    grpc::examples::echo::EchoResponse reply;
    reply.set_message(request.message() + from_);
    co_return reply;
  }

 private:
  const std::string from_;
};

// The child's main: serves until a signal ends it. Says "listening" once it does.
inline int ServeUntilKilled(int port) {
  PortEcho echo(port);
  rondo::LoadProbeService probes;  // For clients with the policy prequal.
  rondo::Server server({.credentials = rondo::Insecure(),
                        .listen = {"127.0.0.1:" + std::to_string(port)},
                        .interceptors = {probes.Counter()}});
  server.Add(echo);
  server.Add(probes);
  if (absl::Status s = server.Start(); !s.ok()) {
    std::fprintf(stderr, "%s\n", s.ToString().c_str());
    return 1;
  }
  std::printf("listening\n");
  std::fflush(stdout);
  pause();
  return 0;
}

class BackendProcess {
 public:
  BackendProcess() = default;
  BackendProcess(const BackendProcess&) = delete;
  BackendProcess& operator=(const BackendProcess&) = delete;
  ~BackendProcess() { Kill(); }

  // Starts this very program with `--backend PORT`; true once it listens.
  bool Start(int port) {
    int out[2];
    if (pipe(out) != 0) return false;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    std::string self = "/proc/self/exe", flag = "--backend", text = std::to_string(port);
    char* argv[] = {self.data(), flag.data(), text.data(), nullptr};
    const bool started =
        posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    char line[16];
    const bool listens = started && read(out[0], line, sizeof line) > 0;
    close(out[0]);
    if (!listens) Kill();
    return listens;
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};
