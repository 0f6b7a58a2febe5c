#include "event/tls_socket.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "event/tls_error.h"
#include "event/tls_identity.h"
#include "rondo/slice.h"

namespace rondo::event {
namespace {

constexpr size_t kRecord = 16 << 10;  // Plain bytes of one TLS record (RFC 8446, 5.1).
// Encrypted bytes: before the socket is asked to take them; in a row without one of data; that the
// socket doesn't take.
constexpr size_t kMostAtOnce = 64 << 10, kMostSilent = 256 << 10, kMostWaiting = 1 << 20;

// What OpenSSL has written since the last Flush. Sockets of a thread share it, for none keeps
// anything here between two calls.
std::string& Fresh() {
  static thread_local std::string fresh;
  return fresh;
}

// Partial wildcards ("f*.example") and common names are no names to go by (RFC 9525, 6.3).
constexpr unsigned kNameRules =
    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;

// Copies plain bytes together, so that small pieces share a record.
class Plain {
 public:
  explicit Plain(std::span<const iovec> from) : from_(from) {}
  // The next piece, at most a record; empty at the end. Good until the next call.
  Bytes Next() {
    while (!from_.empty() && at_ == from_.front().iov_len) Skip();
    if (from_.empty()) return {};
    const Bytes first = Rest();
    if (first.size() >= kRecord || from_.size() == 1) {
      const Bytes piece = first.first(std::min(first.size(), kRecord));
      at_ += piece.size();
      return piece;
    }
    size_t size = 0;
    while (!from_.empty() && size < kRecord) {
      const Bytes rest = Rest();
      const size_t n = std::min(rest.size(), kRecord - size);
      if (n > 0) std::memcpy(together_.data() + size, rest.data(), n);
      size += n;
      at_ += n;
      if (at_ == from_.front().iov_len) Skip();
    }
    return Bytes(together_).first(size);
  }

 private:
  Bytes Rest() const {
    return Bytes(static_cast<const uint8_t*>(from_.front().iov_base), from_.front().iov_len)
        .subspan(at_);
  }
  void Skip() {
    from_ = from_.subspan(1);
    at_ = 0;
  }
  std::span<const iovec> from_;
  size_t at_ = 0;
  std::array<uint8_t, kRecord> together_;
};

}  // namespace

struct TlsSocket::Bio {
  static int Read(BIO* bio, char* into, int size) {
    auto& s = *static_cast<TlsSocket*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const Io io =
        s.listening_ ? s.inner_->Read({reinterpret_cast<uint8_t*>(into), static_cast<size_t>(size)})
                     : Io{.kind = Io::Kind::kWouldBlock};
    switch (io.kind) {
      case Io::Kind::kMoved:
        s.silent_ += io.bytes;
        if (s.silent_ <= kMostSilent) return static_cast<int>(io.bytes);
        s.broken_ = absl::UnavailableError("more than 256 KiB without a byte of data");
        return -1;
      case Io::Kind::kWouldBlock:
        BIO_set_retry_read(bio);
        return -1;
      case Io::Kind::kEnd:
        s.ended_ = true;
        return 0;
      case Io::Kind::kError:
        s.broken_ = io.why;
        return -1;
    }
    return -1;
  }
  static int Write(BIO*, const char* from, int size) {
    Fresh().append(from, static_cast<size_t>(size));
    return size;
  }
  static long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO* Make(TlsSocket& socket) {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rondo socket");
      BIO_meth_set_read(m, &Read);
      BIO_meth_set_write(m, &Write);
      BIO_meth_set_ctrl(m, &Control);
      return m;
    }();
    BIO* bio = BIO_new(method);
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
    return bio;
  }
};

