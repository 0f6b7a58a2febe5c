// Client and server links in one thread under a seed: bytes cut and delayed by chance, resets,
// freezes, drains and cancels between them. What must hold whatever happens.
#include <chrono>

#include "transport/link_fixture.h"

namespace rondo::transport {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A call that knows what it sent, and how often the server ran it.
struct Tried {
  Call call;
  std::string text;
  bool cancelled = false;
};

class Storm {
 public:
  explicit Storm(uint64_t seed) : random_(seed), network_(seed) {
    // Small chunks or long delays: both together would take hours of virtual time.
    const size_t chunk = Maybe() ? 1 + Roll(3000) : 0;
    const auto delay = milliseconds(chunk > 0 && chunk < 500 ? 0 : Roll(20));
    network_.set_traffic({.chunk = chunk, .delay_max = delay, .buffer = 2000 + Roll(300000)});
    options_.session.max_streams = static_cast<uint32_t>(1 + Roll(20));
    options_.session.stream_window = static_cast<uint32_t>(1000 + Roll(70000));
    options_.session.connection_window = static_cast<uint32_t>(65535 + Roll(70000));
    options_.limits.max_held = 1 + Roll(300000);
    listener_ = *network_.Listen(
        *loop_, kAddress, [this]() -> event::EventLoop& { return *loop_; },
        [this](event::EventLoop&, std::unique_ptr<event::Socket> socket) {
          servers_.push_back(std::make_unique<Link>(*loop_, std::move(socket), http2::Role::kServer,
                                                    options_, at_server_, &acceptor_));
        });
    acceptor_.prepare = [this](Call& call) { Serve(call); };
  }
  ~Storm() {
    up_.reset();
    servers_.clear();
  }

  void Run() {
    for (int step = 0; step < 60; ++step) {
      Step();
      loop_->Advance(milliseconds(Roll(15)));
    }
    network_.Heal(kAddress);
    for (Call* late : late_) late->stream.Pull(3);
    loop_->Advance(seconds(30));
    if (up_ != nullptr) up_->Drain();
    loop_->Advance(seconds(300));
    Judge();
  }

 private:
  size_t Roll(size_t below) { return random_() % below; }
  bool Maybe() { return Roll(2) == 0; }

  void Step() {
    if (up_ == nullptr || at_client_.log.find('C') != std::string::npos) return Dial();
    switch (Roll(24)) {
      case 0:
        return network_.Reset(kAddress);
      case 1:
        return network_.Freeze(kAddress);
      case 2:
        return network_.Heal(kAddress);
      case 3:
        if (!servers_.empty()) servers_.back()->Drain("storm");
        return;
      case 4:
        if (!servers_.empty()) servers_.back()->Close(http2::Code::kNoError, "storm");
        return;
      case 5:
        return up_->Close(http2::Code::kNoError, "storm");
      case 6:
        return up_.reset();
      case 7:
      case 8:
        return CancelOne();
      default:
        return Begin();
    }
  }
  void Dial() {
    up_.reset();
    at_client_.log.clear();
    dial_ = network_.Connect(*loop_, kAddress, [this](auto socket) {
      if (!socket.ok()) return;
      up_ = std::make_unique<Link>(*loop_, std::move(*socket), http2::Role::kClient, options_,
                                   at_client_);
    });
  }
  void Begin() {
    if (up_->slots() == 0) return;
    auto tried = std::make_unique<Tried>();
    tried->text =
        std::to_string(tried_.size()) + ":" + std::string(Roll(Maybe() ? 100 : 90000), 'b');
    Call& call = tried->call;
    const int pulls = Maybe() ? 2 : 0;
    if (pulls == 0) late_.push_back(&call);
    EXPECT_TRUE(up_->connection().Start(call.stream, call, http2::kEcho, {},
                                        FrameMessage(tried->text), true, pulls));
    tried_.push_back(std::move(tried));
    for (Call* late : late_) late->stream.Pull();
  }
  void CancelOne() {
    if (tried_.empty()) return;
    Tried& tried = *tried_[Roll(tried_.size())];
    tried.cancelled |= tried.call.stream.open();
    tried.call.stream.Cancel();
  }
  void Serve(Call& call) {
    EchoAcceptor::Echo(call);
    call.on_message = [this, &call] { ++ran_[call.messages.back()]; };
  }

  void Judge() {
    for (const auto& t : tried_) {
      const Call& call = t->call;
      EXPECT_EQ(call.ends(), t->cancelled ? 0 : 1) << call.log;
      const int ran = ran_[t->text];
      EXPECT_LE(ran, 1);
      if (call.status == "0") {
        EXPECT_EQ(call.log, "HME");
        EXPECT_EQ(call.messages[0], t->text);
        EXPECT_EQ(ran, 1);
      } else if (call.ends() == 1 && call.end.closed.fate != http2::Fate::kMaybeProcessed) {
        EXPECT_EQ(ran, 0) << "tried again, it would run twice";
      }
    }
    for (const auto& call : acceptor_.calls) EXPECT_EQ(call->ends(), 1) << call->log;
    EXPECT_EQ(std::count(at_client_.log.begin(), at_client_.log.end(), 'C'), up_ != nullptr);
    for (const auto& link : servers_) EXPECT_EQ(link->open_streams(), 0u);
  }

  std::mt19937_64 random_;
  std::shared_ptr<event::ManualLoop> loop_ = event::ManualLoop::Make();
  MemoryNetwork network_;
  LinkOptions options_;
  EchoAcceptor acceptor_;
  Listening at_client_, at_server_;
  std::map<std::string, int> ran_;
  std::vector<std::unique_ptr<Tried>> tried_;
  std::vector<Call*> late_;
  std::unique_ptr<event::Listener> listener_;
  std::unique_ptr<event::Dial> dial_;
  std::vector<std::unique_ptr<Link>> servers_;
  std::unique_ptr<Link> up_;
};

TEST(LinkStorm, EveryCallEndsOnceAndNoneThatMayBeTriedAgainHasRun) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Storm(seed).Run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace rondo::transport
