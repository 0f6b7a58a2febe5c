#pragma once
// A channel on a loop whose time the test moves, over a network in memory, and backends that the
// test plays: no socket, thread, sleep or real clock.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "channel/make_channel.h"
#include "event/manual_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rondo/policy.h"
#include "transport/link.h"
#include "transport/memory_network.h"

namespace rondo::channel {

using namespace std::chrono_literals;

inline constexpr Method kUnary{"/test.Echo/Unary"};
inline constexpr Method kChat{"/test.Echo/Chat", true, true};

inline const http2::HeaderTemplate& AnswerHead() {
  static const http2::HeaderTemplate head(
      http2::HeaderTemplate::Fields{{":status", "200"}, {"content-type", "application/grpc"}});
  return head;
}
inline const http2::HeaderTemplate& OkTrailers() {
  static const http2::HeaderTemplate trailers(http2::HeaderTemplate::Fields{{"grpc-status", "0"}});
  return trailers;
}
// A server that answers "ADDRESS:request", one link for each connection.
class FakeBackend final : public transport::Acceptor {
 public:
  // `listens_on`: null: the network itself; else one over it.
  FakeBackend(event::EventLoop& loop, transport::MemoryNetwork& network, std::string address,
              event::Network* listens_on = nullptr)
      : loop_(loop),
        network_(network),
        listens_on_(listens_on != nullptr ? *listens_on : network),
        address_(std::move(address)) {
    Listen();
  }

  // One call that has come. Answers by itself once it is half-closed, unless `hold`.
  struct Served final : transport::StreamHandler {
    explicit Served(FakeBackend& b) : backend(b) {}
    void OnHeaders(const http2::Headers&) override {}
    void OnMessage(const transport::Message& m) override {
      messages.emplace_back(m.bytes.begin(), m.bytes.end());
      compressed.push_back(m.compressed);
      stream.Pull();
    }
    void OnHalfClose() override {
      half_closed = true;
      if (!backend.hold) Answer();
    }
    void OnEnd(const transport::End& end) override {
      ended = true;
      reset = end.closed.cause == http2::Cause::kPeerReset;
    }
    void Answer() {
      stream.Respond(AnswerHead(), {}, false);
      for (const std::string& m : messages) Say(m);
      stream.Finish(OkTrailers(), {});
    }
    void Say(const std::string& m) {
      const std::string text = Cat(backend.address_, ":", m);
      stream.Send(FrameMessage(text.size(),
                               [&](uint8_t* to) { std::memcpy(to, text.data(), text.size()); }),
                  false);
    }
    void Fail(std::string_view code, std::string_view message) {
      const http2::Header extra[] = {{"grpc-status", code}, {"grpc-message", message}};
      stream.Respond(AnswerHead(), extra, true);
    }
    // Bytes as they stand, framed or not.
    void SayRaw(std::string_view bytes, bool end = false) {
      stream.Send(Slice::Copy({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}), end);
    }
    void Begin() { stream.Respond(AnswerHead(), {}, false); }
    void End() { stream.Finish(OkTrailers(), {}); }
    FakeBackend& backend;
    std::map<std::string, std::string> headers;
    std::vector<std::string> messages;
    std::vector<bool> compressed;
    bool half_closed = false, ended = false, reset = false;
    transport::Stream stream;
  };

  void Listen() {
    auto listening = listens_on_.Listen(
        loop_, address_, [this]() -> event::EventLoop& { return loop_; },
        [this](event::EventLoop&, std::unique_ptr<event::Socket> socket) {
          if (mute) return silent_.push_back(std::move(socket));
          if (slam) return;
          links_.push_back(std::make_unique<Conversation>(*this, std::move(socket)));
        });
    ASSERT_TRUE(listening.ok()) << listening.status();
    listener_ = *std::move(listening);
  }
  void StopListening() { listener_ = nullptr; }
  // As a process that is killed: open connections are reset, new ones refused.
  void Die() {
    StopListening();
    network_.Reset(address_);
    links_.clear();
  }
  void GoAway() {
    for (auto& l : links_) l->link->Drain("bye");
  }
  void GoAwayFirst() { links_.front()->link->Drain("bye"); }  // Of its oldest connection.
  void CloseWith(http2::Code code, std::string_view words) {
    for (auto& l : links_) l->link->Close(code, words);
  }
  size_t connections() const { return network_.connections(address_); }
  Served& last() { return *served.back(); }

  bool hold = false;      // Answers only when told.
  bool refuse = false;    // Every stream: REFUSED_STREAM.
  bool unpulled = false;  // Never asks for the request: its window stays shut.
  bool mute = false;      // Accepts connections and never says a word.
  bool slam = false;      // Accepts connections and closes them at once.
  transport::LinkOptions options;
  std::vector<std::unique_ptr<Served>> served;

