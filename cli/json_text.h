#pragma once
// JSON as text: values one after the other on the way in, texts quoted on the way out. What the
// values mean is protobuf's business.
// Threads: one at a time.
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rondo::cli {

// The values of a stream, separated by nothing or by white space: `{"a": 1}{"a": 2}`.
class JsonValues {
 public:
  explicit JsonValues(std::istream& in) : in_(in) {}
  // The next value's text, as soon as its end has come; nullopt: no more. One that the stream's
  // end cuts off is given as it is.
  std::optional<std::string> Next();

 private:
  std::istream& in_;
};

std::string Quote(std::string_view text);  // With the quotes. What isn't UTF-8 becomes U+FFFD.

// `["a", "b"]` of JSON values, one a line.
std::string List(const std::vector<std::string>& values);

}  // namespace rondo::cli
