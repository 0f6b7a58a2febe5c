#include "server/connection_life.h"

namespace rondo::server {
namespace {

// Times 0.9 to 1.1, so that connections made together don't end together.
Duration Jittered(Duration age, Chance& chance) {
  const double u = static_cast<double>(chance.Next() >> 11) * 0x1p-53;  // [0, 1)
  const double jittered = static_cast<double>(age.count()) * (0.9 + 0.2 * u);
  if (jittered >= 0x1p63) return Duration::max();
  return Duration(static_cast<int64_t>(jittered));
}

// Time::max(): never.
Time EndOf(Time since, Duration d) { return d > Time::max() - since ? Time::max() : since + d; }

}  // namespace

ConnectionLife::ConnectionLife(event::EventLoop& loop, const ServerOptions& options, Chance& chance,
                               Owner& owner)
    : loop_(loop), options_(options), owner_(owner), quiet_since_(loop.Now()) {
  if (options.max_connection_idle > Duration{}) {
    Arm(idle_, options.max_connection_idle);
  }
  if (options.max_connection_age > Duration{}) {
    Arm(age_, Jittered(options.max_connection_age, chance));
  }
}

void ConnectionLife::Arm(event::TimerNode& timer, Duration after) {
  if (const Time at = EndOf(loop_.Now(), after); at != Time::max()) loop_.Arm(timer, at);
}

// A timer that is armed already looks when it fires.
void ConnectionLife::OnQuiet() {
  if (options_.max_connection_idle <= Duration{}) return;
  quiet_since_ = loop_.Now();
  if (!idle_.armed()) Arm(idle_, options_.max_connection_idle);
}

void ConnectionLife::OnIdle() {
  if (owner_.IsBusy()) return;  // OnQuiet will come.
  const Time due = EndOf(quiet_since_, options_.max_connection_idle);
  if (loop_.Now() < due) return loop_.Arm(idle_, due);
  owner_.Drain("max_idle");  // A call that slips in before the client knows ends by its age.
}

void ConnectionLife::OnAge() {
  idle_.Disarm();
  if (options_.max_connection_age_grace > Duration{}) {
    Arm(grace_, options_.max_connection_age_grace);
  }
  owner_.Drain("max_age");
}

}  // namespace rondo::server
