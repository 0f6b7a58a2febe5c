#pragma once
// Which calls a server takes when it has nearly as many as it may (ServerOptions::admission): those
// of connections that have less than their share first.
// Threads: any; a Guest belongs to its connection's loop.
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "rondo/server.h"

namespace rondo::server {

class Admission {
 public:
  explicit Admission(const AdmissionOptions& options)
      : limit_(options.max_calls), pushback_(options.pushback) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // One connection, and the calls of it that were taken.
  class Guest {
   public:
    explicit Guest(Admission& admission) : admission_(admission) {}
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;
    ~Guest() {
      if (calls_ > 0) admission_.busy_.fetch_sub(1, std::memory_order_relaxed);
    }
    // `connections`: how many there are. False: the call is to be refused.
    bool Take(size_t connections);
    void Return() {
      if (--calls_ == 0) admission_.busy_.fetch_sub(1, std::memory_order_relaxed);
      admission_.Return();
    }

   private:
    Admission& admission_;
    size_t calls_ = 0;
  };

  bool enabled() const { return limit_ > 0; }
  size_t limit() const { return limit_; }
  // Of a call whose connection has gone.
  void Return() { calls_.fetch_sub(1, std::memory_order_relaxed); }
  size_t refused() const { return refused_.load(std::memory_order_relaxed); }
  // What the next refused call is told to wait, so that they don't all come back at once: 0 means
  // that nothing is told.
  int64_t NextPushbackMs();

 private:
  bool Fits(size_t calls, size_t mine, size_t connections) const;

  const size_t limit_;
  const Duration pushback_;
  std::atomic<size_t> calls_{0};    // Taken, and not returned.
  std::atomic<size_t> busy_{0};     // Connections that have some.
  std::atomic<size_t> refused_{0};  // Since the server exists.
  std::atomic<uint32_t> turn_{0};   // Of pushbacks.
};

}  // namespace rondo::server
