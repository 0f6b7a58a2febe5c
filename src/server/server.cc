// The public face: a handle over server::Core.
#include "rondo/server.h"

#include <charconv>
#include <future>
#include <random>
#include <utility>

#include "event/loop_pool.h"
#include "server/core.h"
#include "server/make_server.h"

namespace rondo {
namespace {

server::Environment EnvironmentOf(const ServerOptions& options) {
  LoopPool& pool = options.loops != nullptr ? *options.loops : LoopPool::Default();
  std::random_device chance;
  server::Environment env{.loops = {}, .network = &event::SystemNetwork(), .seed = chance()};
  for (size_t i = 0; i < pool.size(); ++i) {
    env.loops.push_back(event::Of(pool.loop(i)).shared_from_this());
  }
  return env;
}

}  // namespace

Server::Server(ServerOptions options) {
  server::Environment env = EnvironmentOf(options);
  core_ = server::Core::Make(std::move(options), std::move(env));
}

Server server::MakeServer(ServerOptions options, Environment env) {
  return Server(Core::Make(std::move(options), std::move(env)));
}

Server::Server(std::shared_ptr<server::Core> core) : core_(std::move(core)) {}

Server::~Server() {
  core_->ForgetDrains();
  Stop();
}

void Server::Add(Service& service) { core_->Add(service); }

void Server::Handle(ServerMethod method) { core_->dispatch().Add(std::move(method)); }

void Server::HandleUnknown(std::function<void(ServerCall&)> start) {
  core_->dispatch().AddUnknown(std::move(start));
}

void Server::ReportLoad(const ServerLoad& load) { core_->ReportLoad(load); }

absl::Status Server::Start() { return core_->Start(); }

const std::vector<std::string>& Server::addresses() const { return core_->addresses(); }

size_t Server::connections_accepted() const { return core_->accepted(); }

size_t Server::calls_refused() const { return core_->admission().refused(); }

int Server::port() const {
  for (const std::string& address : addresses()) {
    if (address.starts_with("unix")) continue;
    const std::string_view digits = std::string_view(address).substr(address.rfind(':') + 1);
    int port = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return port;
  }
  return 0;
}

absl::Status Server::Drain(Duration grace) {
  if (core_->IsOnALoop()) {
    return absl::FailedPreconditionError(
        "server: Drain would block the event loop; use DrainAsync there");
  }
  std::promise<absl::Status> ended;
  auto result = ended.get_future();
  core_->DrainAsync(grace, [&ended](absl::Status status) { ended.set_value(std::move(status)); });
  return result.get();
}

void Server::DrainAsync(Duration grace, Function<void(absl::Status)> done) {
  core_->DrainAsync(grace, std::move(done));
}

void Server::Stop() { core_->Stop(); }

bool Server::RunOnWorker(Function<void()> work) { return core_->workers().Run(std::move(work)); }

}  // namespace rondo
