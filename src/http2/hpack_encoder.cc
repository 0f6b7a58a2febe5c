#include "http2/hpack_encoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http2/hpack_huffman.h"
#include "http2/hpack_integer.h"

namespace rondo::http2 {
namespace {

uint8_t* PutText(uint8_t* out, std::string_view text, bool compress) {
  if (compress) {
    const size_t size = hpack::HuffmanSize(text);
    if (size < text.size()) {
      out = hpack::PutInteger(out, 0x80, 7, static_cast<uint32_t>(size));
      return hpack::HuffmanEncode(text, out);
    }
  }
  out = hpack::PutInteger(out, 0, 7, static_cast<uint32_t>(text.size()));
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

// Section 4.2: a smaller table is told first. Ours is emptied then: what was in it would be
// evicted in the order of age, and a memo must never depend on that.
void HpackEncoder::Limit(uint32_t table_size) {
  const uint32_t limit = std::min(table_size, hpack::kDefaultTableSize);
  if (limit == limit_) return;
  if (limit < limit_) {
    announce_empty_ = true;
    table_.clear();
    used_ = 0;
    ++version_;
  }
  announce_ = true;
  limit_ = limit;
}

uint8_t* HpackEncoder::Announce(uint8_t* out) {
  if (std::exchange(announce_empty_, false) && limit_ > 0) out = hpack::PutInteger(out, 0x20, 5, 0);
  announce_ = false;
  return hpack::PutInteger(out, 0x20, 5, limit_);
}

size_t HpackEncoder::Bound(const HeaderTemplate& head, ExtraHeaders extra) const {
  size_t bound = announce_ ? kMostAnnounced : 0;
  const auto add = [&bound](ExtraHeaders fields) {
    for (const Header& f : fields) bound += f.name.size() + f.value.size() + kMostAround;
  };
  if (const Memo* memo = Find(head); memo != nullptr) {
    bound += memo->block.size();
  } else {
    add(head.fields());
  }
  add(extra);
  return bound;
}

uint8_t* HpackEncoder::Encode(const HeaderTemplate& head, ExtraHeaders extra, uint8_t* out) {
  if (announce_) out = Announce(out);
  if (const Memo* memo = Find(head); memo != nullptr) {
    std::memcpy(out, memo->block.data(), memo->block.size());
    out += memo->block.size();
  } else {
    out = EncodeTemplate(head, out);
  }
  for (const Header& field : extra) out = EncodeField(field, false, field.index, out);
  return out;
}

uint8_t* HpackEncoder::EncodeTemplate(const HeaderTemplate& head, uint8_t* out) {
  const uint8_t* const start = out;
  const uint64_t before = version_;
  for (const Header& field : head.fields()) out = EncodeField(field, true, true, out);
  if (version_ == before) {
    Remember(head, {reinterpret_cast<const char*>(start), static_cast<size_t>(out - start)});
  }
  return out;
}

uint8_t* HpackEncoder::EncodeField(const Header& field, bool constant, bool index, uint8_t* out) {
  const hpack::StaticMatch known = hpack::FindStatic(field.name, field.value);
  if (known.whole) return hpack::PutInteger(out, 0x80, 7, known.index);
  uint32_t name = known.index;
  for (size_t i = 0; i < table_.size(); ++i) {
    if (table_[i].name != field.name) continue;
    const auto at = static_cast<uint32_t>(hpack::kStaticSize + table_.size() - i);
    if (table_[i].value == field.value) return hpack::PutInteger(out, 0x80, 7, at);
    if (name == 0) name = at;
  }
  const size_t cost = field.name.size() + field.value.size() + hpack::kFieldCost;
  // Section 7.1.3: secrets are in no table, and nobody on the way may put them into one.
  const bool secret = name == hpack::kAuthorization || name == hpack::kCookie;
  index = index && !secret && used_ + cost <= limit_;
  out = hpack::PutInteger(out, index ? 0x40 : secret ? 0x10 : 0, index ? 6 : 4, name);
  // What is sent once is not worth the peer's decoding of Huffman; what is kept is.
  if (name == 0) out = PutText(out, field.name, constant);
  out = PutText(out, field.value, constant);
  if (index) {
    table_.push_back({std::string(field.name), std::string(field.value)});
    used_ += cost;
    ++version_;
  }
  return out;
}

// -- Memos.

const HpackEncoder::Memo* HpackEncoder::Find(const HeaderTemplate& head) const {
  if (memos_.empty()) return nullptr;
  const Memo& memo = memos_[head.serial() & (memos_.size() - 1)];
  return memo.serial == head.serial() && memo.version == version_ ? &memo : nullptr;
}

void HpackEncoder::Remember(const HeaderTemplate& head, std::string_view block) {
  if (memos_.empty()) memos_.resize(kFirstMemos);
  const auto taken = [&] {
    const Memo& memo = memos_[head.serial() & (memos_.size() - 1)];
    return memo.version == version_ && memo.serial != head.serial();
  };
  if (taken() && memos_.size() < kMostMemos) {
    std::vector<Memo> old(2 * memos_.size());
    old.swap(memos_);
    for (Memo& memo : old) memos_[memo.serial & (memos_.size() - 1)] = std::move(memo);
  }
  memos_[head.serial() & (memos_.size() - 1)] = {head.serial(), version_, std::string(block)};
}

}  // namespace rondo::http2
