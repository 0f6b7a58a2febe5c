#pragma once
// All connections of a channel: subchannels by address, and carriers whose subchannel has gone but
// whose streams still run.
// Threads: home.
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "channel/dial_gate.h"
#include "channel/live_subchannel.h"

namespace rondo::channel {

class SubchannelPool {
 public:
  SubchannelPool(Core& core, event::EventLoop& home, size_t most_dials)
      : core_(core), gate_(home, most_dials) {}
  DialGate& gate() { return gate_; }

  // Handles on one address share one subchannel; it goes with the last of them.
  std::unique_ptr<SubchannelHandle> Open(const OpenOptions& options, OnSubchannelState on_state);
  void ResetBackoff();
  void UpdateHealth();                  // Core::HealthService() may be another.
  void UpdateScaling();                 // Core::MostConnections() likewise.
  void CloseAll(std::string_view why);  // Hard: streams end. Handles must have gone.
  void Keep(std::unique_ptr<Carrier> carrier);
  void Forget(Carrier& carrier);
  size_t size() const { return live_.size(); }
  std::vector<Explanation::Backend> Explain(Time now) const;
  void ForChannelz(channelz::Channel& told) const;
  bool holds_carriers() const { return !retired_.empty(); }
  std::string Describe(size_t most, Time now) const;  // At most so many, failed ones first.

 private:
  class Handle;
  void Release(LiveSubchannel& subchannel);

  Core& core_;
  DialGate gate_;
  std::map<std::string, std::unique_ptr<LiveSubchannel>, std::less<>> live_;
  std::list<std::unique_ptr<Carrier>> retired_;
};

}  // namespace rondo::channel
