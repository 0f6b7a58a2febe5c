#pragma once
// Certificates for tests, made on the spot.
// Threads: any.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <memory>
#include <string>

#include "event/tls_context.h"
#include "rondo/credentials.h"

namespace rondo::event {

// A certificate with its key, as PEM.
struct TestIdentity {
  std::string certificate, key;
};

// An authority that tests trust. Keys are of P-256: quickly made.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test Root") {
    KeepTlsUntilExit();
    key_ = NewKey();
    root_ = Make(name, "", -1, 3650, key_.get(), nullptr);
  }
  std::string root() const { return Pem(root_.get()); }
  // `names` as OpenSSL writes them: "DNS:a.example,IP:127.0.0.1,URI:spiffe://x/y". Good from
  // `from` days to `until` days from now.
  TestIdentity Issue(const std::string& names, const std::string& common_name = "test",
                     int from = -1, int until = 30) const {
    const Key key = NewKey();
    const Certificate c = Make(common_name, names, from, until, key.get(), root_.get());
    return {Pem(c.get()), Pem(key.get())};
  }

  // ---- What tests of secure connections begin with.
  TlsOptions Server(const std::string& names = "IP:127.0.0.1,DNS:localhost") const {
    const TestIdentity own = Issue(names, "server");
    return {.certificate = own.certificate, .private_key = own.key};
  }
  TlsOptions Client() const { return {.roots = root()}; }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  static Key NewKey() { return Key(EVP_EC_gen("P-256"), &EVP_PKEY_free); }

  Certificate Make(const std::string& name, const std::string& names, int from, int until,
                   EVP_PKEY* key, X509* issuer) const {
    static std::atomic<long> serial{1};
    constexpr long kDay = 24 * 3600;
    Certificate c(X509_new(), &X509_free);
    X509_set_version(c.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.get()), from * kDay);
    X509_gmtime_adj(X509_getm_notAfter(c.get()), until * kDay);
    X509_set_pubkey(c.get(), key);
    X509_NAME* subject = X509_get_subject_name(c.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(c.get(), issuer != nullptr ? X509_get_subject_name(issuer) : subject);
    if (issuer == nullptr) Extend(c.get(), NID_basic_constraints, "critical,CA:TRUE");
    if (!names.empty()) Extend(c.get(), NID_subject_alt_name, names);
    X509_sign(c.get(), key_.get(), EVP_sha256());
    return c;
  }
  static void Extend(X509* c, int what, const std::string& value) {
    X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    X509_add_ext(c, e, -1);
    X509_EXTENSION_free(e);
  }
  template <class Write>
  static std::string PemBy(Write write) {
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    write(bio.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &bytes);
    return std::string(bytes, static_cast<size_t>(size));
  }
  static std::string Pem(X509* c) {
    return PemBy([c](BIO* bio) { PEM_write_bio_X509(bio, c); });
  }
  static std::string Pem(EVP_PKEY* key) {
    return PemBy([key](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  Key key_{nullptr, &EVP_PKEY_free};
  Certificate root_{nullptr, &X509_free};
};

}  // namespace rondo::event
