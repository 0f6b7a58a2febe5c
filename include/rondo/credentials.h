#pragma once
// How connections are protected, and who is at their other end. Nothing is the default: plaintext
// must be asked for with Insecure(), TLS with Tls(). Threads: any; credentials are values, and what
// they hold is not changed.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rondo/function.h"
#include "rondo/metadata.h"
#include "rondo/time.h"

namespace rondo {

// Whether a server asks its clients for a certificate (mutual TLS). One that is shown is always
// checked against TlsOptions::roots.
enum class ClientCertificate : uint8_t {
  kIgnored,    // Not asked for.
  kRequested,  // Asked for; a client may have none.
  kRequired,   // A client without one is refused in the handshake.
};

// TLS 1.2 or later, HTTP/2 negotiated by ALPN (RFC 7301, RFC 9113 section 3.2): a peer that does
// not agree on "h2" is refused. PEM is given as text or as the name of a file, never both.
struct TlsOptions {
  // Whose signature is believed: one or more certificates. Channel: those of servers; empty: the
  // system's. Server: those of clients; needed unless client_certificate is kIgnored.
  std::string roots{};
  std::string roots_file{};
  // The own certificate, then those between it and the root, and its key (not encrypted). A server
  // needs them; a channel where the server wants to know who calls.
  std::string certificate{};
  std::string certificate_file{};
  std::string private_key{};
  std::string private_key_file{};
  // Channel: the name or IP address that the server's certificate must be good for, and that is
  // sent as SNI (RFC 6066; not for IP addresses). Empty: the host of the channel's authority.
  std::string server_name{};
  ClientCertificate client_certificate = ClientCertificate::kIgnored;  // Server.
  // Files are looked at when a connection begins and this time has passed since the last look; what
  // has changed serves new connections, and those that exist stay. Files that can't be used, such
  // as a key that does not fit its certificate yet, change nothing and are tried again. 0: at each
  // connection. >= 0
  Duration reload_period = std::chrono::seconds(60);
  // Hears what came of changed files: OK, or why the former ones are still in use. On the loops of
  // connections that begin, perhaps on several at a time. Null: failures are written to stderr.
  std::function<void(const absl::Status&)> on_reload{};
};

// Who is at the other end of a connection, as far as that is proven.
struct PeerIdentity {
  enum class Proof : uint8_t {
    kCertificate,  // TLS: a certificate signed by one of the roots.
    kUnixSocket,   // The kernel's word, as it was when the connection was made.
  };
  Proof proof = Proof::kCertificate;
  // kCertificate: its subjectAltNames (DNS names, IP addresses, URIs such as a SPIFFE ID, e-mail
  // addresses) in its order, its subject's common name (for texts: names are what to check), and
  // itself as PEM.
  std::vector<std::string> names{};
  std::string common_name{};
  std::string certificate{};
  // kUnixSocket.
  int64_t process = 0;
  uint32_t user = 0, group = 0;
};

// What proves who makes a call: metadata, such as a token, asked for anew for each attempt.
class CallCredentials {
 public:
  // Lent until Get returns.
  struct Request {
    std::string_view service_url;  // "https://a.example/package.Service": a token's audience.
    std::string_view method;       // "/package.Service/Method"
  };
  using Done = Function<void(absl::StatusOr<Metadata>)>;

  virtual ~CallCredentials() = default;
  // Calls `done` once, on any thread, now or later; the attempt waits for it, at most until the
  // call's deadline. An error fails the attempt with its status; codes that only applications may
  // send (gRFC A54) become INTERNAL. On the channel's loop: it may not block.
  virtual void Get(const Request& request, Done done) = 0;
  // Whether the metadata is a secret, which plaintext connections may not carry.
  virtual bool NeedsSecurity() const { return true; }
};

struct Credentials {
  bool plaintext = false;                   // Insecure().
  std::shared_ptr<const TlsOptions> tls{};  // Tls().
  // Channel: of every call, in this order, before those of CallOptions::credentials.
  std::vector<std::shared_ptr<CallCredentials>> calls{};

  bool given() const { return plaintext || tls != nullptr; }
  // Composite credentials: these, and one more for calls. `Tls().With(token)`.
  Credentials With(std::shared_ptr<CallCredentials> more) const {
    Credentials out = *this;
    out.calls.push_back(std::move(more));
    return out;
  }
};

// Plaintext: anybody on the way can read and change what is sent.
inline Credentials Insecure() { return {.plaintext = true, .tls = {}, .calls = {}}; }

// For channels and servers. What can't be used (a file that is missing, a key of another
// certificate) is told by Channel::Create and Server::Start: INVALID_ARGUMENT.
inline Credentials Tls(TlsOptions options = {}) {
  return {.plaintext = false,
          .tls = std::make_shared<const TlsOptions>(std::move(options)),
          .calls = {}};
}

}  // namespace rondo
