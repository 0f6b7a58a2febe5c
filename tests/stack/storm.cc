#include "stack/storm.h"

#include "base/text.h"
#include "stack/world.h"

namespace rondo::stack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kSteps = 14;

WorldOptions DrawWorld(Dice& dice) {
  WorldOptions options;
  options.backends = static_cast<int>(1 + dice.Roll(4));
  options.channels = dice.Percent(80) ? 1 : 2;
  options.round_robin = dice.Percent(60);
  if (dice.Percent(30)) options.max_streams = static_cast<uint32_t>(1 + dice.Roll(4));
  auto& traffic = options.traffic;
  const size_t way = dice.Roll(100);
  if (way < 10) {
    traffic.chunk = 1;  // Byte by byte.
  } else if (way < 50) {
    traffic.chunk = 1 + dice.Roll(3000);
  }
  if (traffic.chunk == 0 || traffic.chunk > 500) {
    traffic.delay_max = dice.Milliseconds(20);
    traffic.delay_min = dice.Percent(50) ? traffic.delay_max : Duration{};
  }
  traffic.buffer = dice.Percent(70) ? 256 << 10 : 20'000 + dice.Roll(50'000);
  return options;
}

class Storm {
 public:
  Storm(uint64_t seed, const Mix& mix)
      : mix_(mix), dice_(seed), options_(DrawWorld(dice_)), world_(dice_.Next(), options_) {
    habits_ = mix.habits;
    if (const size_t chunk = options_.traffic.chunk; chunk > 0 && chunk < 500) {
      habits_.huge = habits_.large = 0;  // Each piece costs.
      habits_.tiny = chunk < 100 ? 100 : habits_.tiny;
    }
    // A handler that has not noticed a cancel still holds its slot.
    excuses_.goes_away = options_.max_streams < 100;
  }

