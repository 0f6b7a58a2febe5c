#include "server/core.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <utility>

#include "base/text.h"
#include "event/tls_network.h"
#include "server/errand.h"

namespace rondo::server {
namespace {

absl::Status CheckTimes(const ServerOptions& o) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const auto bad = [](std::string_view name, Duration value, std::string_view range) {
    return absl::InvalidArgumentError(Cat("server: ", name, " is ",
                                          std::chrono::duration_cast<milliseconds>(value).count(),
                                          " ms, it should be ", range));
  };
  const ServerKeepaliveOptions& k = o.keepalive;
  if (k.time != Duration{} && k.time < seconds(1)) {
    return bad("keepalive.time", k.time, "0 (off) or at least 1000");
  }
  if (k.timeout < seconds(1)) return bad("keepalive.timeout", k.timeout, "at least 1000");
  if (k.min_time < Duration{}) return bad("keepalive.min_time", k.min_time, "0 or more");
  for (const auto& [name, value] :
       {std::pair("max_connection_idle", o.max_connection_idle),
        std::pair("max_connection_age", o.max_connection_age),
        std::pair("max_connection_age_grace", o.max_connection_age_grace)}) {
    if (value != Duration{} && value < milliseconds(1)) {
      return bad(name, value, "0 (without end) or at least 1");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const ConnectionLimits& limits) {
  for (const auto& [name, value] : {std::pair("limits.reset_burst", limits.reset_burst),
                                    std::pair("limits.reset_rate", limits.reset_rate),
                                    std::pair("limits.control_burst", limits.control_burst),
                                    std::pair("limits.control_rate", limits.control_rate)}) {
    if (value >= 1 && value <= 1e9) continue;  // Not NaN either.
    return absl::InvalidArgumentError(
        Cat("server: ", name, " is ", value, ", it should be 1 to 1000000000"));
  }
  if (limits.max_continuations > 1000) {
    return absl::InvalidArgumentError(Cat("server: limits.max_continuations is ",
                                          limits.max_continuations, ", it should be 0 to 1000"));
  }
  if (limits.max_held_bytes < (64 << 10)) {
    return absl::InvalidArgumentError(Cat("server: limits.max_held_bytes is ",
                                          limits.max_held_bytes, ", it should be 65536 or more"));
  }
  if (limits.stall_timeout < std::chrono::seconds(1)) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limits.stall_timeout);
    return absl::InvalidArgumentError(
        Cat("server: limits.stall_timeout is ", ms.count(), " ms, it should be at least 1000"));
  }
  return absl::OkStatus();
}

// Runs `work` on the loop and waits for it; at once if this is its thread. False: the loop has
// stopped.
bool RunOn(event::EventLoop& loop, const std::function<void()>& work) {
  if (loop.IsHere()) {
    work();
    return true;
  }
  std::promise<bool> ran;
  auto result = ran.get_future();
  loop.Post(Errand(
      [&] {
        work();
        ran.set_value(true);
      },
      [&] { ran.set_value(false); }));
  return result.get();
}

}  // namespace

std::shared_ptr<Core> Core::Make(ServerOptions options, Environment env) {
  std::shared_ptr<Core> core(new Core(std::move(options), std::move(env)));
  core->self_ = core;
  return core;
}

Core::Core(ServerOptions options, Environment env)
    : options_(std::move(options)),
      network_(*env.network),
      admission_(options_.admission),
      workers_(options_.workers, options_.max_waiting) {
  for (auto& loop : env.loops) {
    shards_.push_back(std::make_unique<Shard>(*this, std::move(loop), env.seed++));
  }
}

Core::~Core() { LeaveChannelz(); }

void Core::Add(Service& service) {
  services_.push_back(&service);
  for (ServerMethod& method : service.Methods()) dispatch_.Add(std::move(method));
}

// ---- Start.

