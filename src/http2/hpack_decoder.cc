#include "http2/hpack_decoder.h"

#include <algorithm>
#include <cstring>

#include "http2/hpack_huffman.h"
#include "http2/hpack_integer.h"

namespace rondo::http2 {
namespace {

constexpr uint64_t kMix = 0x9e3779b97f4a7c15;

uint32_t HashOf(Bytes block) {
  uint64_t hash = block.size();
  const uint8_t* p = block.data();
  size_t left = block.size();
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    hash = (hash ^ word) * kMix;
    hash ^= hash >> 29;
  }
  for (; left > 0; ++p, --left) hash = (hash ^ *p) * kMix;
  return static_cast<uint32_t>(hash >> 32);
}

std::string_view TextOf(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

const HpackDecoder::Block* HpackDecoder::Decode(Bytes block, size_t max_size) {
  const uint32_t hash = block.size() <= kMemoBlock ? HashOf(block) : 0;
  if (const Memo* memo = FindMemo(block, hash); memo != nullptr) return &memo->result;
  for (EntryPointer& entry : evicted_) Recycle(std::move(entry));
  evicted_.clear();
  fields_.clear();
  result_ = {};
  scratch_used_ = 0;
  ++block_number_;
  const uint64_t before = version_;
  if (!DecodeFields(block, max_size)) return nullptr;
  result_.headers.fields = fields_;
  if (block.size() <= kMemoBlock && version_ == before && result_.headers.size <= max_size) {
    if (seen_[hash % kMemos] == hash) Remember(block, hash);
    seen_[hash % kMemos] = hash;
  }
  return &result_;
}

void HpackDecoder::Trim() {
  if (scratch_.size() > kKeptScratch) std::vector<char>().swap(scratch_);
  if (fields_.capacity() > kKeptFields) std::vector<Header>().swap(fields_);
}

// -- Memos.

HpackDecoder::Memo* HpackDecoder::FindMemo(Bytes block, uint32_t hash) {
  if (memos_ == nullptr || block.size() > kMemoBlock) return nullptr;
  Memo& memo = (*memos_)[hash % kMemos];
  return memo.version == version_ && memo.block == TextOf(block) ? &memo : nullptr;
}

void HpackDecoder::Remember(Bytes block, uint32_t hash) {
  size_t size = 0;
  for (const Header& field : fields_) size += field.name.size() + field.value.size();
  if (size > kMemoText) return;
  if (memos_ == nullptr) memos_ = std::make_unique<std::array<Memo, kMemos>>();
  Memo& memo = (*memos_)[hash % kMemos];
  memo.version = version_;
  memo.block = TextOf(block);
  memo.fields = fields_;
  memo.text.clear();
  for (const Header& field : fields_) memo.text.append(field.name).append(field.value);
  std::string_view rest = memo.text;
  for (Header& field : memo.fields) {
    for (std::string_view* part : {&field.name, &field.value}) {
      *part = rest.substr(0, part->size());
      rest.remove_prefix(part->size());
    }
  }
  memo.result = result_;
  memo.result.headers.fields = memo.fields;
}

// -- Fields.

bool HpackDecoder::DecodeFields(Bytes block, size_t max_size) {
  const uint8_t *p = block.data(), *const end = p + block.size();
  size_t& size = result_.headers.size;
  bool any = false;
  while (p != end) {
    const uint8_t first = *p;
    Header field;
    FieldKind kind = FieldKind::kRegular;
    uint64_t index = 0;
    if ((first & 0x80) != 0) {  // Section 6.1: indexed.
      if (!hpack::GetInteger(p, end, 7, index) || !Lookup(index, field, kind)) return false;
    } else if ((first & 0xe0) == 0x20) {  // Section 6.3: only before the first field.
      if (any || !hpack::GetInteger(p, end, 5, index)) return false;
      if (index > hpack::kDefaultTableSize) return false;
      limit_ = index;
      Shrink(limit_);
      ++version_;
      continue;
    } else if (!DecodeLiteral(p, end, (first & 0x40) != 0, field, kind)) {  // Section 6.2.
      return false;
    }
    any = true;
    size += field.name.size() + field.value.size() + hpack::kFieldCost;
    if (size > max_size) continue;
    result_.shape.Add(kind, field.value);
    fields_.push_back(field);
  }
  return true;
}

bool HpackDecoder::DecodeLiteral(const uint8_t*& p, const uint8_t* end, bool insert, Header& field,
                                 FieldKind& kind) {
  uint64_t index = 0;
  if (!hpack::GetInteger(p, end, insert ? 6 : 4, index)) return false;
  if (index != 0) {
    if (!Lookup(index, field, kind)) return false;
  } else {
    if (!ReadText(p, end, field.name)) return false;
    field.token = TokenOf(field.name);
  }
  if (!ReadText(p, end, field.value)) return false;
  kind = KindOf(field.name, field.value, field.token);
  if (insert) Insert(field, kind);
  return true;
}

bool HpackDecoder::ReadText(const uint8_t*& p, const uint8_t* end, std::string_view& text) {
  const bool huffman = p != end && (*p & 0x80) != 0;
  uint64_t length = 0;
  if (!hpack::GetInteger(p, end, 7, length)) return false;
  if (length > static_cast<size_t>(end - p)) return false;
  const Bytes raw(p, static_cast<size_t>(length));
  p += length;
  if (!huffman) {
    text = TextOf(raw);
    return true;
  }
  if (scratch_used_ == 0) {  // It may not move later: what is left of the block bounds it.
    const size_t most = hpack::MostDecoded(raw.size() + static_cast<size_t>(end - p));
    scratch_.resize(std::max({most, scratch_.size(), size_t{64}}));  // Never null.
  }
  char* const out = scratch_.data() + scratch_used_;
  char* const out_end = hpack::HuffmanDecode(raw, out);
  if (out_end == nullptr) return false;
  text = {out, static_cast<size_t>(out_end - out)};
  scratch_used_ += text.size();
  return true;
}

// -- The table.

bool HpackDecoder::Lookup(uint64_t index, Header& field, FieldKind& kind) {
  if (index == 0 || index > hpack::kStaticSize + count_) return false;
  if (index <= hpack::kStaticSize) {
    const hpack::StaticField& entry = hpack::StaticAt(static_cast<uint32_t>(index));
    field = {entry.name, entry.value, entry.token};
    kind = entry.kind;
    return true;
  }
  const size_t age = static_cast<size_t>(index) - hpack::kStaticSize;
  Entry& entry = *ring_[(inserted_ - age) & (ring_.size() - 1)];
  entry.shown_in = block_number_;
  field = {entry.name(), entry.value(), entry.token};
  kind = entry.kind;
  return true;
}

void HpackDecoder::Insert(const Header& field, FieldKind kind) {
  ++version_;
  EntryPointer entry;
  if (spares_.empty()) {
    entry = std::make_unique<Entry>();
  } else {
    entry = std::move(spares_.back());
    spares_.pop_back();
  }
  entry->text.assign(field.name).append(field.value);  // First: its name may be evicted with it.
  entry->name_size = field.name.size();
  entry->token = field.token;
  entry->kind = kind;
  entry->shown_in = 0;
  const size_t cost = entry->cost();
  Shrink(cost > limit_ ? 0 : limit_ - cost);
  if (cost > limit_) return Recycle(std::move(entry));  // Section 4.4: not an error.
  if (count_ == ring_.size()) {
    std::vector<EntryPointer> larger(std::max<size_t>(8, 2 * ring_.size()));
    for (size_t i = 0; i < count_; ++i) {
      const uint64_t at = inserted_ - count_ + i;
      larger[at & (larger.size() - 1)] = std::move(ring_[at & (ring_.size() - 1)]);
    }
    ring_ = std::move(larger);
  }
  ring_[inserted_++ & (ring_.size() - 1)] = std::move(entry);
  ++count_;
  used_ += cost;
}

void HpackDecoder::Shrink(size_t limit) {
  while (used_ > limit) {
    EntryPointer oldest = std::move(ring_[(inserted_ - count_) & (ring_.size() - 1)]);
    --count_;
    used_ -= oldest->cost();
    if (oldest->shown_in == block_number_) {
      evicted_.push_back(std::move(oldest));
    } else {
      Recycle(std::move(oldest));
    }
  }
}

void HpackDecoder::Recycle(EntryPointer entry) {
  if (spares_.size() < kSpares && entry->text.capacity() <= kSpareText) {
    spares_.push_back(std::move(entry));
  }
}

}  // namespace rondo::http2
