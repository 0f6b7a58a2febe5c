#include "channel/attempt_credentials.h"

#include <utility>

#include "base/text.h"
#include "channel/call.h"
#include "channel/core.h"
#include "wire/status_codec.h"

namespace rondo::channel {

// What one of the credentials is handed: it keeps the call's memory until it is answered.
class AttemptCredentials::Answer {
 public:
  Answer(AttemptCredentials& of, uint64_t question)
      : core_(of.core_.Self()), call_(&of.call_), of_(&of), question_(question) {}
  Answer(Answer&& other) noexcept
      : core_(std::move(other.core_)),
        call_(std::move(other.call_)),
        of_(std::exchange(other.of_, nullptr)),
        question_(other.question_) {}
  Answer& operator=(Answer&&) = delete;
  ~Answer() {
    if (of_ != nullptr) Give(absl::InternalError("they were dropped without an answer"));
  }
  void Give(absl::StatusOr<Metadata> metadata) {
    AttemptCredentials* of = std::exchange(of_, nullptr);
    if (of == nullptr) return;  // Once is enough.
    if (core_->IsHome()) return of->Hear(question_, std::move(metadata));
    // The end of the loop has ended the call.
    core_->home().Post([of, question = question_, call = std::move(call_),
                        m = std::move(metadata)]() mutable { of->Hear(question, std::move(m)); });
  }

 private:
  std::shared_ptr<Core> core_;
  CallShare call_;
  AttemptCredentials* of_;
  uint64_t question_;
};

void AttemptCredentials::Ask(std::string_view method) {
  std::string_view host = core_.authority();
  if (host.ends_with(":443")) host.remove_suffix(4);
  service_url_ = Cat("https://", host, method.substr(0, method.rfind('/')));
  method_ = method;
  next_ = 0;
  metadata_.clear();
  AskNext();
}

void AttemptCredentials::AskNext() {
  Answer answer(*this, ++question_);
  all_[next_++]->Get({.service_url = service_url_, .method = method_},
                     [a = std::move(answer)](absl::StatusOr<Metadata> metadata) mutable {
                       a.Give(std::move(metadata));
                     });
}

void AttemptCredentials::Hear(uint64_t question, absl::StatusOr<Metadata> metadata) {
  if (question != question_) return;
  absl::Status status = metadata.status();
  if (status.ok()) {
    for (const auto& [key, value] : *metadata) metadata_.Add(key, value);
    if (next_ < all_.size()) return AskNext();
    fields_.clear();
    status = wire::EncodeMetadata(metadata_, fields_);
  }
  answered_ = status.ok();
  if (!answered_) ++question_;
  if (!status.ok()) {
    status = wire::RestrictControlPlane(
        absl::Status(status.code(), Cat("call credentials: ", status.message())));
  }
  call_.OnCredentials(std::move(status));
}

void AttemptCredentials::Spend() {
  ++question_;
  answered_ = false;
}

}  // namespace rondo::channel
