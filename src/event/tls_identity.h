#pragma once
// What a certificate proves. Threads: any.
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rondo/credentials.h"

namespace rondo::event {

// Its subjectAltNames: DNS names, IP addresses, URIs and e-mail addresses, in its order. Those with
// a zero byte in them, an old trick, are left out.
std::vector<std::string> NamesOf(const X509* certificate);

// A host as certificates name it: without the dot that ends a full name, and without an IPv6 zone.
// Empty: no certificate can be for it.
std::string CertifiedName(std::string_view host);
bool IsIpAddress(const std::string& name);

// "2026-11-20"
std::string Day(const ASN1_TIME* time);

// Of the peer of a connection whose handshake is over. Null: it has shown no certificate.
std::shared_ptr<const PeerIdentity> IdentityOf(const SSL& ssl);

}  // namespace rondo::event
