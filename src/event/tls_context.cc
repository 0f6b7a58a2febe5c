#include "event/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"
#include "event/error_text.h"
#include "event/tls_error.h"

namespace rondo::event {
namespace {

template <class T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* t) const { kFree(t); }
};
void FreeBio(BIO* bio) { BIO_free(bio); }
using Bio = std::unique_ptr<BIO, Freed<BIO, &FreeBio>>;
using Certificate = std::unique_ptr<X509, Freed<X509, &X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, &EVP_PKEY_free>>;

constexpr size_t kMostPem = 4 << 20;  // Bytes: more than any system's roots.
// RFC 9113, 9.2.2: of TLS 1.2's suites those with ephemeral keys and authenticated encryption.
constexpr const char* kTls12Suites = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr size_t kReadAhead = 32 << 10;  // Encrypted bytes asked of the socket at once.
constexpr uint8_t kH2[] = {2, 'h', '2'};

// One piece of PEM: what it is called in texts, and its content.
struct Pem {
  std::string name;
  std::string text;
};

absl::Status Wrong(std::string_view what) { return absl::InvalidArgumentError(Cat("TLS: ", what)); }

absl::StatusOr<Pem> ReadPem(std::string_view name, const std::string& text,
                            const std::string& file) {
  if (file.empty()) return Pem{std::string(name), text};
  if (!text.empty()) return Wrong(Cat(name, " and ", name, "_file are both given; give one"));
  const std::string called = Cat(name, "_file ", file);
  std::ifstream in(file, std::ios::binary);
  if (!in) return Wrong(Cat(called, ": ", ErrorText(errno)));
  std::string content;
  for (char part[16 << 10]; in && content.size() <= kMostPem;) {
    in.read(part, sizeof part);
    content.append(part, static_cast<size_t>(in.gcount()));
  }
  if (content.size() > kMostPem) return Wrong(Cat(called, ": more than 4 MiB"));
  if (content.empty()) return Wrong(Cat(called, ": nothing in it"));
  return Pem{called, std::move(content)};
}

int NoPassword(char*, int, int, void*) { return 0; }  // Nobody is asked on a terminal.

Bio Open(const Pem& pem) {
  return Bio(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
}

absl::StatusOr<std::vector<Certificate>> Certificates(const Pem& pem) {
  const Bio bio = Open(pem);
  std::vector<Certificate> all;
  ERR_clear_error();
  while (X509* one = PEM_read_bio_X509_AUX(bio.get(), nullptr, &NoPassword, nullptr)) {
    all.emplace_back(one);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = TakeTlsError();
  if (all.empty() && at_end) return Wrong(Cat(pem.name, ": no certificate in it"));
  if (!at_end) return Wrong(Cat(pem.name, ": certificate ", all.size() + 1, ": ", why));
  return all;
}

absl::Status UseOwn(SSL_CTX* context, const Pem& chain, const Pem& key_pem) {
  const auto certificates = Certificates(chain);
  if (!certificates.ok()) return certificates.status();
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context, certificates->front().get()) != 1) {
    return Wrong(Cat(chain.name, ": ", TakeTlsError()));
  }
  for (size_t i = 1; i < certificates->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*certificates)[i].get()) != 1) {
      return Wrong(Cat(chain.name, ": certificate ", i + 1, ": ", TakeTlsError()));
    }
  }
  const Bio bio = Open(key_pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr));
  if (key == nullptr) return Wrong(Cat(key_pem.name, ": ", TakeTlsError()));
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return Wrong(Cat(key_pem.name, ": it is not the key of ", chain.name, ": ", TakeTlsError()));
  }
  return absl::OkStatus();
}

absl::Status UseRoots(SSL_CTX* context, const Pem& roots) {
  const auto certificates = Certificates(roots);
  if (!certificates.ok()) return certificates.status();
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const Certificate& one : *certificates) X509_STORE_add_cert(store, one.get());
  ERR_clear_error();
  return absl::OkStatus();
}

// Tells clients whose signatures are believed, so that they choose the right certificate.
void NameRoots(SSL_CTX* context, const Pem& roots) {
  const auto certificates = Certificates(roots);
  for (const Certificate& one : *certificates) SSL_CTX_add_client_CA(context, one.get());
}

TlsEar& EarOf(const SSL* ssl) { return *static_cast<TlsEar*>(SSL_get_app_data(ssl)); }

int OnSession(SSL* ssl, SSL_SESSION* session) {
  EarOf(ssl).OnSession(TlsSession(session));
  return 1;  // It is ours now.
}

// OpenSSL's verdict stands; its reason is kept for the text.
int OnVerified(int good, X509_STORE_CTX* certificate) {
  if (good != 1) {
    EarOf(static_cast<SSL*>(
              X509_STORE_CTX_get_ex_data(certificate, SSL_get_ex_data_X509_STORE_CTX_idx())))
        .OnRefused(certificate);
  }
  return good;
}

int ChooseH2(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
             unsigned offered_size, void*) {
  for (unsigned at = 0; at < offered_size; at += offered[at] + 1U) {
    if (offered_size - at < sizeof kH2 || !std::equal(kH2, kH2 + sizeof kH2, offered + at))
      continue;
    *out = offered + at + 1;
    *size = 2;
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol
}

void SetUp(SSL_CTX* context, bool client) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kTls12Suites);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadAhead);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (client) {
    SSL_CTX_set_alpn_protos(context, kH2, sizeof kH2);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, &OnSession);
    return;
  }
  SSL_CTX_set_alpn_select_cb(context, &ChooseH2, nullptr);
  // Sessions live in tickets that the client keeps: a server's memory does not grow with them.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, kH2, sizeof kH2);
}

