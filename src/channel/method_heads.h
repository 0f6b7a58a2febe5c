#pragma once
// The request headers that all calls of a method have in common, made once a channel, so that a
// connection may keep their encoded bytes.
// Threads: home.
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http2/headers.h"
#include "rondo/call.h"

namespace rondo::channel {

class MethodHeads {
 public:
  MethodHeads(std::string authority, std::string user_agent)
      : authority_(std::move(authority)), user_agent_(std::move(user_agent)) {}

  const http2::HeaderTemplate& Of(const Method& method) {
    if (last_ == &method) return *last_head_;
    std::unique_ptr<http2::HeaderTemplate>& head = heads_[&method];
    if (head == nullptr) head = Make(method);
    last_ = &method;
    last_head_ = head.get();
    return *head;
  }

 private:
  // Order and content: gRPC over HTTP/2, Request-Headers.
  std::unique_ptr<http2::HeaderTemplate> Make(const Method& method) const {
    return std::make_unique<http2::HeaderTemplate>(
        http2::HeaderTemplate::Fields{{":method", "POST"},
                                      {":scheme", "http"},
                                      {":path", std::string(method.path)},
                                      {":authority", authority_},
                                      {"te", "trailers"},
                                      {"content-type", "application/grpc"},
                                      {"user-agent", user_agent_}});
  }
  const std::string authority_, user_agent_;
  std::unordered_map<const Method*, std::unique_ptr<http2::HeaderTemplate>> heads_;
  const Method* last_ = nullptr;  // Calls come in runs.
  const http2::HeaderTemplate* last_head_ = nullptr;
};

}  // namespace rondo::channel
