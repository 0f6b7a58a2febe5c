#pragma once
// An echo server in a process of its own, which is this very program, so that it can be killed as
// real ones are.
// Threads: one.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "echo_backend.h"

extern char** environ;

namespace rondo::sockets {

// The child's main. Writes the address once it listens.
inline int ServeUntilKilled(const char* listen) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  EchoBackend backend(listen);
  if (!backend.server().Start().ok()) return 1;
  std::printf("%s\n", backend.address().c_str());
  std::fflush(stdout);
  for (;;) pause();
}

class BackendProcess {
 public:
  BackendProcess() = default;
  BackendProcess(const BackendProcess&) = delete;
  BackendProcess& operator=(const BackendProcess&) = delete;
  ~BackendProcess() { Kill(); }

  // True once it listens: on a port of its own choice, and after Kill on the same again.
  bool Start() {
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0) return false;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::string self = "/proc/self/exe", flag = "--backend", listen = address_;
    char* argv[] = {self.data(), flag.data(), listen.data(), nullptr};
    const bool started = posix_spawn(&pid_, self.c_str(), &actions, nullptr, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    char c = 0;
    std::string said;
    while (started && read(out[0], &c, 1) == 1 && c != '\n') said += c;
    close(out[0]);
    if (c == '\n') address_ = said;
    return c == '\n';
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // As a process that hangs: its connections stay open, and nobody reads them.
  void Stop() { kill(pid_, SIGSTOP); }
  void Continue() { kill(pid_, SIGCONT); }
  const std::string& address() const { return address_; }

 private:
  pid_t pid_ = 0;
  // An address that no other program on this machine is likely to use: nobody else takes the port
  // while the backend is dead.
  std::string address_ = "127." + std::to_string(1 + getpid() % 200) + "." +
                         std::to_string(getpid() / 200 % 250) + ".1:0";
};

}  // namespace rondo::sockets
