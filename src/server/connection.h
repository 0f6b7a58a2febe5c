#pragma once
// One client's connection: takes its requests and counts its slots.
// Threads: its loop's.
#include <cstdint>
#include <memory>
#include <string_view>

#include "server/admission.h"
#include "server/call_list.h"
#include "server/connection_life.h"
#include "transport/link.h"

namespace rondo::server {

struct RequestHead;
struct Route;

class Connection final : private transport::LinkEvents,
                         private transport::Acceptor,
                         private ConnectionLife::Owner {
 public:
  Connection(Shard& shard, std::unique_ptr<event::Socket> socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();  // Closes it. Calls whose handlers run stay, detached.

  void Drain() { Drain("the server is shutting down"); }
  void Close(std::string_view why) { link_->Close(http2::Code::kNoError, why); }
  const std::string& peer() const { return origin_->peer; }
  const PeerIdentity* identity() const { return origin_->identity.get(); }
  Shard& shard() { return shard_; }
  int64_t id() const { return link_->id(); }  // Channelz'.
  channelz::Socket ForChannelz() const { return link_->ForChannelz(); }

  // ---- Its calls.
  void Add(Call& call) { calls_.Add(call); }
  void Remove(Call& call) { calls_.Remove(call); }
  // A slot is taken from the request's headers until the handler is done: a client that resets its
  // streams at once can't make more handlers run than that (CVE-2023-44487).
  void TakeSlot() { ++slots_taken_; }
  void ReturnSlot() {
    if (--slots_taken_ == 0 && life_ != nullptr) life_->OnQuiet();
  }
  void ReturnAdmission() { guest_.Return(); }

  size_t index = 0;  // In the shard.

 private:
  transport::Stream* OnCall(const http2::Headers& headers,
                            transport::StreamHandler** handler) override;
  void OnReady() override {}
  void OnDraining(const transport::GoAway&) override {}
  void OnSlots() override {}
  void OnLimit(std::string_view limit) override;
  void OnClosed(const absl::Status& why) override;
  void BeginRouted(Call& call, const Route& route, RequestHead& head);
  bool IsBusy() const override { return slots_taken_ > 0; }
  void Drain(std::string_view why) override { link_->Drain(why); }
  void CloseHard(std::string_view why) override { Close(why); }

  Shard& shard_;
  const std::shared_ptr<Origin> origin_;
  bool identified_ = false;
  CallList calls_;
  uint32_t slots_taken_ = 0;
  Admission::Guest guest_;
  std::unique_ptr<transport::Link> link_;
  std::unique_ptr<ConnectionLife> life_;  // Null: it has no end of its own.
};

}  // namespace rondo::server
