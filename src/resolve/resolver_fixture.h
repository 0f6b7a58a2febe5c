#pragma once
// A resolver, its loop whose time the test moves, and what its channel hears.
// Threads: one; for tests only.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/manual_loop.h"
#include "resolve/builtin.h"
#include "rondo/resolve.h"

namespace rondo::resolve {

using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

// "UNAVAILABLE: text", or "OK".
inline std::string Text(const absl::Status& status) { return status.ToString(); }

class ResolverTest : public testing::Test {
 protected:
  // The resolver of `target`, as a channel finds it. OK, or why there is none.
  absl::Status Make(const ResolverFactory& factory, std::string_view target, uint64_t seed = 1) {
    const Registry registry({factory});
    auto found = registry.Find(target, "dns");
    if (!found.ok()) return found.status();
    auto made = found->factory->make(found->target, *loop,
                                     [this](Resolution r) {
                                       heard.push_back(std::move(r));
                                       if (on_news) on_news();
                                       return answer;
                                     },
                                     {.seed = seed});
    if (!made.ok()) return made.status();
    resolver = *std::move(made);
    return absl::OkStatus();
  }
  void Start(const ResolverFactory& factory, std::string_view target) {
    const absl::Status made = Make(factory, target);
    ASSERT_TRUE(made.ok()) << made;
    heard.clear();
    resolver->Start();
  }
  // What it publishes first.
  Texts Resolve(const ResolverFactory& factory, std::string_view target) {
    Start(factory, target);
    EXPECT_THAT(heard, IsEmpty()) << "told inside Start";
    loop->RunUntilIdle();
    return Addresses();
  }
  std::string WhyNot(const ResolverFactory& factory, std::string_view target) {
    return Text(Make(factory, target));
  }

  Texts Addresses() const { return heard.empty() ? Texts{} : AddressesOf(heard.back()); }
  static Texts AddressesOf(const Resolution& resolution) {
    if (!resolution.endpoints.ok()) return {Text(resolution.endpoints.status())};
    Texts out;
    for (const Endpoint& e : *resolution.endpoints) {
      EXPECT_EQ(e.addresses.size(), 1u);
      out.insert(out.end(), e.addresses.begin(), e.addresses.end());
    }
    return out;
  }

  const std::shared_ptr<event::ManualLoop> loop = event::ManualLoop::Make();
  std::vector<Resolution> heard;
  absl::Status answer;            // What the channel says to news.
  std::function<void()> on_news;  // Runs inside the channel's callback.
  std::unique_ptr<Resolver> resolver;
};

}  // namespace rondo::resolve