int VerifyMode(ClientCertificate wish) {
  switch (wish) {
    case ClientCertificate::kIgnored:
      return SSL_VERIFY_NONE;
    case ClientCertificate::kRequested:
      return SSL_VERIFY_PEER;
    case ClientCertificate::kRequired:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

}  // namespace

void KeepTlsUntilExit() { OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr); }

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::Make(Role role, const TlsOptions& options) {
  KeepTlsUntilExit();
  if (options.reload_period < Duration{}) return Wrong("reload_period is negative");
  std::shared_ptr<TlsContext> out(new TlsContext(role, options));
  out->stamps_ = out->Stamps();
  auto loaded = out->Load();
  if (!loaded.ok()) return loaded.status();
  out->current_ = *std::move(loaded);
  return out;
}

absl::StatusOr<std::shared_ptr<SSL_CTX>> TlsContext::Load() const {
  const bool client = role_ == Role::kClient;
  const auto roots = ReadPem("roots", options_.roots, options_.roots_file);
  if (!roots.ok()) return roots.status();
  const auto chain = ReadPem("certificate", options_.certificate, options_.certificate_file);
  if (!chain.ok()) return chain.status();
  const auto key = ReadPem("private_key", options_.private_key, options_.private_key_file);
  if (!key.ok()) return key.status();
  if (chain->text.empty() != key->text.empty()) {
    return Wrong(chain->text.empty() ? "private_key is given without a certificate"
                                     : "certificate is given without a private_key");
  }
  if (!client && chain->text.empty()) return Wrong("a server needs certificate and private_key");
  const bool asks = !client && options_.client_certificate != ClientCertificate::kIgnored;
  if (asks && roots->text.empty()) {
    return Wrong("roots are missing; clients' certificates are checked against them");
  }
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_method()), &SSL_CTX_free);
  if (context == nullptr) return absl::InternalError(Cat("TLS: ", TakeTlsError()));
  SetUp(context.get(), client);
  SSL_CTX_set_verify(context.get(),
                     client ? SSL_VERIFY_PEER : VerifyMode(options_.client_certificate),
                     &OnVerified);
  absl::Status s;
  if (!chain->text.empty()) s = UseOwn(context.get(), *chain, *key);
  if (s.ok() && !roots->text.empty()) s = UseRoots(context.get(), *roots);
  if (!s.ok()) return s;
  if (asks) NameRoots(context.get(), *roots);
  if (client && roots->text.empty() && SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return Wrong(Cat("the system's roots: ", TakeTlsError()));
  }
  return context;
}

// ---- Files.

bool TlsContext::LooksAtFiles() const {
  return !options_.roots_file.empty() || !options_.certificate_file.empty() ||
         !options_.private_key_file.empty();
}

std::vector<TlsContext::Stamp> TlsContext::Stamps() const {
  std::vector<Stamp> out;
  for (const std::string* file :
       {&options_.roots_file, &options_.certificate_file, &options_.private_key_file}) {
    struct stat info;
    Stamp stamp;
    if (!file->empty() && stat(file->c_str(), &info) == 0) {
      stamp = {info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size, info.st_ino};
    }
    out.push_back(stamp);
  }
  return out;
}

std::shared_ptr<SSL_CTX> TlsContext::Current(Time now) {
  std::optional<absl::Status> word;
  std::shared_ptr<SSL_CTX> out;
  {
    const std::lock_guard lock(mutex_);
    if (LooksAtFiles() && now >= next_look_) {
      const bool never = options_.reload_period >= Time::max() - now;
      next_look_ = never ? Time::max() : now + options_.reload_period;
      word = Look();
    }
    out = current_;
  }
  if (!word) return out;
  if (options_.on_reload) {
    options_.on_reload(*word);
  } else if (!word->ok()) {
    std::fprintf(stderr, "rondo: %s; the former ones stay in use\n",
                 std::string(word->message()).c_str());
  }
  return out;
}

// Something to tell, if there is.
std::optional<absl::Status> TlsContext::Look() {
  std::vector<Stamp> stamps = Stamps();
  if (stamps == stamps_) return std::nullopt;
  auto loaded = Load();
  if (!loaded.ok()) {
    if (loaded.status() == last_word_) return std::nullopt;  // Once is enough.
    return last_word_ = loaded.status();
  }
  stamps_ = std::move(stamps);
  current_ = *std::move(loaded);
  sessions_.clear();
  return last_word_ = absl::OkStatus();
}

// ---- Sessions.

void TlsContext::KeepSession(const std::string& server, TlsSession session, const SSL_CTX* of) {
  const std::lock_guard lock(mutex_);
  if (of != current_.get()) return;  // Made under roots or a certificate that are no more.
  if (sessions_.size() >= kMostSessions && !sessions_.contains(server)) {
    sessions_.erase(sessions_.begin());
  }
  sessions_[server] = std::move(session);
}

TlsSession TlsContext::TakeSession(const std::string& server) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(server);
  if (found == sessions_.end()) return nullptr;
  TlsSession out = std::move(found->second);
  sessions_.erase(found);
  return out;
}

}  // namespace rondo::event
