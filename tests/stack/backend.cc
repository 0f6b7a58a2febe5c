#include "stack/backend.h"

#include <charconv>
#include <utility>

#include "base/text.h"

namespace rondo::stack {

// One run of a call's script on the server.
class Backend::Handler {
 public:
  Handler(Backend& backend, ServerCall& call, CallHistory& history)
      : backend_(backend), call_(&call), history_(history), script_(history.script) {
    run_ = history.executions.size();
    history.executions.push_back({.backend = backend.index_, .began = call.loop().Now()});
  }
  bool over() const { return call_ == nullptr; }

  void GiveUp() {
    if (!over()) Finish(absl::CancelledError("the loop has stopped"));
  }
  void Begin(Bytes request) {
    Note("is run");
    call_->AddHeader("x-begin", std::to_string(script_.id));
    call_->AddTrailer("x-end", std::to_string(script_.id));
    if (call_->metadata().Find("x-note-bin") != script_.note)
      Blame("its metadata is not what was sent");
    call_->OnCancel([this, held = backend_.history_.token()] { OnCancel(); });
    if (script_.headers_first) call_->SendHeaders();
    if (!script_.method().client_streams) {
      CheckRequest(request);
      return Think();
    }
    if (!script_.echo && script_.kind == Kind::kBidirectional) Think();
    if (!over()) Read();
  }

 private:
  Execution& run() { return history_.executions[run_]; }
  void Note(const char* what, int64_t detail = 0) {
    backend_.history_.Note(backend_.loop_->Now(), what, script_.id, detail);
  }
  void Blame(std::string_view what) {
    backend_.history_.Blame(backend_.loop_->Now(), script_.id, what);
  }

  // ---- Requests.

  void Read() {
    if (static_cast<int>(run().requests) == script_.enough) return Finish(Failure());
    call_->Read([this, held = backend_.history_.token()](std::optional<Bytes> request) {
      OnRequest(request);
    });
  }
  void OnRequest(std::optional<Bytes> request) {
    if (over()) return Blame("a request came after the handler's end");
    if (request) {
      CheckRequest(*request);
      if (script_.echo) return Think();
      return Read();
    }
    all_read_ = true;
    if (call_->cancelled()) return;  // Told by OnCancel.
    if (run().requests != script_.requests.size()) Blame("its requests ended too early");
    Think();
  }
  void CheckRequest(Bytes request) {
    const size_t i = run().requests++;
    Note("has a request", static_cast<int64_t>(request.size()));
    const std::string_view got(reinterpret_cast<const char*>(request.data()), request.size());
    if (i >= script_.requests.size() || got != Content(script_.id, "q", i, script_.requests[i])) {
      Blame("a request is not the one that was sent");
    }
  }

  // ---- Replies.

  void Think() {
    if (writing_ || timer_ != nullptr) return;
    if (script_.think == Duration{}) return Act();
    timer_ = call_->loop().After(script_.think, [this] {
      timer_ = nullptr;
      Act();
    });
  }
  // How many replies it gives before the end.
  size_t replies() const {
    return script_.replies.size() - (script_.answers_ok() || script_.replies.empty() ? 0 : 1);
  }
  void Act() {
    if (run().replies < replies()) {
      if (script_.method().server_streams) return Write();
      run().replies = 1;
      Note("replies");
      if (script_.kind == Kind::kUnary || script_.id % 2 == 0) return Reply();
      return Write();
    }
    const bool waits = script_.kind == Kind::kBidirectional && !all_read_ && script_.answers_ok() &&
                       !call_->cancelled();
    if (waits) {
      if (script_.echo) Read();
      return;
    }
    Finish(Failure());
  }
  std::string Next() const {
    const size_t i = run_replies();
    return Content(script_.id, "r", i, script_.replies[i]);
  }
  size_t run_replies() const {
    return script_.method().server_streams ? history_.executions[run_].replies : 0;
  }
  void Write() {
    writing_ = true;
    Slice framed = Framed(Next());
    if (script_.method().server_streams) ++run().replies;
    Note("writes");
    call_->Write(std::move(framed),
                 [this, held = backend_.history_.token()](bool room) { OnWritten(room); });
  }
  void OnWritten(bool room) {
    if (over()) return Blame("a write was told of after the handler's end");
    writing_ = false;
    if (!room) return OnDeaf();
    if (script_.echo && !all_read_ && run().replies < replies()) return Read();
    Think();
  }
  // Nobody listens any more. An obstinate handler finds out late.
  void OnDeaf() {
    run().cancelled = true;
    if (script_.obstinate) Linger();
  }
  void Linger() {
    if (timer_ != nullptr) return;
    timer_ = call_->loop().After(std::chrono::milliseconds(30), [this] {
      timer_ = nullptr;
      Finish(Failure());
    });
  }

