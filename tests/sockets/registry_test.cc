// Users' trap: two parts of one program register different policies under the same name.
#include "echo_backend.h"
#include "rondo/policy.h"

namespace rondo::sockets {
namespace {

PolicyFactory Mine(bool last) {
  return PolicyFrom("mine", [last](const ReadySet& ready, const PickArgs&) -> PickResult {
    return Picked{ready[last ? ready.size() - 1 : 0].subchannel.get()};
  });
}

TEST(RegistryTest, PoliciesOfOneNameInTwoChannelsDoNotMeet) {
  EchoBackend one, two;
  one.Start();
  two.Start();
  const std::string target = TargetOf({one.address(), two.address()});
  const ChannelOptions both{.default_service_config = R"({"loadBalancingConfig": [{"mine": {}}]})"};
  ChannelOptions first = both, last = both, neither = both;
  first.policies = {Mine(false)};
  last.policies = {Mine(true)};
  EchoStub to_first = Stub(target, first), to_last = Stub(target, last);
  const auto peer = [](EchoStub& stub) {
    CallReport report;
    const Reply reply = stub.UnaryEcho(Request("a"), {.timeout = kLong, .report = &report});
    EXPECT_TRUE(reply.ok()) << reply.status();
    return report.peer;
  };
  // Until each of them has both backends.
  while (peer(to_first) != one.address() || peer(to_last) != two.address()) {
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(peer(to_first), one.address());
    EXPECT_EQ(peer(to_last), two.address());
  }
  neither.credentials = Insecure();
  EXPECT_FALSE(Channel::Create(target, neither).ok());
}

}  // namespace
}  // namespace rondo::sockets
