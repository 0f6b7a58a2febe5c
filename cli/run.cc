// The command line, from its words to the exit status.
#include <exception>
#include <ostream>

#include "arguments.h"
#include "cli.h"
#include "stop.h"

namespace rondo::cli {
namespace {

// "rondo call", of the command that was chosen.
std::string NameOf(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? "rondo" : "rondo " + chosen[0]->get_name();
}

int Parse(CLI::App& app, std::vector<std::string> arguments, Io io) {
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
    return kOk;
  } catch (const CLI::Success& help) {
    app.exit(help, io.out, io.err);
    return -1;
  } catch (const CLI::ParseError& error) {
    const std::string name = NameOf(app);
    io.err << name << ": " << error.what() << "; " << name << " --help tells more\n";
    return kUsage;
  }
}

}  // namespace

int Run(std::vector<std::string> arguments, Io io) {
  if (arguments.size() == 2 && arguments[0] == "help") arguments = {arguments[1], "--help"};
  if (arguments.empty() || (arguments.size() == 1 && arguments[0] == "help")) {
    arguments = {"--help"};
  }
  CLI::App app("call, serve and examine gRPC services", "rondo");
  app.set_version_flag("--version", std::string("rondo ") + RONDO_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  Command command;
  AddCall(app, io, command);
  AddList(app, io, command);
  AddDescribe(app, io, command);
  AddHealth(app, io, command);
  AddLint(app, io, command);
  AddResolve(app, io, command);
  AddServe(app, io, command);
  AddDemo(app, io, command);
  AddCompletion(app, io, command);
  app.add_subcommand("version", "tell the version")->callback([&command, io] {
    command = [io] {
      io.out << "rondo " << RONDO_VERSION << "\n";
      return static_cast<int>(kOk);
    };
  });
  app.footer("rondo COMMAND --help tells a command's flags, with examples.");

  const int parsed = Parse(app, WithAliases(std::move(arguments)), io);
  if (parsed != kOk) return parsed < 0 ? kOk : parsed;
  try {
    return command();
  } catch (const Stop& stop) {
    io.err << NameOf(app) << ": " << stop.what() << "\n";
    return stop.exit();
  }
}

}  // namespace rondo::cli
