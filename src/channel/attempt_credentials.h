#pragma once
// Asks a call's credentials, anew for each attempt, and keeps their answer until it is sent.
// Threads: home; the credentials may answer on any.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "rondo/credentials.h"
#include "wire/metadata_codec.h"

namespace rondo::channel {

class Call;
class Core;

class AttemptCredentials {
 public:
  // In the order in which they are asked. They and `call` outlive this.
  AttemptCredentials(Core& core, Call& call, std::vector<CallCredentials*> all)
      : core_(core), call_(call), all_(std::move(all)) {}
  AttemptCredentials(const AttemptCredentials&) = delete;
  AttemptCredentials& operator=(const AttemptCredentials&) = delete;

  // The call hears OnCredentials when all have answered: perhaps before this returns.
  void Ask(std::string_view method);
  bool answered() const { return answered_; }
  const wire::Fields& fields() const { return fields_; }  // Once answered.
  void Spend();  // The attempt has sent them, or is given up: the next one asks again.

 private:
  class Answer;
  void AskNext();
  void Hear(uint64_t question, absl::StatusOr<Metadata> metadata);

  Core& core_;
  Call& call_;
  const std::vector<CallCredentials*> all_;
  size_t next_ = 0;
  uint64_t question_ = 0;  // Answers to earlier ones are not heard.
  bool answered_ = false;
  std::string service_url_, method_;
  Metadata metadata_;
  wire::Fields fields_;
};

}  // namespace rondo::channel
