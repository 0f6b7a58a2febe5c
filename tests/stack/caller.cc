#include "stack/caller.h"

namespace rondo::stack {

void Caller::Start(const Channel& channel) {
  metadata_.Add("x-id", std::to_string(script_.id)).Add("x-note-bin", script_.note);
  const CallOptions options{.timeout = script_.timeout,
                            .wait_for_ready = script_.wait_for_ready,
                            .metadata = metadata_,
                            .report = &call_.report};
  history_.Note(loop_.Now(), "starts", script_.id, static_cast<int64_t>(script_.kind));
  if (script_.kind == Kind::kUnary) {
    StartUnary(channel, options);
  } else {
    stream_ = channel.Stream(script_.method(), options);
    Write();
    if (script_.finish_first) {
      AskEnd();
    } else {
      Read();
    }
  }
  if (script_.cancel_after && script_.drop_at_reply < 0) {
    cancel_timer_ = loop_.After(*script_.cancel_after, [this] { Cancel(); });
  }
}

void Caller::StartUnary(const Channel& channel, const CallOptions& options) {
  const std::string text = Content(script_.id, "q", 0, script_.requests[0]);
  UnaryCall unary = channel.Unary(script_.method(), options, text.size());
  text.copy(reinterpret_cast<char*>(unary.body()), text.size());
  call_.written = 1;
  std::move(unary).Start(
      [this, held = history_.token()](UnaryResult result) {
        if (result.status.ok()) CheckReply(result.message);
        OnEnd(result.status);
      },
      &canceller_);
}

void Caller::Cancel() {
  if (over()) return;
  if (script_.drop) return Drop();
  history_.Note(loop_.Now(), "cancels", script_.id);
  call_.cancelled = true;
  if (script_.kind == Kind::kUnary) {
    canceller_.Cancel();
  } else {
    stream_.Cancel();
  }
}

void Caller::Drop() {
  history_.Note(loop_.Now(), "drops", script_.id);
  call_.dropped = true;
  StopTimers();
  const StreamCall dropped = std::move(stream_);
}

void Caller::StopTimers() {
  for (auto* timer : {&write_timer_, &read_timer_, &cancel_timer_}) timer->reset();
}

// ---- Requests.

void Caller::Write() {
  if (over()) return;
  if (writing_ == script_.requests.size()) return stream_.WritesDone();
  const bool last = writing_ + 1 == script_.requests.size() && script_.id % 2 == 0;
  Slice framed = Framed(Content(script_.id, "q", writing_, script_.requests[writing_]));
  ++writing_;
  stream_.Write(std::move(framed), last,
                [this, last, held = history_.token()](bool taken) { OnWritten(taken, last); });
}

void Caller::OnWritten(bool taken, bool last) {
  if (over()) return history_.Blame(loop_.Now(), script_.id, "a write was told of after the end");
  history_.Note(loop_.Now(), "has written", script_.id, taken ? 1 : 0);
  if (!taken) return;
  call_.written = writing_;
  if (last) return;
  if (script_.write_pause == Duration{}) return Write();
  write_timer_ = loop_.After(script_.write_pause, [this] { Write(); });
}

// ---- Replies and the end.

void Caller::Read() {
  if (over()) return;
  stream_.Read([this, held = history_.token()](std::optional<Bytes> reply) { OnReply(reply); });
}

void Caller::OnReply(std::optional<Bytes> reply) {
  if (over()) return history_.Blame(loop_.Now(), script_.id, "a reply came after the end");
  if (!reply) return AskEnd();
  CheckReply(*reply);
  if (script_.drop && static_cast<int>(call_.replies) - 1 == script_.drop_at_reply) return Drop();
  if (script_.read_pause == Duration{}) return Read();
  read_timer_ = loop_.After(script_.read_pause, [this] { Read(); });
}

void Caller::CheckReply(Bytes reply) {
  const size_t i = call_.replies++;
  history_.Note(loop_.Now(), "has a reply", script_.id, static_cast<int64_t>(reply.size()));
  const std::string_view got(reinterpret_cast<const char*>(reply.data()), reply.size());
  if (i >= script_.replies.size() || got != Content(script_.id, "r", i, script_.replies[i])) {
    history_.Blame(loop_.Now(), script_.id, "a reply is not the one that was sent");
  }
}

void Caller::AskEnd() {
  stream_.Finish([this, held = history_.token()](const absl::Status& status) { OnEnd(status); });
}

void Caller::OnEnd(const absl::Status& status) {
  ++call_.ends;
  call_.ended = loop_.Now();
  call_.status = status;
  history_.NoteText(loop_.Now(), "ends", script_.id, status.ToString());
  if (call_.ends > 1) history_.Blame(loop_.Now(), script_.id, "it ended twice");
  StopTimers();
}

}  // namespace rondo::stack
