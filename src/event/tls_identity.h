#pragma once
// What a certificate proves. Threads: any.
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "rondo/credentials.h"

namespace rondo::event {

// Its subjectAltNames: DNS names, IP addresses, URIs and e-mail addresses, in its order. Those with
// a zero byte in them, an old trick, are left out.
std::vector<std::string> NamesOf(const X509* certificate);

// Of the peer of a connection whose handshake is over. Null: it has shown no certificate.
std::shared_ptr<const PeerIdentity> IdentityOf(const SSL& ssl);

}  // namespace rondo::event
