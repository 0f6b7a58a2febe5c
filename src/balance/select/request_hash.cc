#include "balance/select/request_hash.h"

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace rondo {

void RequestHash::Read(ConfigReader& reader) {
  constexpr std::string_view kField = "requestHashHeader";
  reader.Text(kField, header);
  const std::string as_written = header;
  for (char& c : header) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  if (!std::all_of(header.begin(), header.end(), legal)) {
    reader.Bad(kField, Cat("\"", as_written,
                           "\" is not a header's name: letters, digits, '-', '_' and '.' are"));
  } else if (header.ends_with("-bin")) {
    reader.Bad(kField, Cat("\"", as_written,
                           "\" has values that aren't text: a name that doesn't end in -bin is "
                           "needed"));
  }
}

std::optional<uint64_t> RequestHash::Of(const PickArgs& args) const {
  if (args.affinity) {  // A key, which may be as small as 1, 2, 3: not yet a hash.
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(*args.affinity >> (8 * i));
    return Hash64({bytes, sizeof bytes});
  }
  if (header.empty() || args.metadata == nullptr) return std::nullopt;
  const std::string* first = nullptr;
  std::optional<HashStream> many;
  for (const auto& [key, value] : *args.metadata) {
    if (key != header) continue;
    if (first == nullptr) {
      first = &value;
      continue;
    }
    if (!many) many.emplace().Add(*first);
    many->Add(",");
    many->Add(value);
  }
  if (many) return many->Sum();
  if (first == nullptr) return std::nullopt;
  return Hash64(*first);
}

}  // namespace rondo
