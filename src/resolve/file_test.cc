// Endpoints from a file that changes under the resolver's eyes: real files, the test's own time.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "resolve/resolver_fixture.h"

namespace rondo::resolve {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class FileResolverTest : public ResolverTest {
 protected:
  FileResolverTest() {
    std::string name = (fs::temp_directory_path() / "rondo-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    target_ = Cat("file://", Path("a.json"));
  }
  ~FileResolverTest() override {
    resolver.reset();
    fs::remove_all(folder_);
  }
  std::string Path(std::string_view name) const { return Cat(folder_, "/", name); }
  void Write(std::string_view name, std::string_view text) const {
    std::ofstream(Path(name)) << text;
  }
  static std::string List(std::string_view address) {
    return Cat(R"({"endpoints":[")", address, R"("]})");
  }
  // What is told until `d` has passed.
  std::vector<Texts> Within(Duration d) {
    heard.clear();
    loop->Advance(d);
    std::vector<Texts> out;
    for (const Resolution& r : heard) out.push_back(AddressesOf(r));
    return out;
  }

  std::string folder_, target_;
};

TEST_F(FileResolverTest, ItTellsWhatTheFileSays) {
  Write("a.json", R"({"endpoints": ["10.0.0.1:1", "10.0.0.2:1"], "serviceConfig": {"a": 1}})");
  EXPECT_THAT(Resolve(FileResolver(), target_), ElementsAre("10.0.0.1:1", "10.0.0.2:1"));
  EXPECT_EQ(heard.back().note, Cat("read from ", Path("a.json")));
  EXPECT_EQ(heard.back().service_config_json, std::string(61, ' ') + R"({"a": 1})");
}

TEST_F(FileResolverTest, AFileThatIsReplacedIsReadAgain) {
  Write("a.json", List("10.0.0.1:1"));
  Resolve(FileResolver(), target_);
  EXPECT_THAT(Within(5s), IsEmpty()) << "nothing has changed";
  Write("b.json", List("10.0.0.22:1"));
  fs::rename(Path("b.json"), Path("a.json"));
  EXPECT_THAT(Within(1s), ElementsAre(ElementsAre("10.0.0.22:1")));
  EXPECT_THAT(Within(5s), IsEmpty());
}

TEST_F(FileResolverTest, ALinkThatLeadsElsewhereIsFollowed) {
  Write("1.json", List("10.0.0.1:1"));
  Write("2.json", List("10.0.0.2:1"));
  fs::create_symlink(Path("1.json"), Path("a.json"));
  EXPECT_THAT(Resolve(FileResolver(), target_), ElementsAre("10.0.0.1:1"));
  fs::create_symlink(Path("2.json"), Path("new"));
  fs::rename(Path("new"), Path("a.json"));
  EXPECT_THAT(Within(1s), ElementsAre(ElementsAre("10.0.0.2:1")));
}

TEST_F(FileResolverTest, AFileThatIsWrittenInPlaceIsReadOnceMoreAfterwards) {
  Write("a.json", List("10.0.0.1:1"));
  Resolve(FileResolver(), target_);
  Within(2s);
  Write("a.json", R"({"endpoints":["10.0)");
  EXPECT_THAT(Within(1s),
              ElementsAre(ElementsAre(testing::StartsWith(Cat("UNAVAILABLE: ", target_, ": 1:")))));
  Write("a.json", List("10.0.0.33:1"));
  EXPECT_THAT(Within(1s), ElementsAre(ElementsAre("10.0.0.33:1")));
}

TEST_F(FileResolverTest, TheSameTextAgainIsNoNews) {
  Write("a.json", List("10.0.0.1:1"));
  Resolve(FileResolver(), target_);
  Within(2s);
  Write("b.json", List("10.0.0.1:1"));
  fs::rename(Path("b.json"), Path("a.json"));
  EXPECT_THAT(Within(3s), IsEmpty());
}

TEST_F(FileResolverTest, AFileThatIsNotThereIsAnErrorOnceAndWaitedFor) {
  const std::string error = Cat("UNAVAILABLE: ", target_, ": no such file or directory (ENOENT)");
  EXPECT_THAT(Resolve(FileResolver(), target_), ElementsAre(error));
  EXPECT_THAT(Within(5s), IsEmpty());
  Write("a.json", List("10.0.0.1:1"));
  EXPECT_THAT(Within(1s), ElementsAre(ElementsAre("10.0.0.1:1")));
  fs::remove(Path("a.json"));
  EXPECT_THAT(Within(2s), ElementsAre(ElementsAre(error)));
}

TEST_F(FileResolverTest, OnlyRegularFilesOfUpToAMebibyteAreRead) {
  ASSERT_EQ(mkfifo(Path("a.json").c_str(), 0600), 0);
  EXPECT_THAT(Resolve(FileResolver(), target_),
              ElementsAre(Cat("UNAVAILABLE: ", target_, ": it is not a regular file")));
  fs::remove(Path("a.json"));
  Write("a.json", std::string((1 << 20) + 1, ' '));
  EXPECT_THAT(Within(1s),
              ElementsAre(ElementsAre(Cat("UNAVAILABLE: ", target_, ": more than 1048576 bytes"))));
}

TEST_F(FileResolverTest, WhoWantsNewsGetsALookAtOnce) {
  Write("a.json", List("10.0.0.1:1"));
  Resolve(FileResolver({.period = 1h}), target_);
  Write("a.json", List("10.0.0.22:1"));
  resolver->Refresh();
  resolver->Refresh();
  EXPECT_THAT(Within(0s), ElementsAre(ElementsAre("10.0.0.22:1")));
}

TEST_F(FileResolverTest, ItMayBeDroppedByItsNews) {
  Write("a.json", List("10.0.0.1:1"));
  on_news = [this] { resolver.reset(); };
  EXPECT_THAT(Resolve(FileResolver(), target_), ElementsAre("10.0.0.1:1"));
  Write("a.json", List("10.0.0.22:1"));
  EXPECT_THAT(Within(5s), IsEmpty());
}

TEST_F(FileResolverTest, ATargetThatIsNoPathIsRefused) {
  EXPECT_EQ(WhyNot(FileResolver(), "file://host/a.json"),
            "UNAVAILABLE: file://host/a.json: files are of this machine, so no authority; write "
            "file:///path.json");
  EXPECT_EQ(WhyNot(FileResolver(), "file:"),
            "UNAVAILABLE: file:: that is no path; write file:///path.json");
  EXPECT_EQ(WhyNot(FileResolver({.period = 0s}), "file:///a"),
            "INVALID_ARGUMENT: file:///a: FileOptions::period isn't positive");
}

TEST_F(FileResolverTest, TheAuthorityIsTheFilesName) {
  const Registry registry({});
  const auto authority = [&](std::string_view target) {
    return registry.Find(target, "dns")->authority;
  };
  EXPECT_EQ(authority("file:///etc/services/orders.json"), "orders");
  EXPECT_EQ(authority("file:orders"), "orders");
  EXPECT_EQ(authority("file:///etc/a b.json"), "localhost");
  EXPECT_EQ(authority("file:///.json"), "localhost");
}

}  // namespace
}  // namespace rondo::resolve
