#pragma once
// Header fields as this layer sees them: names and values. A received block is any type whose
// `fields` is a range of things with `name` and `value`, which http2::Headers is.
// Threads: distinct objects are independent.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondo::wire {

// The value of the first field of that name.
template <class Block>
std::optional<std::string_view> ValueOf(const Block& block, std::string_view name) {
  for (const auto& field : block.fields) {
    if (field.name == name) return std::string_view(field.value);
  }
  return std::nullopt;
}

// Fields to send: views of what they were made from and of `room`. Keeps its memory when cleared.
class Fields {
 public:
  using Field = std::pair<std::string_view, std::string_view>;

  Fields() = default;
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // Gets `bytes` of room for texts that exist nowhere else; drops what was here.
  std::string& Reset(size_t bytes) {
    fields_.clear();
    room_.clear();
    room_.reserve(bytes);
    return room_;
  }
  void Add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  void clear() { Reset(0); }
  bool empty() const { return fields_.empty(); }
  size_t size() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
  std::string room_;  // Never grows beyond what was reserved: the views would dangle.
};

}  // namespace rondo::wire
