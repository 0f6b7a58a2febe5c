// CPU of a unary call in http2::Session alone, in memory: ours against the one over nghttp2, client
// and server apart, one call or a hundred at a time, with and without a timeout that changes.
// session [calls=N] [only=own|oracle]: a line of JSON for each row; `idle` is what a session
// weighs that has only shaken hands.
#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <span>
#include <vector>

#include "base/free_list.h"
#include "count_new.h"
#include "floor/harness.h"
#include "http2/http2_session.h"
#include "oracle/nghttp2_session.h"

namespace bench {
namespace {

using namespace rondo;
using namespace rondo::http2;

constexpr int kRepeats = 7;
constexpr int kWindow = 100;  // Streams that may be open at once.
// A framed protobuf message with a text of 16 bytes.
constexpr uint8_t kFramed[] = {0,   0,   0,   0,   18,  0x0a, 16,  'a', 'b', 'c', 'd', 'e',
                               'f', 'g', 'h', 'i', 'j', 'k',  'l', 'm', 'n', 'o', 'p'};

const HeaderTemplate kRequest({{":method", "POST"},
                               {":scheme", "http"},
                               {":path", "/rondo.bench.Echo/Unary"},
                               {":authority", "127.0.0.1:50051"},
                               {"te", "trailers"},
                               {"content-type", "application/grpc"},
                               {"user-agent", "bench"}});
const HeaderTemplate kResponse({{":status", "200"}, {"content-type", "application/grpc"}});
const HeaderTemplate kOk(HeaderTemplate::Fields{{"grpc-status", "0"}});

class Side final : public Visitor {
 public:
  Side(MakeSession make, Role role) : session_(make(role, {}, *this, memory_)) {}

  void Start(int n, bool timeout) {
    char text[8];
    Header extra{"grpc-timeout", {}, Token::kGrpcTimeout};
    for (int i = 0; i < n; ++i) {
      if (timeout) {
        char* end = std::to_chars(text, text + 6, 900 + ++tick_ % 100).ptr;
        *end++ = 'm';
        extra.value = {text, static_cast<size_t>(end - text)};
      }
      session_->Open(kRequest, {&extra, timeout ? 1u : 0u}, Slice::Static(kFramed), true, this);
    }
  }
  void Read(Bytes bytes) { session_->Receive(bytes); }
  void Write(std::vector<uint8_t>& wire) {
    wire.clear();
    for (const iovec& v : session_->Gather()) {
      const auto* p = static_cast<const uint8_t*>(v.iov_base);
      wire.insert(wire.end(), p, p + v.iov_len);
    }
    session_->Wrote(wire.size());
  }
  int done() const { return done_; }

  bool OnRequest(Stream& stream, const Headers& headers, bool) override {
    stream.user = this;
    return headers.Find(Token::kPath) != nullptr;
  }
  void OnHeaders(Stream&, const Headers& headers, bool end) override {
    if (end && headers.Find(Token::kGrpcStatus)->value == "0") ++good_;
  }
  void OnData(Stream& stream, Bytes bytes, bool end) override {
    session_->CreditConnection(bytes.size());
    session_->Credit(stream, bytes.size());
    if (!end) return;
    session_->Respond(stream, kResponse, {}, false);
    session_->Send(stream, Slice::Static(kFramed), false);
    session_->Finish(stream, kOk, {});
  }
  void OnClosed(Stream&, const Closed&) override { ++done_; }
  void OnWritable(Stream&) override {}
  void OnSettings() override {}
  void OnGoAway(uint32_t, Code, std::string_view) override {}
  void OnPong(uint64_t) override {}
  bool OnOffence(Offence, const Stream*) override { return true; }

