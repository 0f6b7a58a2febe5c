#pragma once
// What a resolver says of one server: how to reach it, and what policies may know of it.
// Threads: values; distinct objects are independent.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

namespace rondo {

// Typed extras: at most one value of each type, compared by value. A type needs `operator==`.
class Attributes {
 public:
  // Replaces the value of this type, if there is one.
  template <class T>
  void Set(T value) {
    items_[typeid(T).name()] = {std::make_shared<const T>(std::move(value)),
                                [](const void* a, const void* b) {
                                  return *static_cast<const T*>(a) == *static_cast<const T*>(b);
                                }};
  }
  // Null if there is no value of this type. Good until the next change.
  template <class T>
  const T* Get() const {
    auto it = items_.find(typeid(T).name());
    return it == items_.end() ? nullptr : static_cast<const T*>(it->second.value.get());
  }
  bool empty() const { return items_.empty(); }
  bool operator==(const Attributes& other) const = default;

 private:
  struct Item {
    std::shared_ptr<const void> value;
    bool (*equal)(const void*, const void*);
    bool operator==(const Item& o) const {
      return equal == o.equal && equal(value.get(), o.value.get());
    }
  };
  std::map<std::string_view, Item> items_;
};

// One server. Its identity is the set of its addresses; everything else may change in an update
// without a new connection, except `transport`.
struct Endpoint {
  std::vector<std::string>
      addresses;           // "10.0.0.1:50051", "[::1]:50051", "unix:/a": ways to reach it.
  uint32_t weight = 1;     // Its share beside the others; 0 counts as 1.
  std::string zone{};      // Where it runs, such as "eu-1a"; empty: unknown.
  std::string hash_key{};  // Its name on a hash ring (A76); empty: its first address.
  std::map<std::string, std::string> labels{};  // Anything else that is known of it.
  std::vector<std::string> path{};  // The children it belongs to; each parent takes the first name.
  Attributes attributes{};          // For policies.
  Attributes transport{};           // For whoever connects: another value is another connection.
  bool operator==(const Endpoint&) const = default;
};

// Endpoints as policies hand them on: copies share one list, so that passing an update of thousands
// down a tree costs nothing. Read as a vector is.
class EndpointList {
 public:
  EndpointList() = default;
  EndpointList(std::vector<Endpoint> list)  // NOLINT: a vector is such a list.
      : list_(std::make_shared<const std::vector<Endpoint>>(std::move(list))) {}
  EndpointList(std::initializer_list<Endpoint> list) : EndpointList(std::vector<Endpoint>(list)) {}

  auto begin() const { return all().begin(); }
  auto end() const { return all().end(); }
  size_t size() const { return all().size(); }
  bool empty() const { return all().empty(); }
  const Endpoint& operator[](size_t i) const { return all()[i]; }
  const Endpoint& at(size_t i) const { return all().at(i); }
  // NOLINTNEXTLINE: a vector, for reading.
  operator const std::vector<Endpoint>&() const { return all(); }

 private:
  static const std::vector<Endpoint>& Nothing() {
    static const std::vector<Endpoint> nothing;
    return nothing;
  }
  const std::vector<Endpoint>& all() const { return list_ != nullptr ? *list_ : Nothing(); }

  std::shared_ptr<const std::vector<Endpoint>> list_;  // Null: empty.
};

}  // namespace rondo