  Outcome Run() {
    for (int step = 0; step < kSteps; ++step) {
      for (size_t n = dice_.Roll(3); n > 0; --n) Begin();
      Trouble();
      world_.Advance(dice_.Percent(3) ? milliseconds(dice_.Roll(15'000)) : dice_.Milliseconds(40));
    }
    if (mix_.abrupt_end) {
      excuses_.closes = excuses_.breaks = true;
      dice_.Percent(70) ? world_.TearDown() : world_.StopLoop();
    } else {
      Peace();
      world_.WindUp();
    }
    history().Judge(world_.now(), excuses_);
    return {history().hash(), history().size(), history().clean() ? "" : history().Tail()};
  }

 private:
  History& history() { return world_.history(); }
  size_t AnyChannel() { return dice_.Roll(world_.channels()); }
  Backend& AnyBackend() { return world_.backend(dice_.Roll(world_.backends())); }
  void Note(const char* what, const Backend& backend) {
    history().NoteText(world_.now(), what, 0, backend.address());
  }

  void Begin() {
    const size_t channel = AnyChannel();
    if (world_.channel(channel) != nullptr) world_.Call(channel, habits_);
  }

  // ---- Trouble.

  void Trouble() {
    if (dice_.Percent(mix_.network)) Network();
    if (dice_.Percent(mix_.crashes)) Crash();
    if (dice_.Percent(mix_.drains)) Drain();
    if (dice_.Percent(mix_.names)) Names();
    if (dice_.Percent(mix_.closings)) Close();
  }

  void Network() {
    Backend& backend = AnyBackend();
    const std::string& at = backend.address();
    auto& network = world_.network();
    excuses_.breaks = true;
    switch (dice_.Roll(10)) {
      case 0:
      case 1:
        Note("reset", backend);
        return network.Reset(at);
      case 2:
        Note("refuse", backend);
        return network.Refuse(at);
      case 3:
        Note("swallow", backend);
        return network.Swallow(at);
      case 4:
        Note("freeze", backend);
        return network.Freeze(at);
      case 5:
        Note("freeze answers", backend);
        return network.FreezeAnswers(at);
      case 6:
        Note("partition", backend);
        return network.Partition(at);
      case 7:
        Note("lose power", backend);
        if (dice_.Percent(50)) network.Swallow(at);
        return network.LosePower(at);
      default:
        Note("heal", backend);
        return network.Heal(at);
    }
  }

  void Crash() {
    Backend& backend = AnyBackend();
    excuses_.breaks = true;
    if (!backend.running()) return backend.Start();
    switch (dice_.Roll(3)) {
      case 0:
        return backend.Stop();
      case 1:
        return backend.Destroy();
      default:
        return backend.Drain(dice_.Milliseconds(60));
    }
  }

  void Drain() {
    Backend& backend = AnyBackend();
    excuses_.goes_away = excuses_.unready = true;
    if (!backend.running()) return backend.Start();
    backend.Drain(seconds(100));
    if (dice_.Percent(30)) backend.Start();  // At once, while the old one still runs.
  }

  void Names() {
    const size_t channel = AnyChannel();
    Channel* open = world_.channel(channel);
    if (open == nullptr) return;
    switch (dice_.Roll(10)) {
      case 0:
        excuses_.unready = true;
        return world_.PublishError(channel);
      case 1:
        excuses_.unready = true;
        return world_.Publish(channel, {});
      case 2:
        return world_.PublishWrongConfig(channel, Some());
      case 3:
        world_.ChoosePolicy(channel, dice_.Percent(50));
        return world_.Publish(channel, Some());
      case 4:
        return world_.SetPolicy(channel, dice_.Percent(50));
      case 5:
        return open->EnterIdle();
      case 6:
        open->ResetConnectBackoff();
        return open->Connect();
      default:
        return world_.Publish(channel, Some());
    }
  }
  // At least one, in any order, now and then one twice.
  std::vector<size_t> Some() {
    std::vector<size_t> some;
    for (size_t i = 0; i < world_.backends(); ++i) {
      if (dice_.Percent(40)) continue;
      some.insert(some.begin() + static_cast<ptrdiff_t>(dice_.Roll(some.size() + 1)), i);
    }
    if (some.empty() || dice_.Percent(10)) some.push_back(dice_.Roll(world_.backends()));
    return some;
  }

  void Close() {
    excuses_.closes = true;
    const size_t channel = AnyChannel();
    if (world_.channel(channel) == nullptr) return world_.Open(channel);
    world_.Close(channel);
    if (dice_.Percent(50)) world_.Open(channel);
  }

  // ---- Peace: all is healed; whoever waits must be served.

  void Peace() {
    history().Note(world_.now(), "peace", 0);
    for (size_t i = 0; i < world_.backends(); ++i) {
      world_.network().Heal(world_.backend(i).address());
      world_.backend(i).Start();
    }
    for (size_t i = 0; i < world_.channels(); ++i) {
      world_.Open(i);
      world_.PublishAll(i);
      world_.channel(i)->Connect();
    }
    world_.Advance(kReadyAgain);
    for (size_t i = 0; i < world_.channels(); ++i) AwaitReady(i);
    ServeTheLast();
    if (excuses_.breaks) return;
    for (size_t i = 0; i < world_.backends(); ++i) {
      if (world_.backend(i).cut_off() == 0) continue;
      history().Blame(world_.now(), 0, "a drain with time enough cut calls off");
    }
  }

  // One that had been ready meanwhile, and whose backend then drained, waits to be asked.
  void AwaitReady(size_t channel) {
    if (world_.channel(channel)->GetState(/*try_to_connect=*/true) == ChannelState::kIdle) {
      world_.Advance(kReadyAgain);
    }
    const ChannelState state = world_.channel(channel)->GetState();
    if (state == ChannelState::kReady) return;
    history().Blame(world_.now(), 0, Cat("a channel is ", Name(state), " in peace"));
  }

  void ServeTheLast() {
    Habits honest{.deadlines = 0, .cancels = 0, .failures = 0, .ready = 100};
    honest.tiny = habits_.tiny;
    honest.huge = habits_.huge;
    honest.large = habits_.large;
    std::vector<Caller*> last;
    for (size_t i = 0; i < world_.channels(); ++i) {
      for (int n = 0; n < 3; ++n) last.push_back(&world_.Call(i, honest));
    }
    world_.Advance(seconds(60));
    for (Caller* caller : last) {
      const CallHistory& call = caller->call();
      if (call.ends == 1 && call.status.ok()) continue;
      history().Blame(world_.now(), call.script.id, "it was not served in peace");
    }
  }

  const Mix& mix_;
  Dice dice_;
  const WorldOptions options_;
  World world_;
  Habits habits_;
  Excuses excuses_;
};

}  // namespace

Outcome RunStorm(uint64_t seed, const Mix& mix) { return Storm(seed, mix).Run(); }

}  // namespace rondo::stack