 private:
  FreeList memory_;
  int tick_ = 0, done_ = 0, good_ = 0;
  std::unique_ptr<Session> session_;
};

uint64_t CpuNow() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
}

struct Pair {
  explicit Pair(MakeSession make) : client(make, Role::kClient), server(make, Role::kServer) {
    for (int i = 0; i < 4; ++i) Round(0, false);
  }
  void Round(int batch, bool timeout) {
    client.Start(batch, timeout);
    client.Write(up);
    server.Read(up);
    server.Write(down);
    client.Read(down);
  }
  Side client, server;
  std::vector<uint8_t> up, down;
};

// The clock is read once for kWindow calls of one side.
void Measure(const char* name, MakeSession make, int batch, bool timeout, int calls) {
  Pair pair(make);
  for (int i = 0; i < 300; ++i) pair.Round(batch, timeout);
  double client = 1e18, server = 1e18, allocated = 0;
  const int rounds = std::max(1, kWindow / batch), blocks = std::max(1, calls / batch / rounds);
  std::vector<std::vector<uint8_t>> up(static_cast<size_t>(rounds)), down(up.size());
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    uint64_t client_ns = 0, server_ns = 0, before = allocations;
    const int done = pair.client.done();
    for (int block = 0; block < blocks; ++block) {
      const uint64_t t0 = CpuNow();
      for (auto& bytes : up) {
        pair.client.Start(batch, timeout);
        pair.client.Write(bytes);
      }
      const uint64_t t1 = CpuNow();
      for (size_t i = 0; i < up.size(); ++i) {
        pair.server.Read(up[i]);
        pair.server.Write(down[i]);
      }
      const uint64_t t2 = CpuNow();
      for (auto& bytes : down) pair.client.Read(bytes);
      const uint64_t t3 = CpuNow();
      client_ns += t1 - t0 + t3 - t2;
      server_ns += t2 - t1;
    }
    const double each = static_cast<double>(blocks) * rounds * batch;
    if (pair.client.done() - done != blocks * rounds * batch) Die("calls were lost");
    client = std::min(client, static_cast<double>(client_ns) / each);
    server = std::min(server, static_cast<double>(server_ns) / each);
    allocated = static_cast<double>(allocations - before) / each;
  }
  std::printf(
      "{\"session\": \"%s\", \"batch\": %d, \"timeout\": %s, \"client_ns\": %.0f, "
      "\"server_ns\": %.0f, \"allocations\": %.3f, \"bytes\": %zu}\n",
      name, batch, timeout ? "true" : "false", client, server, allocated,
      (up[0].size() + down[0].size()) / static_cast<size_t>(batch));
}

void Weigh(const char* name, MakeSession make) {
  constexpr int kMany = 100;
  std::vector<std::unique_ptr<Pair>> all;
  all.reserve(kMany);
  const size_t before = mallinfo2().uordblks;
  for (int i = 0; i < kMany; ++i) {
    all.push_back(std::make_unique<Pair>(make));
    std::vector<uint8_t>().swap(all.back()->up);
    std::vector<uint8_t>().swap(all.back()->down);
  }
  const auto idle = static_cast<double>(mallinfo2().uordblks - before) / (2 * kMany);
  for (auto& pair : all) {
    for (int i = 0; i < 10; ++i) pair->Round(1, false);
    std::vector<uint8_t>().swap(pair->up);
    std::vector<uint8_t>().swap(pair->down);
  }
  const auto used = static_cast<double>(mallinfo2().uordblks - before) / (2 * kMany);
  std::printf("{\"session\": \"%s\", \"idle_bytes\": %.0f, \"idle_after_calls_bytes\": %.0f}\n",
              name, idle, used);
}

int Main(const Arguments& arguments) {
  const int calls = arguments.Int("calls", 100'000);
  const std::string only = arguments.Text("only");
  const std::pair<const char*, MakeSession> all[] = {{"own", &MakeHttp2Session},
                                                     {"oracle", &MakeNghttp2Session}};
  std::printf("{\"sizeof\": %zu, \"stream\": %zu}\n", sizeof(Http2Session), sizeof(StreamNode));
  for (const auto& [name, make] : all) {
    if (!only.empty() && only != name) continue;
    Weigh(name, make);
  }
  for (const int batch : {1, 100}) {
    for (const bool timeout : {false, true}) {
      for (const auto& [name, make] : all) {
        if (only.empty() || only == name) Measure(name, make, batch, timeout, calls);
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
