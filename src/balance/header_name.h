#pragma once
// The name of a request header in a policy's config.
// Threads: as ConfigReader.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.h"
#include "rondo/config.h"

namespace rondo {

// Lower case. An error if no header can be called so, or if its values aren't text. An absent field
// leaves `out` as it is.
inline void HeaderName(ConfigReader& reader, std::string_view field, std::string& out) {
  reader.Text(field, out);
  const std::string as_written = out;
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  if (!std::all_of(out.begin(), out.end(), legal)) {
    reader.Bad(field, Cat("\"", as_written,
                          "\" is not a header's name: letters, digits, '-', '_' and '.' are"));
  } else if (out.ends_with("-bin")) {
    reader.Bad(field, Cat("\"", as_written,
                          "\" has values that aren't text: a name that doesn't end in -bin is "
                          "needed"));
  }
}

}  // namespace rondo
