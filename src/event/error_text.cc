#include "event/error_text.h"

#include <cctype>
#include <cstring>

#include "base/text.h"

namespace rondo::event {

std::string ErrorText(int error) {
  std::string text = strerrordesc_np(error) != nullptr ? strerrordesc_np(error) : "unknown error";
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  const char* name = strerrorname_np(error);
  return Cat(text, " (", name != nullptr ? name : "?", ")");
}

}  // namespace rondo::event
