#pragma once
// A socket whose bytes go encrypted over another one. The handshake runs inside: until it is over,
// reads and writes would block, and what they then say tells whether it succeeded.
// Threads: the loop's.
#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "event/socket.h"
#include "event/tls_context.h"

namespace rondo::event {

class TlsSocket final : public Socket, private SocketEvents, private TlsEar {
 public:
  // `name`: client: the name or IP address that the server's certificate must be good for.
  TlsSocket(std::unique_ptr<Socket> inner, std::shared_ptr<TlsContext> context,
            std::string_view name, Time now);
  TlsSocket(const TlsSocket&) = delete;
  TlsSocket& operator=(const TlsSocket&) = delete;
  ~TlsSocket() override;

  void Start(SocketEvents& events) override;
  // An error of the handshake: "TLS handshake: certificate has expired on 2026-11-20".
  Io Read(std::span<uint8_t> into) override;
  Io Write(std::span<const iovec> from) override;
  void PauseReading(bool pause) override;
  void SetUserTimeout(Duration timeout) override { inner_->SetUserTimeout(timeout); }
  std::string peer() const override { return inner_->peer(); }
  std::string local() const override { return inner_->local(); }
  bool opening() const override { return !open_; }
  bool pending() const override { return !waiting_.empty(); }
  std::shared_ptr<const PeerIdentity> identity() const override;
  bool SpeaksFor(std::string_view host) const override;

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  struct Bio;  // What OpenSSL calls to move encrypted bytes.

  bool is_client() const { return context_->role() == TlsContext::Role::kClient; }
  void Expect(std::string_view name);
  void Shake();
  absl::Status CheckOpen() const;
  void OnReadable() override;
  void OnWritable() override;
  void Tell();
  bool Flush();
  Io Outcome(int result);
  void Fail(std::string_view what);
  absl::Status WhyUnwritable(const absl::Status& why);
  void OnSession(TlsSession session) override;
  void OnRefused(X509_STORE_CTX* certificate) override;

  const std::unique_ptr<Socket> inner_;
  const std::shared_ptr<TlsContext> context_;
  const std::shared_ptr<SSL_CTX> settings_;  // As they were when this began.
  const std::string name_;
  const std::unique_ptr<SSL, Free> ssl_;
  SocketEvents* events_ = nullptr;
  bool* gone_ = nullptr;    // Set while events are told: becomes true when this is destroyed.
  bool open_ = false;       // The handshake has succeeded.
  bool heard_ = false;      // The peer has said something after it.
  bool listening_ = false;  // False: the inner socket may not be read yet.
  bool owes_readable_ = true, owes_writable_ = false;
  bool ended_ = false;       // The inner socket has no more bytes.
  absl::Status broken_;      // Of the inner socket.
  absl::Status unwritable_;  // Not OK: the inner socket takes no more; what it has can be read.
  size_t silent_ = 0;        // Encrypted bytes since the last one of data.
  absl::Status why_;         // Not OK: this socket is of no use any more.
  std::string refusal_;      // Why the peer's certificate was refused.
  std::string waiting_;      // Encrypted, the inner socket took no more.
};

}  // namespace rondo::event
