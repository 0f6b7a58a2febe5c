#pragma once
// A place in the tree of policies as it is shown to people (Channel::Explain). Seats are such
// places; who sits under whom is learnt from the Control that a seat is entered with, so that no
// policy has to say anything.
// Threads: home.
#include <string_view>

#include "rondo/balance.h"

namespace rondo {

class PolicyNode {
 public:
  PolicyNode() = default;
  PolicyNode(const PolicyNode&) = delete;
  PolicyNode& operator=(const PolicyNode&) = delete;
  virtual ~PolicyNode() {
    Leave();
    for (PolicyNode* child = first_; child != nullptr; child = child->next_) {
      child->parent_ = nullptr;
    }
  }

  virtual std::string_view title() const { return {}; }  // What it is to its parent.
  virtual std::string_view policy() const { return {}; }
  virtual Connectivity state() const { return Connectivity::kIdle; }

  bool seated() const { return parent_ != nullptr; }
  void SitUnder(PolicyNode& parent) {
    Leave();
    parent_ = &parent;
    previous_ = parent.last_;
    (previous_ != nullptr ? previous_->next_ : parent.first_) = this;
    parent.last_ = this;
  }
  // In the order in which they sat down.
  template <class F>
  void ForEachChild(F each) const {
    for (const PolicyNode* child = first_; child != nullptr; child = child->next_) each(*child);
  }

 private:
  void Leave() {
    if (parent_ == nullptr) return;
    (previous_ != nullptr ? previous_->next_ : parent_->first_) = next_;
    (next_ != nullptr ? next_->previous_ : parent_->last_) = previous_;
    parent_ = previous_ = next_ = nullptr;
  }

  PolicyNode* parent_ = nullptr;
  PolicyNode *first_ = nullptr, *last_ = nullptr;     // Its children.
  PolicyNode *previous_ = nullptr, *next_ = nullptr;  // Its siblings.
};

}  // namespace rondo
