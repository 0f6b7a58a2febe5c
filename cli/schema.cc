#include "schema.h"

#include <algorithm>

#include "stop.h"

namespace rondo::cli {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

std::string Join(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

}  // namespace

const ServiceDescriptor& Schema::Service(const std::string& name) {
  const ServiceDescriptor* service = pool().FindServiceByName(name);
  Check();
  if (service != nullptr) return *service;
  throw Stop(kUsage, "there is no service \"" + name + "\"; there are: " + Join(Services()));
}

const MethodDescriptor& Schema::Method(const std::string& name) {
  const std::string path = name.starts_with('/') ? name.substr(1) : name;
  const size_t slash = path.find('/');
  const size_t split = slash == path.npos ? path.rfind('.') : slash;
  if (split == path.npos || split == 0 || split + 1 == path.size()) {
    throw Stop(kUsage, "\"" + name + "\" is no method: write package.Service/Method");
  }
  const ServiceDescriptor& service = Service(path.substr(0, split));
  const std::string short_name = path.substr(split + 1);
  if (const MethodDescriptor* method = service.FindMethodByName(short_name)) return *method;
  std::vector<std::string> names;
  for (int i = 0; i < service.method_count(); ++i) names.push_back(service.method(i)->name());
  throw Stop(kUsage,
             service.full_name() + " has no method \"" + short_name + "\"; it has: " + Join(names));
}

}  // namespace rondo::cli