TlsSocket::TlsSocket(std::unique_ptr<Socket> inner, std::shared_ptr<TlsContext> context,
                     std::string_view name, Time now)
    : inner_(std::move(inner)),
      context_(std::move(context)),
      settings_(context_->Current(now)),
      name_(name),
      ssl_(SSL_new(settings_.get())) {
  BIO* bio = Bio::Make(*this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), static_cast<TlsEar*>(this));
  if (is_client()) {
    SSL_set_connect_state(ssl_.get());
    Expect(name_);
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

TlsSocket::~TlsSocket() {
  if (gone_ != nullptr) *gone_ = true;
  if (!open_ || !why_.ok()) return;
  SSL_shutdown(ssl_.get());  // So that the peer can tell the end from a cut (RFC 8446, 6.1).
  Flush();
}

// Client: whom the certificate must name. SNI is for names only (RFC 6066, 3).
void TlsSocket::Expect(std::string_view name) {
  const std::string text(name);
  SSL_set_hostflags(ssl_.get(), kNameRules);
  const bool set =
      IsIpAddress(text)
          ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), text.c_str()) == 1
          : !text.empty() && SSL_set_tlsext_host_name(ssl_.get(), text.c_str()) == 1 &&
                SSL_set1_host(ssl_.get(), text.c_str()) == 1;
  if (!set) Fail(Cat("the name \"", name, "\" can't be checked"));
  if (const TlsSession session = context_->TakeSession(Cat(peer(), " ", name))) {
    SSL_set_session(ssl_.get(), session.get());
  }
}

void TlsSocket::OnSession(TlsSession session) {
  context_->KeepSession(Cat(peer(), " ", name_), std::move(session), settings_.get());
}

void TlsSocket::OnRefused(X509_STORE_CTX* certificate) {
  if (refusal_.empty()) refusal_ = RefusalText(certificate, name_);
}

// ---- The handshake.

void TlsSocket::Start(SocketEvents& events) {
  events_ = &events;
  inner_->Start(*this);
  if (is_client() && why_.ok())
    Shake();  // The first words; nothing is read yet, so it can't be over.
  listening_ = true;
}

void TlsSocket::Shake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    if (absl::Status s = CheckOpen(); !s.ok()) {
      Fail(MessageOf(s));
    } else {
      open_ = true;
    }
  } else {
    Outcome(result);
  }
  Flush();  // An alert, too.
  if (!open_ && !unwritable_.ok()) Fail(MessageOf(unwritable_));
}

absl::Status TlsSocket::CheckOpen() const {
  // A session that is resumed is not looked at by OpenSSL again.
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate != nullptr && X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) {
    return absl::UnavailableError(
        Cat("certificate has expired on ", Day(X509_get0_notAfter(certificate))));
  }
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  if (std::string_view(reinterpret_cast<const char*>(chosen), size) == "h2") {
    return absl::OkStatus();
  }
  return absl::UnavailableError(is_client() ? "the server did not agree on HTTP/2 (ALPN h2)"
                                            : "the client did not ask for HTTP/2 (ALPN h2)");
}

// ---- Events of the inner socket.

void TlsSocket::OnReadable() {
  if (!open_ && why_.ok()) Shake();
  if (!open_ && why_.ok()) return;
  Tell();
}

void TlsSocket::OnWritable() {
  const bool waited = pending();
  Flush();
  if (!open_ && why_.ok()) return;
  owes_writable_ = owes_writable_ || (waited && !pending());
  Tell();
}

void TlsSocket::Tell() {
  bool gone = false;
  gone_ = &gone;
  if (owes_readable_) {
    owes_readable_ = false;
    events_->OnReadable();
    if (gone) return;
  }
  if (owes_writable_ && (waiting_.empty() || !unwritable_.ok() || !why_.ok())) {
    owes_writable_ = false;
    events_->OnWritable();
    if (gone) return;
  }
  gone_ = nullptr;
}

// What OpenSSL holds brings no event of the inner socket.
void TlsSocket::PauseReading(bool pause) {
  if (!pause) owes_readable_ = true;
  inner_->PauseReading(pause);
}

// ---- Bytes.

Io TlsSocket::Read(std::span<uint8_t> into) {
  size_t total = 0;
  Io io{.kind = Io::Kind::kWouldBlock};
  while (open_ && why_.ok() && total < into.size()) {
    ERR_clear_error();
    size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &n);
    total += n;
    if (n > 0) {
      heard_ = true;
      silent_ = 0;
    }
    if (result == 1) continue;
    io = Outcome(result);
    break;
  }
  Flush();  // Answers to a change of keys, and alerts. Whether they arrive is the writer's
            // business.
  // What ended the reading comes again with the next read.
  if (total > 0) return {.bytes = total};
  if (!why_.ok()) return {.kind = Io::Kind::kError, .why = why_};
  if (io.kind == Io::Kind::kWouldBlock) owes_readable_ = true;
  return io;
}

