// One exchange of each kind of call, divided at every byte of either direction; and broken there.
#include <gtest/gtest.h>

#include "stack/seeds.h"
#include "stack/world.h"

namespace rondo::stack {
namespace {

using std::chrono::seconds;
using Cut = transport::MemoryNetwork::Cut;

Script Exchange(Kind kind) {
  Script s{.id = 1, .kind = kind, .requests = {30}, .replies = {40}, .note = "any \xff bytes"};
  if (s.method().client_streams) s.requests = {0, 20, 3};
  if (s.method().server_streams) s.replies = {7, 0, 25};
  s.echo = kind == Kind::kBidirectional;
  s.wait_for_ready = true;
  return s;
}

class EveryByte : public testing::TestWithParam<Kind> {
 protected:
  // Whether the connection lived on.
  bool Run(const Cut& cut, bool must_succeed) {
    World world(1, {.backends = 1, .round_robin = false});
    world.network().CutNext(cut);
    const CallHistory& call = world.Call(0, Exchange(GetParam())).call();
    world.Advance(seconds(5));
    const bool whole = world.network().attempts(world.backend(0).address()) == 1;
    if (must_succeed) {
      EXPECT_TRUE(call.status.ok() && call.ends == 1) << call.status << " " << call.ends;
    }
    world.WindUp();
    world.history().Judge(world.now(), {.breaks = cut.reset});
    EXPECT_TRUE(world.history().clean())
        << "cut at " << cut.to_server << ", " << cut.to_client << "\n"
        << world.history().Tail();
    return whole && call.status.ok();
  }
  // The offsets of one direction, until the exchange is over.
  void RunAll(size_t Cut::* way) {
    size_t length = 0;
    for (bool whole = false; !whole && !HasFailure(); length += kStep) {
      Cut cut{.reset = true};
      cut.*way = length;
      whole = Run(cut, false);
      ASSERT_LT(length, 5000u);
    }
    EXPECT_GT(length, 100u);
    for (size_t at = 0; at < length && !HasFailure(); at += kStep) {
      Cut cut;
      cut.*way = at;
      Run(cut, true);
    }
  }
  static constexpr size_t kStep = kSlower > 1 ? 5 : 1;
};

TEST_P(EveryByte, ToTheServerMayBeTheLastOrTheFirstOfAPacket) { RunAll(&Cut::to_server); }
TEST_P(EveryByte, ToTheClientMayBeTheLastOrTheFirstOfAPacket) { RunAll(&Cut::to_client); }

INSTANTIATE_TEST_SUITE_P(Kinds, EveryByte,
                         testing::Values(Kind::kUnary, Kind::kClientStreaming,
                                         Kind::kServerStreaming, Kind::kBidirectional));

}  // namespace
}  // namespace rondo::stack
