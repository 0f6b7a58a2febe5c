#pragma once
// HTTP/2 without I/O: bytes in, bytes out, events between; no socket, no clock, no thread.
// Threads: a session belongs to one thread.
//
// The one rule of re-entry: events are delivered only inside Receive, Gather and Lost. Inside an
// event every other method may be called, these three and the destructor may not.
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

#include "http2/headers.h"
#include "rondo/slice.h"

namespace rondo::http2 {

enum class Role : uint8_t { kClient, kServer };

// RFC 9113 section 7.
enum class Code : uint32_t {
  kNoError,
  kProtocolError,
  kInternalError,
  kFlowControlError,
  kSettingsTimeout,
  kStreamClosed,
  kFrameSizeError,
  kRefusedStream,
  kCancel,
  kCompressionError,
  kConnectError,
  kEnhanceYourCalm,
  kInadequateSecurity,
  kHttp11Required,
};
std::string_view Name(Code code);  // "ENHANCE_YOUR_CALM"; "UNKNOWN_ERROR" beyond the list.

// The session's record of a stream. A pointer to one is good until OnClosed returns or Reset is
// called; nothing else invalidates it, and nothing is looked up by id.
struct Stream {
  uint32_t id = 0;       // For logs.
  void* user = nullptr;  // The owner's, never read by the session.
  size_t queued = 0;     // Body bytes that wait for a window or for the outbox.
};

// What the peer can have done with a stream that ended early. It decides who may try again (A6).
enum class Fate : uint8_t {
  kNotSent,       // Not one byte of it was written: try again freely.
  kNotProcessed,  // REFUSED_STREAM, or above the last id of a GOAWAY: try again once.
  kMaybeProcessed,
};
enum class Cause : uint8_t {
  kComplete,    // Both sides said END_STREAM, or the server answered early.
  kPeerReset,   // RST_STREAM, see code.
  kGoAway,      // The peer will not look at it.
  kPeerFault,   // The peer broke a rule of this stream only; we sent RST_STREAM(code).
  kConnection,  // The connection is over: fault() or Lost.
};
struct Closed {
  Cause cause = Cause::kComplete;
  Code code = Code::kNoError;
  Fate fate = Fate::kMaybeProcessed;
};

// Legal for HTTP/2, but a flood of it is an attack. The session counts what costs it something and
// was not paid for by our own traffic; the owner has the clock, hence the budget.
enum class Offence : uint8_t {
  kReset,         // The peer reset a stream of its own (CVE-2023-44487); age is the owner's matter.
  kResetSent,     // The peer made us reset one (CVE-2025-8671).
  kPing,          // Beyond those that our own frames can have caused.
  kSettings,      // After the first.
  kEmptyData,     // The hundred-and-first DATA in a row without a byte.
  kWindowUpdate,  // Beyond two for each DATA or HEADERS of ours.
  kPriority,
  kUnknownFrame,
};

class Visitor {
 public:
  // Server: a new stream; set stream.user. False refuses it (REFUSED_STREAM; no OnClosed follows).
  virtual bool OnRequest(Stream& stream, const Headers& headers, bool end) = 0;
  // Client: interim (1xx) or response headers; both: trailers. `end` = the peer has finished.
  virtual void OnHeaders(Stream& stream, const Headers& headers, bool end) = 0;
  // Any piece of the body, in place in what was given to Receive; may be empty if `end`. The owner
  // gives every byte back once to CreditConnection, and to Credit while the stream lives.
  virtual void OnData(Stream& stream, Bytes bytes, bool end) = 0;
  // The last event of a stream, exactly once, unless it was Reset from this side.
  virtual void OnClosed(Stream& stream, const Closed& closed) = 0;
  // What waits has fallen to Options::send_low after Send returned false.
  virtual void OnWritable(Stream& stream) = 0;
  virtual void OnSettings() = 0;  // The peer's; see slots().
  virtual void OnGoAway(uint32_t last_id, Code code, std::string_view debug) = 0;
  virtual void OnPong(uint64_t payload) = 0;
  // The peer's. `spoke`: HEADERS or DATA went out since the one before. False: close with
  // ENHANCE_YOUR_CALM "too_many_pings" (A8).
  virtual bool OnPing(bool /*spoke*/) { return true; }
  // False: close with ENHANCE_YOUR_CALM. `stream` with kReset, if the owner still has it.
  virtual bool OnOffence(Offence offence, const Stream* stream) = 0;
  // Server: a request was reset by a limit: "header_bytes" (Options::max_header_bytes), "streams"
  // (Options::max_streams, by a client that hasn't acknowledged it yet).
  virtual void OnRefused(std::string_view /*limit*/) {}

