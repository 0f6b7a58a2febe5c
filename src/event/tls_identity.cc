#include "event/tls_identity.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <ctime>
#include <string_view>

namespace rondo::event {
namespace {

std::string TextOf(const ASN1_STRING* text) {
  const std::string_view all(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                             static_cast<size_t>(ASN1_STRING_length(text)));
  return all.find('\0') == all.npos ? std::string(all) : std::string();
}

std::string IpText(const ASN1_STRING* bytes) {
  const int size = ASN1_STRING_length(bytes);
  if (size != 4 && size != 16) return {};
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text, sizeof text);
  return text;
}

std::string NameText(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS:
      return TextOf(name.d.dNSName);
    case GEN_URI:
      return TextOf(name.d.uniformResourceIdentifier);
    case GEN_EMAIL:
      return TextOf(name.d.rfc822Name);
    case GEN_IPADD:
      return IpText(name.d.iPAddress);
    default:
      return {};
  }
}

std::string CommonName(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<const char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return out;
}

std::string PemOf(X509* certificate) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(bio.get(), certificate);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

}  // namespace

std::vector<std::string> NamesOf(const X509* certificate) {
  std::vector<std::string> out;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    std::string name = NameText(*sk_GENERAL_NAME_value(names, i));
    if (!name.empty()) out.push_back(std::move(name));
  }
  GENERAL_NAMES_free(names);
  return out;
}

bool IsIpAddress(const std::string& name) {
  in6_addr address;
  return inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

std::string CertifiedName(std::string_view host) {
  std::string name(host.substr(0, host.find('%')));
  if (IsIpAddress(name)) return name;
  name = host;
  if (name.ends_with('.')) name.pop_back();
  // A name that begins with a dot would stand for all names that end so.
  const bool good = !name.empty() && name.front() != '.' &&
                    std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
  return good ? name : std::string();
}

std::string Day(const ASN1_TIME* time) {
  tm parts{};
  char text[32];
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable day";
  return std::string(text, strftime(text, sizeof text, "%Y-%m-%d", &parts));
}

std::shared_ptr<const PeerIdentity> IdentityOf(const SSL& ssl) {
  X509* certificate = SSL_get0_peer_certificate(&ssl);
  if (certificate == nullptr) return nullptr;
  return std::make_shared<PeerIdentity>(PeerIdentity{.proof = PeerIdentity::Proof::kCertificate,
                                                     .names = NamesOf(certificate),
                                                     .common_name = CommonName(certificate),
                                                     .certificate = PemOf(certificate)});
}

}  // namespace rondo::event
