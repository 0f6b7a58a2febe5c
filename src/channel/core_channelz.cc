// What a channel says of itself to channelz (gRFC A14).
#include "base/channelz.h"
#include "channel/core.h"

namespace rondo::channel {
namespace {

channelz::State ForChannelz(ChannelState state) {
  switch (state) {
    case ChannelState::kIdle:
      return channelz::State::kIdle;
    case ChannelState::kConnecting:
      return channelz::State::kConnecting;
    case ChannelState::kReady:
      return channelz::State::kReady;
    case ChannelState::kTransientFailure:
      return channelz::State::kTransientFailure;
    case ChannelState::kShutdown:
      return channelz::State::kShutdown;
  }
  return channelz::State::kUnknown;
}
channelz::State ForChannelz(Connectivity state) {
  switch (state) {
    case Connectivity::kIdle:
      return channelz::State::kIdle;
    case Connectivity::kConnecting:
      return channelz::State::kConnecting;
    case Connectivity::kReady:
      return channelz::State::kReady;
    case Connectivity::kTransientFailure:
      return channelz::State::kTransientFailure;
  }
  return channelz::State::kUnknown;
}

}  // namespace

// Asked on any thread, told on the home loop.
void Core::JoinChannelz() {
  channelz::Channels().Add(
      id_, [weak = self_](channelz::SocketRange sockets, Function<void(channelz::Channel)> done) {
        const auto core = weak.lock();
        if (core == nullptr) return;
        // Without a thread the loop may not run for long: it is left out as one that has gone.
        if (!core->home().HasThread()) return;
        core->home().Post([core, sockets, done = std::move(done)]() mutable {
          if (!core->closed_) done(core->ForChannelz(sockets));
        });
      });
}

void Core::LeaveChannelz() { channelz::Channels().Remove(id_); }

channelz::Channel Core::ForChannelz(channelz::SocketRange sockets) const {
  channelz::Channel told{.id = id_,
                         .target = target_text_,
                         .state = channel::ForChannelz(board_.state()),
                         .calls = {plans_.begun(), succeeded_, ended_ - succeeded_}};
  pool_.ForChannelz(told);
  sockets.Apply(told.sockets);
  return told;
}

void SubchannelPool::ForChannelz(channelz::Channel& told) const {
  std::map<std::string_view, size_t> places;  // By address.
  for (const auto& [address, s] : live_) {
    places.emplace(address, told.subchannels.size());
    told.subchannels.push_back(s->ForChannelz(told.sockets));
  }
  for (const auto& carrier : retired_) {  // Calls still run there.
    const auto it = places.find(carrier->backend().address);
    if (it == places.end()) continue;
    told.subchannels[it->second].sockets.push_back(carrier->id());
    told.sockets.push_back(carrier->ForChannelz());
  }
}

channelz::Subchannel LiveSubchannel::ForChannelz(std::vector<channelz::Socket>& sockets) const {
  const LoadCell& load = backend_->load;
  const auto succeeded = static_cast<int64_t>(load.succeeded());
  const auto failed = static_cast<int64_t>(load.failed());
  channelz::Subchannel told{.id = id_,
                            .address = address(),
                            .state = channel::ForChannelz(connectivity()),
                            .calls = {succeeded + failed + load.in_flight(), succeeded, failed}};
  for (const auto& carrier : carriers_) {
    told.sockets.push_back(carrier->id());
    sockets.push_back(carrier->ForChannelz());
  }
  return told;
}

}  // namespace rondo::channel
