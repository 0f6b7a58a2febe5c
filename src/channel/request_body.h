#pragma once
// What a call has to send, kept as long as the call may have to be sent again.
//
// A unary request lives in the call's own memory. Messages of a stream are kept until the call is
// committed (an answer came, or they have outgrown the limit); from then on they are passed on.
// Threads: home, except unary_bytes, which the caller fills in before Start.
#include <memory>
#include <vector>

#include "rondo/slice.h"

namespace rondo::channel {

// How many bytes calls may keep, one and all of a channel (A6). Threads: home.
struct ReplayRoom {
  size_t call = 256 << 10, channel = 16 << 20;
  size_t used = 0;  // By all calls that aren't committed.
};

class RequestBody {
 public:
  // The body is `size` framed bytes in the owner's memory; `share` and `release` hold that memory.
  void UseUnary(uint8_t* bytes, size_t size) {
    unary_ = bytes;
    unary_size_ = size;
  }
  // The same message, compressed.
  void ReplaceUnary(Slice framed) {
    replaced_ = std::move(framed);
    unary_ = const_cast<uint8_t*>(replaced_.bytes().data());
    unary_size_ = replaced_.size();
  }
  uint8_t* unary_bytes() { return unary_; }
  Bytes unary() const { return {unary_, unary_size_}; }

  // Before the first Add. `room` must be there until Release.
  void UseRoom(ReplayRoom& room) { room_ = &room; }
  void Add(Slice message) {
    waiting_ += message.size();
    kept_ += message.size();
    if (!committed_) room_->used += message.size();
    messages_.push_back(std::make_shared<Slice>(std::move(message)));
  }
  void Close() { closed_ = true; }
  bool closed() const { return closed_; }
  size_t waiting() const { return waiting_; }  // Bytes not yet given to the stream.
  bool full() const { return waiting_ > 0 && waiting_ >= room_->call; }
  bool has_next() const { return next_ < messages_.size(); }
  bool overflowed() const {
    return kept_ > 0 && !committed_ && (kept_ > room_->call || room_->used > room_->channel);
  }
  bool committed() const { return committed_; }
  // What comes next need not pass through here.
  bool passes_on() const { return committed_ && messages_.empty(); }
  // The next message, for the stream. Shares it until Commit.
  Slice Next();
  void Rewind() {
    next_ = 0;
    waiting_ = kept_;
  }
  void Commit() {  // It will not be sent again: let go of what has been given away.
    Release();
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<ptrdiff_t>(next_));
    next_ = 0;
    kept_ = waiting_;
  }
  // The call has ended, or is committed: what it keeps is nobody's business any more.
  void Release() {
    if (!committed_ && kept_ > 0) room_->used -= kept_;
    committed_ = true;
  }

 private:
  uint8_t* unary_ = nullptr;
  size_t unary_size_ = 0;
  Slice replaced_;
  std::vector<std::shared_ptr<Slice>> messages_;
  size_t next_ = 0, waiting_ = 0, kept_ = 0;
  ReplayRoom* room_ = nullptr;
  bool closed_ = false, committed_ = false;
};

inline Slice RequestBody::Next() {
  std::shared_ptr<Slice>& message = messages_[next_];
  waiting_ -= message->size();
  if (committed_) {
    Slice out = std::move(*message);
    kept_ -= out.size();
    messages_.erase(messages_.begin() + static_cast<ptrdiff_t>(next_));
    return out;
  }
  ++next_;
  auto* share = new std::shared_ptr<Slice>(message);
  return Slice((*share)->bytes(), [](void* p) { delete static_cast<std::shared_ptr<Slice>*>(p); },
               share);
}

}  // namespace rondo::channel
