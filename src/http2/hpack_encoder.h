#pragma once
// RFC 7541, sending. Threads: one at a time.
#include <string>
#include <string_view>
#include <vector>

#include "http2/headers.h"
#include "http2/hpack_static.h"

namespace rondo::http2 {

// Fields of templates enter the table while there is room, extras only if they say so, and nothing
// is ever evicted: so a template's bytes change only when an entry is added, and are kept.
class HpackEncoder {
 public:
  // The peer's SETTINGS_HEADER_TABLE_SIZE; told to it in the next block. More than the default is
  // never used.
  void Limit(uint32_t table_size);
  // Most bytes that Encode can write.
  size_t Bound(const HeaderTemplate& head, ExtraHeaders extra) const;
  // Returns the end of what was written.
  uint8_t* Encode(const HeaderTemplate& head, ExtraHeaders extra, uint8_t* out);

 private:
  struct Entry {
    std::string name, value;
  };
  struct Memo {
    uint64_t serial = 0, version = 0;
    std::string block;
  };
  static constexpr size_t kFirstMemos = 4, kMostMemos = 64;
  static constexpr size_t kMostAround = 18;  // Bytes of a literal beside name and value.
  static constexpr size_t kMostAnnounced = 12;

  const Memo* Find(const HeaderTemplate& head) const;
  void Remember(const HeaderTemplate& head, std::string_view block);
  uint8_t* EncodeTemplate(const HeaderTemplate& head, uint8_t* out);
  uint8_t* EncodeField(const Header& field, bool constant, bool index, uint8_t* out);
  uint8_t* Announce(uint8_t* out);

  std::vector<Entry> table_;  // Oldest first.
  size_t used_ = 0;
  uint32_t limit_ = hpack::kDefaultTableSize;
  uint64_t version_ = 1;  // Of the table.
  bool announce_ = false, announce_empty_ = false;
  std::vector<Memo> memos_;  // By serial; a power of two.
};

}  // namespace rondo::http2
