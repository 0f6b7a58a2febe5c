// The health service: statuses under a lock, and watches that live on their calls' loops.
#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "rondo/health.h"
#include "server/service_protos.h"
#include "wire/proto_fields.h"

namespace rondo {
namespace {

constexpr Method kCheck{"/grpc.health.v1.Health/Check"};
constexpr Method kWatch{"/grpc.health.v1.Health/Watch", false, true};
constexpr Method kList{"/grpc.health.v1.Health/List"};
constexpr uint64_t kServiceUnknown = 3;  // What Watch says of a service without a status.
constexpr size_t kMostListed = 100;      // As health.proto says.

// HealthCheckResponse.
std::string Response(uint64_t status) {
  std::string out;
  if (status != 0) wire::AppendNumber(out, 1, status);
  return out;
}
// HealthCheckRequest: the service's name. False: the bytes are none, and the call has ended.
bool ReadName(ServerCall& call, Bytes request, std::string& name) {
  wire::ProtoReader reader(request);
  while (reader.Next()) {
    if (reader.field() == 1 && reader.is_text()) name = reader.text();
  }
  if (reader.good()) return true;
  call.Finish(absl::InternalError(Cat(call.method(), ": the request is no HealthCheckRequest")));
  return false;
}

}  // namespace

// Outlives the service while watches run.
class HealthService::State : public std::enable_shared_from_this<State> {
 public:
  void Check(ServerCall& call, Bytes request);
  void BeginWatch(ServerCall& call, Bytes request);
  void List(ServerCall& call);

  void Set(std::string_view service, ServingStatus status);
  void SetAll(ServingStatus status);
  void Remove(std::string_view service);
  void Drain();

 private:
  // One call of Watch. Threads: its loop's.
  class Watch : public std::enable_shared_from_this<Watch> {
   public:
    Watch(std::shared_ptr<State> state, ServerCall& call, std::string service)
        : state_(std::move(state)),
          call_(&call),
          loop_(call.loop()),
          service_(std::move(service)) {}
    void Begin() {
      call_->OnCancel(
          [w = shared_from_this()] { w->End(absl::CancelledError("the caller has gone")); });
      Refresh();
    }
    void RefreshSoon() {  // Any thread.
      loop_.Post([w = shared_from_this()] { w->Refresh(); });
    }

   private:
    void Refresh();
    void End(const absl::Status& why);

    const std::shared_ptr<State> state_;
    ServerCall* call_;  // Null once ended.
    Loop& loop_;        // Stops after its calls have ended, and so has this.
    const std::string service_;
    std::optional<uint64_t> told_;
    bool writing_ = false;
  };

  // Requires: the lock. nullopt: there is none.
  std::optional<uint64_t> StatusOf(std::string_view service) const {
    if (const auto it = statuses_.find(service); it != statuses_.end()) {
      return static_cast<uint64_t>(draining_ ? ServingStatus::kNotServing : it->second);
    }
    return std::nullopt;
  }
  void RefreshAll() {  // Requires: the lock.
    for (const auto& watch : watches_) watch->RefreshSoon();
  }

  std::mutex mutex_;  // Guards all that follows.
  std::map<std::string, ServingStatus, std::less<>> statuses_{{"", ServingStatus::kServing}};
  std::vector<std::shared_ptr<Watch>> watches_;
  bool draining_ = false;
};

// Says what has changed since it spoke last, one message at a time.
void HealthService::State::Watch::Refresh() {
  if (call_ == nullptr || writing_) return;
  uint64_t status = 0;
  bool draining = false;
  {
    const std::lock_guard lock(state_->mutex_);
    draining = state_->draining_;
    status = state_->StatusOf(service_).value_or(kServiceUnknown);
  }
  if (told_ == status) {
    if (draining) End(absl::UnavailableError("health: the server is draining"));
    return;
  }
  told_ = status;
  writing_ = true;
  call_->Write(FrameMessage(Response(status)), [w = shared_from_this()](bool) {
    w->writing_ = false;
    w->Refresh();
  });
}

void HealthService::State::Watch::End(const absl::Status& why) {
  if (call_ == nullptr) return;
  const auto self = shared_from_this();
  {
    const std::lock_guard lock(state_->mutex_);
    std::erase(state_->watches_, self);
  }
  std::exchange(call_, nullptr)->Finish(why);
}

void HealthService::State::Check(ServerCall& call, Bytes request) {
  std::string name;
  if (!ReadName(call, request, name)) return;
  std::optional<uint64_t> status;
  {
    const std::lock_guard lock(mutex_);
    status = StatusOf(name);
  }
  if (status) return call.Reply(FrameMessage(Response(*status)));
  call.Finish(absl::NotFoundError(Cat("health: unknown service ", name)));
}

void HealthService::State::BeginWatch(ServerCall& call, Bytes request) {
  std::string name;
  if (!ReadName(call, request, name)) return;
  const auto watch = std::make_shared<Watch>(shared_from_this(), call, std::move(name));
  {
    const std::lock_guard lock(mutex_);
    watches_.push_back(watch);
  }
  watch->Begin();
}

void HealthService::State::List(ServerCall& call) {
  std::string out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, _] : statuses_) {
      std::string entry;
      wire::AppendText(entry, 1, name);
      wire::AppendText(entry, 2, Response(*StatusOf(name)));
      wire::AppendText(out, 1, entry);
    }
    if (statuses_.size() > kMostListed) out.clear();
  }
  if (!out.empty()) return call.Reply(FrameMessage(out));
  call.Finish(absl::ResourceExhaustedError(
      Cat("health: there are more than ", kMostListed, " services; Check them one by one")));
}

void HealthService::State::Set(std::string_view service, ServingStatus status) {
  const std::lock_guard lock(mutex_);
  statuses_.insert_or_assign(std::string(service), status);
  RefreshAll();
}

void HealthService::State::SetAll(ServingStatus status) {
  const std::lock_guard lock(mutex_);
  for (auto& [_, each] : statuses_) each = status;
  RefreshAll();
}

void HealthService::State::Remove(std::string_view service) {
  const std::lock_guard lock(mutex_);
  if (const auto it = statuses_.find(service); it != statuses_.end()) statuses_.erase(it);
  RefreshAll();
}

void HealthService::State::Drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  RefreshAll();
}

// ---- The public face.

HealthService::HealthService() : state_(std::make_shared<State>()) {}
HealthService::~HealthService() = default;

void HealthService::SetStatus(std::string_view service, ServingStatus status) {
  state_->Set(service, status);
}
void HealthService::SetAll(ServingStatus status) { state_->SetAll(status); }
void HealthService::Remove(std::string_view service) { state_->Remove(service); }
void HealthService::OnDrain() { state_->Drain(); }

std::vector<ServerMethod> HealthService::Methods() {
  // A busy server is not a sick one: it must be able to say so.
  return {
      {&kCheck, [s = state_](ServerCall& call, Bytes request) { s->Check(call, request); }, true},
      {&kWatch, [s = state_](ServerCall& call, Bytes request) { s->BeginWatch(call, request); },
       true},
      {&kList, [s = state_](ServerCall& call, Bytes) { s->List(call); }, true}};
}

std::string_view HealthService::ProtoFile() const { return server::HealthProto(); }

}  // namespace rondo