absl::Status Core::CheckOptions() const {
  if (!options_.credentials.given()) {
    return absl::InvalidArgumentError(
        "server: credentials are missing; say rondo::Tls(), or rondo::Insecure() for plaintext");
  }
  if (options_.listen.empty()) {
    return absl::InvalidArgumentError("server: listen names no address");
  }
  if (!std::ranges::all_of(shards_, [](const auto& s) { return s->loop().HasThread(); })) {
    return absl::InvalidArgumentError(
        "server: its LoopPool has no thread (kNoThread), so nobody would answer; give it one with "
        "threads");
  }
  const Duration pushback = options_.admission.pushback;
  if (pushback < Duration{} || pushback > std::chrono::hours(1)) {
    return absl::InvalidArgumentError(
        Cat("server: admission.pushback is ",
            std::chrono::duration_cast<std::chrono::milliseconds>(pushback).count(),
            " ms, it should be 0 to 3600000 ms"));
  }
  if (options_.max_concurrent_streams == 0) {
    return absl::InvalidArgumentError(
        "server: max_concurrent_streams is 0, it should be 1 or more");
  }
  if (options_.max_header_bytes == 0 ||
      options_.max_header_bytes > std::numeric_limits<int32_t>::max() / 2) {
    return absl::InvalidArgumentError(Cat("server: max_header_bytes is ", options_.max_header_bytes,
                                          ", it should be 1 to 1073741823"));
  }
  if (absl::Status s = CheckLimits(options_.limits); !s.ok()) return s;
  return CheckTimes(options_);
}

absl::Status Core::Start() {
  if (absl::Status s = CheckOptions(); !s.ok()) return s;
  if (!dispatch_.problem().ok()) return dispatch_.problem();
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::kNew) {
      return absl::FailedPreconditionError("server: it was started or stopped before");
    }
    phase_ = Phase::kRunning;
  }
  absl::Status listening = Secure();
  if (listening.ok()) listening = TellServices();
  if (listening.ok()) listening = Listen();
  if (listening.ok()) {
    JoinChannelz();
    return listening;
  }
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kRunning) phase_ = Phase::kNew;
  return listening;
}

