// Secure connections from end to end: certificates, names, files that change, and who called.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "echo_backend.h"
#include "event/tls_fixture.h"
#include "gmock/gmock.h"

namespace rondo::sockets {
namespace {

class TlsTest : public testing::Test {
 protected:
  EchoBackend& Serve(TlsOptions options, const std::string& listen = "127.0.0.1:0") {
    ServerOptions server;
    server.credentials = Tls(std::move(options));
    backend_.emplace(listen, server);
    return backend_->Start();
  }
  EchoStub Call(TlsOptions options) {
    return backend_->Stub({.credentials = Tls(std::move(options))});
  }
  static std::string Answer(const EchoStub& stub) {
    return TextOf(stub.UnaryEcho(Request("a"), {.timeout = kLong}));
  }

  const event::TestAuthority authority_;
  std::optional<EchoBackend> backend_;
};

TEST_F(TlsTest, TheNameOfTheCertificateMayBeAnotherThanTheTargets) {
  Serve(authority_.Server("DNS:echo.example"));
  TlsOptions named = authority_.Client();
  named.server_name = "echo.example";
  EXPECT_EQ(Answer(Call(named)), "a");
}

TEST_F(TlsTest, AFailedCallSaysWhatIsWrongWithTheCertificate) {
  EchoBackend& backend = Serve(authority_.Server("DNS:echo.example"));
  EXPECT_THAT(Answer(Call(authority_.Client())),
              testing::StartsWith("UNAVAILABLE: " + backend.address() +
                                  ": TLS handshake: IP address mismatch: wanted 127.0.0.1, it is "
                                  "for echo.example; "));
}

TEST_F(TlsTest, APlaintextClientIsRefusedByAServerOfTls) {
  EchoBackend& backend = Serve(authority_.Server());
  const Reply reply = backend.Stub().UnaryEcho(Request("a"), {.timeout = kLong});
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsTest, AServerKnowsItsCallerByTheCertificate) {
  TlsOptions strict = authority_.Server();
  strict.roots = authority_.root();
  strict.client_certificate = ClientCertificate::kRequired;
  Serve(strict);
  const auto own = authority_.Issue("URI:spiffe://test/caller", "caller");
  TlsOptions caller = authority_.Client();
  caller.certificate = own.certificate;
  caller.private_key = own.key;
  EXPECT_EQ(TextOf(Call(caller).UnaryEcho(Request("who"), {.timeout = kLong})),
            "certificate spiffe://test/caller");
  EXPECT_EQ(Call(authority_.Client()).UnaryEcho(Request("who"), {.timeout = kLong}).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(TlsTest, ACallerOverAUnixSocketIsKnownByTheKernel) {
  EchoBackend backend("unix-abstract:rondo-tls-test-" + std::to_string(getpid()));
  backend.Start();
  EXPECT_EQ(TextOf(backend.Stub().UnaryEcho(Request("who"), {.timeout = kLong})),
            "user " + std::to_string(getuid()) + " process " + std::to_string(getpid()));
}

TEST_F(TlsTest, ACallerOverPlainTcpIsNobody) {
  EchoBackend backend;
  backend.Start();
  EXPECT_EQ(TextOf(backend.Stub().UnaryEcho(Request("who"), {.timeout = kLong})), "nobody");
}

TEST_F(TlsTest, NewFilesServeNewConnectionsAndEndNoOldOne) {
  std::string folder = testing::TempDir() + "rondo.tls.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto put = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder + "/" + name + ".new") << text;
    std::filesystem::rename(folder + "/" + name + ".new", folder + "/" + name);
  };
  const auto renew = [&](const event::TestAuthority& by) {
    const auto own = by.Issue("IP:127.0.0.1");
    put("key.pem", own.key);
    put("cert.pem", own.certificate);
  };
  renew(authority_);
  Serve({.certificate_file = folder + "/cert.pem",
         .private_key_file = folder + "/key.pem",
         .reload_period = {},
         .on_reload = [](const absl::Status&) {}});
  const EchoStub old = Call(authority_.Client());
  EXPECT_EQ(Answer(old), "a");
  const event::TestAuthority next("Next Root");
  renew(next);
  EXPECT_EQ(Answer(Call(next.Client())), "a") << "a new connection is served by the new files";
  EXPECT_EQ(Answer(old), "a") << "the old connection stays";
  EXPECT_EQ(Call(authority_.Client()).UnaryEcho(Request("a"), {.timeout = kLong}).status().code(),
            absl::StatusCode::kUnavailable);
  std::filesystem::remove_all(folder);
}

TEST_F(TlsTest, WhatCantBeUsedIsToldWhenItIsMade) {
  EXPECT_EQ(Words(Channel::Create("a:1", {.credentials = Tls({.roots = "hello"})}).status()),
            "channel: TLS: roots: no certificate in it");
  Server server({.credentials = Tls(), .listen = {"127.0.0.1:0"}});
  EXPECT_EQ(Words(server.Start()), "server: TLS: a server needs certificate and private_key");
}

}  // namespace
}  // namespace rondo::sockets
