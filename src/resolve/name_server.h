#pragma once
// The name server that a target's authority names.
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "event/name_service.h"

namespace rondo::resolve {

// `authority`: "host[:port]" of a server (port 53 if it names none), or empty for the system's. A
// host that is itself a name is looked up with the system's servers before each question.
absl::StatusOr<std::unique_ptr<event::NameService>> NamesOf(const event::NameServiceFactory& make,
                                                            Loop& loop, std::string_view authority);

}  // namespace rondo::resolve
