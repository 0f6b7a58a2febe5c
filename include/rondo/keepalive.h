#pragma once
// How connections are watched: PINGs while nothing comes from the peer. See
// docs/howto/keepalive.md.
#include <chrono>

#include "rondo/time.h"

namespace rondo {

// Client, on by default: calls wait and no byte comes. Then one PING asks whether the server is
// there; if not even that is answered, policies that spread calls leave the backend out until a
// byte comes, unless all are like that. A server that is merely slow answers, and nothing happens.
// At most two such PINGs go out while the server sends neither HEADERS nor DATA (then one in 5
// minutes), so no server's limit on PINGs (gRFC A8, A9) is ever reached.
struct StallOptions {
  bool enabled = true;
  // Without a byte although a call began, before the PING. At least 1 ms. Grows to twice the round
  // trip, and up to 8 times while PINGs turn out to have been for nothing.
  Duration silence = std::chrono::milliseconds(100);
  // Without a byte after the PING. At least 1 ms. Grows to 4 times the round trip.
  Duration answer = std::chrono::milliseconds(200);
};

// Client (gRFC A8): a connection on which nothing comes is asked by a PING, and closed when it
// doesn't answer. Its calls end with UNAVAILABLE. On Linux `timeout` is also how long bytes may lie
// unacknowledged (TCP_USER_TIMEOUT, gRFC A18); 20 s without keepalive.
struct KeepaliveOptions {
  // Without a byte, before the PING. 0: no PINGs; else at least 10 s. Servers allow 5 minutes by
  // default: one that says "too_many_pings" makes the channel double it for later connections.
  Duration time{};
  Duration timeout = std::chrono::seconds(20);  // For any byte after the PING. At least 1 s.
  bool permit_without_calls = false;            // Also while no call is open.
};

// Server (gRFC A9): the same towards clients, and what it takes from theirs.
struct ServerKeepaliveOptions {
  Duration time = std::chrono::hours(2);        // 0: no PINGs; else at least 1 s.
  Duration timeout = std::chrono::seconds(20);  // At least 1 s.
  // A PING that comes earlier than this after the one before is a strike, as is one without open
  // calls within 2 hours, unless that is permitted. More than two strikes, and the connection ends
  // with GOAWAY ENHANCE_YOUR_CALM "too_many_pings". HEADERS and DATA sent forgive all strikes. 0:
  // nothing is counted.
  Duration min_time = std::chrono::minutes(5);
  bool permit_without_calls = false;
};

}  // namespace rondo
