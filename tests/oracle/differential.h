#pragma once
// The same bytes to our session and to the one over nghttp2: what each tells its owner must be the
// same, but for the differences that are meant (Meant, below, is the list).
// Threads: one; for tests only.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/free_list.h"
#include "http2/session.h"
#include "oracle/nghttp2_session.h"

namespace rondo::http2::differential {

inline const HeaderTemplate kRequest({{":method", "POST"},
                                      {":scheme", "http"},
                                      {":path", "/a.B/C"},
                                      {":authority", "h"},
                                      {"te", "trailers"},
                                      {"content-type", "application/grpc"}});
inline const HeaderTemplate kResponse({{":status", "200"}, {"content-type", "application/grpc"}});
inline const HeaderTemplate kOk(HeaderTemplate::Fields{{"grpc-status", "0"}});
inline const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr int kClientStreams = 5;

inline Bytes BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct StreamLog {
  std::string events;  // Headers, body and ends, in order.
  std::string closed;
  bool operator==(const StreamLog&) const = default;
};

struct Outcome {
  std::map<uint32_t, StreamLog> streams;
  std::map<uint32_t, Code> resets;  // That were sent.
  bool over = false;
  Fault fault;
  int settings = 0, goaways = 0, pongs = 0;
};

// Answers what has ended, resets every eighth stream at its first byte, refuses every sixteenth.
class Owner final : public Visitor {
 public:
  explicit Owner(Role role, Outcome& outcome) : role_(role), outcome_(outcome) {}
  void Take(Session& session) { session_ = &session; }

  bool OnRequest(Stream& stream, const Headers& headers, bool end) override {
    if (stream.id % 32 == 31) return false;
    Write(stream, headers, end);
    if (end) Answer(stream);
    return true;
  }
  void OnHeaders(Stream& stream, const Headers& headers, bool end) override {
    Write(stream, headers, end);
    if (end) Answer(stream);
  }
  void OnData(Stream& stream, Bytes bytes, bool end) override {
    session_->CreditConnection(bytes.size());
    session_->Credit(stream, bytes.size());
    std::string& events = outcome_.streams[stream.id].events;
    events.append(bytes.begin(), bytes.end());
    if (stream.id % 16 == 15) return session_->Reset(stream, Code::kCancel);
    if (!end) return;
    events += "$";
    Answer(stream);
  }
  void OnClosed(Stream& stream, const Closed& closed) override {
    outcome_.streams[stream.id].closed = std::to_string(static_cast<int>(closed.cause)) + " " +
                                         std::string(Name(closed.code)) + " " +
                                         std::to_string(static_cast<int>(closed.fate));
  }
  void OnWritable(Stream&) override {}
  void OnSettings() override { ++outcome_.settings; }
  void OnGoAway(uint32_t, Code, std::string_view) override { ++outcome_.goaways; }
  void OnPong(uint64_t) override { ++outcome_.pongs; }
  bool OnOffence(Offence, const Stream*) override { return true; }

 private:
  void Write(const Stream& stream, const Headers& headers, bool end) {
    std::string& events = outcome_.streams[stream.id].events;
    events += "{";
    for (const Header& h : headers.fields) {
      events.append(h.name).append("=").append(h.value).append(",");
    }
    events += end ? "}$" : "}";
  }
  void Answer(Stream& stream) {
    if (role_ == Role::kClient) return;
    session_->Respond(stream, kResponse, {}, false);
    session_->Send(stream, Slice::Static(BytesOf("an answer")), false);
    session_->Finish(stream, kOk, {});
  }

  const Role role_;
  Outcome& outcome_;
  Session* session_ = nullptr;
};

// Writes all there is, and reads from it which streams were reset.
inline void Write(Session& session, Outcome& outcome) {
  std::string bytes;
  for (const iovec& v : session.Gather()) {
    bytes.append(static_cast<const char*>(v.iov_base), v.iov_len);
  }
  session.Wrote(bytes.size());
  std::string_view rest = bytes;
  if (rest.starts_with(kPreface)) rest.remove_prefix(kPreface.size());
  const auto number = [&](size_t at, size_t n) {
    uint32_t value = 0;
    for (size_t i = at; i < at + n; ++i) value = value << 8 | static_cast<uint8_t>(rest[i]);
    return value;
  };
  while (rest.size() >= 9) {
    if (rest[3] == 3) outcome.resets[number(5, 4)] = static_cast<Code>(number(9, 4));
    rest.remove_prefix(std::min<size_t>(rest.size(), 9 + number(0, 3)));
  }
}

// `bytes` come after the preface; cut by `seed`.
inline Outcome Run(MakeSession make, Role role, std::string_view bytes, uint64_t seed) {
  FreeList memory;
  Outcome outcome;
  Owner owner(role, outcome);
  const auto session = make(role, {}, owner, memory);
  owner.Take(*session);
  if (role == Role::kServer) {
    session->Receive(BytesOf(kPreface));
  } else {
    session->Receive(BytesOf(std::string_view("\0\0\0\4\0\0\0\0\0", 9)));
    for (int i = 0; i < kClientStreams; ++i) {
      session->Open(kRequest, {}, Slice::Static(BytesOf("a request")), true, nullptr);
    }
  }
  Write(*session, outcome);
  bool good = true;
  while (!bytes.empty() && good) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const size_t piece = std::min<size_t>(bytes.size(), 1 + (seed >> 33) % 200);
    good = session->Receive(BytesOf(bytes.substr(0, piece)));
    bytes.remove_prefix(piece);
    Write(*session, outcome);
  }
  outcome.over = !good;
  outcome.fault = session->fault();
  return outcome;
}

