#pragma once
// A JSON value that remembers where it stood: for service configs, whose errors name line and
// column. Threads: a value; const use is free.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rondo {

class Json {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kText, kList, kObject };
  static constexpr size_t kMaxSize = 1 << 20;  // Bytes.
  static constexpr int kMaxDepth = 64;

  // Strict: one value and nothing behind it, no key twice in an object, valid UTF-8. Errors are
  // INVALID_ARGUMENT, `line:column: what`; columns count characters from 1.
  static absl::StatusOr<Json> Parse(std::string_view text);

  Json() = default;  // null, at 1:1
  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  int line() const { return line_; }
  int column() const { return column_; }
  std::string where() const;  // "3:44"

  bool boolean() const { return number_ != 0; }  // Of kBool.
  double number() const { return number_; }  // Of kNumber; what doesn't fit a double is an error.
  // Of kText: its characters. Of kNumber: as it was written.
  const std::string& text() const { return text_; }
  // A whole number that fits: of kNumber (1.0 and 1e3 are whole) or, as proto3 JSON allows, of
  // kText. Exact also where a double isn't.
  std::optional<int64_t> Whole() const;
  const std::vector<Json>& items() const { return items_; }  // Of kList.
  // Of kObject, in the order of the text.
  const std::vector<std::pair<std::string, Json>>& fields() const { return fields_; }
  // A field, by its exact name or else by that in snake_case ("fooBar" also finds "foo_bar"). Null
  // if there is none.
  const Json* Find(std::string_view name) const;

 private:
  friend class JsonBuilder;
  Kind kind_ = Kind::kNull;
  int line_ = 1, column_ = 1;
  double number_ = 0;
  std::string text_;
  std::vector<Json> items_;
  std::vector<std::pair<std::string, Json>> fields_;
};

// `text` as a JSON string with its quotes; what isn't UTF-8 becomes U+FFFD.
std::string JsonText(std::string_view text);

// A duration in proto3 JSON's form, "1.5s": at least one digit, at most 9 behind the point,
// |seconds| <= 315,576,000,000; saturates to int64 nanoseconds. nullopt: it isn't one.
std::optional<int64_t> ParseJsonDuration(std::string_view text);

}  // namespace rondo