 private:
  struct Conversation final : transport::LinkEvents {
    Conversation(FakeBackend& b, std::unique_ptr<event::Socket> socket)
        : backend(b),
          link(std::make_unique<transport::Link>(b.loop_, std::move(socket), http2::Role::kServer,
                                                 b.options, *this, &b)) {}
    void OnReady() override {}
    void OnDraining(const transport::GoAway&) override {}
    void OnSlots() override {}
    void OnClosed(const absl::Status&) override {
      std::erase_if(backend.links_, [this](const auto& l) { return l.get() == this; });
    }
    FakeBackend& backend;
    std::unique_ptr<transport::Link> link;
  };
  transport::Stream* OnCall(const http2::Headers& headers,
                            transport::StreamHandler** handler) override {
    if (refuse) return nullptr;
    served.push_back(std::make_unique<Served>(*this));
    Served& call = *served.back();
    for (const http2::Header& h : headers.fields) call.headers[std::string(h.name)] = h.value;
    *handler = &call;
    if (!unpulled) call.stream.Pull();
    return &call.stream;
  }

  event::EventLoop& loop_;
  transport::MemoryNetwork& network_;
  event::Network& listens_on_;
  const std::string address_;
  std::unique_ptr<event::Listener> listener_;
  std::vector<std::unique_ptr<event::Socket>> silent_;
  std::vector<std::unique_ptr<Conversation>> links_;
};

// A unary call as its caller sees it.
struct Asked {
  bool done = false;
  absl::Status status;
  std::string reply;
  CallReport report;
  CallCanceller cancel;
  std::string text() const {
    return done ? (status.ok() ? reply : std::string(Code())) : std::string("waiting");
  }
  std::string Code() const { return absl::StatusCodeToString(status.code()); }
  std::string message() const { return std::string(MessageOf(status)); }
};

class ChannelTest : public testing::Test {
 protected:
  ChannelTest() {
    options_.credentials = Insecure();
    options_.resolvers = {names_.Factory()};
    options_.on_warning = [this](std::string_view text) { warnings_.emplace_back(text); };
  }
  ~ChannelTest() override {
    subscription_ = nullptr;
    channel_.reset();
    if (!loop_->stopped()) Run();
    backends_.clear();
    if (!loop_->stopped()) Run();
  }
  FakeBackend& Serve(const std::string& address) {
    backends_.push_back(std::make_unique<FakeBackend>(*loop_, network_, address));
    return *backends_.back();
  }
  absl::Status TryOpen(std::string_view target = "test:///service") {
    auto channel = MakeChannel(target, options_, {loop_, &network_, 7, this});
    if (!channel.ok()) return channel.status();
    channel_.emplace(*std::move(channel));
    subscription_ = channel_->Subscribe(
        [this](ChannelState s, const absl::Status&) { states_.emplace_back(Name(s)); });
    return absl::OkStatus();
  }
  void Open(std::string_view target = "test:///service") {
    ASSERT_EQ(TryOpen(target), absl::OkStatus());
    Run();
    states_.clear();  // The present one, which is IDLE.
  }
  // A channel over these addresses, not connected.
  void OpenTo(const std::vector<std::string>& addresses) {
    names_.PublishAddresses(addresses);
    Open();
  }
  void RoundRobin() {
    options_.default_service_config = R"({"loadBalancingConfig":[{"round_robin":{}}]})";
  }
  std::shared_ptr<Asked> Ask(std::string_view text, CallOptions options = {}) {
    auto asked = std::make_shared<Asked>();
    options.report = &asked->report;
    UnaryCall call = channel_->Unary(kUnary, options, text.size());
    std::memcpy(call.body(), text.data(), text.size());
    std::move(call).Start(
        [asked](UnaryResult r) {
          EXPECT_FALSE(asked->done) << "told twice";
          asked->done = true;
          asked->status = r.status;
          asked->reply.assign(r.message.begin(), r.message.end());
        },
        &asked->cancel);
    EXPECT_FALSE(asked->done) << "told inside Start";
    Run();
    return asked;
  }
  // The answers of n calls, one after the other.
  std::vector<std::string> Ask(int n) {
    std::vector<std::string> out;
    for (int i = 0; i < n; ++i) out.push_back(Ask("x")->text());
    return out;
  }
  void Connect() {
    channel_->Connect();
    Run();
  }
  void Run() { loop_->RunUntilIdle(); }
  void Advance(Duration d) { loop_->Advance(d); }
  std::string State() const { return std::string(Name(channel_->GetState())); }

  std::shared_ptr<event::ManualLoop> loop_ = event::ManualLoop::Make();
  transport::MemoryNetwork network_{5};
  ManualResolver names_{"test"};
  ChannelOptions options_;
  std::vector<std::unique_ptr<FakeBackend>> backends_;
  std::optional<Channel> channel_;
  std::unique_ptr<Channel::Subscription> subscription_;
  std::vector<std::string> states_, warnings_;
};

}  // namespace rondo::channel
