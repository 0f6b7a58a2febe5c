// A resolver whose news the program pushes (rondo/resolve.h).
#include <mutex>
#include <utility>

#include "base/lifetime.h"
#include "rondo/resolve.h"

namespace rondo {

struct ManualResolver::State {
  // One resolver at work. Its loop is lent by the channel, which outlives it.
  struct Listener {
    Loop* loop;
    std::function<void(Resolution)> tell;  // Safe to post: bound to the resolver's life.
  };
  std::mutex mutex;  // Guards all below.
  std::optional<Resolution> last;
  std::vector<Listener*> listeners;
  int starts = 0, refreshes = 0;
  std::string scheme;
};

namespace {

class Listening final : public Resolver {
 public:
  using State = ManualResolver::State;
  Listening(std::shared_ptr<State> state, Loop& loop, OnResolution f)
      : state_(std::move(state)), on_resolution_(std::move(f)) {
    listener_.loop = &loop;
    listener_.tell = [this, lifetime = &lifetime_](Resolution r) {
      listener_.loop->Post(lifetime->Bind([this, r = std::move(r)]() mutable {
        const OnResolution publish = on_resolution_;  // It may drop this resolver.
        publish(std::move(r)).IgnoreError();
      }));
    };
  }
  ~Listening() override {
    std::lock_guard lock(state_->mutex);
    std::erase(state_->listeners, &listener_);
  }
  void Start() override {
    std::lock_guard lock(state_->mutex);
    ++state_->starts;
    state_->listeners.push_back(&listener_);
    if (state_->last) listener_.tell(*state_->last);
  }
  void Refresh() override {
    std::lock_guard lock(state_->mutex);
    ++state_->refreshes;
  }

 private:
  const std::shared_ptr<State> state_;
  const OnResolution on_resolution_;
  const Lifetime lifetime_;
  State::Listener listener_;
};

}  // namespace

ManualResolver::ManualResolver(std::string scheme) : state_(std::make_shared<State>()) {
  state_->scheme = std::move(scheme);
}

ResolverFactory ManualResolver::Factory() const {
  return {.scheme = state_->scheme,
          .make = [state = state_](
                      const Target&, Loop& loop, OnResolution f,
                      const ResolverOptions&) -> absl::StatusOr<std::unique_ptr<Resolver>> {
            return std::make_unique<Listening>(state, loop, std::move(f));
          }};
}

void ManualResolver::Publish(Resolution resolution) const {
  std::lock_guard lock(state_->mutex);
  for (State::Listener* l : state_->listeners) l->tell(resolution);
  state_->last = std::move(resolution);
}

void ManualResolver::PublishAddresses(const std::vector<std::string>& addresses) const {
  std::vector<Endpoint> endpoints;
  for (const std::string& a : addresses) endpoints.push_back({.addresses = {a}});
  Publish({.endpoints = std::move(endpoints), .note = "pushed"});
}

int ManualResolver::starts() const {
  std::lock_guard lock(state_->mutex);
  return state_->starts;
}
int ManualResolver::refreshes() const {
  std::lock_guard lock(state_->mutex);
  return state_->refreshes;
}

}  // namespace rondo
