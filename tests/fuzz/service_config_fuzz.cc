// Service configs: any text is read or refused with a place; what is read can be asked for methods.
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "balance/builtin.h"
#include "channel/service_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const rondo::PolicyRegistry& policies =
      *new rondo::PolicyRegistry(rondo::BuiltinPolicies());
  const auto config = rondo::channel::ServiceConfig::Parse(text, policies);
  if (!config.ok()) {
    const auto words = config.status().message();  // "line:column: ..."
    if (words.empty() || std::isdigit(static_cast<unsigned char>(words[0])) == 0) std::abort();
    return 0;
  }
  if ((*config)->policy().factory == nullptr) std::abort();
  (*config)->Find("/package.Service/Method");
  (*config)->Find(text);
  return 0;
}
