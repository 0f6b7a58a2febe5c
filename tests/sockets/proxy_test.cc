// A channel through an HTTP proxy (A1) that is named in the environment, over real sockets.
#include <cstdlib>
#include <thread>

#include "echo_backend.h"
#include "gmock/gmock.h"
#include "raw_peer.h"

namespace rondo::sockets {
namespace {

// Serves one CONNECT: answers it, and carries bytes to and fro until both sides have closed.
class OneTripProxy {
 public:
  explicit OneTripProxy(int backend_port) : backend_port_(backend_port) {}
  ~OneTripProxy() {
    const std::string at = address();
    {
      const RawPeer nudge(std::stoi(at.substr(at.rfind(':') + 1)));
    }  // If nobody has come.
    thread_.join();
  }
  std::string address() const { return listener_.address(); }
  std::string request() const { return request_.Get(); }

 private:
  void Serve() {
    RawPeer client = listener_.Accept();
    std::string head;
    char room[4096];
    while (head.find("\r\n\r\n") == head.npos) {
      const ssize_t n = client.Hear(room, sizeof room);
      if (n <= 0) return;
      head.append(room, static_cast<size_t>(n));
    }
    request_.Change([&](std::string& r) { r = head; });
    RawPeer backend(backend_port_);
    client.Say("HTTP/1.1 200 Connection established\r\n\r\n");
    std::thread back([&] { Carry(backend, client); });
    Carry(client, backend);
    back.join();
  }
  static void Carry(RawPeer& from, RawPeer& to) {
    char room[4096];
    for (;;) {
      const ssize_t n = from.Hear(room, sizeof room);
      if (n <= 0 || !to.Say({room, static_cast<size_t>(n)})) break;
    }
    to.HalfClose();
  }

  const int backend_port_;
  RawListener listener_;
  Shared<std::string> request_;
  std::thread thread_{[this] { Serve(); }};
};

TEST(Proxy, ACallGoesThroughTheProxyThatTheEnvironmentNames) {
  EchoBackend backend;
  backend.Start();
  const std::string address = backend.address();
  OneTripProxy proxy(std::stoi(address.substr(address.rfind(':') + 1)));
  setenv("grpc_proxy", ("http://user:word@" + proxy.address()).c_str(), 1);
  {
    // The name is nobody's: only the proxy knows the way.
    auto channel = Channel::Create("greeter.invalid:50051", {.credentials = Insecure()});
    unsetenv("grpc_proxy");
    ASSERT_TRUE(channel.ok()) << channel.status();
    const EchoStub stub(*channel);
    EXPECT_EQ(TextOf(stub.UnaryEcho(Request("through"), {.timeout = kLong})), "through");
  }
  EXPECT_THAT(proxy.request(), testing::StartsWith("CONNECT greeter.invalid:50051 HTTP/1.1\r\n"));
  EXPECT_THAT(proxy.request(),
              testing::HasSubstr("\r\nProxy-Authorization: Basic dXNlcjp3b3Jk\r\n"));
}

}  // namespace
}  // namespace rondo::sockets
