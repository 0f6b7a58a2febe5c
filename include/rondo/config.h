#pragma once
// How a policy reads its piece of the service config. Errors name line, column and path:
// `3:44: loadBalancingConfig[1].subset.subsetSize: must be a number`.
// Threads: the one that parses; nothing here outlives the parse but what it made.
#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/balance.h"
#include "rondo/time.h"

namespace rondo {

class Json;
class PolicyRegistry;

// A child policy that a config names.
struct ChildConfig {
  FactoryRef factory{};
  ConfigRef config{};
};

// What a parse has to say besides its result.
struct ConfigIssues {
  absl::Status error{};                 // The first one; OK: none.
  std::vector<std::string> warnings{};  // Such as unknown fields, which gRPC ignores (A21).
  bool call_reports = false;            // A policy that was chosen has PolicyFactory::call_reports.
};

// Reads one JSON object. An absent field, or null, leaves `out` as it is. A name in camelCase is
// also found in snake_case (proto3 JSON); otherwise the case counts. The first error is kept, and
// makes the whole service config invalid (A21).
class ConfigReader {
 public:
  // For the runtime: `value` and `registry` outlive the reader. `watches`: see PolicyFactory, the
  // sum of those above.
  ConfigReader(const Json& value, const PolicyRegistry& registry, std::string path,
               ConfigIssues& issues, int watches = 0);

  bool ok() const { return issues_.error.ok(); }
  bool Has(std::string_view name);   // Present and not null.
  void Need(std::string_view name);  // An error if it isn't.

  // A whole number (also as text, as proto3 JSON allows), or any number if T is floating.
  template <class T>
    requires(std::integral<T> || std::floating_point<T>) && (!std::same_as<T, bool>)
  void Number(std::string_view name, T& out, T min = 0, T max = std::numeric_limits<T>::max()) {
    if constexpr (std::integral<T>) {
      static_assert(sizeof(T) < 8 || std::signed_integral<T>, "JSON's whole numbers are int64");
      if (auto v = Whole(name, min, max)) out = static_cast<T>(*v);
    } else {
      if (auto v = Real(name, min, max)) out = static_cast<T>(*v);
    }
  }
  void Bool(std::string_view name, bool& out);
  void Text(std::string_view name, std::string& out);
  void Texts(std::string_view name, std::vector<std::string>& out);
  // gRPC's status codes, by name in any case or by number, as a set of bits: 1 << code.
  void Codes(std::string_view name, uint32_t& out);
  // proto3's form: "1.5s", at most 9 digits behind the point, |seconds| <= 315,576,000,000. What
  // doesn't fit into a Duration becomes its largest or smallest value. Negative is an error.
  void Seconds(std::string_view name, Duration& out);
  // A list of policies, required: the first registered one wins, what follows isn't looked at
  // (A24).
  void Child(std::string_view name, ChildConfig& out);
  // `each` is void(ConfigReader&), once an item; items must be objects.
  template <class F>
  void List(std::string_view name, F each) {
    const size_t n = Size(name);
    for (size_t i = 0; i < n && ok(); ++i) {
      ConfigReader item = Item(name, i);
      each(item);
      item.Finish();
    }
  }
  // `each` is void(const std::string& key, ConfigReader&), once a field; values must be objects.
  template <class F>
  void Map(std::string_view name, F each) {
    for (const std::string& key : Keys(name)) {
      if (!ok()) return;
      ConfigReader field = Field(name, key);
      each(key, field);
      field.Finish();
    }
  }
  // An object inside this one. `read` is void(ConfigReader&); not called if it is absent.
  template <class F>
  void Object(std::string_view name, F read) {
    if (std::optional<ConfigReader> inner = Inner(name)) {
      read(*inner);
      inner->Finish();
    }
  }
  // Tells an error of `name`, at its place, or of the whole object if `name` is empty.
  void Bad(std::string_view name, std::string_view what);
  // For the runtime: warns of the fields that nobody asked for, with the name that was meant if
  // one is close.
  void Finish();

 private:
  enum class Expect : uint8_t { kBool, kNumber, kText, kList, kObject };
  const Json* Get(std::string_view name, Expect kind, std::string_view expected);
  const Json* Know(std::string_view name);
  void BadAt(const Json& place, std::string_view name, std::string_view what);
  std::optional<int64_t> Whole(std::string_view name, int64_t min, int64_t max);
  std::optional<double> Real(std::string_view name, double min, double max);
  size_t Size(std::string_view list);
  std::vector<std::string> Keys(std::string_view map);
  ConfigReader Item(std::string_view list, size_t i);
  ConfigReader Field(std::string_view map, const std::string& key);
  std::optional<ConfigReader> Inner(std::string_view name);
  ConfigReader Sub(const Json& value, std::string path);
  std::string Path(std::string_view name) const;  // Of a field of this object.

  const Json& value_;
  const PolicyRegistry& registry_;
  const std::string path_;
  ConfigIssues& issues_;
  const int watches_;
  std::vector<const Json*> known_;
  std::vector<std::string> asked_;  // All names, for who mistyped one.
};

// A `parse` for a struct with `void Read(ConfigReader&)`, and the way back.
template <class C>
struct HeldConfig final : PolicyConfig {
  C value;
};
template <class C>
absl::StatusOr<ConfigRef> ParseInto(ConfigReader& reader) {
  auto held = std::make_shared<HeldConfig<C>>();
  held->value.Read(reader);
  return held;
}
// `config` must come from ParseInto<C>; the runtime never hands a policy another's config.
template <class C>
const C& ConfigAs(const ConfigRef& config) {
  return static_cast<const HeldConfig<C>&>(*config).value;
}

}  // namespace rondo
