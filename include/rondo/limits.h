#pragma once
// What one connection may cost a server, and what its client may do for nothing. The defaults let
// every honest client pass, however fast it is; docs/howto/limits.md says which attack each is for.
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "rondo/time.h"

namespace rondo {

struct ConnectionLimits {
  // Streams that the client resets within a second after it opened them, and those that it makes us
  // reset (CVE-2023-44487, CVE-2025-8671): so many at once, and a second from then on. A call that
  // ends well gives one back. Who asks for more is read more slowly at first; a flood is closed.
  // 1 to 1e9.
  double reset_burst = 2000, reset_rate = 200;
  // PING, SETTINGS, WINDOW_UPDATE, PRIORITY and unknown frames beyond those that our own frames can
  // have caused (CVE-2019-9512, -9513, -9515). 1 to 1e9.
  double control_burst = 1000, control_rate = 100;
  uint32_t max_continuations = 8;  // CONTINUATION frames of one header block. 0 to 1000.
  // Bytes of messages that all streams together may make us hold; windows grow no further. One
  // message at a time may exceed it, up to max_receive_message. 64 KiB or more.
  size_t max_held_bytes = 16 << 20;
  // A stream whose bytes its client doesn't take for so long is reset; a connection that takes none
  // is closed (CVE-2019-9511, -9517). 1 s or more.
  Duration stall_timeout = std::chrono::seconds(60);
};

}  // namespace rondo
