#include "transport/memory_network.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <utility>

#include "base/text.h"

namespace rondo::transport {

// One connection: two directions, each with what is on the way and what has arrived.
class MemoryNetwork::Wire : public std::enable_shared_from_this<Wire> {
 public:
  struct Direction final : event::TimerNode {
    struct Packet {
      Time at;
      std::string bytes;
      bool last = false;
    };
    void OnTimer() override { wire->Arrive(*this); }
    size_t unread() const { return arrived.size() - taken; }
    size_t load() const { return on_the_way + unread(); }
    void Take(size_t n) {  // From time to time, or small reads of much would move it all each.
      taken += n;
      if (taken * 2 < arrived.size()) return;
      arrived.erase(0, taken);
      taken = 0;
    }

    Wire* wire = nullptr;
    event::EventLoop* loop = nullptr;       // The receiver's.
    event::SocketEvents* reader = nullptr;  // Null before Start and after the end is closed.
    event::SocketEvents* writer = nullptr;
    std::deque<Packet> flight;
    size_t on_the_way = 0;
    std::string arrived;
    size_t taken = 0;          // Of `arrived`, from its beginning.
    bool ended = false;        // The writer's end has closed, and all has arrived.
    bool wants_read = false;   // OnReadable is owed.
    bool wants_write = false;  // OnWritable is owed.
    bool paused = false;
    bool deaf = false;  // The receiver has closed: bytes fall into nothing.
    bool frozen = false;
    bool broken_for_reader = false, broken_for_writer = false;  // Reset, as that end hears it.
    size_t cut = SIZE_MAX;                                      // Bytes until Traffic's cut.
  };

  Wire(MemoryNetwork& network, event::EventLoop& client, event::EventLoop& server)
      : network_(&network), traffic_(network.traffic_), reset_at_cut_(network.next_cut_.reset) {
    for (Direction& d : ways_) d.wire = this;
    ways_[0].loop = &server;
    ways_[1].loop = &client;
    ways_[0].cut = network.next_cut_.to_server;
    ways_[1].cut = network.next_cut_.to_client;
    network.next_cut_ = {};
  }

  Direction& way(size_t i) { return ways_[i]; }
  const Traffic& traffic() const { return traffic_; }
  bool reset_at_cut() const { return reset_at_cut_; }
  MemoryNetwork* network() const { return network_; }
  void Orphan() { network_ = nullptr; }
  int ends() const { return ends_; }
  void EndGone() { --ends_; }

  void Travel(Direction& way, std::string bytes, bool last) {
    Time at = way.loop->Now() + (network_ != nullptr ? network_->Delay() : Duration{});
    if (!way.flight.empty()) at = std::max(at, way.flight.back().at);
    way.on_the_way += bytes.size();
    way.flight.push_back({at, std::move(bytes), last});
    Wake(way);
  }
  bool OwesRead(const Direction& way) const {
    return way.wants_read && !way.paused && way.reader != nullptr &&
           (way.unread() > 0 || way.ended || way.broken_for_reader);
  }
  bool OwesWrite(const Direction& way) const {
    return way.wants_write && way.writer != nullptr &&
           (way.load() < traffic_.buffer || way.broken_for_writer);
  }
  // Looks at the direction soon: something has arrived, was read, or is owed.
  void Wake(Direction& way) {
    const Time now = way.loop->Now();
    if (OwesRead(way) || OwesWrite(way)) {
      way.loop->Arm(way, now);
    } else if (!way.flight.empty() && !way.frozen) {
      way.loop->Arm(way, std::max(now, way.flight.front().at));
    }
  }
  void Arrive(Direction& way) {
    const auto keep = shared_from_this();
    while (!way.frozen && !way.flight.empty() && way.flight.front().at <= way.loop->Now()) {
      way.on_the_way -= way.flight.front().bytes.size();
      way.arrived += way.flight.front().bytes;
      way.ended = way.flight.front().last;
      way.flight.pop_front();
    }
    if (OwesRead(way)) {
      way.wants_read = false;
      way.reader->OnReadable();
    }
    if (OwesWrite(way)) {
      way.wants_write = false;
      way.writer->OnWritable();
    }
    if (!way.flight.empty() && !way.frozen && !way.armed()) Wake(way);
  }
  // `answers`: what goes to the client; both ways are thawed alike.
  void SetFrozen(bool requests, bool answers) {
    ways_[0].frozen = requests;
    ways_[1].frozen = answers;
    for (Direction& way : ways_) Wake(way);
  }
  void Heal() {
    if (powerless_) return Reset();
    SetFrozen(false, false);
  }
  void Reset() {
    for (Direction& way : ways_) {
      way.broken_for_reader = way.broken_for_writer = true;
      Drop(way);
    }
  }
  void LosePower() {
    powerless_ = true;
    ways_[0].broken_for_reader = ways_[1].broken_for_writer = true;
    ways_[0].deaf = ways_[1].frozen = true;
    for (Direction& way : ways_) Drop(way);
  }

 private:
  void Drop(Direction& way) {
    way.flight.clear();
    way.Take(way.unread());
    way.on_the_way = 0;
    Wake(way);
  }

