#include "server/shard.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "base/text.h"
#include "server/core.h"

namespace rondo::server {

Shard::Shard(Core& core, std::shared_ptr<event::EventLoop> loop, uint64_t seed)
    : core_(core), loop_(std::move(loop)), chance_(seed) {
  for (const auto& observer : core.options().observers) {
    if (auto mine = observer->ForServer()) observers_.push_back(std::move(mine));
  }
}

// ---- Listeners and connections.

// As long as something of ours is on the loop we must hear of its end.
void Shard::Watch() {
  if (!std::exchange(watching_, true)) loop_->WatchStop(*this);
}

void Shard::UnwatchIfEmpty() {
  if (!closed_ || orphans_.first() != nullptr || !std::exchange(watching_, false)) return;
  Unwatch();
}

absl::StatusOr<std::string> Shard::Listen(event::Network& network, std::string_view address,
                                          event::Network::PickLoop pick,
                                          event::Network::Accept accept) {
  if (closed_) return absl::CancelledError("server: it was stopped");
  Watch();
  auto listener = network.Listen(*loop_, address, std::move(pick), std::move(accept));
  if (!listener.ok()) return listener.status();
  listeners_.push_back(*std::move(listener));
  return listeners_.back()->address();
}

void Shard::Accept(std::unique_ptr<event::Socket> socket) {
  if (closed_ || draining_) return;  // The socket closes.
  if (!core_.TakeConnection()) {
    return OnLimit("connections", socket->peer(),
                   Cat("refused, ", core_.options().max_connections, " are open"));
  }
  Watch();
  connections_.push_back(std::make_unique<Connection>(*this, std::move(socket)));
  connections_.back()->index = connections_.size() - 1;
}

void Shard::Remove(Connection& connection) {
  const size_t i = connection.index;
  const std::unique_ptr<Connection> gone = std::move(connections_[i]);
  if (i + 1 < connections_.size()) {
    connections_[i] = std::move(connections_.back());
    connections_[i]->index = i;
  }
  connections_.pop_back();
  CheckQuiet();
}

// The log's owner is told when nothing of ours is on the stack.
void Shard::OnLimit(std::string_view limit, std::string_view peer, std::string_view what) {
  OnLimit(limit);
  auto line =
      warnings_.Tell(Cat("server: ", peer, ": ", what, " (limit ", limit, ")"), loop_->Now());
  if (!line) return;
  loop_->Post([core = core_.Self(), line = *std::move(line)] {
    if (core->stopped()) return;  // The log may have gone with the server.
    if (core->options().on_warning) return core->options().on_warning(line);
    std::fprintf(stderr, "%s\n", line.c_str());
  });
}

// ---- The end.

void Shard::Drain() {
  draining_ = true;
  StopListening();
  for (const auto& connection : connections_) connection->Drain();
  CheckQuiet();
}

void Shard::CheckQuiet() {
  if (draining_ && connections_.empty() && handlers_ == 0) TellQuiet(0);
}

void Shard::TellQuiet(size_t cut_off) {
  if (draining_ && !std::exchange(told_quiet_, true)) core_.OnQuiet(cut_off);
}

void Shard::CutOff() {
  for (const auto& connection : connections_) connection->Close("the server's drain time ran out");
  TellQuiet(handlers_);
}

void Shard::Close() {
  closed_ = true;
  StopListening();
  timers_.clear();
  // A handler may be the one that closes: the list must not change under its feet.
  const std::vector<std::unique_ptr<Connection>> gone = std::exchange(connections_, {});
  TellQuiet(handlers_);
  UnwatchIfEmpty();
}

void Shard::After(Duration delay, Loop::Work fire) {
  if (closed_) return;
  Watch();
  timers_.push_back(loop_->After(delay, std::move(fire)));
}

void Shard::OnLoopStop() {
  watching_ = false;
  Close();
  while (Call* call = orphans_.first()) {
    orphans_.Remove(*call);
    call->SetAdrift();
  }
}

// ---- Calls.

Call& Shard::TakeCall() {
  if (kept_calls_.empty()) return *new Call(*this);
  Call* call = kept_calls_.back().release();
  kept_calls_.pop_back();
  return *call;
}

void Shard::GiveBack(Call& call) {
  std::unique_ptr<Call> back(&call);
  // A call that outlived its connection may hold the last of the server: this object too.
  const std::shared_ptr<const Origin> origin = call.TakeOrigin();
  call.Clear();
  if (!closed_ && kept_calls_.size() < kCallsKept) kept_calls_.push_back(std::move(back));
  back.reset();
  UnwatchIfEmpty();
}

}  // namespace rondo::server
