#include "arguments.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "absl/strings/escaping.h"

namespace rondo::cli {
namespace {

struct Unit {
  std::string_view name;
  double nanos;
};
constexpr Unit kUnits[] = {{"ns", 1},  {"us", 1e3},     {"ms", 1e6},
                           {"s", 1e9}, {"m", 60 * 1e9}, {"h", 3600 * 1e9}};
constexpr double kMostNanos = 9.1e18;  // A little less than 2^63.

absl::Status Bad(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError("\"" + std::string(text) + "\" " + std::string(what));
}

// The number at the front of `text`, which loses it; digits and a point only.
bool TakeNumber(std::string_view& text, double& out) {
  const auto end = std::ranges::find_if_not(
      text, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.'; });
  const auto [stopped, error] =
      std::from_chars(text.data(), text.data() + (end - text.begin()), out);
  if (error != std::errc() || stopped != text.data() + (end - text.begin())) return false;
  text.remove_prefix(static_cast<size_t>(end - text.begin()));
  return true;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

struct Alias {
  std::string_view grpcurl, ours;
};
constexpr Alias kAliases[] = {{"-plaintext", "--plaintext"},
                              {"-proto", "--proto"},
                              {"-protoset", "--protoset"},
                              {"-import-path", "--import-path"},
                              {"-authority", "--authority"},
                              {"-cacert", "--cacert"},
                              {"-cert", "--cert"},
                              {"-key", "--key"},
                              {"-emit-defaults", "--emit-defaults"},
                              {"-allow-unknown-fields", "--allow-unknown-fields"}};

}  // namespace

absl::StatusOr<Duration> ParseDuration(std::string_view text) {
  std::string_view rest = text;
  double number = 0;
  if (TakeNumber(rest, number)) {
    for (const Unit& unit : kUnits) {
      if (rest != unit.name) continue;
      const double nanos = number * unit.nanos;
      if (nanos > kMostNanos) return Bad(text, "is too long: at most 290 years");
      return Duration(static_cast<int64_t>(std::llround(nanos)));
    }
  }
  return Bad(text, "is no duration: a number and one of ns us ms s m h, such as 1.5s");
}

absl::StatusOr<Spread> ParseSpread(std::string_view text) {
  size_t at = text.find("±"), length = std::string_view("±").size();
  if (at == text.npos) at = text.find("+-"), length = 2;
  Spread spread;
  const auto middle = ParseDuration(text.substr(0, at));
  if (!middle.ok()) return middle.status();
  spread.middle = *middle;
  if (at == text.npos) return spread;
  const auto width = ParseDuration(text.substr(at + length));
  if (!width.ok()) return width.status();
  if (*width > *middle) return Bad(text, "may be less than nothing: keep what is behind ± smaller");
  spread.width = *width;
  return spread;
}

absl::StatusOr<double> ParseShare(std::string_view text) {
  std::string_view rest = text;
  double number = 0;
  if (TakeNumber(rest, number)) {
    if (rest == "%") number /= 100;
    if ((rest.empty() || rest == "%") && number <= 1) return number;
  }
  return Bad(text, "is no share: from 0% to 100%, or from 0 to 1");
}

absl::StatusOr<Metadata> ParseHeaders(const std::vector<std::string>& lines) {
  Metadata out;
  for (const std::string& line : lines) {
    const size_t colon = line.find(':');
    if (colon == line.npos || colon == 0) return Bad(line, "is no header: write 'key: value'");
    std::string key(Trim(std::string_view(line).substr(0, colon)));
    for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string value(Trim(std::string_view(line).substr(colon + 1)));
    if (key.ends_with("-bin")) {
      std::string bytes;
      if (!absl::Base64Unescape(value, &bytes)) {
        return Bad(line, "is no header: the value of a key that ends in -bin is in base64");
      }
      value = std::move(bytes);
    }
    out.Add(key, value);
  }
  return out;
}

std::string ShowValue(std::string_view key, std::string_view value) {
  if (!key.ends_with("-bin")) return std::string(value);
  return absl::Base64Escape(absl::string_view(value.data(), value.size()));
}

std::vector<std::string> WithAliases(std::vector<std::string> arguments) {
  for (std::string& argument : arguments) {
    const size_t length = std::min(argument.find('='), argument.size());
    for (const Alias& alias : kAliases) {
      if (std::string_view(argument).substr(0, length) != alias.grpcurl) continue;
      argument.replace(0, length, alias.ours);
      break;
    }
  }
  return arguments;
}

}  // namespace rondo::cli
