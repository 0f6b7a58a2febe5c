// Any bytes, in any pieces, to both roles of an HTTP/2 session. Beside not crashing: no stream is
// heard of before its beginning or after its end, and a connection that is over stays so.
#include <sys/uio.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string_view>

#include "base/free_list.h"
#include "http2/session.h"

namespace http2_input {

using namespace rondo;
using namespace rondo::http2;

const HeaderTemplate kRequest({{":method", "POST"},
                               {":scheme", "http"},
                               {":path", "/a.B/C"},
                               {":authority", "h"},
                               {"te", "trailers"},
                               {"content-type", "application/grpc"}});
const HeaderTemplate kResponse({{":status", "200"}, {"content-type", "application/grpc"}});
const HeaderTemplate kOk(HeaderTemplate::Fields{{"grpc-status", "0"}});

void Check(bool holds) {
  if (!holds) std::abort();
}
Bytes BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Does with each stream what its number says, so that every method meets every state.
class Owner final : public Visitor {
 public:
  Session* session = nullptr;
  std::set<const Stream*> open;
  int offences = 500;

  bool OnRequest(Stream& stream, const Headers&, bool end) override {
    if (stream.id % 16 == 15) return false;
    Check(open.insert(&stream).second);
    if (end) Answer(stream);
    return true;
  }
  void OnHeaders(Stream& stream, const Headers& headers, bool) override {
    Check(open.contains(&stream));
    Check(headers.size <= Options().max_header_bytes);
  }
  void OnData(Stream& stream, Bytes bytes, bool end) override {
    Check(open.contains(&stream));
    session->CreditConnection(bytes.size());
    session->Credit(stream, bytes.size());
    if (stream.id % 8 == 3) return Drop(stream);
    if (end) Answer(stream);
  }
  void OnClosed(Stream& stream, const Closed&) override { Check(open.erase(&stream) == 1); }
  void OnWritable(Stream& stream) override { Check(open.contains(&stream)); }
  void OnSettings() override {}
  void OnGoAway(uint32_t, Code, std::string_view) override {}
  void OnPong(uint64_t) override {}
  bool OnOffence(Offence, const Stream*) override { return --offences > 0; }

  void Drop(Stream& stream) {
    open.erase(&stream);
    session->Reset(stream, Code::kCancel);
  }

 private:
  void Answer(Stream& stream) {
    if (role_is_client) return;
    session->Respond(stream, kResponse, {}, false);
    session->Send(stream, Slice::Static(BytesOf("an answer")), false);
    session->Finish(stream, kOk, {});
  }

 public:
  bool role_is_client = false;
};

void Write(Session& session) {
  size_t bytes = 0;
  for (const iovec& v : session.Gather()) bytes += v.iov_len;
  session.Wrote(bytes);
}

void Run(Role role, Bytes data, size_t seed) {
  static const std::string_view kMagic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  static const std::string_view kSettings("\0\0\0\4\0\0\0\0\0", 9);
  FreeList memory;
  Owner owner;
  owner.role_is_client = role == Role::kClient;
  const auto session = MakeHttp2Session(role, {}, owner, memory);
  owner.session = session.get();
  if (role == Role::kServer) session->Receive(BytesOf(kMagic));
  session->Receive(BytesOf(kSettings));
  for (int i = 0; role == Role::kClient && i < 5; ++i) {
    owner.open.insert(
        session->Open(kRequest, {}, Slice::Static(BytesOf("a request")), i % 2 == 0, nullptr));
    if (i == 2) Write(*session);
  }
  bool good = true;
  while (!data.empty()) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const size_t piece = std::min<size_t>(data.size(), 1 + (seed >> 33) % 64);
    const bool now = session->Receive(data.first(piece));
    Check(good || !now);
    good = now;
    data = data.subspan(piece);
    if ((seed >> 40) % 4 == 0) Write(*session);
  }
  if (!good) Check(owner.open.empty());
  session->Lost();
  Check(owner.open.empty());
  Check(!session->Receive(BytesOf(kSettings)));
}

}  // namespace http2_input

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const rondo::Bytes bytes = rondo::Bytes(data, size).subspan(2);
  http2_input::Run(data[0] % 2 == 0 ? rondo::http2::Role::kServer : rondo::http2::Role::kClient,
                   bytes, data[1]);
  return 0;
}
