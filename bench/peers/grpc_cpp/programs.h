#pragma once
// The programs that main.cc chooses among, and what they share.
#include <grpcpp/grpcpp.h>

#include <string>

#include "echo.grpc.pb.h"
#include "message.h"

namespace bench {

using rondo::bench::Echo;
using Text = rondo::bench::Message;

// "a,b" as "ipv4:127.0.0.1:a,127.0.0.1:b", round robin. `own`: with connections of its own.
std::shared_ptr<grpc::Channel> Open(const std::string& ports, bool own = false);

// A request of size= bytes.
Text Request(const Arguments& arguments);

// Prints the port and waits for the end of stdin.
void ServeUntilStdinEnds(grpc::Server& server, int port);

// Whether a reply is what was asked for; says why not, once.
class Judge {
 public:
  Judge(Meter& meter, const Text& request) : meter_(meter), size_(request.text().size()) {}
  void operator()(bool ok, const Text& reply, const std::string& why = "the stream has ended") {
    if (ok && reply.text().size() == size_) return;
    if (!said_) std::fprintf(stderr, "bench: %s\n", ok ? "a reply has another size" : why.c_str());
    said_ = true;
    meter_.Failed();
  }

 private:
  Meter& meter_;
  const size_t size_;
  bool said_ = false;
};

void AsyncClient(const Arguments& arguments);
void CallbackClient(const Arguments& arguments);
void AsyncServer(const Arguments& arguments);
void CallbackServer(const Arguments& arguments);
void Idle(const Arguments& arguments);

}  // namespace bench