  MemoryNetwork* network_;
  const Traffic traffic_;
  const bool reset_at_cut_;
  std::array<Direction, 2> ways_;  // To the server, to the client.
  bool powerless_ = false;
  int ends_ = 2;
};

class MemoryNetwork::End final : public event::Socket {
 public:
  End(std::shared_ptr<Wire> wire, size_t out, std::string local, std::string peer)
      : wire_(std::move(wire)),
        out_(wire_->way(out)),
        in_(wire_->way(1 - out)),
        local_(std::move(local)),
        peer_(std::move(peer)) {}
  ~End() override {
    out_.writer = in_.reader = nullptr;
    wire_->EndGone();
    in_.deaf = true;
    in_.Take(in_.unread());
    in_.flight.clear();
    in_.on_the_way = 0;
    if (!out_.broken_for_writer) wire_->Travel(out_, {}, true);
    wire_->Wake(in_);  // Its writer has room now.
  }

  void Start(event::SocketEvents& events) override {
    in_.reader = out_.writer = &events;
    in_.wants_read = true;
    in_.loop->Arm(in_, in_.loop->Now());
  }
  event::Io Read(std::span<uint8_t> into) override {
    if (in_.unread() == 0) {
      if (in_.broken_for_reader) return Error("connection reset by peer (ECONNRESET)");
      if (in_.ended) return {.kind = event::Io::Kind::kEnd};
      in_.wants_read = true;
      return {.kind = event::Io::Kind::kWouldBlock};
    }
    if (in_.cut == 0) return Cut();
    const size_t n = Amount(std::min({into.size(), in_.unread(), in_.cut}));
    if (in_.cut != SIZE_MAX) in_.cut -= n;
    std::memcpy(into.data(), in_.arrived.data() + in_.taken, n);
    in_.Take(n);
    if (wire_->network() != nullptr) wire_->network()->bytes_moved_ += n;
    if (in_.wants_write) wire_->Wake(in_);
    return {.bytes = n};
  }
  event::Io Write(std::span<const iovec> from) override {
    if (out_.broken_for_writer) return Error("broken pipe (EPIPE)");
    const size_t room = wire_->traffic().buffer - std::min(wire_->traffic().buffer, out_.load());
    if (room == 0) {
      out_.wants_write = true;
      return {.kind = event::Io::Kind::kWouldBlock};
    }
    std::string bytes;
    for (const iovec& v : from) {
      const size_t piece = std::min(v.iov_len, room - bytes.size());
      bytes.append(static_cast<const char*>(v.iov_base), piece);
    }
    bytes.resize(Amount(bytes.size()));
    const size_t n = bytes.size();
    if (!out_.deaf) wire_->Travel(out_, std::move(bytes), false);
    return {.bytes = n};
  }
  void PauseReading(bool pause) override {
    in_.paused = pause;
    if (pause) return;
    in_.wants_read = true;
    in_.loop->Arm(in_, in_.loop->Now());
  }
  std::string peer() const override { return peer_; }
  std::string local() const override { return local_; }

 private:
  static event::Io Error(std::string_view text) {
    return {.kind = event::Io::Kind::kError, .why = absl::UnavailableError(std::string(text))};
  }
  event::Io Cut() {
    in_.cut = SIZE_MAX;
    if (wire_->reset_at_cut()) {
      wire_->Reset();
      return Error("connection reset by peer (ECONNRESET)");
    }
    in_.wants_read = true;
    wire_->Wake(in_);
    return {.kind = event::Io::Kind::kWouldBlock};
  }
  size_t Amount(size_t most) {
    const size_t chunk = wire_->traffic().chunk;
    if (chunk == 0 || most == 0 || wire_->network() == nullptr) return most;
    return 1 + wire_->network()->Roll(std::min(most, chunk));
  }

  const std::shared_ptr<Wire> wire_;
  Wire::Direction &out_, &in_;
  const std::string local_, peer_;
};

class MemoryNetwork::Door final : public event::Listener {
 public:
  Door(MemoryNetwork& network, std::string address, PickLoop pick, Accept accept)
      : network_(network),
        address_(std::move(address)),
        pick_(std::move(pick)),
        accept_(std::make_shared<Accept>(std::move(accept))) {
    network_.At(address_).door = this;
  }
  ~Door() override { network_.At(address_).door = nullptr; }
  std::string address() const override { return address_; }

  // The client's end; the server's is handed over in a later turn.
  std::unique_ptr<event::Socket> Enter(event::EventLoop& client) {
    event::EventLoop& loop = pick_();
    auto wire = std::make_shared<Wire>(network_, client, loop);
    Place& place = network_.At(address_);
    place.wires.push_back(wire);
    wire->SetFrozen(place.frozen, place.frozen || place.answers_frozen);
    std::string name = Cat("memory:", network_.next_port_++);
    auto server = std::make_unique<End>(wire, 1, address_, name);
    loop.Post([&loop, weak = std::weak_ptr(accept_), end = std::move(server)]() mutable {
      if (const auto accept = weak.lock()) (*accept)(loop, std::move(end));
    });
    return std::make_unique<End>(std::move(wire), 0, std::move(name), address_);
  }

