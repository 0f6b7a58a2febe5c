#pragma once
// What a call is to do, on both sides, settled before it begins: so that both can say whether what
// they got is what was sent.
// Threads: none; values.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "rondo/call.h"
#include "stack/dice.h"

namespace rondo::stack {

enum class Kind : uint8_t { kUnary, kClientStreaming, kServerStreaming, kBidirectional };
inline constexpr std::array<Method, 4> kMethods = {{{"/stack.Play/Unary"},
                                                    {"/stack.Play/Client", true, false},
                                                    {"/stack.Play/Server", false, true},
                                                    {"/stack.Play/Both", true, true}}};

struct Script {
  int id = 0;
  Kind kind = Kind::kUnary;
  std::vector<uint32_t> requests{}, replies{};  // Sizes of the messages.
  std::string note{};                           // Request metadata "x-note-bin"; any bytes.

  // The client's part.
  bool wait_for_ready = false;
  Duration timeout{};  // 0: none.
  Duration write_pause{}, read_pause{};
  std::optional<Duration> cancel_after{};
  bool drop = false;          // It drops the call instead of cancelling it.
  int drop_at_reply = -1;     // It drops the call inside that reply's callback.
  bool finish_first = false;  // It asks for the end before it asks for replies.

  // The server's.
  absl::StatusCode code = absl::StatusCode::kOk;  // With another one, the last reply is left out.
  Duration think{};                               // Before each reply and the end.
  bool echo = false;                              // A reply for each request, as they come.
  int enough = -1;         // It ends the call after so many requests; -1: after all.
  bool obstinate = false;  // It goes on when the call is cancelled.
  bool headers_first = false;

  const Method& method() const { return kMethods[static_cast<size_t>(kind)]; }
  // What the server's status says: nobody else says this.
  std::string Words() const { return "call " + std::to_string(id) + " is told: 100% wrong"; }
  bool answers_ok() const { return code == absl::StatusCode::kOk; }
};

// A message of the call: it says who it is, as far as it has room.
inline std::string Content(int id, std::string_view way, size_t index, size_t size) {
  std::string text(size, static_cast<char>('a' + (static_cast<size_t>(id) + index) % 26));
  const std::string head =
      std::to_string(id) + std::string(way) + std::to_string(index) + ":" + std::to_string(size);
  text.replace(0, std::min(size, head.size()), head.substr(0, size));
  return text;
}
inline Slice Framed(const std::string& text) {
  return FrameMessage(text.size(),
                      [&](uint8_t* to) { text.copy(reinterpret_cast<char*>(to), text.size()); });
}

// How calls are drawn.
struct Habits {
  size_t tiny = 50;  // Percent of messages of some bytes at most.
  size_t large = 4;  // Percent of messages up to 100 KiB.
  size_t huge = 1;   // Percent beyond a stream's window.
  size_t deadlines = 20, cancels = 20, failures = 20, ready = 50;  // Percent of calls.
};
Script Draw(Dice& dice, int id, const Habits& habits);

}  // namespace rondo::stack
