#pragma once
// What a resolver says of one server: how to reach it, and what policies may know of it.
// Threads: values; distinct objects are independent.
#include <cstdint>
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

}  // namespace rondo
