#include "event/tls_context.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "event/tls_fixture.h"

namespace rondo::event {
namespace {

using Role = TlsContext::Role;

class TlsContextTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "rondo.tls.XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // As a careful owner replaces a file: all at once.
  std::string Put(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
    return path;
  }
  static std::string Refused(Role role, const TlsOptions& options) {
    const auto made = TlsContext::Make(role, options);
    EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(made.status().message());
  }

  const TestAuthority authority_;
  const TestIdentity own_ = authority_.Issue("DNS:a.example");
  std::string folder_;
};

TEST_F(TlsContextTest, AServerNeedsACertificateAndItsKey) {
  EXPECT_EQ(Refused(Role::kServer, {}), "TLS: a server needs certificate and private_key");
  EXPECT_EQ(Refused(Role::kServer, {.certificate = own_.certificate}),
            "TLS: certificate is given without a private_key");
  EXPECT_EQ(Refused(Role::kServer, {.private_key = own_.key}),
            "TLS: private_key is given without a certificate");
}

TEST_F(TlsContextTest, AKeyOfAnotherCertificateIsRefused) {
  const std::string other = authority_.Issue("DNS:a.example").key;
  EXPECT_EQ(Refused(Role::kServer, {.certificate = own_.certificate, .private_key = other}),
            "TLS: private_key: it is not the key of certificate: key values mismatch");
}

TEST_F(TlsContextTest, ClientsCertificatesAreCheckedAgainstRootsOnly) {
  EXPECT_EQ(Refused(Role::kServer, {.certificate = own_.certificate,
                                    .private_key = own_.key,
                                    .client_certificate = ClientCertificate::kRequired}),
            "TLS: roots are missing; clients' certificates are checked against them");
}

TEST_F(TlsContextTest, WhatIsNoPemIsNamed) {
  EXPECT_EQ(Refused(Role::kClient, {.roots = "hello"}), "TLS: roots: no certificate in it");
  EXPECT_EQ(Refused(Role::kServer, {.certificate = own_.certificate, .private_key = "hello"}),
            "TLS: private_key: unsupported");
  const std::string spoilt = own_.certificate.substr(0, 100) + "\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(Refused(Role::kClient, {.roots = own_.certificate + spoilt}),
            "TLS: roots: certificate 2: bad base64 decode");
}

TEST_F(TlsContextTest, AFileThatIsMissingOrEmptyIsNamed) {
  const std::string missing = folder_ + "/none.pem";
  EXPECT_EQ(Refused(Role::kClient, {.roots_file = missing}),
            "TLS: roots_file " + missing + ": no such file or directory (ENOENT)");
  const std::string empty = Put("empty.pem", "");
  EXPECT_EQ(Refused(Role::kClient, {.roots_file = empty}),
            "TLS: roots_file " + empty + ": nothing in it");
  EXPECT_EQ(Refused(Role::kClient, {.roots = authority_.root(), .roots_file = empty}),
            "TLS: roots and roots_file are both given; give one");
}

TEST_F(TlsContextTest, AClientNeedsNothing) {
  EXPECT_TRUE(TlsContext::Make(Role::kClient, {}).ok()) << "the system's roots";
}

// ---- Files that change.

class TlsReloadTest : public TlsContextTest {
 protected:
  void SetUp() override {
    TlsContextTest::SetUp();
    options_ = {.certificate_file = Put("cert.pem", own_.certificate),
                .private_key_file = Put("key.pem", own_.key),
                .reload_period = std::chrono::seconds(60),
                .on_reload = [this](const absl::Status& s) { words_.push_back(s.ToString()); }};
    auto made = TlsContext::Make(Role::kServer, options_);
    ASSERT_TRUE(made.ok()) << made.status();
    context_ = *made;
    first_ = context_->Current(now_);
  }
  SSL_CTX* Later(int seconds) {
    now_ += std::chrono::seconds(seconds);
    return context_->Current(now_).get();
  }

  TlsOptions options_;
  std::vector<std::string> words_;
  Time now_{std::chrono::hours(1)};
  std::shared_ptr<TlsContext> context_;
  std::shared_ptr<SSL_CTX> first_;
};

TEST_F(TlsReloadTest, ChangedFilesServeConnectionsThatBeginAfterThePeriod) {
  const TestIdentity next = authority_.Issue("DNS:a.example");
  Put("cert.pem", next.certificate);
  Put("key.pem", next.key);
  EXPECT_EQ(Later(59), first_.get());
  EXPECT_NE(Later(1), first_.get());
  EXPECT_EQ(words_, std::vector<std::string>{"OK"});
}

TEST_F(TlsReloadTest, FilesThatDidNotChangeAreNotReadAgain) {
  EXPECT_EQ(Later(600), first_.get());
  EXPECT_TRUE(words_.empty());
}

TEST_F(TlsReloadTest, AKeyThatDoesNotFitYetChangesNothingAndIsToldOnce) {
  const TestIdentity next = authority_.Issue("DNS:a.example");
  Put("cert.pem", next.certificate);
  EXPECT_EQ(Later(60), first_.get());
  EXPECT_EQ(Later(60), first_.get());
  ASSERT_EQ(words_.size(), 1u);
  EXPECT_EQ(words_[0], "INVALID_ARGUMENT: TLS: private_key_file " + options_.private_key_file +
                           ": it is not the key of certificate_file " + options_.certificate_file +
                           ": key values mismatch");
  Put("key.pem", next.key);
  EXPECT_NE(Later(60), first_.get());
  EXPECT_EQ(words_.back(), "OK");
}

TEST_F(TlsReloadTest, ANegativePeriodIsRefused) {
  EXPECT_EQ(Refused(Role::kClient, {.reload_period = std::chrono::seconds(-1)}),
            "TLS: reload_period is negative");
}

}  // namespace
}  // namespace rondo::event
