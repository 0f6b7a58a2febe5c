#pragma once
// A server of the simulation, which runs each call's script and can be drained, stopped, destroyed
// and started again at the same address.
// Threads: one.
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "event/manual_loop.h"
#include "server/make_server.h"
#include "stack/history.h"

namespace rondo::stack {

class Backend {
 public:
  Backend(std::shared_ptr<event::ManualLoop> loop, event::Network& network, History& history,
          int index, ServerOptions options);
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  ~Backend();

  const std::string& address() const { return options_.listen.front(); }
  bool running() const { return server_ != nullptr; }
  void Start();
  void Stop();     // At once; handlers run on.
  void Destroy();  // Likewise, and the object goes.
  // It runs on while another one may take its place.
  void Drain(Duration grace);
  void EndHandlers();  // The loop has stopped: nothing else will.
  void Sweep();        // Lets go of what is over. Outside events.
  bool quiet() const { return handlers_.empty() && drained_.empty(); }
  size_t cut_off() const { return cut_off_; }  // Drains that did not wait for all.

 private:
  class Handler;
  struct Drained {
    std::unique_ptr<Server> server;
    bool over = false;
  };
  void Run(ServerCall& call, Bytes request);

  const std::shared_ptr<event::ManualLoop> loop_;
  event::Network& network_;
  History& history_;
  const int index_;
  const ServerOptions options_;
  std::unique_ptr<Server> server_;
  std::list<Drained> drained_;
  std::list<std::unique_ptr<Handler>> handlers_;
  size_t cut_off_ = 0;
};

}  // namespace rondo::stack