// Without a last frame that isn't whole, and a PING after it all: nghttp2 judges a header block
// before it has seen its end.
inline std::string WholeFrames(std::string_view bytes) {
  size_t whole = 0;
  while (bytes.size() - whole >= 9) {
    const auto at = [&](size_t i) { return size_t{static_cast<uint8_t>(bytes[whole + i])}; };
    const size_t next = whole + 9 + (at(0) << 16 | at(1) << 8 | at(2));
    if (next > bytes.size()) break;
    whole = next;
  }
  return std::string(bytes.substr(0, whole)) + std::string("\0\0\10\6\0\0\0\0\0the last", 17);
}

// -- Comparing.

// Where the two may go apart, and why. After a difference at the level of the connection, streams
// must agree as far as both have heard of them.
enum class Meant : uint8_t {
  kNothing,    // They agree.
  kStricter,   // Ours ends the connection where nghttp2 looks away: see kOursAlone.
  kGentler,    // nghttp2 ends the connection where ours ends a stream, or nothing.
  kOtherCode,  // Both end the connection, and say different things of it.
  kSooner,  // Ours has written its answer and closed the stream, nghttp2 has yet to when RST comes.
  kBadField,     // nghttp2 drops a field with bad characters, ours ends its stream (section 8.2.1).
  kStreamFault,  // Both end the stream, at another byte of the frame or with another code.
  kNotMeant,
};

inline bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::ranges::any_of(
      list, [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

// What ours alone calls an error of the connection.
inline bool OursAlone(const Fault& fault) {
  return IsOneOf(fault.why, {
                                "below the last one it has opened",  // 5.1.1
                                "on a stream that it has ended",     // 5.1, of any age it knows
                                "malformed PRIORITY",                // 7540, 6.3, on idle streams
                                "more streams than the one before",  // 6.8
                                "a bad SETTINGS_",   // 6.5.2: each value, not only the last; 8441
                                "can't be decoded",  // Integers of useless length
                                "continues no header block",  // on a stream it has reset
                                "on an idle stream",          // of the other side's ids
                                "resets an idle stream",
                                "DATA on stream 0",            // without a byte, too
                                "pushes although it may not",  // also before it has acknowledged it
                            });
}

inline bool IsPrefix(const std::string& a, const std::string& b) {
  return a.size() <= b.size() ? b.starts_with(a) : a.starts_with(b);
}

inline Meant Compare(const Outcome& ours, const Outcome& theirs, std::string& difference) {
  Meant meant = Meant::kNothing;
  if (ours.over && !theirs.over)
    meant = OursAlone(ours.fault) ? Meant::kStricter : Meant::kNotMeant;
  if (!ours.over && theirs.over) meant = Meant::kGentler;
  if (ours.over && theirs.over && ours.fault.code != theirs.fault.code) meant = Meant::kOtherCode;
  if (meant == Meant::kNotMeant) difference = "only ours is over: " + ours.fault.why;
  const bool apart = ours.over || theirs.over;
  static const StreamLog kNone;
  const auto find = [](const auto& map, uint32_t id) {
    const auto found = map.find(id);
    return found == map.end() ? kNone : found->second;
  };
  std::map<uint32_t, StreamLog> all = ours.streams;
  all.insert(theirs.streams.begin(), theirs.streams.end());
  for (const auto& [id, unused] : all) {
    const StreamLog a = find(ours.streams, id), b = find(theirs.streams, id);
    if (a == b) continue;
    const auto reset = ours.resets.find(id);
    const bool faulty = reset != ours.resets.end() && reset->second != Code::kNoError;
    const bool prefix = IsPrefix(a.events, b.events);
    if (apart && prefix) continue;
    if (a.events == b.events && a.closed.starts_with("0 ") && b.closed.starts_with("1 ")) {
      meant = std::max(meant, Meant::kSooner);
      continue;
    }
    if (faulty && prefix) {
      meant = std::max(meant, b.closed.empty() ? Meant::kBadField : Meant::kStreamFault);
      continue;
    }
    if (faulty && reset->second == Code::kProtocolError) {
      meant = std::max(meant, Meant::kBadField);
      continue;
    }
    difference += "stream " + std::to_string(id) + ":\n  ours   " + a.events + " | " + a.closed +
                  "\n  theirs " + b.events + " | " + b.closed + "\n";
    meant = Meant::kNotMeant;
  }
  return meant;
}

}  // namespace rondo::http2::differential
