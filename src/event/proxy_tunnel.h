#pragma once
// A proxy's socket: asks for a tunnel, and once there is one, is its end.
// Threads: the loop's.
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "event/socket.h"
#include "rondo/function.h"

namespace rondo::event {

class ProxyTunnel final : public Socket, private SocketEvents {
 public:
  // Whether there is a tunnel, in words about the proxy: "it answered CONNECT with 403 Forbidden",
  // UNAVAILABLE. Called once, in a later turn; the socket may be destroyed in it. Only then it may
  // be started.
  using Opened = Function<void(const absl::Status&)>;
  // `address`: "greeter.example:443". `authorization`: of Proxy-Authorization; may be empty.
  ProxyTunnel(std::unique_ptr<Socket> proxy, std::string_view address,
              std::string_view authorization, Opened opened);

  void Start(SocketEvents& events) override;
  Io Read(std::span<uint8_t> into) override;
  Io Write(std::span<const iovec> from) override { return proxy_->Write(from); }
  void PauseReading(bool pause) override { proxy_->PauseReading(pause); }
  void SetUserTimeout(Duration timeout) override { proxy_->SetUserTimeout(timeout); }
  std::string peer() const override { return address_; }
  std::string local() const override { return proxy_->local(); }
  bool pending() const override { return proxy_->pending(); }

 private:
  void OnReadable() override;
  void OnWritable() override;
  void Ask();
  void ReadReply();
  std::optional<absl::Status> Judge();
  void End(const absl::Status& status);

  const std::unique_ptr<Socket> proxy_;
  const std::string address_;
  Opened opened_;                   // Null once told.
  SocketEvents* events_ = nullptr;  // Of the tunnel's owner.
  std::string request_;             // What of it hasn't been taken.
  std::string reply_;               // In the end: bytes that came behind it.
  size_t interim_ = 0;              // Bytes of answers that came before the final one.
};

}  // namespace rondo::event
