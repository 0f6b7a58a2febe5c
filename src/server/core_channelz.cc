// What a server says of itself to channelz (gRFC A14): its shards are asked one after the other.
#include <utility>

#include "base/channelz.h"
#include "server/core.h"

namespace rondo::server {
namespace {

struct ChannelzRound : std::enable_shared_from_this<ChannelzRound> {
  std::shared_ptr<Core> core;
  std::vector<Shard*> shards;
  channelz::SocketRange sockets;
  channelz::Server told;
  Function<void(channelz::Server)> done;
  size_t at = 0;

  // A shard whose loop has stopped has nothing to tell. If one stops while it is asked, nobody is
  // told: it is the server's end.
  void Run() {
    while (at < shards.size()) {
      Shard& shard = *shards[at++];
      const bool asked = shard.loop().Post([round = shared_from_this(), &shard] {
        shard.ForChannelz(round->sockets, round->told);
        round->Run();
      });
      if (asked) return;
    }
    sockets.Apply(told.sockets);
    done(std::move(told));
  }
};

}  // namespace

void Core::JoinChannelz() {
  for (size_t i = 0; i < addresses_.size(); ++i) listener_ids_.push_back(channelz::NextId());
  channelz::Servers().Add(id_, [weak = self_](channelz::SocketRange sockets,
                                              Function<void(channelz::Server)> done) {
    auto core = weak.lock();
    if (core == nullptr || core->stopped()) return;
    const auto round = std::make_shared<ChannelzRound>();
    for (const auto& shard : core->shards_) round->shards.push_back(shard.get());
    round->sockets = sockets;
    round->told.id = core->id_;
    for (size_t i = 0; i < core->addresses_.size(); ++i) {
      round->told.listeners.push_back({.id = core->listener_ids_[i], .local = core->addresses_[i]});
    }
    round->done = std::move(done);
    round->core = std::move(core);
    round->Run();
  });
}

void Core::LeaveChannelz() { channelz::Servers().Remove(id_); }

// Of many connections only those are described that are wanted.
void Shard::ForChannelz(channelz::SocketRange sockets, channelz::Server& told) const {
  told.calls.Add(counts_);
  struct Known {
    int64_t id;
    const Connection* connection;
  };
  std::vector<Known> known;
  if (sockets.most > 0) {
    known.reserve(connections_.size());
    for (const auto& c : connections_) known.push_back({c->id(), c.get()});
  }
  sockets.Apply(known);
  for (const Known& k : known) told.sockets.push_back(k.connection->ForChannelz());
}

}  // namespace rondo::server
