// A reader that asks in the very turn in which the trailers arrive gets the replies that are there.
// The first of them was once taken for the beginning of one, and the call ended as truncated.
#include "channel/channel_fixture.h"

namespace rondo::channel {
namespace {

class ReadsInTheTurnOfTheTrailers : public ChannelTest {};

TEST_F(ReadsInTheTurnOfTheTrailers, GetTheRepliesThatAreThere) {
  FakeBackend& backend = Serve("10.0.0.1:80");
  backend.hold = true;
  OpenTo({"10.0.0.1:80"});
  StreamCall stream = channel_->Stream(kChat, {});
  std::vector<std::string> told;
  const auto read = [&] {
    stream.Read([&](std::optional<Bytes> reply) {
      told.push_back(reply ? std::string(reply->begin(), reply->end()) : "over");
    });
  };
  stream.WritesDone();
  Run();
  backend.last().stream.Respond(AnswerHead(), {}, false);
  backend.last().Say("one");
  backend.last().Say("two");
  Run();
  backend.last().stream.Finish(OkTrailers(), {});
  loop_->RunTurn();  // The trailers are on their way, and arrive in the next turn.
  read();
  Run();
  EXPECT_THAT(told, testing::ElementsAre("10.0.0.1:80:one"));
  read();
  Run();
  read();
  stream.Finish([&](const absl::Status& status) { told.push_back(status.ToString()); });
  Run();
  EXPECT_THAT(told, testing::ElementsAre("10.0.0.1:80:one", "10.0.0.1:80:two", "over", "OK"));
}

}  // namespace
}  // namespace rondo::channel
