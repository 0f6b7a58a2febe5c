// rondo: call, serve and examine gRPC services.
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "cli.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // Who reads us may go; writing then fails, which nobody hears.
  const int status = rondo::cli::Run({argv + 1, argv + argc}, {std::cin, std::cout, std::cerr});
  std::cout.flush();
  // A thread may still wait for standard input: it must not outlive what it stands on.
  std::_Exit(status);
}
