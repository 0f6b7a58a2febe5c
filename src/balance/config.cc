#include "rondo/config.h"

#include <algorithm>
#include <cmath>

#include "balance/lb_config.h"
#include "base/json.h"
#include "base/text.h"

namespace rondo {
namespace {

std::optional<int> CodeOf(const Json& value) {
  constexpr int kCodes = 17;
  if (value.is(Json::Kind::kNumber)) {
    const std::optional<int64_t> whole = value.Whole();
    if (whole && *whole >= 0 && *whole < kCodes) return static_cast<int>(*whole);
    return std::nullopt;
  }
  if (!value.is(Json::Kind::kText)) return std::nullopt;
  std::string name = value.text();
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (int code = 0; code < kCodes; ++code) {
    if (name == absl::StatusCodeToString(static_cast<absl::StatusCode>(code))) return code;
  }
  return std::nullopt;
}

// Letters to change, add or take away to come from one word to the other.
size_t Distance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 0; i < from.size(); ++i) {
    size_t corner = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t change = corner + (from[i] == to[j] ? 0 : 1);
      corner = row[j + 1];
      row[j + 1] = std::min({change, corner + 1, row[j] + 1});
    }
  }
  return row.back();
}

// The name that a mistyped one is likely to mean; empty: none.
std::string_view Closest(std::string_view typed, const std::vector<std::string>& names) {
  constexpr size_t kLongest = 64, kMost = 2;  // A text of a megabyte is nobody's slip.
  std::string_view closest;
  if (typed.size() > kLongest) return closest;
  size_t least = std::min(kMost, typed.size() / 2) + 1;
  for (const std::string& name : names) {
    if (const size_t distance = Distance(typed, name); distance < least) {
      least = distance;
      closest = name;
    }
  }
  return closest;
}

}  // namespace

ConfigReader::ConfigReader(const Json& value, const PolicyRegistry& registry, std::string path,
                           ConfigIssues& issues, int watches)
    : value_(value),
      registry_(registry),
      path_(std::move(path)),
      issues_(issues),
      watches_(watches) {
  if (!value_.is(Json::Kind::kObject) && !value_.is(Json::Kind::kNull))
    Bad("", "must be an object");
}

bool ConfigReader::Has(std::string_view name) {
  const Json* v = Know(name);
  return v != nullptr && !v->is(Json::Kind::kNull);
}

void ConfigReader::Need(std::string_view name) {
  if (!Has(name)) Bad(name, "is needed");
}

const Json* ConfigReader::Know(std::string_view name) {
  asked_.emplace_back(name);
  const Json* v = value_.Find(name);
  if (v != nullptr) known_.push_back(v);
  return v;
}

const Json* ConfigReader::Get(std::string_view name, Expect kind, std::string_view expected) {
  const auto fits = [kind](const Json& v) {
    switch (kind) {
      case Expect::kBool:
        return v.is(Json::Kind::kBool);
      case Expect::kNumber:
        return v.is(Json::Kind::kNumber);
      case Expect::kText:
        return v.is(Json::Kind::kText);
      case Expect::kList:
        return v.is(Json::Kind::kList);
      case Expect::kObject:
        return v.is(Json::Kind::kObject);
    }
    return false;
  };
  const Json* v = Know(name);
  if (v == nullptr || v->is(Json::Kind::kNull)) return nullptr;
  if (fits(*v)) return v;
  BadAt(*v, name, Cat("must be ", expected));
  return nullptr;
}

std::optional<int64_t> ConfigReader::Whole(std::string_view name, int64_t min, int64_t max) {
  const Json* v = Know(name);
  if (v == nullptr || v->is(Json::Kind::kNull)) return std::nullopt;
  const std::optional<int64_t> whole = v->Whole();
  if (!whole) {
    BadAt(*v, name, v->is(Json::Kind::kNumber) ? "must be a whole number" : "must be a number");
  } else if (*whole < min || *whole > max) {
    BadAt(*v, name, Cat(v->text(), " is not within ", min, "..", max));
  } else {
    return whole;
  }
  return std::nullopt;
}

std::optional<double> ConfigReader::Real(std::string_view name, double min, double max) {
  const Json* v = Get(name, Expect::kNumber, "a number");
  if (v == nullptr) return std::nullopt;
  if (v->number() >= min && v->number() <= max) return v->number();
  if (v->number() < min) {
    BadAt(*v, name, Cat(v->text(), " is less than ", min));
  } else {
    BadAt(*v, name, Cat(v->text(), " is more than ", max));
  }
  return std::nullopt;
}

