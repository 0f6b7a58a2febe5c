#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

using std::chrono_literals::operator""h;

class Fixed : public ResolverTest {
 protected:
  const ResolverFactory factory =
      FixedResolver("example", [this](const Target& t) -> absl::StatusOr<std::vector<Endpoint>> {
        ++finds;
        if (t.endpoint == "bad") return absl::NotFoundError("no list for bad");
        return std::vector<Endpoint>{{.addresses = {t.endpoint + ":1"}}};
      });
  int finds = 0;
};

TEST_F(Fixed, PublishesOnceWhatTheFunctionGives) {
  EXPECT_THAT(Resolve(factory, "example:///a"), ElementsAre("a:1"));
  resolver->Refresh();
  loop->Advance(1h);
  EXPECT_EQ(heard.size(), 1u);
  EXPECT_EQ(finds, 1);
}

TEST_F(Fixed, TellsWhyItsFunctionFindsNothing) {
  EXPECT_EQ(WhyNot(factory, "example:///bad"), "NOT_FOUND: no list for bad");
}

TEST_F(Fixed, PublishesNothingOnceDropped) {
  Start(factory, "example:///a");
  resolver = nullptr;
  loop->RunUntilIdle();
  EXPECT_THAT(heard, IsEmpty());
}

TEST_F(Fixed, MayBeDroppedInsideItsNews) {
  on_news = [this] { resolver = nullptr; };
  EXPECT_THAT(Resolve(factory, "example:///a"), ElementsAre("a:1"));
}

}  // namespace
}  // namespace rondo::resolve
