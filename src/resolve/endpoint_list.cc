#include "resolve/endpoint_list.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"

namespace rondo::resolve {
namespace {

using Kind = Json::Kind;

absl::Status WrongAt(const Json& where, std::string_view what) {
  return absl::InvalidArgumentError(Cat(where.where(), ": ", what));
}

// A misspelt field would be a weight that nobody honours.
absl::Status CheckFields(const Json& object, std::string_view path,
                         std::span<const std::string_view> known) {
  for (const auto& [name, value] : object.fields()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    std::string all;
    for (const std::string_view k : known) Append(all, Cat(all.empty() ? "" : ", ", k));
    return WrongAt(value, Cat(path, ": no field \"", name, "\"; there are ", all));
  }
  return absl::OkStatus();
}

absl::Status ReadText(const Json& value, std::string_view path, std::string& out) {
  if (!value.is(Kind::kText)) return WrongAt(value, Cat(path, " should be a text"));
  out = value.text();
  return absl::OkStatus();
}

absl::Status ReadTexts(const Json& value, std::string_view path, std::vector<std::string>& out) {
  if (!value.is(Kind::kList)) return WrongAt(value, Cat(path, " should be a list of texts"));
  for (const Json& item : value.items()) {
    const std::string at = Cat(path, "[", out.size(), "]");
    if (absl::Status s = ReadText(item, at, out.emplace_back()); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status ReadLabels(const Json& value, std::string_view path,
                        std::map<std::string, std::string>& out) {
  if (!value.is(Kind::kObject)) return WrongAt(value, Cat(path, " should be an object of texts"));
  for (const auto& [name, label] : value.fields()) {
    if (absl::Status s = ReadText(label, Cat(path, ".", name), out[name]); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status ReadWeight(const Json& value, std::string_view path, uint32_t& out) {
  const auto weight = value.Whole();
  if (!weight || *weight < 1 || *weight > UINT32_MAX) {
    return WrongAt(value, Cat(path, " should be a whole number from 1 to ", UINT32_MAX));
  }
  out = static_cast<uint32_t>(*weight);
  return absl::OkStatus();
}

absl::Status ReadAddresses(const Json& item, std::string_view path, Endpoint& out) {
  const Json* one = item.Find("address");
  const Json* all = item.Find("addresses");
  if ((one != nullptr) == (all != nullptr)) {
    return WrongAt(item, Cat(path, " should have an address, or addresses"));
  }
  absl::Status s = one != nullptr
                       ? ReadText(*one, Cat(path, ".address"), out.addresses.emplace_back())
                       : ReadTexts(*all, Cat(path, ".addresses"), out.addresses);
  if (s.ok() && out.addresses.empty()) s = WrongAt(*all, Cat(path, ".addresses is empty"));
  return s;
}

absl::Status ReadItem(const Json& item, std::string_view path, Endpoint& out) {
  if (item.is(Kind::kText)) {
    out.addresses.push_back(item.text());
    return absl::OkStatus();
  }
  if (!item.is(Kind::kObject)) {
    return WrongAt(item, Cat(path, " should be an address or an object"));
  }
  static constexpr std::array<std::string_view, 7> kFields{"address", "addresses", "weight", "zone",
                                                           "hashKey", "labels",    "path"};
  absl::Status s = CheckFields(item, path, kFields);
  if (s.ok()) s = ReadAddresses(item, path, out);
  const auto read = [&](std::string_view name, auto reader, auto& into) {
    const Json* value = item.Find(name);
    if (s.ok() && value != nullptr) s = reader(*value, Cat(path, ".", name), into);
  };
  read("weight", &ReadWeight, out.weight);
  read("zone", &ReadText, out.zone);
  read("hashKey", &ReadText, out.hash_key);
  read("labels", &ReadLabels, out.labels);
  read("path", &ReadTexts, out.path);
  return s;
}

// Where a value begins, and behind its end.
std::string_view TextOf(const Json& value, std::string_view text) {
  size_t at = 0;
  for (int line = 1; line < value.line(); ++line) at = text.find('\n', at) + 1;
  for (int column = 1; column < value.column(); ++at) {
    // Columns count characters; what follows a character's first byte is 10xxxxxx.
    if (at + 1 >= text.size() || (static_cast<uint8_t>(text[at + 1]) & 0xc0) != 0x80) ++column;
  }
  size_t end = at;
  bool quoted = false;
  for (int depth = 0; end < text.size(); ++end) {
    const char c = text[end];
    if (quoted && c == '\\') {
      ++end;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '{') {
      ++depth;
    } else if (!quoted && c == '}' && --depth == 0) {
      break;
    }
  }
  return text.substr(at, end + 1 - at);
}

}  // namespace

absl::StatusOr<Resolution> ReadEndpointList(std::string_view text) {
  auto json = Json::Parse(text);
  if (!json.ok()) return json.status();
  if (!json->is(Kind::kObject)) return WrongAt(*json, "it should be an object with endpoints");
  static constexpr std::array<std::string_view, 2> kFields{"endpoints", "serviceConfig"};
  if (absl::Status s = CheckFields(*json, "it", kFields); !s.ok()) return s;
  const Json* list = json->Find("endpoints");
  if (list == nullptr || !list->is(Kind::kList)) {
    return WrongAt(list != nullptr ? *list : *json, "endpoints should be a list");
  }
  std::vector<Endpoint> endpoints;
  for (const Json& item : list->items()) {
    const std::string path = Cat("endpoints[", endpoints.size(), "]");
    if (absl::Status s = ReadItem(item, path, endpoints.emplace_back()); !s.ok()) return s;
    for (const std::string& address : endpoints.back().addresses) {
      if (address.empty()) return WrongAt(item, Cat(path, " has an empty address"));
    }
  }
  Resolution out{.endpoints = std::move(endpoints)};
  if (const Json* config = json->Find("serviceConfig")) {
    if (!config->is(Kind::kObject)) return WrongAt(*config, "serviceConfig should be an object");
    std::string& placed = out.service_config_json.emplace();
    placed.append(static_cast<size_t>(config->line() - 1), '\n');
    placed.append(static_cast<size_t>(config->column() - 1), ' ');
    placed.append(TextOf(*config, text));
  }
  return out;
}

}  // namespace rondo::resolve