// Encrypted bytes count as taken: they are this socket's from here on.
Io TlsSocket::Write(std::span<const iovec> from) {
  if (!why_.ok()) return {.kind = Io::Kind::kError, .why = why_};
  if (!open_ || !Flush()) {
    if (!unwritable_.ok()) return {.kind = Io::Kind::kError, .why = unwritable_};
    owes_writable_ = true;
    return {.kind = Io::Kind::kWouldBlock};
  }
  Plain plain(from);
  size_t total = 0;
  while (Fresh().size() < kMostAtOnce) {
    const Bytes piece = plain.Next();
    if (piece.empty()) break;
    ERR_clear_error();
    size_t n = 0;
    const int result = SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &n);
    total += n;
    if (result == 1) continue;
    // Half of a session ticket or the like has come: the rest does first.
    if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) Fail(TakeTlsError());
    break;
  }
  Flush();
  if (!why_.ok()) return {.kind = Io::Kind::kError, .why = why_};
  if (!unwritable_.ok()) return {.kind = Io::Kind::kError, .why = unwritable_};
  if (total == 0) {
    owes_writable_ = true;
    return {.kind = Io::Kind::kWouldBlock};
  }
  return {.bytes = total};
}

// True: the inner socket has taken all.
bool TlsSocket::Flush() {
  std::string& fresh = Fresh();
  if (!waiting_.empty()) {
    waiting_ += fresh;
    fresh.clear();
  }
  std::string& out = waiting_.empty() ? fresh : waiting_;
  size_t done = 0;
  while (done < out.size() && unwritable_.ok()) {
    const iovec view{out.data() + done, out.size() - done};
    const Io io = inner_->Write({&view, 1});
    if (io.kind == Io::Kind::kWouldBlock) break;
    done += io.bytes;
    if (io.kind != Io::Kind::kMoved) unwritable_ = WhyUnwritable(io.why);
  }
  if (!unwritable_.ok()) done = out.size();
  if (&out == &fresh) {
    waiting_.assign(fresh, done);
  } else if (done == out.size()) {
    std::string().swap(waiting_);
  } else {
    waiting_.erase(0, done);
  }
  fresh.clear();  // Also what looking for an alert may have brought.
  if (waiting_.size() > kMostWaiting) Fail("the peer makes us answer and takes no answer");
  return waiting_.empty() && unwritable_.ok();
}

// The peer takes nothing more; it may have said why (a client learns in TLS 1.3 only after the
// handshake that its certificate was refused).
absl::Status TlsSocket::WhyUnwritable(const absl::Status& why) {
  uint8_t byte;
  size_t n = 0;
  ERR_clear_error();
  if (!open_ || heard_ || SSL_peek_ex(ssl_.get(), &byte, 1, &n) == 1) return why;
  if (ended_ || ERR_peek_error() == 0) return why;
  broken_ = absl::OkStatus();
  Fail(TakeTlsError());
  return why_;
}

Io TlsSocket::Outcome(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {.kind = Io::Kind::kWouldBlock};
    case SSL_ERROR_ZERO_RETURN:
      return {.kind = Io::Kind::kEnd};
    default:
      break;
  }
  if (!refusal_.empty()) {
    Fail(refusal_);
  } else if (!broken_.ok()) {
    Fail(MessageOf(broken_));
  } else if (ended_) {
    // HTTP/2 itself tells a whole answer from half of one.
    if (open_) return {.kind = Io::Kind::kEnd};
    Fail("connection closed by the peer");
  } else {
    Fail(TakeTlsError());
  }
  return {.kind = Io::Kind::kError, .why = why_};
}

void TlsSocket::Fail(std::string_view what) {
  if (!why_.ok()) return;
  const bool lost = open_ && !broken_.ok();
  // A server of TLS 1.3 judges a client's certificate after the client's end of the handshake.
  if (!heard_ && !lost) open_ = false;
  why_ = absl::UnavailableError(Cat(lost ? "" : open_ ? "TLS: " : "TLS handshake: ", what));
}

// ---- The peer.

std::shared_ptr<const PeerIdentity> TlsSocket::identity() const {
  return open_ ? IdentityOf(*ssl_) : nullptr;
}

bool TlsSocket::SpeaksFor(std::string_view host) const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return false;
  const std::string name = CertifiedName(host);
  if (name.empty()) return false;
  if (IsIpAddress(name)) return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
  return X509_check_host(certificate, name.data(), name.size(), kNameRules, nullptr) == 1;
}

}  // namespace rondo::event
