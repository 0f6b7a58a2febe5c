#pragma once
// Client-side health checking (A17): a call of grpc.health.v1.Health/Watch on a connection, for as
// long as it is ready.
// Threads: home.
#include <string>

#include "channel/service_watch.h"
#include "rondo/balance.h"

namespace rondo::channel {

class HealthWatch final : public ServiceWatch {
 public:
  class Owner {
   public:
    // health() has changed. The watch may not be destroyed in it.
    virtual void OnHealth() = 0;

   protected:
    ~Owner() = default;
  };

  // What was last heard; the word of a watch that has gone counts until the next has its own.
  struct Word {
    Connectivity health = Connectivity::kConnecting;
    absl::Status why{};
  };

  // Begins at once; core, carrier and owner outlive it. The owner isn't told in here. `before`:
  // what the server said of this service on another connection that has gone.
  HealthWatch(Core& core, Carrier& carrier, std::string service, std::string address, Word before,
              Owner& owner);

  const std::string& service() const { return service_; }
  const Word& word() const { return word_; }
  // CONNECTING until the server has spoken, and while it is asked again; READY: serving, or it has
  // no health service.
  Connectivity health() const { return word_.health; }
  const absl::Status& why() const { return word_.why; }  // Of kTransientFailure.

 private:
  void OnOpen() override {
    if (gave_up_) Become(Connectivity::kConnecting, absl::OkStatus());
  }
  absl::Status OnReply(Bytes reply) override;
  void OnGivenUp(const absl::Status& why) override;
  void OnUnimplemented(const absl::Status& why) override;
  void Become(Connectivity health, absl::Status why);

  const std::string service_, address_;
  Owner& owner_;
  bool gave_up_ = false;  // Once: what was said before counts no more.
  Word word_;
};

}  // namespace rondo::channel
