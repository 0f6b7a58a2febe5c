// The public face: handles over channel::Core and channel::Call.
#include "rondo/channel.h"

#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include "channel/call.h"
#include "channel/core.h"
#include "channel/make_channel.h"
#include "event/loop_pool.h"
#include "rondo/token.h"

namespace rondo {

// ---- Channel.

// What copies of a Channel share: the channel closes with it.
struct Channel::Open {
  explicit Open(std::shared_ptr<channel::Core> c) : core(std::move(c)) {}
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() { core->Close(); }
  const std::shared_ptr<channel::Core> core;
};

absl::StatusOr<Channel> Channel::Create(std::string_view target, ChannelOptions options) {
  LoopPool& pool = options.loops != nullptr ? *options.loops : LoopPool::Default();
  std::random_device chance;
  channel::Environment env{.home = event::Of(pool.Next()).shared_from_this(),
                           .network = &event::SystemNetwork(),
                           .seed = uint64_t{chance()} << 32 | chance(),
                           .runtime = &pool,
                           .variable = [](std::string_view name) -> std::optional<std::string> {
                             const char* value = std::getenv(std::string(name).c_str());
                             if (value == nullptr) return std::nullopt;
                             return value;
                           }};
  return channel::MakeChannel(target, std::move(options), std::move(env));
}

absl::StatusOr<Channel> channel::MakeChannel(std::string_view target, ChannelOptions options,
                                             Environment env) {
  auto core = Core::Create(target, std::move(options), std::move(env));
  if (!core.ok()) return core.status();
  return Channel(std::make_shared<Channel::Open>(*std::move(core)));
}

UnaryCall Channel::Unary(const Method& method, const CallOptions& options,
                         size_t request_size) const {
  return UnaryCall(channel::Call::New(open_->core, method, options, request_size));
}

StreamCall Channel::Stream(const Method& method, const CallOptions& options) const {
  channel::Call* call = channel::Call::New(open_->core, method, options, std::nullopt);
  call->StartStream();
  return StreamCall(call);
}

bool Channel::WouldBlock() const { return open_->core->IsHome(); }

ChannelState Channel::GetState(bool try_to_connect) const {
  const ChannelState state = open_->core->board().state();
  if (try_to_connect && state == ChannelState::kIdle) Connect();
  return state;
}

void Channel::Connect() const {
  open_->core->home().Post([core = open_->core] { core->Connect(); });
}

bool Channel::WaitForStateChange(ChannelState from, Time deadline) const {
  const channel::StateBoard& board = open_->core->board();
  loop().RunUntil([&] { return board.state() != from; }, deadline);  // If nobody else does.
  return board.WaitForChange(from, deadline);
}

namespace {
class Subscribed final : public Channel::Subscription {
 public:
  explicit Subscribed(std::shared_ptr<channel::StateBoard::Subscriber> s)
      : subscriber_(std::move(s)) {}
  ~Subscribed() override { subscriber_->dropped.store(true); }

 private:
  const std::shared_ptr<channel::StateBoard::Subscriber> subscriber_;
};
}  // namespace

std::unique_ptr<Channel::Subscription> Channel::Subscribe(OnState on_state) const {
  auto subscriber = std::make_shared<channel::StateBoard::Subscriber>();
  subscriber->on_state = std::move(on_state);
  open_->core->home().Post([core = open_->core, subscriber] { core->Subscribe(subscriber); });
  return std::make_unique<Subscribed>(subscriber);
}

void Channel::ResetConnectBackoff() const {
  open_->core->home().Post([core = open_->core] { core->ResetBackoff(); });
}

void Channel::EnterIdle() const {
  open_->core->home().Post([core = open_->core] { core->EnterIdle(); });
}

absl::StatusOr<std::vector<std::string>> Channel::SetServiceConfig(std::string_view json) const {
  auto config = channel::ServiceConfig::Parse(json, open_->core->registry());
  if (!config.ok()) return config.status();
  open_->core->home().Post(
      [core = open_->core, config = *config] { core->SetServiceConfig(config); });
  return (*config)->warnings();
}

void Channel::ClearServiceConfig() const {
  open_->core->home().Post([core = open_->core] { core->SetServiceConfig(nullptr); });
}

namespace {
// An operation in the sense of token.h.
struct ExplainStart {
  using Result = Explanation;
  using Canceller = CallCanceller;
  Loop& loop() const { return core->home(); }
  template <class Handler>
  void operator()(Handler handler, CallCanceller*) && {
    core->home().Post(
        [of = core, handler = std::move(handler)]() mutable { handler(of->Explained()); });
  }
  std::shared_ptr<channel::Core> core;
};
}  // namespace

Explanation Channel::Explain() const {
  if (open_->core->IsHome()) return open_->core->Explained();
  Explanation told = Block(ExplainStart{open_->core});
  if (told.target.empty()) {
    told.target = target();
    told.authority = authority();
    told.state = Name(ChannelState::kShutdown);
  }
  return told;
}

void Channel::Explain(Function<void(Explanation)> done) const {
  open_->core->home().Post(
      [core = open_->core, done = std::move(done)]() mutable { done(core->Explained()); });
}

const std::string& Channel::target() const { return open_->core->target(); }
const std::string& Channel::authority() const { return open_->core->authority(); }
Loop& Channel::loop() const { return open_->core->home(); }
void Channel::Close() const { open_->core->Close(); }

// ---- Calls.

UnaryCall::UnaryCall(UnaryCall&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
UnaryCall& UnaryCall::operator=(UnaryCall&& other) noexcept {
  std::swap(call_, other.call_);
  return *this;
}
UnaryCall::~UnaryCall() {
  if (call_ != nullptr) call_->Unref();
}
uint8_t* UnaryCall::body() { return call_->unary_body(); }
void UnaryCall::Start(Function<void(UnaryResult)> done, CallCanceller* cancel) && {
  channel::Call* call = std::exchange(call_, nullptr);
  if (cancel != nullptr) {
    call->Ref();
    *cancel = CallCanceller(call);
  }
  call->StartUnary(std::move(done));
}

CallCanceller::CallCanceller(CallCanceller&& other) noexcept
    : call_(std::exchange(other.call_, nullptr)) {}
CallCanceller& CallCanceller::operator=(CallCanceller&& other) noexcept {
  std::swap(call_, other.call_);
  return *this;
}
CallCanceller::~CallCanceller() {
  if (call_ != nullptr) call_->Unref();
}
void CallCanceller::Cancel() {
  if (call_ != nullptr) call_->Cancel();
}

StreamCall::StreamCall(StreamCall&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
StreamCall& StreamCall::operator=(StreamCall&& other) noexcept {
  std::swap(call_, other.call_);
  return *this;
}
StreamCall::~StreamCall() {
  if (call_ != nullptr) call_->Abandon();
}
void StreamCall::Write(Slice framed, bool last, Function<void(bool)> done, WriteOptions options) {
  call_->Write(std::move(framed), last, std::move(done), options);
}
void StreamCall::WritesDone() { call_->WritesDone(); }
void StreamCall::Read(Function<void(std::optional<Bytes>)> done) { call_->Read(std::move(done)); }
void StreamCall::Headers(Function<void(const Metadata&)> done) { call_->Headers(std::move(done)); }
void StreamCall::Finish(Function<void(absl::Status)> done) { call_->Finish(std::move(done)); }
std::vector<Attempt> StreamCall::Attempts() const { return call_->Attempts(); }
void StreamCall::Cancel() { call_->Cancel(); }

}  // namespace rondo
