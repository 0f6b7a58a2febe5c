#include "balance/select/route_rules.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "balance/header_name.h"
#include "base/text.h"

namespace rondo {
namespace {

constexpr size_t kMostRoutes = 100, kMostHeaders = 10, kMostChildren = 100, kMostLabels = 10;

void AtMost(ConfigReader& r, std::string_view field, size_t has, size_t most) {
  if (has > most) r.Bad(field, Cat("has ", has, " items; at most ", most, " are allowed"));
}

// The values of one header, joined by commas (A41); null: there is none.
const std::string* ValueOf(const Metadata* metadata, const std::string& name, std::string& joined) {
  if (metadata == nullptr) return nullptr;
  const std::string* found = nullptr;
  for (const auto& [key, value] : *metadata) {
    if (key != name) continue;
    if (found == nullptr) {
      found = &value;
      continue;
    }
    if (found != &joined) joined = *found;
    joined += ',';
    joined += value;
    found = &joined;
  }
  return found;
}

}  // namespace

// ---- Labels ------------------------------------------------------------------------------------

LabelRule LabelRule::Of(const std::string& text) {
  LabelRule rule;
  if (const size_t at = text.find('='); at != std::string::npos) {
    const bool isnt = at > 0 && text[at - 1] == '!';
    rule.kind = isnt ? Kind::kIsNot : Kind::kIs;
    rule.key = text.substr(0, isnt ? at - 1 : at);
    rule.value = text.substr(at + 1);
  } else if (text.starts_with('!')) {
    rule.kind = Kind::kHasNot;
    rule.key = text.substr(1);
  } else {
    rule.key = text;
  }
  return rule;
}

bool LabelRule::Fits(const Endpoint& endpoint) const {
  const auto it = endpoint.labels.find(key);
  const bool has = it != endpoint.labels.end();
  switch (kind) {
    case Kind::kIs:
      return has && it->second == value;
    case Kind::kIsNot:  // Kubernetes: who has no such label isn't that.
      return !has || it->second != value;
    case Kind::kHas:
      return has;
    case Kind::kHasNot:
      return !has;
  }
  return false;
}

bool RouteConfig::Child::Has(const Endpoint& endpoint) const {
  return std::all_of(rules.begin(), rules.end(),
                     [&](const LabelRule& rule) { return rule.Fits(endpoint); });
}

// ---- Headers -----------------------------------------------------------------------------------

void HeaderRule::Read(ConfigReader& r) {
  r.Need("name");
  HeaderName(r, "name", name);
  int kinds = 0;
  const auto text_of = [&](std::string_view field, Kind of) {
    if (!r.Has(field)) return;
    r.Text(field, text);
    kind = of;
    ++kinds;
  };
  text_of("exactMatch", Kind::kExact);
  text_of("prefixMatch", Kind::kPrefix);
  text_of("suffixMatch", Kind::kSuffix);
  if (r.Has("presentMatch")) {
    r.Bool("presentMatch", present);
    kind = Kind::kPresent;
    ++kinds;
  }
  r.Bool("invertMatch", invert);
  if (kinds != 1) {
    r.Bad("", Cat("has ", kinds,
                  " of exactMatch, prefixMatch, suffixMatch and presentMatch; one "
                  "is needed"));
  }
}

bool HeaderRule::Fits(const Metadata* metadata) const {
  std::string joined;
  const std::string* value = ValueOf(metadata, name, joined);
  if (kind == Kind::kPresent) return ((value != nullptr) == present) != invert;
  if (value == nullptr) return false;  // A41: inverted, too.
  switch (kind) {
    case Kind::kExact:
      return (*value == text) != invert;
    case Kind::kPrefix:
      return value->starts_with(text) != invert;
    case Kind::kSuffix:
      return value->ends_with(text) != invert;
    case Kind::kPresent:
      break;
  }
  return false;
}

// ---- Routes ------------------------------------------------------------------------------------

void RouteRule::Read(ConfigReader& r) {
  if (r.Has("path") && r.Has("prefix"))
    return r.Bad("prefix", "stands beside path: one is allowed");
  const std::string_view field = r.Has("path") ? "path" : "prefix";
  r.Text(field, method);
  if (r.Has("path")) {
    kind = Kind::kPath;
  } else if (!method.empty()) {
    kind = Kind::kPrefix;
  }
  if (r.ok() && kind != Kind::kAny && !method.starts_with('/')) {
    r.Bad(field, Cat("\"", method,
                     "\" doesn't begin with a slash, as \"/package.Service/Method\" "
                     "does"));
  }
  r.List("headers", [&](ConfigReader& c) { headers.emplace_back().Read(c); });
  AtMost(r, "headers", headers.size(), kMostHeaders);
  uint64_t sum = 0;
  r.Need("targets");
  r.Map("targets", [&](const std::string& name, ConfigReader& c) {
    uint32_t& weight = weights[name];
    c.Need("weight");
    c.Number("weight", weight, 1u);
    sum += weight;
  });
  if (weights.empty()) r.Bad("targets", "is empty: a child is needed");
  if (sum > UINT32_MAX) {
    r.Bad("targets", Cat("the weights add up to ", sum, "; at most ", UINT32_MAX, " is allowed"));
  }
}

bool RouteRule::Fits(const PickArgs& args) const {
  if (kind == Kind::kPath && args.method != method) return false;
  if (kind == Kind::kPrefix && !args.method.starts_with(method)) return false;
  return std::all_of(headers.begin(), headers.end(),
                     [&](const HeaderRule& rule) { return rule.Fits(args.metadata); });
}

void RouteConfig::Read(ConfigReader& r) {
  r.Map("children", [&](const std::string& name, ConfigReader& c) {
    Child& child = children[name];
    c.Texts("labels", child.labels);
    AtMost(c, "labels", child.labels.size(), kMostLabels);
    for (const std::string& text : child.labels) {
      child.rules.push_back(LabelRule::Of(text));
      if (child.rules.back().key.empty()) {
        c.Bad("labels", Cat("\"", text,
                            "\" is not \"key=value\", \"key!=value\", \"key\" or "
                            "\"!key\""));
      }
    }
    c.Child("childPolicy", child.policy);
  });
  AtMost(r, "children", children.size(), kMostChildren);
  r.Need("routes");
  std::set<std::string> used;
  r.List("routes", [&](ConfigReader& c) {
    RouteRule& route = routes.emplace_back();
    route.Read(c);
    for (const auto& [name, _] : route.weights) {
      if (!children.contains(name)) {
        c.Bad("targets", Cat("\"", name, "\" is not one of the children"));
      }
      used.insert(name);
    }
  });
  if (routes.empty()) r.Bad("routes", "is empty: a route is needed");
  AtMost(r, "routes", routes.size(), kMostRoutes);
  for (const auto& [name, _] : children) {
    if (!used.contains(name)) r.Bad("children", Cat("\"", name, "\" is no target of a route"));
  }
}

}  // namespace rondo
