#include "server/connection_life.h"

namespace rondo::server {
namespace {

// Times 0.9 to 1.1, so that connections made together don't end together.
Duration Jittered(Duration age, Chance& chance) {
  const double u = static_cast<double>(chance.Next() >> 11) * 0x1p-53;  // [0, 1)
  return Duration(static_cast<int64_t>(static_cast<double>(age.count()) * (0.9 + 0.2 * u)));
}

}  // namespace

ConnectionLife::ConnectionLife(event::EventLoop& loop, const ServerOptions& options, Chance& chance,
                               Owner& owner)
    : loop_(loop), options_(options), owner_(owner), quiet_since_(loop.Now()) {
  if (options.max_connection_idle > Duration{}) {
    loop.Arm(idle_, quiet_since_ + options.max_connection_idle);
  }
  if (options.max_connection_age > Duration{}) {
    loop.Arm(age_, loop.Now() + Jittered(options.max_connection_age, chance));
  }
}

// A timer that is armed already looks when it fires.
void ConnectionLife::OnQuiet() {
  if (options_.max_connection_idle <= Duration{}) return;
  quiet_since_ = loop_.Now();
  if (!idle_.armed()) loop_.Arm(idle_, quiet_since_ + options_.max_connection_idle);
}

void ConnectionLife::OnIdle() {
  if (owner_.IsBusy()) return;  // OnQuiet will come.
  const Time due = quiet_since_ + options_.max_connection_idle;
  if (loop_.Now() < due) return loop_.Arm(idle_, due);
  age_.Disarm();
  owner_.Drain("max_idle");
}

void ConnectionLife::OnAge() {
  idle_.Disarm();
  if (options_.max_connection_age_grace > Duration{}) {
    loop_.Arm(grace_, loop_.Now() + options_.max_connection_age_grace);
  }
  owner_.Drain("max_age");
}

}  // namespace rondo::server
