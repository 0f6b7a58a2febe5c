#include "wire/path.h"

#include <algorithm>

namespace rondo::wire {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Takes `word` off the front; false: it isn't there.
bool Eat(std::string_view& text, std::string_view word) {
  if (text.size() < word.size()) return false;
  if (!std::ranges::equal(text.substr(0, word.size()), word, {}, Lower)) return false;
  text.remove_prefix(word.size());
  return true;
}

}  // namespace

std::optional<Path> ParsePath(std::string_view path) {
  if (!path.starts_with('/') || path.ends_with('/')) return std::nullopt;
  if (path.find("//") != std::string_view::npos) return std::nullopt;
  const size_t last = path.rfind('/');
  if (last == 0) return std::nullopt;
  return Path{path.substr(1, last - 1), path.substr(last + 1)};
}

bool IsGrpcContentType(std::string_view content_type) {
  if (!Eat(content_type, "application/grpc")) return false;
  Eat(content_type, "+proto");
  while (content_type.starts_with(' ')) content_type.remove_prefix(1);
  return content_type.empty() || content_type.starts_with(';');
}

}  // namespace rondo::wire
