#include <gmock/gmock.h>

#include "rondo/health.h"
#include "rondo/reflection.h"
#include "server/server_fixture.h"
#include "wire/descriptors.h"
#include "wire/proto_fields.h"

namespace rondo::server {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr std::string_view kV1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
constexpr std::string_view kAlpha =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

std::string TextField(uint32_t field, std::string_view value) {
  std::string out;
  wire::AppendText(out, field, value);
  return out;
}
std::string Extension(std::string_view type, int number) {
  std::string inner = TextField(1, type);
  wire::AppendNumber(inner, 2, static_cast<uint64_t>(number));
  return TextField(5, inner);
}

// The answer without what repeats the question: "services a b", "files a.proto b.proto",
// "error 5 words", "extensions 2".
std::string Show(std::string_view response) {
  std::string out;
  wire::ProtoReader reader(response);
  while (reader.Next()) {
    if (reader.field() == 1) out += "host " + std::string(reader.text()) + " ";
    wire::ProtoReader inner(reader.text());
    switch (reader.field()) {
      case 4:
        out += "files";
        while (inner.Next()) out += " " + wire::NamesOf(inner.text()).name;
        break;
      case 5:
        out += "extensions";
        while (inner.Next())
          out += " " + (inner.field() == 1 ? std::string(inner.text())
                                           : std::to_string(inner.text().size()));
        break;
      case 6:
        out += "services";
        while (inner.Next()) {
          wire::ProtoReader name(inner.text());
          if (name.Next()) out += " " + std::string(name.text());
        }
        break;
      case 7:
        out += "error";
        while (inner.Next())
          out +=
              " " + (inner.is_text() ? std::string(inner.text()) : std::to_string(inner.number()));
        break;
      default:
        break;
    }
  }
  return reader.good() ? out : "broken";
}

// A file of which `imports` are imported.
std::string File(const std::string& name, const std::vector<std::string>& imports,
                 const std::string& message) {
  std::string file = TextField(1, name) + TextField(2, "test");
  for (const std::string& i : imports) wire::AppendText(file, 3, i);
  return file + TextField(4, TextField(1, message));
}

class Described final : public Service {
 public:
  explicit Described(std::string file) : file_(std::move(file)) {}
  std::vector<ServerMethod> Methods() override {
    return {{&method_, [](ServerCall& call, Bytes) { call.Finish(absl::OkStatus()); }}};
  }
  std::string_view ProtoFile() const override { return file_; }

 private:
  const Method method_{"/test.Described/Do"};
  const std::string file_;
};

class ReflectionServiceTest : public ServerTest {
 protected:
  ReflectionServiceTest() { Make().Add(reflection); }
  ~ReflectionServiceTest() override {
    calls.clear();
    server->Stop();
  }
  std::string AskFor(const std::string& question, std::string_view path = kV1) {
    ClientCall& call = Open(path, {}, 1);
    Say(call, question, true);
    return call.messages.empty() ? call.trailers : Show(call.messages.at(0));
  }

