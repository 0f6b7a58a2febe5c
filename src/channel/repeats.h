#pragma once
// What a call has that may be sent more than once by policy; other calls have none of it.
// Threads: home.
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "http2/headers.h"
#include "rondo/balance.h"

namespace rondo::channel {

class Repeats {
 public:
  virtual ~Repeats() = default;

  virtual void OnArrive() {}  // The call has come to its home loop.
  virtual void OnAnswer() {}  // Its headers are there: it is committed.
  // An attempt has failed with `status`. True: the call waits, for a backoff or for its hedges.
  // False: this is the end; `status` may have learnt why.
  virtual bool Decide(absl::Status& status, bool committed, const http2::Headers* trailers) = 0;
  // grpc-previous-rpc-attempts, from the second attempt on; a view.
  virtual void AddHeader(std::vector<http2::Header>& fields) const = 0;
  virtual void AddTried(std::vector<const Subchannel*>& /*tried*/) const {}  // By others than it.
  virtual std::string WhyItWaits() const = 0;
  virtual bool first() const = 0;              // No attempt that counts came before.
  virtual int hedges() const { return 0; }     // That were sent besides the call itself.
  virtual bool part() const { return false; }  // The call is an attempt of another one.
  virtual void Stop() = 0;                     // The call has ended.
};

}  // namespace rondo::channel
