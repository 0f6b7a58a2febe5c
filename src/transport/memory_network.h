#pragma once
// A network in memory, the same under the same seed: bytes are cut and delayed by chance, and
// addresses refuse, swallow, freeze or reset when the test says so.
// Threads: one; both ends' loops are driven by it. For tests.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "event/socket.h"

namespace rondo::transport {

class MemoryNetwork final : public event::Network {
 public:
  // How bytes travel on connections made from now on.
  struct Traffic {
    size_t chunk = 0;  // A read or write moves at most 1 to `chunk` bytes, by chance; 0: all.
    Duration delay_min{}, delay_max{};  // Of each write; the order is kept.
    size_t buffer = 256 << 10;          // Bytes on the way and unread before a write would block.
  };

  // Where a connection's bytes are divided: after so many that way a read stops, and goes on in a
  // later turn; with `reset`, the connection is reset there.
  struct Cut {
    size_t to_server = SIZE_MAX, to_client = SIZE_MAX;
    bool reset = false;
  };

  explicit MemoryNetwork(uint64_t seed = 1) : chance_(seed) {}
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;
  ~MemoryNetwork() override;

  void set_traffic(const Traffic& traffic) { traffic_ = traffic; }
  void CutNext(const Cut& cut) { next_cut_ = cut; }  // The next connection.

  // ---- Faults, by the address that is listened on; each until Heal.
  void Refuse(std::string_view address);   // New attempts fail; what is open goes on.
  void Swallow(std::string_view address);  // New attempts hear nothing, for ever.
  void Freeze(std::string_view address);   // Nothing passes on open connections; nobody is told.
  void FreezeFirst(std::string_view address);    // Freeze of the oldest open connection only.
  void FreezeAnswers(std::string_view address);  // Freeze of what comes back; requests arrive.
  void Partition(std::string_view address);      // Swallow and Freeze.
  // The listening ends go, and the others hear nothing of it: what they say vanishes. Heal resets
  // them.
  void LosePower(std::string_view address);
  void Heal(std::string_view address);   // What was frozen goes on where it stopped.
  void Reset(std::string_view address);  // At once, both ends of every open connection.

  size_t connections(std::string_view address) const;  // Open ones.
  size_t attempts(std::string_view address) const;     // To connect, since the beginning.
  size_t bytes_moved() const { return bytes_moved_; }  // By all reads.

  std::unique_ptr<event::Dial> Connect(event::EventLoop& loop, std::string_view address,
                                       event::DialDone done) override;
  absl::StatusOr<std::unique_ptr<event::Listener>> Listen(event::EventLoop& loop,
                                                          std::string_view address, PickLoop pick,
                                                          Accept accept) override;

 private:
  class Wire;
  class End;
  class Attempt;
  class Door;
  struct Place {  // What is known of an address.
    Door* door = nullptr;
    bool refuse = false, swallow = false, frozen = false, answers_frozen = false;
    size_t attempts = 0;
    std::vector<std::weak_ptr<Wire>> wires;
  };

  Place& At(std::string_view address) { return places_[std::string(address)]; }
  std::vector<std::shared_ptr<Wire>> WiresOf(std::string_view address);
  uint64_t Roll(uint64_t below);
  Duration Delay();

  uint64_t chance_;
  Traffic traffic_;
  Cut next_cut_;
  std::map<std::string, Place, std::less<>> places_;
  size_t bytes_moved_ = 0;
  int next_port_ = 40001;
};

}  // namespace rondo::transport
