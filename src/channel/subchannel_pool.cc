#include "channel/subchannel_pool.h"

#include "base/text.h"
#include "channel/core.h"

namespace rondo::channel {

class SubchannelPool::Handle final : public SubchannelHandle {
 public:
  Handle(SubchannelPool& pool, LiveSubchannel& subchannel, const OpenOptions& options,
         OnSubchannelState on_state)
      : pool_(pool),
        subchannel_(subchannel),
        listener_(std::make_shared<LiveSubchannel::Listener>(std::move(on_state), options)) {
    subchannel_.Add(listener_);
  }
  ~Handle() override {
    listener_->gone = true;
    subchannel_.Remove(*listener_);
    if (subchannel_.unheld()) pool_.Release(subchannel_);
  }
  SubchannelRef Ref() const override { return subchannel_.backend(); }
  void Connect() override { subchannel_.Connect(); }
  void Probe(Duration timeout, OnProbe reply) override {
    subchannel_.Probe(listener_, timeout, std::move(reply));
  }

 private:
  SubchannelPool& pool_;
  LiveSubchannel& subchannel_;
  const std::shared_ptr<LiveSubchannel::Listener> listener_;
};

std::unique_ptr<SubchannelHandle> SubchannelPool::Open(const OpenOptions& options,
                                                       OnSubchannelState on_state) {
  auto it = live_.find(options.address);
  if (it == live_.end()) {
    it = live_.emplace(options.address, std::make_unique<LiveSubchannel>(core_, options.address))
             .first;
  }
  return std::make_unique<Handle>(*this, *it->second, options, std::move(on_state));
}

void SubchannelPool::Release(LiveSubchannel& subchannel) {
  auto it = live_.find(subchannel.address());
  const auto gone = std::move(it->second);  // Its end may look at the map.
  live_.erase(it);
}

void SubchannelPool::ResetBackoff() {
  for (auto& [_, s] : live_) s->ResetBackoff();
}

void SubchannelPool::UpdateHealth() {
  for (auto& [_, s] : live_) s->UpdateHealth();
}

void SubchannelPool::UpdateScaling() {
  for (auto& [_, s] : live_) s->UpdateScaling();
}

void SubchannelPool::CloseAll(std::string_view why) {
  for (auto& [_, s] : live_) s->CloseHard(why);
  // Ending the last stream of one makes it close itself: take each out first.
  while (!retired_.empty()) {
    const auto carrier = std::move(retired_.front());
    retired_.pop_front();
    carrier->Close(why);
  }
}

void SubchannelPool::Keep(std::unique_ptr<Carrier> carrier) {
  retired_.push_back(std::move(carrier));
}

void SubchannelPool::Forget(Carrier& carrier) {
  std::erase_if(retired_, [&](const auto& c) { return c.get() == &carrier; });
}

std::vector<Explanation::Backend> SubchannelPool::Explain(Time now) const {
  std::vector<Explanation::Backend> all;
  all.reserve(live_.size());
  for (const auto& [_, s] : live_) all.push_back(s->Explain(now));
  return all;
}

std::string SubchannelPool::Describe(size_t most, Time now) const {
  std::string out;
  size_t told = 0;
  for (const bool failed : {true, false}) {
    for (const auto& [_, s] : live_) {
      if (s->usable() == failed || told == most) continue;
      Append(out, Cat(told++ == 0 ? "" : ", ", s->Describe(now)));
    }
  }
  if (live_.size() > told) Append(out, Cat(" and ", live_.size() - told, " more"));
  return out;
}

}  // namespace rondo::channel
