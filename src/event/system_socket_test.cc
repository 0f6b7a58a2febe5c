// Sockets of the operating system on loopback and on files; both ends on one loop, turned by hand.
#include "event/system_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "event/address.h"
#include "event/system_loop_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rondo::event {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// One end of a connection: reads all there is, unless told otherwise, and keeps it.
struct End final : SocketEvents {
  explicit End(std::unique_ptr<Socket> s) : socket(std::move(s)) { socket->Start(*this); }
  void OnReadable() override {
    ++readable;
    if (on_readable) return on_readable();
    while (Read()) {
    }
  }
  void OnWritable() override {
    ++writable;
    if (on_writable) on_writable();
  }
  bool Read(size_t most = 4096) {
    std::vector<uint8_t> room(most);
    last = socket->Read(room);
    got.append(room.begin(), room.begin() + static_cast<ptrdiff_t>(last.bytes));
    return last.kind == Io::Kind::kMoved;
  }
  Io Write(std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return socket->Write({&piece, 1});
  }

  std::unique_ptr<Socket> socket;
  std::string got;
  Io last;
  int readable = 0, writable = 0;
  std::function<void()> on_readable, on_writable;
};

class SystemSocketTest : public testing::Test {
 protected:
  std::unique_ptr<Listener> Listen(std::string_view address) {
    auto listener = SystemNetwork().Listen(
        *loop_, address, [this]() -> EventLoop& { return *loop_; },
        [this](EventLoop&, std::unique_ptr<Socket> s) {
          accepted_.push_back(std::make_unique<End>(std::move(s)));
        });
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }
  absl::Status Refused(std::string_view address) {
    const auto listener =
        SystemNetwork().Listen(*loop_, address, [this]() -> EventLoop& { return *loop_; }, {});
    return listener.status();
  }
  absl::StatusOr<std::unique_ptr<Socket>> Connect(std::string_view address) {
    std::optional<absl::StatusOr<std::unique_ptr<Socket>>> result;
    const auto dial =
        SystemNetwork().Connect(*loop_, address, [&](auto r) { result = std::move(r); });
    EXPECT_FALSE(result.has_value()) << "told inside Connect";
    loop_->Until([&] { return result.has_value(); });
    return *std::move(result);
  }
  // A client's end; its server's end is accepted_.back().
  std::unique_ptr<End> Join(const Listener& listener) {
    const size_t before = accepted_.size();
    auto socket = Connect(listener.address());
    EXPECT_TRUE(socket.ok()) << socket.status();
    loop_->Until([&] { return accepted_.size() > before; });
    return std::make_unique<End>(*std::move(socket));
  }
  std::string Path(std::string_view name) const { return (folder_ / name).string(); }

