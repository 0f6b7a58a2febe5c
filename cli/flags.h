#pragma once
// Flags that several commands have, and what they come to.
// Threads: one at a time.
#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "arguments.h"
#include "io.h"
#include "rondo/channel.h"

namespace rondo::cli {

// How results are written.
enum class Output { kText, kJson, kLines };
// -o text|json|ndjson; without ndjson where a command has one result only.
void AddOutput(CLI::App& command, Output& output, bool lines = false);

// A flag whose value `parse` reads; a value it refuses is wrong usage, in its words.
template <class T>
CLI::Option* AddParsed(CLI::App& command, const std::string& name, T& value,
                       absl::StatusOr<T> (*parse)(std::string_view), const std::string& help) {
  return command.add_option_function<std::string>(
      name,
      [&value, parse, name](const std::string& text) {
        absl::StatusOr<T> parsed = parse(text);
        if (!parsed.ok()) throw CLI::ValidationError(name, std::string(parsed.status().message()));
        value = *std::move(parsed);
      },
      help);
}
absl::StatusOr<std::optional<Duration>> ParseLimit(std::string_view text);

// How a server is reached: for every command that calls one.
class ConnectionFlags {
 public:
  void AddTo(CLI::App& command);

  // Throws a Stop where the channel can't be. Warnings go to `io.err`.
  Channel Open(const std::string& target, Io io) const;
  const Metadata& headers() const { return headers_; }

 private:
  Credentials ReadCredentials() const;

  bool plaintext_ = false;
  std::string roots_, certificate_, key_;  // Of TLS: files in PEM.
  std::string authority_, service_config_;
  std::vector<std::string> header_lines_;
  Metadata headers_;
};

// A file's bytes; "-" is io.in. Throws a Stop that names it.
std::string ReadFile(const std::string& path, Io io);

}  // namespace rondo::cli
