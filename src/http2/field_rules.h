#pragma once
// RFC 9113 section 8: what fields a request, a response and trailers may have. A field is judged
// once (tables and memos keep the verdict), a block by adding its fields up.
// Threads: a BlockShape belongs to one.
#include <cstdint>
#include <string_view>

#include "http2/headers.h"

namespace rondo::http2 {

enum class FieldKind : uint8_t {
  kRegular,
  kMethod,
  kConnectMethod,
  kOptionsMethod,
  kScheme,
  kAuthority,
  kPath,
  kStarPath,
  kStatus,
  kHost,
  kContentLength,
  kBad,  // Makes its block malformed.
};
FieldKind KindOf(std::string_view name, std::string_view value, Token token);

class BlockShape {
 public:
  void Add(FieldKind kind, std::string_view value) {
    if (kind == FieldKind::kRegular) {
      regular_ = true;
    } else {
      AddSpecial(kind, value);
    }
  }
  bool IsRequest() const;
  bool IsResponse() const { return !bad_ && seen_ == kSeenStatus && status_ != 101; }
  bool IsTrailers() const { return !bad_ && seen_ == 0; }
  bool interim() const { return status_ < 200; }  // Of a response.
  // That the body must have; -1: nobody said.
  int64_t content_length() const { return status_ == 204 || status_ == 304 ? -1 : content_length_; }

 private:
  enum Seen : uint8_t {
    kSeenMethod = 1,
    kSeenScheme = 2,
    kSeenAuthority = 4,
    kSeenPath = 8,
    kSeenStatus = 16,
  };
  void AddSpecial(FieldKind kind, std::string_view value);
  void AddPseudo(Seen what);

  uint8_t seen_ = 0;
  bool bad_ = false, regular_ = false, host_ = false;
  bool connect_ = false, options_ = false, star_ = false;
  int status_ = 0;
  int64_t content_length_ = -1;
};

}  // namespace rondo::http2
