#pragma once
// errno as text: "connection refused (ECONNREFUSED)". Threads: any.
#include <string>

namespace rondo::event {

std::string ErrorText(int error);

}  // namespace rondo::event
