// rondo: call, serve and examine gRPC services.
#include <cstdlib>
#include <iostream>

#include "cli.h"

int main(int argc, char** argv) {
  const int status = rondo::cli::Run({argv + 1, argv + argc}, {std::cin, std::cout, std::cerr});
  std::cout.flush();
  // A thread may still wait for standard input: it must not outlive what it stands on.
  std::_Exit(status);
}
