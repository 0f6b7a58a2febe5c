#include "balance/lb_config.h"

#include <cctype>

#include "base/text.h"

namespace rondo {
namespace {

void Bad(const Json& place, std::string_view path, std::string_view what, ConfigIssues& issues) {
  if (!issues.error.ok()) return;
  issues.error = absl::InvalidArgumentError(Cat(place.where(), ": ", path, ": ", what));
}

// The winner's own config. A parse error makes everything invalid: no falling through to the next.
ChildConfig Parse(FactoryRef factory, const Json& value, const std::string& path,
                  const PolicyRegistry& registry, ConfigIssues& issues, int watches) {
  watches += factory->watches;
  issues.call_reports |= factory->call_reports;
  if (watches > PickResult::kMaxWatches) {
    Bad(value, path,
        Cat("policies above one another watch each call ", watches, " times; at most ",
            PickResult::kMaxWatches, " may"),
        issues);
    return {};
  }
  if (!factory->parse) return {std::move(factory), nullptr};  // Takes anything.

  ConfigReader reader(value, registry, path, issues, watches);
  if (!reader.ok()) return {};
  absl::StatusOr<ConfigRef> config = factory->parse(reader);
  if (!config.ok()) {
    Bad(value, path, MessageOf(config.status()), issues);
  }
  if (!reader.ok()) return {};
  reader.Finish();
  return {std::move(factory), *std::move(config)};
}

}  // namespace

ChildConfig ReadPolicyList(const Json& list, std::string path, const PolicyRegistry& registry,
                           ConfigIssues& issues, int watches) {
  if (!list.is(Json::Kind::kList)) {
    Bad(list, path, "must be a list of policies", issues);
    return {};
  }
  std::string unknown;
  for (size_t i = 0; i < list.items().size(); ++i) {
    const Json& entry = list.items()[i];
    const std::string here = Cat(path, "[", i, "]");
    if (!entry.is(Json::Kind::kObject) || entry.fields().size() != 1) {
      Bad(entry, here, "must be an object with one field, the policy's name", issues);
      return {};
    }
    const auto& [name, value] = entry.fields()[0];
    if (FactoryRef factory = registry.Find(name)) {
      return Parse(std::move(factory), value, Cat(here, ".", name), registry, issues, watches);
    }
    unknown += Cat(unknown.empty() ? "" : ", ", name);
  }
  Bad(list, path,
      unknown.empty() ? "is empty: name at least one policy"
                      : Cat("none of these policies is known: ", unknown),
      issues);
  return {};
}

ChildConfig ReadPolicyName(const Json& place, std::string path, const PolicyRegistry& registry,
                           ConfigIssues& issues) {
  if (!place.is(Json::Kind::kText)) {
    Bad(place, path, "must be a text, a policy's name", issues);
    return {};
  }
  FactoryRef factory = registry.Find(place.text());
  if (factory == nullptr) {  // As C-core does: any case, "ROUND_ROBIN" too.
    std::string lower = place.text();
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    factory = registry.Find(lower);
  }
  if (factory == nullptr) {
    Bad(place, path, Cat("no policy is called \"", place.text(), "\""), issues);
    return {};
  }
  static const Json* const kEmpty = new Json(*Json::Parse("{}"));
  return Parse(std::move(factory), *kEmpty, path, registry, issues, 0);
}

}  // namespace rondo
