#pragma once
// route's piece of a service config: which child takes a call, and which endpoints a child has.
// Threads: any.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rondo/config.h"
#include "rondo/endpoint.h"
#include "rondo/pick.h"

namespace rondo {

// What an endpoint's labels must be, as Kubernetes writes it: "k=v", "k!=v", "k" (has it), "!k".
struct LabelRule {
  enum class Kind : uint8_t { kIs, kIsNot, kHas, kHasNot };
  Kind kind = Kind::kHas;
  std::string key, value;
  static LabelRule Of(const std::string& text);  // An empty key: it is none.
  bool Fits(const Endpoint& endpoint) const;
};

// What a request header must be (A28). One that is absent fits nothing but "must be absent".
struct HeaderRule {
  enum class Kind : uint8_t { kExact, kPrefix, kSuffix, kPresent };
  Kind kind = Kind::kPresent;
  std::string name, text;
  bool present = true, invert = false;
  void Read(ConfigReader& r);
  bool Fits(const Metadata* metadata) const;
};

struct RouteRule {
  enum class Kind : uint8_t { kAny, kPath, kPrefix };
  Kind kind = Kind::kAny;
  std::string method;
  std::vector<HeaderRule> headers;
  std::map<std::string, uint32_t> weights;  // By child.
  void Read(ConfigReader& r);
  bool Fits(const PickArgs& args) const;
};

struct RouteConfig {
  struct Child {
    std::vector<std::string> labels;  // As written.
    std::vector<LabelRule> rules;
    ChildConfig policy;
    bool Has(const Endpoint& endpoint) const;
  };
  std::map<std::string, Child> children;
  std::vector<RouteRule> routes;
  void Read(ConfigReader& r);
};

}  // namespace rondo
