// What a channel says of itself: Channel::Explain.
#include <algorithm>

#include "channel/core.h"

namespace rondo::channel {
namespace {

std::vector<Explanation::Node> ChildrenOf(const PolicyNode& node) {
  std::vector<Explanation::Node> out;
  node.ForEachChild([&](const PolicyNode& child) {
    out.push_back({.label = std::string(child.title()),
                   .policy = std::string(child.policy()),
                   .state = child.state(),
                   .children = ChildrenOf(child)});
    // By label, since policies begin their children in an order of their own.
    std::ranges::sort(out.back().children, {}, &Explanation::Node::label);
  });
  return out;
}

}  // namespace

Explanation Core::Explained() const {
  const Time now = home_->Now();
  Explanation out{
      .target = target_text_,
      .authority = authority_,
      .state = std::string(Name(board_.state())),
      .running = running(),
      .waiting = queue_.size(),
      .backing_off = resting_.size(),
      .resolver = {.scheme = target_.scheme,
                   .answered = resolved_,
                   .endpoints = endpoints_.size(),
                   .note = note_,
                   .error = trouble_},
      .config = {.source = std::string(configs_->source()), .refused = configs_->refused()},
      .policies = ChildrenOf(policies_),
      .backends = pool_.Explain(now)};
  if (answered_.has_value()) out.resolver.age = now - *answered_;
  if (!trouble_.ok()) out.resolver.error_age = now - trouble_at_;
  const auto config = configs_->current() != nullptr ? configs_->current() : published_config_;
  if (out.config.source != "none") {
    out.config.policy = config->policy().factory->name;
    out.config.json = config->json();
  }
  return out;
}

}  // namespace rondo::channel
