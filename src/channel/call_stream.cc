// The user's verbs of a streaming call, and the callbacks of both kinds. Verbs come from any thread
// and act on the home loop; callbacks run there too, never inside a verb.
#include "base/text.h"
#include "channel/call.h"

namespace rondo::channel {

// Runs `verb(*this)` on the home loop: now, if this is its thread.
template <class F>
void Call::AtHome(F verb) {
  if (core_->IsHome()) return verb(*this);
  PostHome(std::move(verb));
}

template <class F>
void Call::PostHome(F verb) {
  // A loop that has stopped has ended this call already; the verb falls on the floor.
  core_->home().Post([call = CallShare(this), verb = std::move(verb)]() mutable { verb(*call); });
}

void Call::Write(Slice&& framed, bool last, Function<void(bool)>&& done, WriteOptions options) {
  const size_t size = framed.size();
  if (compression_ != Compression::kIdentity && options.compress)
    framed = Packed(std::move(framed));
  if (core_->IsHome()) return WriteHere(std::move(framed), size, last, std::move(done));
  PostHome([framed = std::move(framed), size, last, done = std::move(done)](Call& call) mutable {
    call.WriteHere(std::move(framed), size, last, std::move(done));
  });
}

// `size`: framed, before it was compressed.
void Call::WriteHere(Slice&& framed, size_t size, bool last, Function<void(bool)>&& done) {
  if (write_done_ || body_.closed() || where_ == Where::kEnded) {
    // Too late, or a second one at a time: that one is refused, the first goes on.
    refused_writes_.push_back(std::move(done));
    return Later();
  }
  if (framed.size() > 0) {
    if (absl::Status s = CheckSize(size - kMessagePrefix); !s.ok()) {
      refused_writes_.push_back(std::move(done));
      return End(std::move(s));
    }
    if (where_ == Where::kStream && body_.passes_on()) {
      if (last) body_.Close();
      write_done_ = std::move(done);
      return NoteRoom(SendNow(std::move(framed), last));
    }
    body_.UseRoom(core_->replay_room());
    body_.Add(std::move(framed));
  }
  if (last) body_.Close();
  write_done_ = std::move(done);
  if (where_ == Where::kStream) return Feed();
  if (!body_.full()) {  // Kept until there is a stream; there is room for more.
    write_ready_ = true;
    Later();
  }
}

// Gives the stream what it has not had. Once the answer has begun, or the kept messages have
// outgrown their limit, nothing is kept any more.
void Call::Feed() {
  if (body_.overflowed()) {
    committed_ = true;
    body_.Commit();
  }
  bool room = true;
  while (body_.has_next()) {
    Slice message = body_.Next();
    room = SendNow(std::move(message), body_.closed() && !body_.has_next());
  }
  if (body_.closed() && !std::exchange(half_closed_, true)) room = stream_.Send(Slice(), true);
  NoteRoom(room);
}

// True: there is room for more.
bool Call::SendNow(Slice&& message, bool last) {
  sent_bytes_ += message.size() - kMessagePrefix;
  half_closed_ = last;
  return stream_.Send(std::move(message), last);
}

void Call::NoteRoom(bool room) {
  if (write_done_ && (room || body_.closed())) {
    write_ready_ = true;
    Later();
  }
}

void Call::OnWritable() {
  if (write_done_) {
    write_ready_ = true;
    Later();
  }
}

void Call::WritesDone() {
  AtHome([](Call& call) {
    if (call.body_.closed() || call.where_ == Where::kEnded) return;
    call.body_.Close();
    if (call.where_ == Where::kStream) call.Feed();
  });
}

void Call::Read(Function<void(std::optional<Bytes>)>&& done) {
  if (core_->IsHome()) return ReadHere(std::move(done));
  PostHome([done = std::move(done)](Call& call) mutable { call.ReadHere(std::move(done)); });
}

void Call::ReadHere(Function<void(std::optional<Bytes>)>&& done) {
  if (read_done_) {
    refused_reads_.push_back(std::move(done));
    return Later();
  }
  read_done_ = std::move(done);
  if (where_ == Where::kEnded) return Later();
  if (where_ == Where::kStream) stream_.Pull(1);
}

void Call::Headers(Function<void(const Metadata&)> done) {
  AtHome([done = std::move(done)](Call& call) mutable {
    call.headers_done_ = std::move(done);
    if (call.headers_seen_ || call.where_ == Where::kEnded) call.Later();
  });
}

void Call::Finish(Function<void(absl::Status)> done) {
  AtHome([done = std::move(done)](Call& call) mutable {
    call.finish_done_ = std::move(done);
    if (call.where_ == Where::kEnded) return call.Later();
    // Replies that nobody reads must not keep the end from coming.
    call.dropping_replies_ = true;
    if (call.where_ == Where::kStream && !call.read_done_) call.stream_.Pull(1);
  });
}

// Set before the verb goes its way, for a call that has not yet arrived.
void Call::Cancel() {
  cancel_asked_.store(true);
  AtHome([](Call& call) { call.End(absl::CancelledError("the call was cancelled")); });
}

void Call::Abandon() {
  abandoned_.store(true);
  cancel_asked_.store(true);
  // The user's share is given up on the home loop, where nothing of the loop's can point here then.
  CallShare mine = CallShare::Adopt(this);
  const auto drop = [](Call& call) {
    call.DropCallbacks();
    call.End(absl::CancelledError("the call was dropped"));
  };
  if (core_->IsHome()) return drop(*this);
  event::EventLoop& home = core_->home();
  home.Post([mine = std::move(mine), drop] { drop(*mine); });
}

// ---- Callbacks.

template <class Done, class Value>
void Call::Tell(Done& done, Value value) {
  if (done && !abandoned()) done(std::move(value));
}

void Call::OnTurnEnd() {
  // A callback may drop the user's share. The running call's lasts until the end has been told.
  std::optional<CallShare> keep;
  if (told_end_) keep.emplace(this);
  const bool ended = where_ == Where::kEnded;
  if (ended && HoldsEnd()) return;
  if (ended && unary_) return TellUnary();
  if (!refused_writes_.empty() || !refused_reads_.empty()) TellRefused();
  if (headers_done_ && (headers_seen_ || ended)) {
    auto done = std::exchange(headers_done_, nullptr);
    if (!abandoned()) done(headers_);
  }
  if (write_done_ && (std::exchange(write_ready_, false) || ended)) {
    auto done = std::exchange(write_done_, nullptr);
    Tell(done, !ended);
  }
  if (!ended) return;
  if (auto done = std::exchange(read_done_, nullptr)) Tell(done, std::nullopt);
  if (auto done = std::exchange(finish_done_, nullptr)) Tell(done, status_);
  if (!std::exchange(told_end_, true)) Unref();  // The running call's share.
}

void Call::TellRefused() {
  for (auto& done : std::exchange(refused_writes_, {})) Tell(done, false);
  for (auto& done : std::exchange(refused_reads_, {})) Tell(done, std::nullopt);
}

void Call::TellUnary() {
  if (std::exchange(told_end_, true)) return;
  auto done = std::exchange(unary_done_, nullptr);
  if (!abandoned() && done) {
    const bool ok = status_.ok();
    done({std::move(status_), ok ? reply_ : Bytes()});
  }
  Unref();
}

void Call::DropCallbacks() {
  write_done_ = nullptr;
  read_done_ = nullptr;
  headers_done_ = nullptr;
  finish_done_ = nullptr;
  unary_done_ = nullptr;
  refused_writes_.clear();
  refused_reads_.clear();
}

}  // namespace rondo::channel
