// rondo lint: what a channel would say of a service config.
#include <cctype>
#include <charconv>

#include "cli.h"
#include "flags.h"
#include "json_text.h"
#include "rondo/service_config.h"
#include "stop.h"

namespace rondo::cli {
namespace {

struct LintFlags {
  std::vector<std::string> files, policies;
  bool strict = false;
  Output output = Output::kText;
};

struct Finding {
  std::string file, text;
  bool error = false;
  int line = 0, column = 0;  // 0: of the whole file.
};

// Takes "3:44: " off the front of the runtime's words.
Finding Read(const std::string& file, bool error, std::string_view words) {
  Finding finding{file, std::string(words), error};
  int line = 0, column = 0;
  const char* end = words.data() + words.size();
  const auto [colon, e1] = std::from_chars(words.data(), end, line);
  if (e1 != std::errc() || colon == end || *colon != ':') return finding;
  const auto [rest, e2] = std::from_chars(colon + 1, end, column);
  if (e2 != std::errc() || end - rest < 2 || rest[0] != ':') return finding;
  finding.line = line;
  finding.column = column;
  finding.text = std::string(rest + 2, end);
  return finding;
}

std::string Text(const Finding& f) {
  std::string out = f.file + ":";
  if (f.line > 0) out += std::to_string(f.line) + ":" + std::to_string(f.column) + ":";
  return out + (f.error ? " error: " : " warning: ") + f.text;
}
std::string Json(const Finding& f) {
  return "{\"file\": " + Quote(f.file) + ", \"line\": " + std::to_string(f.line) +
         ", \"column\": " + std::to_string(f.column) +
         ", \"severity\": " + (f.error ? "\"error\"" : "\"warning\"") +
         ", \"text\": " + Quote(f.text) + "}";
}

// What only the command knows to advise.
std::string Advised(std::string text) {
  if (text.find("of these policies is known") == text.npos &&
      text.find("no policy is called") == text.npos) {
    return text;
  }
  text += "; known are ";
  bool first = true;
  for (const std::string& name : BuiltinPolicyNames()) {
    text += (first ? "" : ", ") + name;
    first = false;
  }
  return text + ", and with --policy NAME those of your program";
}

// What a file is said to be when nothing is wrong with it.
std::string Summary(const std::string& file, const ServiceConfigReport& report) {
  std::string out = file + ": fine: " + report.policy;
  for (const ServiceConfigReport::Entry& entry : report.methods) {
    out += "\n  " + (entry.name == "/" ? "every other method" : entry.name) + ": " +
           (entry.says.empty() ? "nothing" : entry.says);
  }
  return out;
}

std::vector<Finding> Check(const std::string& file, const LintFlags& flags, Io io) {
  std::vector<PolicyFactory> policies;
  for (const std::string& name : flags.policies) policies.push_back({.name = name});
  std::vector<Finding> findings;
  const auto report = CheckServiceConfig(ReadFile(file, io), std::move(policies));
  if (!report.ok()) {
    findings.push_back(Read(file, true, Advised(std::string(report.status().message()))));
    return findings;
  }
  for (const std::string& warning : report->warnings) {
    findings.push_back(Read(file, false, warning));
  }
  if (flags.output == Output::kText && findings.empty()) io.out << Summary(file, *report) << "\n";
  return findings;
}

int RunLint(const LintFlags& flags, Io io) {
  std::vector<std::string> documents;
  bool well = true;
  for (const std::string& file : flags.files) {
    for (const Finding& finding : Check(file, flags, io)) {
      well = well && !finding.error && !flags.strict;
      if (flags.output == Output::kText) {
        io.out << Text(finding) << "\n";
      } else {
        documents.push_back(Json(finding));
      }
    }
  }
  if (flags.output == Output::kJson) io.out << List(documents) << "\n";
  return well ? kOk : kNotWell;
}

}  // namespace

void AddLint(CLI::App& app, Io io, Command& run) {
  auto flags = std::make_shared<LintFlags>();
  CLI::App* command = app.add_subcommand("lint", "check service config files");
  command->add_option("FILE", flags->files, "JSON files; - is what comes in")
      ->required()
      ->type_name("");
  command
      ->add_option("--policy", flags->policies,
                   "a policy that your program brings; its config isn't checked; again for more")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_flag("--strict", flags->strict, "warnings count as errors");
  AddOutput(*command, flags->output);
  command->footer(
      "Examples:\n"
      "  rondo lint service-config.json\n"
      "  kubectl get configmap shop -o jsonpath='{.data.grpc}' | rondo lint --strict -\n"
      "Exit status: 0, or 3 if a channel would refuse a file.");
  command->callback([flags, io, &run] { run = [flags, io] { return RunLint(*flags, io); }; });
}

}  // namespace rondo::cli
