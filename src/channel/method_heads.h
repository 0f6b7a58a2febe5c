#pragma once
// The request headers that all calls of a method have in common, made once a channel, so that a
// connection may keep their encoded bytes.
// Threads: home.
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http2/headers.h"
#include "rondo/call.h"
#include "wire/compression.h"

namespace rondo::channel {

class MethodHeads {
 public:
  MethodHeads(std::string authority, std::string user_agent)
      : authority_(std::move(authority)), user_agent_(std::move(user_agent)) {}

  // `authority`: empty for the channel's own. What comes back is good until the next call.
  const http2::HeaderTemplate& Of(const Method& method, std::string_view authority = {}) {
    if (!authority.empty() && authority != authority_) return OfOther(method, authority);
    if (last_ == &method) return *last_head_;
    Template& head = heads_[&method];
    if (head == nullptr) head = Make(method, authority_);
    last_ = &method;
    last_head_ = head.get();
    return *head;
  }

 private:
  using Template = std::unique_ptr<http2::HeaderTemplate>;
  static constexpr size_t kMostOthers = 4096;  // Names of backends come and go.

  const http2::HeaderTemplate& OfOther(const Method& method, std::string_view authority) {
    if (others_.size() >= kMostOthers) others_.clear();
    Template& head = others_[{&method, std::string(authority)}];
    if (head == nullptr) head = Make(method, std::string(authority));
    return *head;
  }

  // Order and content: gRPC over HTTP/2, Request-Headers.
  Template Make(const Method& method, const std::string& authority) const {
    return std::make_unique<http2::HeaderTemplate>(
        http2::HeaderTemplate::Fields{{":method", "POST"},
                                      {":scheme", "http"},
                                      {":path", std::string(method.path)},
                                      {":authority", authority},
                                      {"te", "trailers"},
                                      {"content-type", "application/grpc"},
                                      {"grpc-accept-encoding", std::string(wire::kAcceptEncoding)},
                                      {"user-agent", user_agent_}});
  }
  const std::string authority_, user_agent_;
  std::unordered_map<const Method*, Template> heads_;
  const Method* last_ = nullptr;  // Calls come in runs.
  const http2::HeaderTemplate* last_head_ = nullptr;
  std::map<std::pair<const Method*, std::string>, Template> others_;
};

}  // namespace rondo::channel
