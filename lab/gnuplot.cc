#include "gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

extern char** environ;

namespace rondo::lab {
namespace {

std::string Contents(const std::string& file) {
  std::ifstream in(file);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

// 0, or an errno: it couldn't be started. Else `status` is waitpid's.
int RunIn(const std::string& folder, const std::string& program, const std::string& errors,
          int& status) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addchdir_np(&files, folder.c_str());
  std::string name = program, script = "plot.gp";
  char* words[] = {name.data(), script.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawnp(&child, program.c_str(), &files, nullptr, words, environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return failed;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return 0;
}

}  // namespace

absl::Status RunGnuplot(const std::string& folder, const std::string& script,
                        const std::string& program) {
  const std::string file = folder + "/plot.gp", errors = folder + "/plot.err";
  std::ofstream out(file);
  out << script;
  out.close();
  if (!out) return absl::InternalError("gnuplot: " + file + ": can't be written");
  int status = 0;
  const int failed = RunIn(folder, program, errors, status);
  if (failed == ENOENT) {
    return absl::FailedPreconditionError(
        program + ": there is no such program, which draws the report's pictures; install the " +
        "Debian package gnuplot-nox, or leave --out away");
  }
  if (failed != 0) return absl::InternalError(program + ": " + std::strerror(failed));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::InternalError(program + ": can't draw: " + Contents(errors));
  }
  return absl::OkStatus();
}

}  // namespace rondo::lab
