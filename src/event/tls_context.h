#pragma once
// What the TLS connections of one channel or server share: certificates, keys, roots, and the
// sessions that a client may resume. Files are read again when they have changed.
// Threads: any.
#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/credentials.h"

namespace rondo::event {

struct FreeSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using TlsSession = std::unique_ptr<SSL_SESSION, FreeSession>;

// A connection, as OpenSSL's callbacks find it: the app data of its SSL.
class TlsEar {
 public:
  virtual void OnSession(TlsSession session) = 0;           // Client: it may be resumed.
  virtual void OnRefused(X509_STORE_CTX* certificate) = 0;  // The peer's, and why.

 protected:
  ~TlsEar() = default;
};

// OpenSSL's own end at exit would take away what loops still use then (LoopPool::Default runs until
// the process is gone). Of effect if nobody in the process has used OpenSSL before. Any thread.
void KeepTlsUntilExit();

class TlsContext {
 public:
  enum class Role : uint8_t { kClient, kServer };
  static constexpr size_t kMostSessions = 256;

  // INVALID_ARGUMENT: "TLS: certificate_file /etc/x.pem: no such file or directory (ENOENT)".
  static absl::StatusOr<std::shared_ptr<TlsContext>> Make(Role role, const TlsOptions& options);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  Role role() const { return role_; }
  // For a connection that begins at `now`.
  std::shared_ptr<SSL_CTX> Current(Time now);

  // Client: a session of `server`, an address and the name that its certificate was good for. Each
  // is used once (RFC 8446, C.4).
  void KeepSession(const std::string& server, TlsSession session, const SSL_CTX* of);
  TlsSession TakeSession(const std::string& server);

 private:
  struct Stamp {  // Of a file; all zero: there is none.
    int64_t seconds = 0, nanoseconds = 0, size = 0;
    uint64_t file = 0;
    bool operator==(const Stamp&) const = default;
  };

  TlsContext(Role role, const TlsOptions& options) : role_(role), options_(options) {}
  absl::StatusOr<std::shared_ptr<SSL_CTX>> Load() const;
  std::vector<Stamp> Stamps() const;
  std::optional<absl::Status> Look();  // Under mutex_.
  bool LooksAtFiles() const;

  const Role role_;
  const TlsOptions options_;
  std::mutex mutex_;  // Guards all that follows.
  std::shared_ptr<SSL_CTX> current_;
  std::vector<Stamp> stamps_;  // Of the files that current_ was made of.
  Time next_look_ = Time::min();
  absl::Status last_word_;  // What on_reload has heard last.
  std::map<std::string, TlsSession> sessions_;
};

}  // namespace rondo::event
