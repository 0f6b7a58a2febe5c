#pragma once
// RFC 7541, receiving. Threads: one at a time.
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http2/field_rules.h"
#include "http2/headers.h"
#include "http2/hpack_static.h"
#include "rondo/slice.h"

namespace rondo::http2 {

// Decodes into views of the block, the tables and a scratch area, which last until the next Decode
// or Trim. A block seen before under the same table is known by its bytes and not decoded again.
class HpackDecoder {
 public:
  struct Block {
    Headers headers;
    BlockShape shape;  // Means nothing if headers.size is beyond the limit.
  };

  // Null: COMPRESSION_ERROR, the table is lost. Fields beyond `max_size` (as Headers::size counts)
  // are decoded, for the table, and counted, but not kept.
  const Block* Decode(Bytes block, size_t max_size);
  void Trim();  // Gives up what only large blocks need.

  size_t table_size() const { return used_; }
  size_t entries() const { return count_; }

 private:
  struct Entry {
    std::string text;  // Name and value.
    size_t name_size = 0;
    Token token = Token::kOther;
    FieldKind kind = FieldKind::kRegular;
    uint64_t shown_in = 0;  // The last block whose views may point here.

    std::string_view name() const { return std::string_view(text).substr(0, name_size); }
    std::string_view value() const { return std::string_view(text).substr(name_size); }
    size_t cost() const { return text.size() + hpack::kFieldCost; }
  };
  // By pointer: a short string that moves takes its bytes along, and views would dangle.
  using EntryPointer = std::unique_ptr<Entry>;
  struct Memo {
    uint64_t version = 0;
    std::string block, text;
    std::vector<Header> fields;
    Block result;
  };
  static constexpr size_t kMemos = 8;
  static constexpr size_t kMemoBlock = 512;  // Longer ones are not remembered.
  static constexpr size_t kMemoText = 2048;
  static constexpr size_t kSpares = 8, kSpareText = 512;
  static constexpr size_t kKeptScratch = 1024, kKeptFields = 32;

  bool DecodeFields(Bytes block, size_t max_size);
  bool DecodeLiteral(const uint8_t*& p, const uint8_t* end, bool insert, Header& field,
                     FieldKind& kind);
  bool ReadText(const uint8_t*& p, const uint8_t* end, std::string_view& text);
  bool Lookup(uint64_t index, Header& field, FieldKind& kind);
  void Insert(const Header& field, FieldKind kind);
  void Shrink(size_t limit);
  void Recycle(EntryPointer entry);
  Memo* FindMemo(Bytes block, uint32_t hash);
  void Remember(Bytes block, uint32_t hash);

  std::vector<EntryPointer> ring_;  // A power of two of slots; the newest is at inserted_ - 1.
  uint64_t inserted_ = 0;
  size_t count_ = 0, used_ = 0, limit_ = hpack::kDefaultTableSize;
  std::vector<EntryPointer> evicted_;  // By this block: its views may point there.
  std::vector<EntryPointer> spares_;
  uint64_t version_ = 1;  // Of the table.
  uint64_t block_number_ = 0;
  std::vector<Header> fields_;
  std::vector<char> scratch_;
  size_t scratch_used_ = 0;
  Block result_;
  std::array<uint32_t, kMemos> seen_{};  // Hashes: who comes twice is remembered.
  std::unique_ptr<std::array<Memo, kMemos>> memos_;
};

}  // namespace rondo::http2