void ConfigReader::Bool(std::string_view name, bool& out) {
  if (const Json* v = Get(name, Expect::kBool, "true or false")) out = v->boolean();
}

void ConfigReader::Text(std::string_view name, std::string& out) {
  if (const Json* v = Get(name, Expect::kText, "a text")) out = v->text();
}

void ConfigReader::Texts(std::string_view name, std::vector<std::string>& out) {
  const Json* list = Get(name, Expect::kList, "a list of texts");
  if (list == nullptr) return;
  out.clear();
  for (const Json& item : list->items()) {
    if (!item.is(Json::Kind::kText)) {
      return BadAt(item, Cat(name, "[", out.size(), "]"), "must be a text");
    }
    out.push_back(item.text());
  }
}

void ConfigReader::Codes(std::string_view name, uint32_t& out) {
  const Json* list = Get(name, Expect::kList, "a list of status codes");
  if (list == nullptr) return;
  out = 0;
  size_t i = 0;
  for (const Json& item : list->items()) {
    const std::optional<int> code = CodeOf(item);
    if (!code) {
      return BadAt(item, Cat(name, "[", i, "]"),
                   Cat("must be a status code, by name or as a number of 0 to 16",
                       item.text().empty() ? "" : ", not ", item.text()));
    }
    out |= 1u << *code;
    ++i;
  }
}

void ConfigReader::Seconds(std::string_view name, Duration& out) {
  const Json* v = Get(name, Expect::kText, "a duration such as \"1.5s\"");
  if (v == nullptr) return;
  const std::optional<int64_t> nanos = ParseJsonDuration(v->text());
  if (!nanos) {
    BadAt(*v, name, Cat("\"", v->text(), "\" is not a duration such as \"1.5s\""));
  } else if (*nanos < 0) {
    BadAt(*v, name, Cat("\"", v->text(), "\" is negative"));
  } else {
    out = Duration(*nanos);
  }
}

void ConfigReader::Child(std::string_view name, ChildConfig& out) {
  if (!Has(name)) return Bad(name, "is needed: a list of policies");
  out = ReadPolicyList(*value_.Find(name), Path(name), registry_, issues_, watches_);
}

size_t ConfigReader::Size(std::string_view name) {
  const Json* list = Get(name, Expect::kList, "a list");
  return list == nullptr ? 0 : list->items().size();
}

std::vector<std::string> ConfigReader::Keys(std::string_view name) {
  std::vector<std::string> keys;
  if (const Json* map = Get(name, Expect::kObject, "an object")) {
    for (const auto& [key, _] : map->fields()) keys.push_back(key);
  }
  return keys;
}

std::string ConfigReader::Path(std::string_view name) const {
  return Cat(path_, path_.empty() || name.empty() ? "" : ".", name);
}

ConfigReader ConfigReader::Sub(const Json& value, std::string path) {
  return ConfigReader(value, registry_, std::move(path), issues_, watches_);
}

ConfigReader ConfigReader::Item(std::string_view name, size_t i) {
  return Sub(value_.Find(name)->items()[i], Cat(Path(name), "[", i, "]"));
}

ConfigReader ConfigReader::Field(std::string_view name, const std::string& key) {
  const auto& fields = value_.Find(name)->fields();
  // By the exact key: a map's keys are names, not fields.
  const auto it = std::find_if(fields.begin(), fields.end(),
                               [&](const auto& field) { return field.first == key; });
  return Sub(it->second, Cat(Path(name), ".", key));
}

std::optional<ConfigReader> ConfigReader::Inner(std::string_view name) {
  const Json* v = Get(name, Expect::kObject, "an object");
  if (v == nullptr) return std::nullopt;
  return std::optional<ConfigReader>(std::in_place, *v, registry_, Path(name), issues_, watches_);
}

void ConfigReader::Bad(std::string_view name, std::string_view what) {
  const Json* v = name.empty() ? nullptr : value_.Find(name);
  BadAt(v == nullptr ? value_ : *v, name, what);
}

void ConfigReader::BadAt(const Json& place, std::string_view name, std::string_view what) {
  if (!ok()) return;
  issues_.error = absl::InvalidArgumentError(Cat(place.where(), ": ", Path(name), ": ", what));
}

void ConfigReader::Finish() {
  for (const auto& [key, value] : value_.fields()) {
    if (std::find(known_.begin(), known_.end(), &value) != known_.end()) continue;
    const std::string_view meant = Closest(key, asked_);
    issues_.warnings.push_back(Cat(value.where(), ": ", Path(key), ": unknown field, ignored",
                                   meant.empty() ? "" : Cat("; is \"", meant, "\" meant?")));
  }
}

}  // namespace rondo
