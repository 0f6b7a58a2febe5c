// A call begun on another thread than the loop's begins later than the turn that sends it, for the
// loop's time is that of the turn's start. The server was once told of more time than the caller
// gave.
#include <thread>

#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

class TimeoutLongerThanAsked : public ChannelTest {};

TEST_F(TimeoutLongerThanAsked, IsNeverTold) {
  FakeBackend& backend = Serve("10.0.0.1:80");
  OpenTo({"10.0.0.1:80"});
  Ask("first");
  // The clock of the other thread is the system's, far ahead of this loop's.
  std::thread([&] {
    channel_->Unary(kUnary, {.timeout = 2s}, 0).Start([](const UnaryResult&) {});
  }).join();
  Run();
  ASSERT_EQ(backend.served.size(), 2u);
  EXPECT_EQ(backend.last().headers["grpc-timeout"], "2S");
}

}  // namespace
}  // namespace rondo::channel
