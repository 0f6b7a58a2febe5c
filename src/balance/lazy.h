#pragma once
// A policy that begins only when it is needed: a pick, or its parent, asks for it. For parents that
// connect few of many children, such as ring_hash (A42).
// Threads: home.
#include "rondo/balance.h"

namespace rondo {

// Wraps `child`; of its name and without a parser: whoever wraps passes the child's config.
PolicyFactory LazyPolicy(FactoryRef child);

}  // namespace rondo