 private:
  MemoryNetwork& network_;
  const std::string address_;
  const PickLoop pick_;
  const std::shared_ptr<Accept> accept_;
};

class MemoryNetwork::Attempt final : public event::Dial, private event::TimerNode {
 public:
  Attempt(MemoryNetwork& network, event::EventLoop& loop, std::string_view address,
          event::DialDone done)
      : network_(network), loop_(loop), address_(address), done_(std::move(done)) {
    Place& place = network.At(address_);
    ++place.attempts;
    if (!place.swallow) loop.Arm(*this, loop.Now() + network.Delay());
  }

 private:
  void OnTimer() override {
    const Place& place = network_.At(address_);
    if (place.swallow) return;
    event::DialDone done = std::move(done_);  // It may destroy this.
    if (place.refuse || place.door == nullptr) {
      return done(absl::UnavailableError(
          Cat("connect to ", address_, ": connection refused (ECONNREFUSED)")));
    }
    done(place.door->Enter(loop_));
  }

  MemoryNetwork& network_;
  event::EventLoop& loop_;
  const std::string address_;
  event::DialDone done_;
};

MemoryNetwork::~MemoryNetwork() {
  for (auto& [address, place] : places_) {
    for (auto& weak : place.wires) {
      if (const auto wire = weak.lock()) wire->Orphan();
    }
  }
}

// SplitMix64 (Steele, Lea, Flood 2014): the same on every machine, unlike std's distributions.
uint64_t MemoryNetwork::Roll(uint64_t below) {
  uint64_t z = chance_ += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return (z ^ z >> 31) % below;
}

Duration MemoryNetwork::Delay() {
  const Duration spread = traffic_.delay_max - traffic_.delay_min;
  if (spread <= Duration{}) return traffic_.delay_min;
  return traffic_.delay_min + Duration(Roll(static_cast<uint64_t>(spread.count()) + 1));
}

std::vector<std::shared_ptr<MemoryNetwork::Wire>> MemoryNetwork::WiresOf(std::string_view address) {
  std::vector<std::shared_ptr<Wire>> open;
  Place& place = At(address);
  std::erase_if(place.wires, [](const auto& weak) { return weak.expired(); });
  for (auto& weak : place.wires) {
    auto wire = weak.lock();
    if (wire->ends() > 0) open.push_back(std::move(wire));
  }
  return open;
}

// -- Faults.

void MemoryNetwork::Refuse(std::string_view address) { At(address).refuse = true; }
void MemoryNetwork::Swallow(std::string_view address) { At(address).swallow = true; }
void MemoryNetwork::Freeze(std::string_view address) {
  At(address).frozen = true;
  for (const auto& wire : WiresOf(address)) wire->SetFrozen(true, true);
}
void MemoryNetwork::FreezeFirst(std::string_view address) {
  if (const auto wires = WiresOf(address); !wires.empty()) wires.front()->SetFrozen(true, true);
}
void MemoryNetwork::FreezeAnswers(std::string_view address) {
  At(address).answers_frozen = true;
  for (const auto& wire : WiresOf(address)) wire->SetFrozen(At(address).frozen, true);
}
void MemoryNetwork::Partition(std::string_view address) {
  Swallow(address);
  Freeze(address);
}
void MemoryNetwork::Heal(std::string_view address) {
  Place& place = At(address);
  place.refuse = place.swallow = place.frozen = place.answers_frozen = false;
  for (const auto& wire : WiresOf(address)) wire->Heal();
}
void MemoryNetwork::LosePower(std::string_view address) {
  for (const auto& wire : WiresOf(address)) wire->LosePower();
}
void MemoryNetwork::Reset(std::string_view address) {
  for (const auto& wire : WiresOf(address)) wire->Reset();
}

size_t MemoryNetwork::connections(std::string_view address) const {
  const auto place = places_.find(address);
  if (place == places_.end()) return 0;
  return static_cast<size_t>(std::ranges::count_if(place->second.wires, [](const auto& weak) {
    const auto wire = weak.lock();
    return wire != nullptr && wire->ends() == 2;
  }));
}
size_t MemoryNetwork::attempts(std::string_view address) const {
  const auto place = places_.find(address);
  return place == places_.end() ? 0 : place->second.attempts;
}

std::unique_ptr<event::Dial> MemoryNetwork::Connect(event::EventLoop& loop,
                                                    std::string_view address,
                                                    event::DialDone done) {
  return std::make_unique<Attempt>(*this, loop, address, std::move(done));
}

absl::StatusOr<std::unique_ptr<event::Listener>> MemoryNetwork::Listen(event::EventLoop&,
                                                                       std::string_view address,
                                                                       PickLoop pick,
                                                                       Accept accept) {
  std::string name(address);
  if (name.ends_with(":0")) name = Cat(name.substr(0, name.size() - 1), next_port_++);
  if (At(name).door != nullptr) {
    return absl::UnavailableError(Cat("listen on ", name, ": address in use (EADDRINUSE)"));
  }
  return std::make_unique<Door>(*this, std::move(name), std::move(pick), std::move(accept));
}

}  // namespace rondo::transport
