#pragma once
// What a descriptor pool finds wrong with files, kept instead of logged.
// Threads: one at a time.
#include <google/protobuf/descriptor.h>

#include <string>

namespace rondo::cli {

class PoolErrors final : public google::protobuf::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& file, const std::string& element,
                const google::protobuf::Message* /*descriptor*/, ErrorLocation /*location*/,
                const std::string& what) override {
    if (first_.empty()) first_ = file + ": " + element + ": " + what;
  }
  const std::string& first() const { return first_; }  // Empty: none.

 private:
  std::string first_;
};

}  // namespace rondo::cli