  // ---- Ends.

  absl::Status Failure() const {
    return script_.answers_ok() ? absl::OkStatus() : absl::Status(script_.code, script_.Words());
  }
  void OnCancel() {
    if (over()) return Blame("a cancel was told of after the handler's end");
    Note("is told of a cancel");
    run().cancelled = true;
    if (script_.obstinate) return Linger();
    Finish(absl::CancelledError("as told"));
  }
  void End(absl::StatusCode code) {
    run().finished = true;
    run().code = code;
    run().cancelled = run().cancelled || call_->cancelled();
    timer_ = nullptr;
    Note("finishes", static_cast<int64_t>(code));
  }
  void Finish(const absl::Status& status) {
    End(status.code());
    std::exchange(call_, nullptr)->Finish(status);
  }
  void Reply() {
    End(absl::StatusCode::kOk);
    std::exchange(call_, nullptr)->Reply(Framed(Next()));
  }

  Backend& backend_;
  ServerCall* call_;
  CallHistory& history_;
  const Script& script_;
  size_t run_ = 0;
  bool all_read_ = false, writing_ = false;
  std::unique_ptr<Timer> timer_;
};

Backend::Backend(std::shared_ptr<event::ManualLoop> loop, event::Network& network, History& history,
                 int index, ServerOptions options)
    : loop_(std::move(loop)),
      network_(network),
      history_(history),
      index_(index),
      options_(std::move(options)) {}

Backend::~Backend() = default;

void Backend::Start() {
  if (running()) return;
  history_.Note(loop_->Now(), "server starts", 0, index_);
  server::Environment environment{.loops = {}, .network = &network_};
  environment.loops.push_back(loop_);
  server_.reset(new Server(server::MakeServer(options_, std::move(environment))));
  for (const Method& method : kMethods) {
    server_->Handle({&method, [this](ServerCall& call, Bytes request) { Run(call, request); }});
  }
  if (const absl::Status s = server_->Start(); !s.ok()) {
    history_.Blame(loop_->Now(), 0, Cat("a server did not start: ", s.message()));
  }
}

void Backend::Stop() {
  if (!running()) return;
  history_.Note(loop_->Now(), "server stops", 0, index_);
  server_->Stop();
  drained_.push_back({.server = std::move(server_), .over = true});
}

void Backend::Destroy() {
  history_.Note(loop_->Now(), "server is destroyed", 0, index_);
  server_ = nullptr;
  drained_.clear();
}

void Backend::Drain(Duration grace) {
  if (!running()) return;
  history_.Note(loop_->Now(), "server drains", 0, index_);
  Drained& drained = drained_.emplace_back();
  drained.server = std::move(server_);
  drained.server->DrainAsync(grace,
                             [this, &drained, held = history_.token()](const absl::Status& s) {
                               history_.Note(loop_->Now(), "server has drained", 0, index_);
                               drained.over = true;
                               if (!s.ok()) ++cut_off_;
                             });
  // Its listener goes in a later turn; the next one may come in this.
  loop_->RunUntilIdle();
}

void Backend::EndHandlers() {
  for (const auto& handler : handlers_) handler->GiveUp();
}

void Backend::Sweep() {
  std::erase_if(drained_, [](const Drained& d) { return d.over; });
  std::erase_if(handlers_, [](const auto& h) { return h->over(); });
}

void Backend::Run(ServerCall& call, Bytes request) {
  const std::string_view text = call.metadata().Find("x-id").value_or("");
  size_t id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  if (id == 0 || id > history_.size()) return call.Finish(absl::InternalError("who is that"));
  handlers_.push_back(std::make_unique<Handler>(*this, call, history_.call(static_cast<int>(id))));
  handlers_.back()->Begin(request);
}

}  // namespace rondo::stack