absl::Status Core::TellServices() {
  ServedServices served{.names = dispatch_.ServiceNames(), .proto_files = {}};
  for (const Service* service : services_) {
    if (!service->ProtoFile().empty()) served.proto_files.push_back(service->ProtoFile());
  }
  for (Service* service : services_) {
    if (absl::Status s = service->OnStart(served); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Core::Secure() {
  if (options_.credentials.tls == nullptr) return absl::OkStatus();
  auto made = event::TlsServerNetwork(network_, *options_.credentials.tls);
  if (!made.ok()) {
    return absl::Status(made.status().code(), Cat("server: ", made.status().message()));
  }
  secure_ = *std::move(made);
  return absl::OkStatus();
}

// On the caller's loop if it is one of ours, so that no loop ever waits for another.
absl::Status Core::Listen() {
  Shard* shard = shards_.front().get();
  for (const auto& s : shards_) {
    if (s->loop().IsHere()) shard = s.get();
  }
  absl::Status result;
  if (!RunOn(shard->loop(), [&] { result = ListenOn(*shard); })) {
    return absl::CancelledError("server: its loops have stopped");
  }
  return result;
}

absl::Status Core::ListenOn(Shard& shard) {
  addresses_.clear();
  for (const std::string& address : options_.listen) {
    auto chosen = shard.Listen(
        secure_ != nullptr ? *secure_ : network_, address,
        [this]() -> event::EventLoop& { return PickLoop(); },  // The listener is ours.
        [weak = self_](event::EventLoop& loop, std::unique_ptr<event::Socket> socket) {
          if (const auto core = weak.lock()) core->AcceptOn(loop, std::move(socket));
        });
    if (!chosen.ok()) {
      shard.StopListening();
      addresses_.clear();
      return chosen.status();
    }
    addresses_.push_back(*std::move(chosen));
  }
  return absl::OkStatus();
}

// ---- Connections.

event::EventLoop& Core::PickLoop() {
  return shards_[next_loop_.fetch_add(1, std::memory_order_relaxed) % shards_.size()]->loop();
}

void Core::AcceptOn(event::EventLoop& loop, std::unique_ptr<event::Socket> socket) {
  for (const auto& shard : shards_) {
    if (&shard->loop() == &loop) return shard->Accept(std::move(socket));
  }
}

bool Core::TakeConnection() {
  if (connections_.fetch_add(1, std::memory_order_relaxed) < options_.max_connections) {
    accepted_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  ReturnConnection();
  return false;
}

bool Core::IsOnALoop() const {
  return std::ranges::any_of(shards_, [](const auto& s) { return s->loop().IsHere(); });
}

// ---- Drain.

void Core::DrainAsync(Duration grace, Function<void(absl::Status)> done) {
  bool running = false, begins = false;
  {
    const std::lock_guard lock(mutex_);
    begins = phase_ == Phase::kRunning;
    running = begins || phase_ == Phase::kDraining;
    if (begins) {
      phase_ = Phase::kDraining;
      loud_ = shards_.size();
    }
    if (running) drains_.push_back(std::move(done));
  }
  if (begins) BeginDrain();
  if (running) return LimitDrain(grace);
  const auto held = std::make_shared<DrainDone>(std::move(done));
  shards_.front()->loop().Post(
      Errand([held] { (*held)(absl::OkStatus()); }, [held] { (*held)(absl::OkStatus()); }));
}

void Core::BeginDrain() {
  for (Service* service : services_) service->OnDrain();
  for (const auto& shard : shards_) {
    shard->loop().Post(Errand([self = Self(), s = shard.get()] { s->Drain(); },
                              [self = Self()] { self->OnQuiet(0); }));
  }
}

void Core::LimitDrain(Duration grace) {
  Shard& first = *shards_.front();
  first.loop().Post([self = Self(), grace, &first] {
    first.After(grace, [weak = self->self_] {
      if (const auto core = weak.lock()) core->CutOff();
    });
  });
}

void Core::CutOff() {
  for (const auto& shard : shards_) {
    shard->loop().Post([self = Self(), s = shard.get()] { s->CutOff(); });
  }
}

void Core::OnQuiet(size_t cut_off) {
  std::vector<DrainDone> drains;
  absl::Status result;
  {
    const std::lock_guard lock(mutex_);
    cut_off_ += cut_off;
    if (--loud_ > 0) return;
    phase_ = Phase::kDone;
    drains.swap(drains_);
    if (cut_off_ > 0) {
      result = absl::DeadlineExceededError(Cat("server: ", cut_off_,
                                               cut_off_ == 1 ? " call was" : " calls were",
                                               " still open when the drain ended; ",
                                               cut_off_ == 1 ? "it was" : "they were", " cut off"));
    }
  }
  for (DrainDone& done : drains) done(result);
}

void Core::ForgetDrains() {
  std::vector<DrainDone> forgotten;  // Destroyed without the lock.
  const std::lock_guard lock(mutex_);
  forgotten.swap(drains_);
}

// ---- Stop.

void Core::Stop() {
  stopped_.store(true, std::memory_order_release);
  workers_.Close();
  {
    const std::lock_guard lock(mutex_);
    const bool never_ran = phase_ == Phase::kNew;
    if (phase_ != Phase::kDraining) phase_ = Phase::kDone;
    if (never_ran) return;
  }
  LeaveChannelz();
  // From a loop nobody waits for another loop: two that stop servers would wait for each other.
  const bool wait = !IsOnALoop();
  for (const auto& shard : shards_) {
    if (wait || shard->loop().IsHere()) {
      RunOn(shard->loop(), [&shard] { shard->Close(); });
    } else {
      shard->loop().Post([self = Self(), s = shard.get()] { s->Close(); });
    }
  }
}

}  // namespace rondo::server
