#include "event/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "event/tls_identity.h"

namespace rondo::event {
namespace {

constexpr size_t kMostNames = 5, kMostLetters = 80;  // Of a certificate, in a text.

// A certificate's names are a stranger's words.
std::string Printable(std::string_view name) {
  std::string out(name.substr(0, kMostLetters));
  for (char& c : out) c = c > ' ' && c < 0x7f ? c : '?';
  return out;
}

std::string NamesText(const X509* certificate) {
  std::string out;
  size_t count = 0;
  for (const std::string& name : NamesOf(certificate)) {
    if (++count > kMostNames) {
      Append(out, " and others");
      break;
    }
    Append(out, Cat(out.empty() ? "" : ", ", Printable(name)));
  }
  return out.empty() ? "no name" : out;
}

}  // namespace

std::string TakeTlsError() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return "no reason was given";
  const int number = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && number == SSL_R_WRONG_VERSION_NUMBER) {
    return "the peer does not speak TLS";
  }
  const char* reason = ERR_reason_error_string(error);
  if (reason == nullptr) return Cat("error ", error);
  // "tlsv13 alert certificate required"
  const std::string_view text = reason;
  constexpr std::string_view kAlert = " alert ";
  const size_t at = text.find(kAlert);
  if (number <= SSL_AD_REASON_OFFSET || at == text.npos) return reason;
  return Cat("the peer's alert: ", text.substr(at + kAlert.size()));
}

std::string RefusalText(X509_STORE_CTX* verified, std::string_view wanted) {
  const int error = X509_STORE_CTX_get_error(verified);
  X509* certificate = X509_STORE_CTX_get_current_cert(verified);
  const std::string why = X509_verify_cert_error_string(error);
  if (certificate == nullptr) return why;
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Cat(why, " on ", Day(X509_get0_notAfter(certificate)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Cat(why, ", but from ", Day(X509_get0_notBefore(certificate)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Cat(why, ": wanted ", wanted, ", it is for ", NamesText(certificate));
    default:
      return why;
  }
}

}  // namespace rondo::event