  SystemSocketTest() {
    std::string name = (std::filesystem::temp_directory_path() / "rondo-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~SystemSocketTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  const std::shared_ptr<HandLoop> loop_ = std::make_shared<HandLoop>();
  std::vector<std::unique_ptr<End>> accepted_;
};

// ---- Addresses

TEST_F(SystemSocketTest, AListenerTellsThePortThatWasChosen) {
  const auto listener = Listen("127.0.0.1:0");
  const auto address = ParseAddress(listener->address());
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_NE(listener->address(), "127.0.0.1:0");
}

TEST_F(SystemSocketTest, BothEndsKnowEachOther) {
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    const auto listener = Listen(address);
    const auto client = Join(*listener);
    EXPECT_EQ(client->socket->peer(), listener->address());
    EXPECT_EQ(client->socket->local(), accepted_.back()->socket->peer());
  }
}

TEST_F(SystemSocketTest, UnixSocketsWorkByPathAndByAbstractName) {
  for (const std::string& address : {"unix:" + Path("a"), "unix-abstract:rondo " + Path("a")}) {
    const auto listener = Listen(address);
    EXPECT_EQ(listener->address(), address);
    const auto client = Join(*listener);
    EXPECT_EQ(client->socket->peer(), address);
    EXPECT_EQ(accepted_.back()->socket->peer(), "unix:");
    client->Write("hello");
    loop_->Until([&] { return accepted_.back()->got == "hello"; });
  }
}

// ---- Errors

TEST_F(SystemSocketTest, AConnectErrorNamesAddressAndReason) {
  EXPECT_EQ(Connect("127.0.0.1:1").status(),
            absl::UnavailableError("connect to 127.0.0.1:1: connection refused (ECONNREFUSED)"));
  EXPECT_EQ(Connect("unix:/no/such").status(),
            absl::UnavailableError("connect to unix:/no/such: no such file or directory (ENOENT)"));
  EXPECT_EQ(Connect("a:80").status(),
            absl::UnavailableError(
                "connect to a:80: address \"a:80\": not an IPv4 address before the port"));
}

TEST_F(SystemSocketTest, AListenErrorNamesAddressAndReason) {
  const auto listener = Listen("127.0.0.1:0");
  EXPECT_EQ(Refused(listener->address()),
            absl::UnavailableError("listen on " + listener->address() +
                                   ": address already in use (EADDRINUSE)"));
  EXPECT_EQ(Refused("localhost:1"),
            absl::InvalidArgumentError(
                "listen on localhost:1: address \"localhost:1\": not an IPv4 address before the "
                "port"));
}

TEST_F(SystemSocketTest, ADroppedDialTellsNothing) {
  const auto listener = Listen("127.0.0.1:0");
  SystemNetwork()
      .Connect(*loop_, listener->address(), [](auto) { ADD_FAILURE() << "told"; })
      .reset();
  SystemNetwork().Connect(*loop_, "unix:/no/such", [](auto) { ADD_FAILURE() << "told"; }).reset();
  loop_->Settle();
}

TEST_F(SystemSocketTest, ADialMayBeDroppedInsideItsOwnAnswer) {
  std::unique_ptr<Dial> dial;
  bool told = false;
  dial = SystemNetwork().Connect(*loop_, "127.0.0.1:1", [&](auto) {
    dial.reset();
    told = true;
  });
  loop_->Until([&] { return told; });
}

// ---- Bytes

TEST_F(SystemSocketTest, CarriesBytesBothWaysInOrder) {
  const auto listener = Listen("127.0.0.1:0");
  const auto client = Join(*listener);
  std::string one = "hel", two = "lo";
  const iovec pieces[] = {{one.data(), 3}, {two.data(), 2}};
  EXPECT_EQ(client->socket->Write(pieces).bytes, 5u);
  loop_->Until([&] { return accepted_[0]->got == "hello"; });
  accepted_[0]->Write("bye");
  loop_->Until([&] { return client->got == "bye"; });
}

TEST_F(SystemSocketTest, OnReadableComesOnceForEachReadThatWouldBlock) {
  const auto listener = Listen("127.0.0.1:0");
  const auto client = Join(*listener);
  End& server = *accepted_[0];
  server.on_readable = [&] { server.Read(1); };  // Stops early: no more events are owed.
  client->Write("abc");
  loop_->Until([&] { return server.got == "a"; });
  client->Write("def");
  loop_->Settle();
  EXPECT_EQ(server.readable, 1);
  while (server.Read()) {
  }
  EXPECT_EQ(server.got, "abcdef");
  client->Write("g");
  loop_->Until([&] { return server.readable == 2; });
}

TEST_F(SystemSocketTest, BytesAndTheEndThatComeTogetherAreBothSeen) {
  for (const std::string& address : {std::string("127.0.0.1:0"), "unix:" + Path("a")}) {
    const auto listener = Listen(address);
    const auto client = Join(*listener);
    End& server = *accepted_.back();
    client->Write("last words");
    client->socket.reset();
    loop_->Until([&] { return server.last.kind == Io::Kind::kEnd; });
    EXPECT_EQ(server.got, "last words");
  }
}

TEST_F(SystemSocketTest, AnEndAfterAllBytesWereReadIsSeen) {
  const auto listener = Listen("127.0.0.1:0");
  const auto client = Join(*listener);
  End& server = *accepted_[0];
  client->Write("a");
  loop_->Until([&] { return server.last.kind == Io::Kind::kWouldBlock; });
  client->socket.reset();
  loop_->Until([&] { return server.last.kind == Io::Kind::kEnd; });
}

TEST_F(SystemSocketTest, AResetIsAnErrorWithItsReason) {
  const auto listener = Listen("127.0.0.1:0");
  const auto client = Join(*listener);
  End& server = *accepted_[0];
  server.on_readable = [] {};
  client->Write("never read");
  loop_->Until([&] { return server.readable == 1; });
  server.socket.reset();  // With bytes unread, TCP resets.
  loop_->Until([&] { return client->last.kind == Io::Kind::kError; });
  EXPECT_EQ(client->last.why, absl::UnavailableError("connection reset by peer (ECONNRESET)"));
}

TEST_F(SystemSocketTest, WritingToAPeerThatIsGoneIsAnErrorAndNoSignal) {
  const auto listener = Listen("unix:" + Path("a"));
  const auto client = Join(*listener);
  accepted_[0]->socket.reset();
  const Io io = client->Write("a");
  EXPECT_EQ(io.kind, Io::Kind::kError);
  EXPECT_EQ(io.why, absl::UnavailableError("broken pipe (EPIPE)"));
}

TEST_F(SystemSocketTest, AFullSocketWouldBlockAndTellsOnceWhenThereIsRoom) {
  for (const std::string& address : {std::string("127.0.0.1:0"), "unix:" + Path("a")}) {
    const auto listener = Listen(address);
    const auto client = Join(*listener);
    End& server = *accepted_.back();
    server.socket->PauseReading(true);
    const std::string block(1 << 16, 'x');
    size_t sent = 0;
    Io io;
    while ((io = client->Write(block)).kind == Io::Kind::kMoved) sent += io.bytes;
    EXPECT_EQ(io.kind, Io::Kind::kWouldBlock);
    loop_->Settle();
    EXPECT_EQ(client->writable, 0);
    server.socket->PauseReading(false);
    loop_->Until([&] { return client->writable == 1 && server.got.size() == sent; });
    EXPECT_EQ(client->Write("y").kind, Io::Kind::kMoved);
    loop_->Until([&] { return server.got.size() == sent + 1; });
    EXPECT_EQ(client->writable, 1);
  }
}

// ---- Pauses

TEST_F(SystemSocketTest, WhileReadingIsPausedNothingIsTold) {
  const auto listener = Listen("127.0.0.1:0");
  const auto client = Join(*listener);
  End& server = *accepted_[0];
  server.socket->PauseReading(true);
  client->Write("a");
  loop_->Settle();
  EXPECT_EQ(server.readable, 0);
  server.socket->PauseReading(false);
  EXPECT_EQ(server.readable, 0) << "told inside PauseReading";
  loop_->Until([&] { return server.got == "a"; });
}

TEST_F(SystemSocketTest, ThePausesEndBringsOneOnReadableThoughNothingCame) {
  const auto listener = Listen("127.0.0.1:0");
  const auto client = Join(*listener);
  End& server = *accepted_[0];
  server.socket->PauseReading(true);
  server.socket->PauseReading(false);
  loop_->Settle();
  EXPECT_EQ(server.readable, 1);
  EXPECT_EQ(server.last.kind, Io::Kind::kWouldBlock);
}

// ---- Ends inside events

TEST_F(SystemSocketTest, ASocketMayBeDestroyedInsideItsOwnEvents) {
  const auto listener = Listen("127.0.0.1:0");
  const auto client = Join(*listener);
  End& server = *accepted_[0];
  server.on_readable = [&] { server.socket.reset(); };
  client->Write("a");
  loop_->Until([&] { return server.socket == nullptr; });
  loop_->Until([&] { return client->last.kind != Io::Kind::kWouldBlock && client->readable > 0; });
}

TEST_F(SystemSocketTest, OneSocketsEventMayDestroyAnotherWhoseEventIsOnItsWay) {
  const auto listener = Listen("127.0.0.1:0");
  const auto first = Join(*listener), second = Join(*listener);
  for (size_t i : {0u, 1u}) {
    accepted_[i]->on_readable = [this, i] { accepted_[1 - i]->socket.reset(); };
  }
  first->Write("a");
  second->Write("a");
  loop_->Settle();
  EXPECT_EQ(accepted_[0]->readable + accepted_[1]->readable, 1);
}

// ---- Listeners

TEST_F(SystemSocketTest, AListenerMayBeDestroyedInsideItsOwnAccept) {
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Socket> accepted;
  listener = *SystemNetwork().Listen(
      *loop_, "127.0.0.1:0", [this]() -> EventLoop& { return *loop_; },
      [&](EventLoop&, std::unique_ptr<Socket> s) {
        listener.reset();
        accepted = std::move(s);
      });
  const auto first = Connect(listener->address());
  loop_->Until([&] { return accepted != nullptr; });
}

TEST_F(SystemSocketTest, ConnectionsAreDealtToTheLoopsThatWerePicked) {
  const auto other = std::make_shared<HandLoop>();
  std::vector<EventLoop*> dealt;
  std::vector<std::unique_ptr<Socket>> sockets;
  int turn = 0;
  const auto listener = SystemNetwork().Listen(
      *loop_, "127.0.0.1:0", [&]() -> EventLoop& { return turn++ % 2 == 0 ? *other : *loop_; },
      [&](EventLoop& loop, std::unique_ptr<Socket> s) {
        dealt.push_back(&loop);
        sockets.push_back(std::move(s));
      });
  const auto first = Connect((*listener)->address()), second = Connect((*listener)->address());
  loop_->Until([&] { return turn == 2; });
  EXPECT_THAT(dealt, ElementsAre(loop_.get()));
  other->OneTurn();
  EXPECT_THAT(dealt, ElementsAre(loop_.get(), other.get()));
}

TEST_F(SystemSocketTest, AConnectionOnItsWayToAnotherLoopIsClosedWithItsListener) {
  const auto other = std::make_shared<HandLoop>();
  bool picked = false;
  auto listener = *SystemNetwork().Listen(
      *loop_, "127.0.0.1:0",
      [&]() -> EventLoop& {
        picked = true;
        return *other;
      },
      [](EventLoop&, std::unique_ptr<Socket>) { ADD_FAILURE() << "accepted"; });
  End client(*Connect(listener->address()));
  loop_->Until([&] { return picked; });
  listener.reset();
  other->OneTurn();
  loop_->Until([&] { return client.last.kind == Io::Kind::kEnd; });
}

TEST_F(SystemSocketTest, OutOfDescriptorsAListenerPausesAndGoesOn) {
#if defined(RONDO_SANITIZED)
  GTEST_SKIP() << "the sanitizer's checks need descriptors of their own";
#endif
  const auto listener = Listen("127.0.0.1:0");
  const Fd client(socket(AF_INET, SOCK_STREAM, 0));  // The system alone connects it.
  const SocketAddress at = *ParseAddress(listener->address());
  ASSERT_EQ(connect(client.get(), at.get(), at.size), 0);
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  const Fd next(dup(0));
  const rlimit none{static_cast<rlim_t>(next.get()), before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  loop_->Settle();
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_THAT(accepted_, IsEmpty());
  loop_->Until([&] { return accepted_.size() == 1; });
}

TEST_F(SystemSocketTest, AStalePathIsRemovedAndALiveOneIsNot) {
  const std::string address = "unix:" + Path("a");
  {
    const Fd dead(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un at{.sun_family = AF_UNIX, .sun_path = {}};
    Path("a").copy(at.sun_path, sizeof at.sun_path - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  }
  const auto listener = Listen(address);
  EXPECT_EQ(Refused(address), absl::UnavailableError("listen on " + address +
                                                     ": address already in use (EADDRINUSE)"));
  EXPECT_NE(Join(*listener), nullptr);
}

TEST_F(SystemSocketTest, AFileThatIsNoSocketIsLeftAlone) {
  const std::filesystem::path file = Path("a");
  std::filesystem::create_directory(file);
  EXPECT_EQ(Refused("unix:" + Path("a")).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(SystemSocketTest, AListenerTakesItsPathWithItUnlessAnotherHasPutItsOwnThere) {
  auto first = Listen("unix:" + Path("a"));
  first.reset();
  EXPECT_FALSE(std::filesystem::exists(Path("a")));
  first = Listen("unix:" + Path("a"));
  std::filesystem::rename(Path("a"), Path("aside"));  // Keeps its inode from being used again.
  const auto second = Listen("unix:" + Path("a"));
  first.reset();
  EXPECT_TRUE(std::filesystem::exists(Path("a")));
}

// ---- Economy

TEST_F(SystemSocketTest, AShortReadAnswersTheNextOneWithoutAskingTheSystem) {
  const auto listener = Listen("127.0.0.1:0");
  const auto client = Join(*listener);
  End& server = *accepted_[0];
  server.on_readable = [&] {
    server.Read();
    client->Write("b");  // There already, but its event isn't.
    EXPECT_FALSE(server.Read());
    server.on_readable = nullptr;
  };
  client->Write("a");
  loop_->Until([&] { return server.got == "ab"; });
  EXPECT_EQ(server.readable, 2);
}

TEST_F(SystemSocketTest, BytesMayLieUnacknowledgedFor20SecondsUnlessToldOtherwise) {  // A18
  const auto listener = Listen("127.0.0.1:0");
  const auto to = ParseAddress(listener->address());
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(fd.get(), to->get(), to->size), 0);
  TuneTcp(fd.get());
  const Fd same(dup(fd.get()));
  const auto milliseconds = [&same] {
    int ms = 0;
    socklen_t size = sizeof ms;
    getsockopt(same.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &size);
    return ms;
  };
  SystemSocket socket(*loop_, std::move(fd));
  EXPECT_EQ(milliseconds(), 20'000);
  socket.SetUserTimeout(7s);
  EXPECT_EQ(milliseconds(), 7'000);
}

}  // namespace
}  // namespace rondo::event
