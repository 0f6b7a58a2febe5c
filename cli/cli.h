#pragma once
// The program: its commands, and what is common to them.
// Threads: one at a time.
#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "io.h"

namespace rondo::cli {

// Runs a command line without the program's name. Returns the exit status (stop.h). Whoever calls
// it may go on afterwards, but `in` may still be read by a thread if it has more to say.
int Run(std::vector<std::string> arguments, Io io);

// Each adds its command to `app`; what it then does is set in `run`, to be called once `app` has
// read the command line. It returns an exit status or throws a Stop.
using Command = std::function<int()>;
void AddCall(CLI::App& app, Io io, Command& run);
void AddList(CLI::App& app, Io io, Command& run);
void AddDescribe(CLI::App& app, Io io, Command& run);
void AddHealth(CLI::App& app, Io io, Command& run);
void AddLint(CLI::App& app, Io io, Command& run);
void AddResolve(CLI::App& app, Io io, Command& run);
void AddServe(CLI::App& app, Io io, Command& run);
void AddDemo(CLI::App& app, Io io, Command& run);
void AddCompletion(CLI::App& app, Io io, Command& run);

}  // namespace rondo::cli
