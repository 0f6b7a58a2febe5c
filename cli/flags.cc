#include "flags.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "stop.h"

namespace rondo::cli {

void AddOutput(CLI::App& command, Output& output, bool lines) {
  std::map<std::string, Output> names = {{"text", Output::kText}, {"json", Output::kJson}};
  if (lines) names["ndjson"] = Output::kLines;
  command
      .add_option_function<std::string>(
          "-o,--output", [&output, names](const std::string& name) { output = names.at(name); },
          lines ? "how to write results: text (default), json, or ndjson, one a line"
                : "how to write results: text (default) or json")
      ->check(CLI::IsMember([&names] {
        std::vector<std::string> all;
        for (const auto& [name, _] : names) all.push_back(name);
        return all;
      }()))
      ->type_name("FORMAT");
}

absl::StatusOr<std::optional<Duration>> ParseLimit(std::string_view text) {
  absl::StatusOr<Duration> parsed = ParseDuration(text);
  if (!parsed.ok()) return parsed.status();
  if (*parsed <= Duration()) return absl::InvalidArgumentError("must be more than 0s");
  return std::optional<Duration>(*parsed);
}

void ConnectionFlags::AddTo(CLI::App& command) {
  CLI::Option* plaintext =
      command.add_flag("--plaintext", plaintext_, "connect without protection; default: by TLS");
  plaintext->group("Connection");
  const auto tls = [&](const std::string& name, std::string& file, const std::string& help) {
    return command.add_option(name, file, help)
        ->type_name("FILE")
        ->excludes(plaintext)
        ->group("Connection");
  };
  tls("--cacert", roots_, "certificates (PEM) whose signature is believed; default: the system's");
  CLI::Option* certificate =
      tls("--cert", certificate_, "our certificate (PEM), for a server that asks");
  CLI::Option* key = tls("--key", key_, "its key (PEM)");
  certificate->needs(key);
  key->needs(certificate);
  command
      .add_option("--authority", authority_, "name to call the server by; default: the target's")
      ->type_name("NAME")
      ->group("Connection");
  command.add_option("--service-config", service_config_, "service config, as JSON")
      ->type_name("FILE")
      ->group("Connection");
  command
      .add_option("-H,--header", header_lines_, "metadata to send, 'key: value'; again for more")
      ->type_name("HEADER")
      ->allow_extra_args(false)
      ->group("Connection");
  command.parse_complete_callback([this] {
    absl::StatusOr<Metadata> headers = ParseHeaders(header_lines_);
    if (!headers.ok())
      throw CLI::ValidationError("--header", std::string(headers.status().message()));
    headers_ = *std::move(headers);
  });
}

Credentials ConnectionFlags::ReadCredentials() const {
  if (plaintext_) return Insecure();
  return Tls({.roots_file = roots_, .certificate_file = certificate_, .private_key_file = key_});
}

Channel ConnectionFlags::Open(const std::string& target, Io io) const {
  ChannelOptions options{
      .credentials = ReadCredentials(),
      .authority = authority_,
      .user_agent = "rondo-cli",
      .on_warning = [io](std::string_view text) { io.err << "rondo: warning: " << text << "\n"; }};
  if (!service_config_.empty()) {
    options.default_service_config = ReadFile(service_config_, io);
    options.use_resolver_service_config = false;
  }
  absl::StatusOr<Channel> channel = Channel::Create(target, std::move(options));
  if (channel.ok()) return *std::move(channel);
  throw Stop(kUsage, std::string(channel.status().message()));
}

std::string ReadFile(const std::string& path, Io io) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(io.in), {});
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (file.is_open() && !file.bad()) return bytes;
  throw Stop(kFailed, path + ": can't be read: " + std::strerror(errno));
}

}  // namespace rondo::cli