 protected:
  ~Visitor() = default;
};

// Every limit of the wire, on purpose.
struct Options {
  uint32_t stream_window = 128 << 10;    // At the start; Credit may grow it. 1 to 2^31-1.
  uint32_t connection_window = 4 << 20;  // 65,535 to 2^31-1.
  uint32_t max_streams = 100;            // That the peer may have open.
  uint32_t max_header_bytes =
      16 << 10;                    // Hard limit of one received block; the stream ends beyond.
  uint32_t max_continuations = 8;  // Of one block; the connection ends beyond.
  size_t send_high = 1 << 20, send_low = 256 << 10;          // Unsent body bytes of a stream,
  size_t send_all_high = 16 << 20, send_all_low = 12 << 20;  // and of all together.
  size_t outbox_limit = 256 << 10;  // No frame is made while more than this is unwritten.
  uint32_t last_stream_id =
      0x60000000;  // Client: exhausted() above it; room is left for what runs.
};

struct Fault {
  Code code = Code::kNoError;
  std::string why;  // "the peer sends too many PING frames", or the rule that was broken.
  // Which limit was at its end: "resets", "continuations", "settings", "pings", "control_frames",
  // "empty_data", "streams"; static. Empty: a rule of HTTP/2 was broken.
  std::string_view limit{};
};

class Session {
 public:
  virtual ~Session() = default;  // No events; open streams are dropped, slices released.

  // ---- The wire.
  // Any chunking gives the same events (up to how a body is cut into OnData). False: the connection
  // is over; write what Gather still has (a GOAWAY), then close. See fault().
  virtual bool Receive(Bytes bytes) = 0;
  // Frames what the windows allow and returns all that is to be written, oldest first.
  // The bytes stay good until Wrote counts them, the array until the next call.
  virtual std::span<const iovec> Gather() = 0;
  virtual void Wrote(size_t bytes) = 0;
  virtual void
  Lost() = 0;  // The socket is gone: OnClosed for every open stream, then nothing more.
  virtual const Fault& fault() const = 0;

  // ---- Streams. None of these delivers an event or writes; bytes wait for Gather.
  // Client: headers, the first bytes of the body, and whether that is all, in one go. Null if
  // slots() is 0: the caller keeps its queue, the session never holds a stream back.
  virtual Stream* Open(const HeaderTemplate& head, ExtraHeaders extra, Slice body, bool end,
                       void* user) = 0;
  // Server: response headers; with `end` they are the trailers too.
  virtual void Respond(Stream& stream, const HeaderTemplate& head, ExtraHeaders extra,
                       bool end) = 0;
  // Both: more of the body. Queued always; false says stop until OnWritable.
  virtual bool Send(Stream& stream, Slice body, bool end) = 0;
  // Server: trailers after what is queued.
  virtual void Finish(Stream& stream, const HeaderTemplate& trailers, ExtraHeaders extra) = 0;
  // Ends it now: queued bytes are dropped, no further event, the pointer is gone.
  virtual void Reset(Stream& stream, Code code) = 0;

  // ---- Flow control, apart for stream and connection, so that one slow reader stops nobody else.
  // More than was received grows the stream's window, less shrinks it. Small credits are collected.
  virtual void Credit(Stream& stream, size_t bytes) = 0;
  virtual void FlushCredit(Stream& stream) = 0;  // Tells the peer of all of it.
  virtual void CreditConnection(size_t bytes) = 0;

  // ---- The connection.
  virtual uint32_t slots() const = 0;  // Streams that may be opened now: settings, GOAWAY, ids.
  virtual bool exhausted() const = 0;  // Client: the stream ids run out; slots() stays 0.
  virtual size_t unsent() const = 0;   // Bytes of the outbox.
  virtual size_t replies() const = 0;  // Unsent frames only the peer caused: stop reading above.
  virtual void Ping(uint64_t payload) = 0;
  virtual void Drain() = 0;  // GOAWAY(2^31-1): asks the peer to open no more.
  // With the true last id. Any code but kNoError ends the connection like a fault of this side's.
  virtual void GoAway(Code code, std::string_view debug) = 0;
};

// `memory` serves the session's records; it outlives the session and belongs to its thread.
using MakeSession = std::unique_ptr<Session> (*)(Role, const Options&, Visitor&,
                                                 std::pmr::memory_resource& memory);
std::unique_ptr<Session> MakeHttp2Session(Role role, const Options& options, Visitor& visitor,
                                          std::pmr::memory_resource& memory);

}  // namespace rondo::http2
