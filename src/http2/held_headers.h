#pragma once
// A copy of header fields that must wait: trailers behind a blocked body, or behind unread
// messages. Threads: one at a time.
#include <string>
#include <utility>
#include <vector>

#include "http2/headers.h"

namespace rondo::http2 {

class HeldHeaders {
 public:
  void Hold(const HeaderTemplate* head, ExtraHeaders fields) {
    head_ = head;
    held_ = true;
    text_.clear();
    sizes_.clear();
    for (const Header& h : fields) {
      text_.append(h.name).append(h.value);
      sizes_.push_back({h.name.size(), h.value.size(), h.index});
    }
  }
  void Clear() {
    head_ = nullptr;
    held_ = false;
  }
  bool held() const { return held_; }
  const HeaderTemplate* head() const { return head_; }
  // The copied ones, as views that are good until the next Hold.
  void Fields(std::vector<Header>& out) const {
    out.clear();
    std::string_view rest = text_;
    for (const Sizes& s : sizes_) {
      const std::string_view name = rest.substr(0, s.name);
      out.push_back({name, rest.substr(s.name, s.value), TokenOf(name), s.index});
      rest.remove_prefix(s.name + s.value);
    }
  }
  size_t size() const { return text_.size() + 32 * sizes_.size(); }  // As Headers::size.

 private:
  struct Sizes {
    size_t name, value;
    bool index;
  };
  const HeaderTemplate* head_ = nullptr;
  bool held_ = false;
  std::string text_;
  std::vector<Sizes> sizes_;
};

}  // namespace rondo::http2