  ReflectionService reflection;
};

TEST_F(ReflectionServiceTest, ListsEveryServiceOfTheServer) {
  HealthService health;
  server->Add(health);
  OnEcho();
  Start();
  const std::string all =
      "services a.Echo grpc.health.v1.Health grpc.reflection.v1.ServerReflection "
      "grpc.reflection.v1alpha.ServerReflection";
  EXPECT_EQ(AskFor(TextField(7, "*")), all);
  EXPECT_EQ(AskFor(TextField(7, ""), kAlpha), all);
  server->Stop();
}

TEST_F(ReflectionServiceTest, KnowsTheFilesOfWhatComesWithTheLibrary) {
  HealthService health;
  server->Add(health);
  Start();
  EXPECT_EQ(AskFor(TextField(4, "grpc.health.v1.Health")), "files grpc/health/v1/health.proto");
  EXPECT_EQ(AskFor(TextField(4, "grpc.health.v1.Health.Watch")),
            "files grpc/health/v1/health.proto");
  EXPECT_EQ(AskFor(TextField(4, "grpc.reflection.v1.ServerReflection")),
            "files grpc/reflection/v1/reflection.proto");
  EXPECT_EQ(AskFor(TextField(3, "grpc/reflection/v1alpha/reflection.proto")),
            "files grpc/reflection/v1alpha/reflection.proto");
  server->Stop();
}

TEST_F(ReflectionServiceTest, HandsOutAServicesFileAndThenWhatItImports) {
  Described described(File("a.proto", {"b.proto", "google/protobuf/any.proto"}, "A"));
  server->Add(described);
  const std::string set =
      TextField(1, File("b.proto", {"c.proto"}, "B")) + TextField(1, File("c.proto", {}, "C"));
  ASSERT_EQ(reflection.AddFiles(set), absl::OkStatus());
  Start();
  EXPECT_EQ(AskFor(TextField(4, "test.A")),
            "files a.proto b.proto google/protobuf/any.proto c.proto");
  EXPECT_EQ(AskFor(TextField(4, "test.C")), "files c.proto");
  server->Stop();
}

TEST_F(ReflectionServiceTest, AFileThatWentInACallGoesOnlyWhenAskedForAgain) {
  Described described(File("a.proto", {"b.proto"}, "A"));
  server->Add(described);
  ASSERT_EQ(reflection.AddFiles(TextField(1, File("b.proto", {}, "B"))), absl::OkStatus());
  Start();
  ClientCall& call = Open(kV1, {}, 1);
  Say(call, TextField(3, "b.proto"));
  Say(call, TextField(3, "a.proto"));
  Say(call, TextField(3, "a.proto"), true);
  ASSERT_THAT(call.messages, SizeIs(3));
  EXPECT_EQ(Show(call.messages[0]), "files b.proto");
  EXPECT_EQ(Show(call.messages[1]), "files a.proto");
  EXPECT_EQ(Show(call.messages[2]), "files a.proto");
  EXPECT_EQ(call.trailers, "grpc-status=0");
  server->Stop();
}

TEST_F(ReflectionServiceTest, WhatGeneratedCodeHasLinkedIsKnown) {
  Start();
  EXPECT_EQ(AskFor(TextField(4, "google.protobuf.FileDescriptorSet")),
            "files google/protobuf/descriptor.proto");
}

TEST_F(ReflectionServiceTest, FieldsHaveJsonNamesAlsoWhereCompiledCodeLeavesThemOut) {
  Start();
  ClientCall& call = Open(kV1, {}, 1);
  Say(call, TextField(3, "google/protobuf/descriptor.proto"), true);
  EXPECT_THAT(call.messages.at(0), testing::HasSubstr("javaPackage"));
}

TEST_F(ReflectionServiceTest, WhatIsNotThereIsNotFound) {
  Start();
  EXPECT_EQ(AskFor(TextField(3, "no.proto")), "error 5 reflection: there is no file no.proto");
  EXPECT_EQ(AskFor(TextField(4, "no.Thing")), "error 5 reflection: there is no symbol no.Thing");
  EXPECT_EQ(AskFor(Extension("no.Type", 7)),
            "error 5 reflection: there is no extension 7 of no.Type");
  EXPECT_EQ(AskFor(TextField(6, "no.Type")), "error 5 reflection: there is no type no.Type");
  EXPECT_EQ(AskFor(""), "error 3 reflection: the request asks for nothing");
}

TEST_F(ReflectionServiceTest, ExtensionsAreFoundByTypeAndNumber) {
  const std::string file = wire::CompileProto("x.proto", R"(
      syntax = "proto2";
      package test;
      message Base { extensions 100 to 199; }
      extend Base { optional int32 more = 101; })");
  ASSERT_EQ(reflection.AddFiles(TextField(1, file)), absl::OkStatus());
  Start();
  EXPECT_EQ(AskFor(Extension("test.Base", 101)), "files x.proto");
  EXPECT_EQ(AskFor(TextField(6, "test.Base")), "extensions test.Base 1");
}

TEST_F(ReflectionServiceTest, TheAnswerRepeatsTheHostAndTheQuestion) {
  Start();
  ClientCall& call = Open(kV1, {}, 1);
  const std::string question = TextField(1, "here") + TextField(7, "");
  Say(call, question, true);
  EXPECT_THAT(Show(call.messages.at(0)), testing::StartsWith("host here services "));
  EXPECT_THAT(call.messages.at(0), testing::HasSubstr(TextField(2, question)));
}

TEST_F(ReflectionServiceTest, ARequestThatIsNoneIsInternal) {
  Start();
  ClientCall& call = Open(kV1, {}, 1);
  Say(call, "\x0a\x7f", true);
  EXPECT_EQ(call.trailers, ":status=200 grpc-status=13 grpc-message=" + std::string(kV1) +
                               ": the request is no ServerReflectionRequest");
}

TEST_F(ReflectionServiceTest, FilesThatAreNoneAreRefused) {
  EXPECT_EQ(reflection.AddFiles("\x0a\x7f").ToString(),
            "INVALID_ARGUMENT: reflection: 2 bytes are no FileDescriptorSet");
  EXPECT_EQ(reflection.AddFiles(TextField(1, "x")).ToString(),
            "INVALID_ARGUMENT: reflection: 1 bytes are no FileDescriptorProto");
}

TEST_F(ReflectionServiceTest, AServiceWhoseFileIsBrokenKeepsTheServerFromStarting) {
  Described described("?");
  server->Add(described);
  EXPECT_EQ(server->Start().ToString(),
            "INVALID_ARGUMENT: reflection: 1 bytes are no FileDescriptorProto");
  server->Stop();
}

}  // namespace
}  // namespace rondo::server
