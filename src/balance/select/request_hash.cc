#include "balance/select/request_hash.h"

#include "balance/header_name.h"
#include "base/hash.h"

namespace rondo {

void RequestHash::Read(ConfigReader& reader) { HeaderName(reader, "requestHashHeader", header); }

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
