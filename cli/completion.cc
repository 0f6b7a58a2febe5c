// rondo completion: what shells need to complete command lines, from the commands themselves.
#include <optional>

#include "cli.h"
#include "stop.h"

namespace rondo::cli {
namespace {

// A flag as it is typed, and what completes its value.
struct Flag {
  std::string name, help;
  enum class Value { kNone, kText, kFile, kDirectory, kFormat } value = Value::kNone;
};

std::vector<Flag> FlagsOf(const CLI::App& command) {
  std::vector<Flag> flags;
  for (const CLI::Option* option : command.get_options()) {
    Flag flag;
    flag.help = option->get_description();
    const std::string type = option->get_type_name();
    if (option->get_items_expected_max() > 0) flag.value = Flag::Value::kText;
    if (type.starts_with("FILE") || type.starts_with("DATA")) flag.value = Flag::Value::kFile;
    if (type.starts_with("DIR")) flag.value = Flag::Value::kDirectory;
    if (type.starts_with("FORMAT")) flag.value = Flag::Value::kFormat;
    for (const std::string& name : option->get_lnames()) {
      flag.name = "--" + name;
      flags.push_back(flag);
    }
    for (const std::string& name : option->get_snames()) {
      flag.name = "-" + name;
      flags.push_back(flag);
    }
  }
  return flags;
}

std::string Names(const std::vector<Flag>& flags, std::optional<Flag::Value> value,
                  const std::string& between) {
  std::string out;
  for (const Flag& flag : flags) {
    if (value && flag.value != *value) continue;
    out += (out.empty() ? "" : between) + flag.name;
  }
  return out;
}

// A case of the word before the one that is typed, where there are such flags.
std::string BashCase(const std::vector<Flag>& flags, Flag::Value value, const std::string& then) {
  const std::string names = Names(flags, value, "|");
  return names.empty() ? "" : "        " + names + ") " + then + "; return ;;\n";
}

std::string Bash(const CLI::App& app) {
  std::string verbs, cases;
  for (const CLI::App* command : app.get_subcommands({})) {
    const std::vector<Flag> flags = FlagsOf(*command);
    verbs += (verbs.empty() ? "" : " ") + command->get_name();
    cases += "    " + command->get_name() + ")\n      case \"$prev\" in\n" +
             BashCase(flags, Flag::Value::kFile, "COMPREPLY=($(compgen -f -- \"$cur\"))") +
             BashCase(flags, Flag::Value::kDirectory, "COMPREPLY=($(compgen -d -- \"$cur\"))") +
             BashCase(flags, Flag::Value::kFormat,
                      "COMPREPLY=($(compgen -W 'text json ndjson' -- \"$cur\"))") +
             BashCase(flags, Flag::Value::kText, ":") + "      esac\n" + "      words='" +
             Names(flags, std::nullopt, " ") + "' ;;\n";
  }
  return "# Completion of rondo for bash: source <(rondo completion bash)\n"
         "_rondo() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
         "  COMPREPLY=()\n"
         "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         verbs +
         " help' -- \"$cur\"))\n"
         "    return\n"
         "  fi\n"
         "  case ${COMP_WORDS[1]} in\n" +
         cases + "    help) words='" + verbs +
         "' ;;\n"
         "  esac\n"
         "  case $cur in\n"
         "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
         "    *) [[ ${COMP_WORDS[1]} = help ]] && COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) "
         "||\n"
         "       COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _rondo rondo\n";
}

// As a text within single quotes, where `_arguments` and `_describe` give : and [ a meaning.
std::string ZshText(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == ':' || c == '[' || c == ']' || c == '\\') {
      out += std::string("\\") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string ZshValue(const Flag& flag) {
  switch (flag.value) {
    case Flag::Value::kNone:
      return "";
    case Flag::Value::kText:
      return ":value:";
    case Flag::Value::kFile:
      return ":file:_files";
    case Flag::Value::kDirectory:
      return ":folder:_files -/";
    case Flag::Value::kFormat:
      return ":format:(text json ndjson)";
  }
  return "";
}

std::string Zsh(const CLI::App& app) {
  std::string verbs, cases;
  for (const CLI::App* command : app.get_subcommands({})) {
    verbs += "    '" + command->get_name() + ":" + ZshText(command->get_description()) + "'\n";
    cases += "    " + command->get_name() + ") _arguments";
    for (const Flag& flag : FlagsOf(*command)) {
      cases += " \\\n      '*" + flag.name + "[" + ZshText(flag.help) + "]" + ZshValue(flag) + "'";
    }
    cases += " \\\n      '*:word:_files' ;;\n";
  }
  return "#compdef rondo\n"
         "# Completion of rondo for zsh: source <(rondo completion zsh), or a file _rondo in "
         "$fpath.\n"
         "_rondo() {\n"
         "  local -a verbs=(\n" +
         verbs +
         "  )\n"
         "  if (( CURRENT == 2 )); then\n"
         "    _describe command verbs\n"
         "    return\n"
         "  fi\n"
         "  local verb=$words[2]\n"
         "  shift words\n"
         "  (( CURRENT-- ))\n"
         "  case $verb in\n" +
         cases +
         "  esac\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _rondo ]; then _rondo; else compdef _rondo rondo; fi\n";
}

// As a text within single quotes.
std::string FishText(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string FishValue(const Flag& flag) {
  switch (flag.value) {
    case Flag::Value::kNone:
      return "";
    case Flag::Value::kText:
      return " -x";
    case Flag::Value::kFile:
      return " -r -F";
    case Flag::Value::kDirectory:
      return " -x -a '(__fish_complete_directories)'";
    case Flag::Value::kFormat:
      return " -x -a 'text json ndjson'";
  }
  return "";
}

std::string Fish(const CLI::App& app) {
  std::string out =
      "# Completion of rondo for fish: rondo completion fish | source, or a file rondo.fish in\n"
      "# ~/.config/fish/completions.\n"
      "function __rondo_verb\n"
      "  set -l words (commandline -opc)\n"
      "  test (count $words) -gt 1; and test $words[2] = $argv[1]\n"
      "end\n"
      "function __rondo_no_verb\n"
      "  test (count (commandline -opc)) -eq 1\n"
      "end\n"
      "complete -c rondo -f\n"
      "complete -c rondo -n __rondo_no_verb -a help -d 'tell of a command'\n";
  for (const CLI::App* command : app.get_subcommands({})) {
    const std::string& verb = command->get_name();
    const std::string about = FishText(command->get_description());
    const std::string here = "complete -c rondo -n '__rondo_verb " + verb + "'";
    for (const std::string when : {"__rondo_no_verb", "'__rondo_verb help'"}) {
      out += "complete -c rondo -n " + when + " -a " + verb + " -d '" + about + "'\n";
    }
    out += here + " -F\n";
    for (const Flag& flag : FlagsOf(*command)) {
      const bool is_long = flag.name.starts_with("--");
      out += here + (is_long ? " -l " + flag.name.substr(2) : " -s " + flag.name.substr(1)) +
             FishValue(flag) + " -d '" + FishText(flag.help) + "'\n";
    }
  }
  return out;
}

}  // namespace

void AddCompletion(CLI::App& app, Io io, Command& run) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("completion", "write what a shell needs to complete commands");
  command->add_option("SHELL", *shell, "bash, fish or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "fish", "zsh"}))
      ->type_name("");
  command->footer(
      "Examples:\n"
      "  source <(rondo completion bash)\n"
      "  rondo completion zsh > ~/.zfunc/_rondo\n"
      "  rondo completion fish > ~/.config/fish/completions/rondo.fish");
  command->callback([shell, &app, io, &run] {
    run = [shell, &app, io] {
      io.out << (*shell == "bash" ? Bash(app) : *shell == "fish" ? Fish(app) : Zsh(app));
      return static_cast<int>(kOk);
    };
  });
}

}  // namespace rondo::cli
