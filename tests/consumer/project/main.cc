// A project of somebody else's: an installed rondo, a service of its own, one call.
#include <cstdio>

#include "rondo/channel.h"
#include "rondo/server.h"
#include "shop.rondo.pb.h"

struct Shop final : shop::ShopSyncService {
  absl::StatusOr<shop::Receipt> Buy(rondo::ServerCall&, const shop::Order& order) override {
    shop::Receipt receipt;
    receipt.set_text("order " + std::to_string(order.id()));
    return receipt;
  }
};

int main() {
  Shop service;
  rondo::Server server({.credentials = rondo::Insecure(), .listen = {"127.0.0.1:0"}});
  server.Add(service);
  if (!server.Start().ok()) return 1;
  auto channel = rondo::Channel::Create(server.addresses()[0], {.credentials = rondo::Insecure()});
  if (!channel.ok()) return 1;
  shop::Order order;
  order.set_id(7);
  auto receipt = shop::ShopStub(*channel).Buy(order, {.timeout = std::chrono::seconds(10)});
  std::puts(receipt.ok() ? receipt->text().c_str() : receipt.status().ToString().c_str());
  return receipt.ok() && receipt->text() == "order 7" ? 0 : 1;
}
