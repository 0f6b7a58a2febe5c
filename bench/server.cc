// A server of one loop that sends each request back, over the public API without types. Its first
// line is its port; it ends with its stdin.
// server [cpu=N]
#include "rondo/server.h"

#include <cstring>
#include <deque>
#include <memory>

#include "floor/message.h"

namespace bench {
namespace {

const rondo::Method kUnaryMethod{PathOf(Kind::kUnary)};
const rondo::Method kBothMethod{PathOf(Kind::kBoth), true, true};
const rondo::Method kManyMethod{PathOf(Kind::kMany), false, true};

rondo::Slice Copy(rondo::Bytes message) {
  return rondo::FrameMessage(
      message.size(), [&](uint8_t* body) { std::memcpy(body, message.data(), message.size()); });
}

void Echo(rondo::ServerCall& call, rondo::Bytes request) { call.Reply(Copy(request)); }

// Every message back, while the next one is read. Owns itself until the call's end.
class Both {
 public:
  static void Start(rondo::ServerCall& call, rondo::Bytes) { (new Both(call))->Read(); }

 private:
  explicit Both(rondo::ServerCall& call) : call_(call) {}
  void Read() {
    call_.Read([this](std::optional<rondo::Bytes> message) {
      if (!message.has_value()) {
        last_ = true;
        return Write();
      }
      back_.push_back(Copy(*message));
      Write();
      Read();
    });
  }
  void Write() {
    if (writing_) return;
    if (back_.empty()) {
      if (last_) End();
      return;
    }
    writing_ = true;
    rondo::Slice next = std::move(back_.front());
    back_.pop_front();
    call_.Write(std::move(next), [this](bool) {
      writing_ = false;
      Write();
    });
  }
  void End() {
    const std::unique_ptr<Both> self(this);
    call_.Finish(absl::OkStatus());
  }

  rondo::ServerCall& call_;
  std::deque<rondo::Slice> back_;
  bool writing_ = false, last_ = false;
};

class Many {
 public:
  static void Start(rondo::ServerCall& call, rondo::Bytes request) {
    (new Many(call, request))->Write();
  }

 private:
  Many(rondo::ServerCall& call, rondo::Bytes request)
      : call_(call), request_(request.begin(), request.end()) {}
  void Write() {
    if (left_ == 0) {
      const std::unique_ptr<Many> self(this);
      return call_.Finish(absl::OkStatus());
    }
    --left_;
    call_.Write(Copy(request_), [this](bool room) {
      if (!room) left_ = 0;
      Write();
    });
  }

  rondo::ServerCall& call_;
  const std::vector<uint8_t> request_;
  uint64_t left_ = kMany;
};

int Main(const Arguments& arguments) {
  Prepare(arguments);
  rondo::LoopPool loops(1);
  rondo::Server server({.credentials = rondo::Insecure(),
                        .listen = {"127.0.0.1:0"},
                        .loops = &loops,
                        .max_concurrent_streams = 1000});
  server.Handle({.method = &kUnaryMethod, .start = &Echo});
  server.Handle({.method = &kBothMethod, .start = &Both::Start});
  server.Handle({.method = &kManyMethod, .start = &Many::Start});
  if (const absl::Status status = server.Start(); !status.ok()) {
    std::fprintf(stderr, "bench: %s\n", status.ToString().c_str());
    return 1;
  }
  std::printf("%d\n", server.port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(bench::Arguments(argc, argv)); }
