#pragma once
// A name service that the test answers for.
// Threads: one; for tests only.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/name_service.h"

namespace rondo::resolve {

class FakeNames {
 public:
  using Answer = absl::StatusOr<event::NamedAddresses>;

  event::NameServiceFactory Factory() {
    return [this](Loop&,
                  std::string_view server) -> absl::StatusOr<std::unique_ptr<event::NameService>> {
      servers.emplace_back(server);
      return std::make_unique<Service>(*this, server);
    };
  }
  // Answers the open question for `family`; false: there is none.
  bool Tell(event::Family family, Answer answer) {
    for (Question* q : open_) {
      if (q->family != family) continue;
      std::erase(open_, q);
      event::NameService::Done done = std::move(q->done);
      done(std::move(answer));
      return true;
    }
    return false;
  }
  // "host 4" of each open question, in the order in which they were put.
  std::vector<std::string> Open() const {
    std::vector<std::string> out;
    for (const Question* q : open_) {
      out.push_back(q->host + (q->family == event::Family::kIpv4 ? " 4" : " 6"));
    }
    return out;
  }

  std::vector<std::string> servers;  // Of each service made.
  int asked = 0;

 private:
  struct Question final : event::Lookup {
    Question(FakeNames& n, std::string_view s, std::string_view h, event::Family f,
             event::NameService::Done d)
        : names(n), server(s.empty() ? "10.0.0.53:53" : s), host(h), family(f), done(std::move(d)) {
      names.open_.push_back(this);
      ++names.asked;
    }
    ~Question() override { std::erase(names.open_, this); }
    std::string asked() const override { return server; }

    FakeNames& names;
    const std::string server, host;
    const event::Family family;
    event::NameService::Done done;
  };
  struct Service final : event::NameService {
    Service(FakeNames& n, std::string_view s) : names(n), server(s) {}
    std::unique_ptr<event::Lookup> Find(std::string_view host, event::Family family,
                                        Done done) override {
      return std::make_unique<Question>(names, server, host, family, std::move(done));
    }
    FakeNames& names;
    const std::string server;
  };

  std::vector<Question*> open_;
};

}  // namespace rondo::resolve
