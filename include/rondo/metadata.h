#pragma once
// Request and response metadata: headers and trailers that the application sees.
// Threads: distinct objects are independent; one object is for one thread at a time, const use is
// free.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace rondo {

// Key-value pairs in the order in which they were added; a key may repeat. Keys are lower case. The
// value of a key that ends in "-bin" is any bytes (base64 on the wire); any other value is
// printable ASCII. Keys that begin with "grpc-" are gRPC's own: sending one is an error, but for
// "grpc-trace-bin", which carries the application's trace context (A72). (gRPC over HTTP/2)
class Metadata {
 public:
  using Entry = std::pair<std::string, std::string>;

  Metadata() = default;
  Metadata(const Metadata&) = default;
  Metadata(Metadata&&) noexcept = default;
  Metadata& operator=(const Metadata&) = default;
  Metadata& operator=(Metadata&&) noexcept = default;
  ~Metadata() = default;

  Metadata& Add(std::string_view key, std::string_view value) {
    entries_.emplace_back(key, value);
    return *this;
  }
  // The first value of `key`, good until the next change.
  std::optional<std::string_view> Find(std::string_view key) const {
    for (const Entry& e : entries_) {
      if (e.first == key) return e.second;
    }
    return std::nullopt;
  }
  std::vector<std::string_view> FindAll(std::string_view key) const {
    std::vector<std::string_view> all;
    for (const Entry& e : entries_) {
      if (e.first == key) all.push_back(e.second);
    }
    return all;
  }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  void clear() { entries_.clear(); }
  bool operator==(const Metadata&) const = default;

 private:
  std::vector<Entry> entries_;
};

// metadata("tenant", "blue", "trace-bin", bytes): inline, also inside a co_await (a braced list
// there is what g++ 12 miscompiles).
template <class... Texts>
Metadata metadata(const Texts&... keys_and_values) {
  static_assert(sizeof...(Texts) % 2 == 0, "keys and values come in pairs");
  Metadata out;
  if constexpr (sizeof...(Texts) > 0) {
    const std::string_view all[] = {keys_and_values...};
    for (size_t i = 0; i < sizeof...(Texts); i += 2) out.Add(all[i], all[i + 1]);
  }
  return out;
}

}  // namespace rondo
