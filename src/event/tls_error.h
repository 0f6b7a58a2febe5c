#pragma once
// OpenSSL's errors as text. Threads: any; each thread has its own errors.
#include <openssl/x509_vfy.h>

#include <string>
#include <string_view>

namespace rondo::event {

// The first error that waits, and none waits afterwards: "wrong version number".
std::string TakeTlsError();

// Why a certificate was refused: "hostname mismatch: wanted \"a.example\", it is for b.example".
// `wanted`: the name that it should have been good for; empty: none.
std::string RefusalText(X509_STORE_CTX* verified, std::string_view wanted);

}  // namespace rondo::event
