// The tests' main, and the one of the backends that they start as processes of their own.
#include <gtest/gtest.h>

#include <string_view>

#include "backend_process.h"

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--backend") {
    return rondo::sockets::ServeUntilKilled(argv[2]);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
