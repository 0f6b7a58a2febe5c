// The program's commands, from the command line to what they print, against real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli.h"
#include "echo_backend.h"
#include "event/tls_fixture.h"
#include "google/rpc/status.pb.h"
#include "stop.h"

namespace rondo::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int exit;
  std::string out, err;
};
Outcome RunWith(std::vector<std::string> arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  const int exit = Run(std::move(arguments), {in, out, err});
  return {exit, out.str(), err.str()};
}

class CliTest : public testing::Test {
 protected:
  CliTest() { backend_.Start(); }

  std::string target() const { return backend_.address(); }
  // A command on the server.
  Outcome On(const std::string& verb, std::vector<std::string> more,
             const std::string& input = "") {
    more.insert(more.begin(), {verb, "--plaintext", target()});
    return RunWith(std::move(more), input);
  }
  std::string File(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + "rondo_cli_" + name;
    std::ofstream(path) << text;
    return path;
  }

  EchoBackend backend_{"127.0.0.1:0", "here", {}};
};

constexpr const char* kUnary = "grpc.examples.echo.Echo/UnaryEcho";
constexpr const char* kBoth = "grpc.examples.echo.Echo/BidirectionalStreamingEcho";
constexpr const char* kServices =
    "grpc.examples.echo.Echo\ngrpc.health.v1.Health\ngrpc.reflection.v1.ServerReflection\n"
    "grpc.reflection.v1alpha.ServerReflection\n";
constexpr const char* kProto = PROTO_DIR "/echo.proto";

// ---- list, describe

TEST_F(CliTest, ListTellsTheServicesThatReflectionTells) {
  const Outcome o = On("list", {});
  EXPECT_EQ(o.exit, kOk) << o.err;
  EXPECT_EQ(o.out, kServices);
  EXPECT_EQ(o.err, "");
}
TEST_F(CliTest, ListOfAServiceTellsItsMethodsAsCallTakesThem) {
  const Outcome o = On("list", {"grpc.health.v1.Health"});
  EXPECT_EQ(
      o.out,
      "grpc.health.v1.Health/Check\ngrpc.health.v1.Health/List\ngrpc.health.v1.Health/Watch\n");
}
TEST_F(CliTest, ListWritesJson) {
  EXPECT_EQ(On("list", {"-o", "json", "grpc.reflection.v1.ServerReflection"}).out,
            "[\n  \"grpc.reflection.v1.ServerReflection/ServerReflectionInfo\"\n]\n");
}
TEST_F(CliTest, AnUnknownServiceIsToldWithThoseThatThereAre) {
  const Outcome o = On("list", {"shop.Cart"});
  EXPECT_EQ(o.exit, kUsage);
  EXPECT_EQ(o.err,
            "rondo list: there is no service \"shop.Cart\"; there are: grpc.examples.echo.Echo, "
            "grpc.health.v1.Health, grpc.reflection.v1.ServerReflection, "
            "grpc.reflection.v1alpha.ServerReflection\n");
}
TEST(ListOfFiles, NeedsNoServer) {
  EXPECT_EQ(RunWith({"list", "--proto", kProto}).out, "grpc.examples.echo.Echo\n");
  EXPECT_EQ(RunWith({"list", "-I", PROTO_DIR, "--proto", "echo.proto"}).out,
            "grpc.examples.echo.Echo\n");
  EXPECT_THAT(RunWith({"list", "--proto", kProto, "grpc.examples.echo.Echo"}).out,
              StartsWith("grpc.examples.echo.Echo/UnaryEcho\n"));
  EXPECT_EQ(
      RunWith({"list", "--proto", kProto, "localhost:1", "x.Y"}).err,
      "rondo list: \"localhost:1\": files tell it all, so no TARGET is asked; leave it out\n");
  EXPECT_EQ(RunWith({"list"}).err,
            "rondo list: whom shall I ask? Name a TARGET, or files with --proto or --protoset\n");
}
TEST_F(CliTest, AProtoFileThatIsWrongIsToldWithItsPlace) {
  const std::string path =
      File("wrong.proto", "syntax = \"proto3\";\nmessage M { int32 a = 0; }\n");
  const Outcome o = RunWith({"list", "--proto", path});
  EXPECT_EQ(o.exit, kFailed);
  EXPECT_THAT(o.err, HasSubstr("rondo_cli_wrong.proto:2:23: "));
  EXPECT_THAT(RunWith({"list", "--proto", "/nowhere.proto"}).err, HasSubstr("/nowhere.proto"));
}
TEST_F(CliTest, AProtoFileFindsWhatItImports) {
  File("item.proto",
       "syntax = \"proto3\"; package shop; import \"google/protobuf/any.proto\";\n"
       "message Item { google.protobuf.Any extra = 1; }\n");
  const std::string path =
      File("shop.proto",
           "syntax = \"proto3\"; package shop; import \"rondo_cli_item.proto\";\n"
           "service Cart { rpc Get(Item) returns (Item); }\n");
  EXPECT_EQ(RunWith({"list", "--proto", path, "shop.Cart"}).out, "shop.Cart/Get\n");
}
TEST_F(CliTest, ADescriptorSetTellsAsMuch) {
  const std::string path = File("echo.pb", "");
  ASSERT_EQ(std::system(("protoc -I" PROTO_DIR " --include_imports --descriptor_set_out=" + path +
                         " echo.proto")
                            .c_str()),
            0);
  EXPECT_EQ(RunWith({"list", "--protoset", path}).out, "grpc.examples.echo.Echo\n");
  EXPECT_EQ(RunWith({"describe", "--protoset", path, "grpc.examples.echo.EchoRequest"}).out,
            "message EchoRequest {\n  string message = 1;\n}\n");
  EXPECT_EQ(RunWith({"list", "--protoset", kProto}).err,
            std::string("rondo list: ") + kProto +
                ": is no descriptor set; protoc --include_imports --descriptor_set_out=FILE writes "
                "one\n");
  EXPECT_EQ(RunWith({"list", "--protoset", path, "--proto", kProto}).err,
            "rondo list: --proto and --protoset can't be had together; leave one out\n");
}
TEST_F(CliTest, DescribeShowsProtoText) {
  const Outcome o = On("describe", {"grpc.examples.echo.EchoRequest"});
  EXPECT_EQ(o.exit, kOk) << o.err;
  EXPECT_EQ(o.out, "message EchoRequest {\n  string message = 1;\n}\n");
  EXPECT_EQ(On("describe", {kUnary}).out,
            "rpc UnaryEcho(.grpc.examples.echo.EchoRequest) returns "
            "(.grpc.examples.echo.EchoResponse);\n");
  EXPECT_THAT(On("describe", {}).out, HasSubstr("service Health {"));
  EXPECT_EQ(On("describe", {"nope.Nope"}).exit, kUsage);
}
TEST(DescribeOfFiles, KeepsTheComments) {
  EXPECT_THAT(RunWith({"describe", "--proto", kProto, "grpc.examples.echo.Echo"}).out,
              HasSubstr("// UnaryEcho is unary echo.\n"));
}

// ---- call

TEST_F(CliTest, ACallTakesAndGivesJson) {
  const Outcome o = On("call", {kUnary, "-d", R"({"message": "hi"})"});
  EXPECT_EQ(o.exit, kOk) << o.err;
  EXPECT_EQ(o.out, "{\n \"message\": \"hi (from here)\"\n}\n");
  EXPECT_EQ(o.err, "");
}
TEST_F(CliTest, WithoutDataTheRequestIsEmpty) {
  EXPECT_EQ(On("call", {kUnary, "-o", "ndjson"}).out, "{\"message\":\" (from here)\"}\n");
}
TEST_F(CliTest, DataComesFromAFileOrFromStdin) {
  const std::string path = File("data.json", R"({"message": "filed"})");
  EXPECT_THAT(On("call", {kUnary, "-d", "@" + path}).out, HasSubstr("filed (from here)"));
  for (const char* in : {"@", "@-", "-"}) {
    EXPECT_THAT(On("call", {kUnary, "-d", in}, R"({"message": "typed"})").out,
                HasSubstr("typed (from here)"));
  }
  EXPECT_EQ(On("call", {kUnary, "-d", "@/nowhere"}).err,
            "rondo call: /nowhere: can't be read: No such file or directory\n");
}
TEST_F(CliTest, StreamsTakeAndGiveOneValueAfterTheOther) {
  const std::string two = R"({"message": "a"} {"message": "b"})";
  EXPECT_EQ(On("call", {kBoth, "-o", "ndjson", "-d", two}).out,
            "{\"message\":\"a (from here)\"}\n{\"message\":\"b (from here)\"}\n");
  EXPECT_EQ(On("call", {kBoth, "-o", "ndjson", "-d", "@"}, two).out,
            "{\"message\":\"a (from here)\"}\n{\"message\":\"b (from here)\"}\n");
  EXPECT_EQ(
      On("call", {"grpc.examples.echo.Echo.ClientStreamingEcho", "-o", "ndjson", "-d", two}).out,
      "{\"message\":\"b (from here)\"}\n");
  const Outcome many = On("call", {"/grpc.examples.echo.Echo/ServerStreamingEcho", "-o", "ndjson"});
  EXPECT_EQ(std::ranges::count(many.out, '\n'), 10);
}
TEST_F(CliTest, AMethodWithoutAStreamTakesOneMessage) {
  const Outcome o = On("call", {kUnary, "-d", "{}{}"});
  EXPECT_EQ(o.exit, kUsage);
  EXPECT_EQ(o.err,
            "rondo call: -d: grpc.examples.echo.Echo.UnaryEcho takes one message, not several\n");
}
TEST_F(CliTest, DataThatDoesntFitIsToldBeforeAnythingIsCalled) {
  const Outcome o = On("call", {kUnary, "-d", R"({"massage": "hi"})"});
  EXPECT_EQ(o.exit, kUsage);
  EXPECT_EQ(o.err,
            "rondo call: -d: message 1 is no grpc.examples.echo.EchoRequest: massage: Cannot find "
            "field; `rondo describe` shows its fields\n");
  EXPECT_EQ(backend_.echo().calls(), 0u);
  EXPECT_EQ(On("call", {kUnary, "--allow-unknown-fields", "-d", R"({"massage": "hi"})"}).exit, kOk);
}
TEST_F(CliTest, DataOfAStreamThatDoesntFitEndsTheCall) {
  const Outcome o = On("call", {kBoth, "-o", "ndjson", "-d", R"({"message": "a"}{"message": 3)"});
  EXPECT_EQ(o.exit, kUsage);
  EXPECT_THAT(o.err,
              StartsWith("rondo call: -d: message 2 is no grpc.examples.echo.EchoRequest: "));
}
TEST_F(CliTest, AMethodThatDoesntExistIsToldWithThoseThatDo) {
  EXPECT_EQ(
      On("call", {"grpc.health.v1.Health/Chek"}).err,
      "rondo call: grpc.health.v1.Health has no method \"Chek\"; it has: Check, List, Watch\n");
  EXPECT_EQ(On("call", {"nonsense"}).err,
            "rondo call: \"nonsense\" is no method: write package.Service/Method\n");
}
TEST_F(CliTest, JsonHasAllThatIsKnownOfACall) {
  const Outcome o = On("call", {kUnary, "-o", "json", "-d", R"({"message": "hi"})"});
  EXPECT_THAT(o.out,
              StartsWith("{\"status\": {\"code\": \"OK\", \"message\": \"\"},\n\"peer\": \"" +
                         target() + "\",\n\"attempts\": 1,\n\"seconds\": 0."));
  EXPECT_THAT(o.out, HasSubstr("\"headers\": [],\n\"trailers\": [],\n\"replies\": [\n"
                               "  {\"message\":\"hi (from here)\"}\n]}\n"));
}
TEST_F(CliTest, VerboseTellsOfAttemptsBesideTheReply) {
  const Outcome o = On("call", {kUnary, "-v"});
  EXPECT_THAT(o.err, StartsWith("attempt  " + target() +
                                " OK by pick_first (the only one in use)\n"
                                "took     "));
}

TEST(Call, AFailedCallsCodeIsTheExitStatus) {
  EchoBackend backend("127.0.0.1:0", "here",
                      {.error_rate = 1, .code = absl::StatusCode::kResourceExhausted});
  backend.Start();
  const Outcome o = RunWith({"call", "--plaintext", backend.address(), kUnary});
  EXPECT_EQ(o.exit, kRpc + 8);
  EXPECT_EQ(o.out, "");
  EXPECT_THAT(o.err,
              StartsWith("rondo call: grpc.examples.echo.Echo/UnaryEcho: RESOURCE_EXHAUSTED: "
                         "here fails on purpose (--error-rate)"));
}
TEST(Call, ATimeoutEndsTheCall) {
  EchoBackend backend("127.0.0.1:0", "here", {.latency = {std::chrono::hours(1), {}}});
  backend.Start();
  const Outcome o =
      RunWith({"call", "--plaintext", backend.address(), kUnary, "--timeout", "100ms"});
  EXPECT_EQ(o.exit, kRpc + 4);
  EXPECT_THAT(o.err,
              StartsWith("rondo call: grpc.examples.echo.Echo/UnaryEcho: DEADLINE_EXCEEDED: "));
  const Outcome stream =
      RunWith({"call", "--plaintext", backend.address(), kBoth, "--timeout", "100ms", "-d", "{}"});
  EXPECT_EQ(stream.exit, kRpc + 4);
}

// Tells what it was sent, and fails with details if it is asked to.
class Teller final : public grpc::examples::echo::EchoService {
 public:
  Task<absl::StatusOr<grpc::examples::echo::EchoResponse>> UnaryEcho(
      ServerCall& call, grpc::examples::echo::EchoRequest request) override {
    if (request.message() == "fail") co_return Rich();
    grpc::examples::echo::EchoResponse response;
    for (const auto& [key, value] : call.metadata()) {
      if (key.starts_with("x-")) response.set_message(response.message() + key + "=" + value + ";");
    }
    call.AddHeader("h", "1");
    call.AddTrailer("t-bin", "\x01\x02");
    co_return response;
  }

 private:
  static absl::Status Rich() {
    google::rpc::Status rich;
    rich.set_code(9);
    grpc::examples::echo::EchoRequest known;
    known.set_message("sold out");
    rich.add_details()->PackFrom(known);
    auto* unknown = rich.add_details();
    unknown->set_type_url("type.googleapis.com/shop.Secret");
    unknown->set_value("abc");
    absl::Status status = absl::FailedPreconditionError("no");
    const std::string bytes = rich.SerializeAsString();
    status.SetPayload("type.googleapis.com/google.rpc.Status",
                      absl::Cord(absl::string_view(bytes)));
    return status;
  }
};
// Only the older version, as servers of before 2023 have it.
class AlphaReflection final : public Service {
 public:
  std::vector<ServerMethod> Methods() override { return {reflection_.Methods()[1]}; }
  absl::Status OnStart(const ServedServices& served) override {
    return reflection_.OnStart(served);
  }

 private:
  ReflectionService reflection_;
};
struct TellingServer {
  explicit TellingServer(Service* reflection) {
    server.Add(teller);
    if (reflection != nullptr) server.Add(*reflection);
    EXPECT_TRUE(server.Start().ok());
  }
  std::string target() const { return server.addresses()[0]; }
  Teller teller;
  Server server{{.credentials = Insecure(), .listen = {"127.0.0.1:0"}}};
};

TEST(Call, MetadataGoesAndComes) {
  ReflectionService reflection;
  const TellingServer server(&reflection);
  const Outcome o = RunWith({"call", "--plaintext", server.target(), kUnary, "-v", "-H", "X-A: 1",
                             "-H", "x-b: two", "-o", "ndjson"});
  EXPECT_EQ(o.out, "{\"message\":\"x-a=1;x-b=two;\"}\n");
  EXPECT_THAT(o.err, StartsWith("header   h: 1\ntrailer  t-bin: AQI=\nattempt  "));
}
TEST(Call, DetailsOfAFailureAreShown) {
  ReflectionService reflection;
  const TellingServer server(&reflection);
  const Outcome o =
      RunWith({"call", "--plaintext", server.target(), kUnary, "-d", R"({"message": "fail"})"});
  EXPECT_EQ(o.exit, kRpc + 9);
  EXPECT_THAT(o.err, HasSubstr("; details: grpc.examples.echo.EchoRequest {\"message\":\"sold "
                               "out\"}, type.googleapis.com/shop.Secret \"YWJj\"\n"));
}
TEST(Reflection, AServerThatKnowsV1AlphaOnlyIsAskedThat) {
  AlphaReflection alpha;
  const TellingServer server(&alpha);
  const Outcome o = RunWith({"list", "--plaintext", server.target()});
  EXPECT_EQ(o.out, "grpc.examples.echo.Echo\ngrpc.reflection.v1alpha.ServerReflection\n") << o.err;
  EXPECT_EQ(RunWith({"call", "--plaintext", server.target(), kUnary}).exit, kOk);
}
TEST(Reflection, AServerWithoutItIsCalledByFiles) {
  const TellingServer server(nullptr);
  const Outcome o = RunWith({"list", "--plaintext", server.target()});
  EXPECT_EQ(o.exit, kRpc + 12);
  EXPECT_THAT(o.err,
              HasSubstr("; it has no reflection service (neither v1 nor v1alpha): say what it "
                        "serves with --proto or --protoset\n"));
  EXPECT_EQ(RunWith({"call", "--plaintext", server.target(), "--proto", kProto, kUnary}).exit, kOk);
}
TEST_F(CliTest, PlaintextMustBeAskedFor) {
  const Outcome o = RunWith({"list", target()});
  EXPECT_EQ(o.exit, kRpc + 14);
  EXPECT_THAT(o.err, HasSubstr("TLS"));
  const Outcome both = RunWith({"list", "--plaintext", "--cacert", "x.pem", target()});
  EXPECT_EQ(both.exit, kUsage);
  EXPECT_THAT(both.err, StartsWith("rondo list: --plaintext excludes --cacert"));
}
TEST_F(CliTest, TlsTakesRootsAndACertificateFromFiles) {
  const event::TestAuthority authority;
  TlsOptions options = authority.Server();
  options.roots = authority.root();
  options.client_certificate = ClientCertificate::kRequired;
  Teller teller;
  ReflectionService reflection;
  Server server({.credentials = Tls(options), .listen = {"127.0.0.1:0"}});
  server.Add(teller);
  server.Add(reflection);
  ASSERT_TRUE(server.Start().ok());
  const event::TestIdentity own = authority.Issue("DNS:client.example");
  const std::string roots = File("roots.pem", authority.root()),
                    cert = File("cert.pem", own.certificate), key = File("key.pem", own.key);
  const std::string at = server.addresses()[0];
  const Outcome o = RunWith({"list", "--cacert", roots, "--cert", cert, "--key", key, at});
  EXPECT_EQ(o.exit, kOk) << o.err;
  EXPECT_THAT(o.out, StartsWith("grpc.examples.echo.Echo\n"));
  EXPECT_EQ(RunWith({"list", "--cacert", roots, at}).exit, kRpc + 14) << "without a certificate";
  EXPECT_THAT(RunWith({"list", "--cacert", "/nowhere.pem", at}).err, HasSubstr("/nowhere.pem"));
  EXPECT_EQ(RunWith({"list", "--cert", cert, at}).exit, kUsage) << "without its key";
}
TEST(Connection, AServerThatIsntThereIsUnavailable) {
  const Outcome o = RunWith({"list", "--plaintext", "127.0.0.1:1"});
  EXPECT_EQ(o.exit, kRpc + 14);
  EXPECT_THAT(o.err, StartsWith("rondo list: dns:///127.0.0.1:1: UNAVAILABLE: 127.0.0.1:1: "
                                "connection refused (ECONNREFUSED)"));
}

// ---- health

TEST_F(CliTest, HealthTellsWhetherItServes) {
  EXPECT_EQ(On("health", {}).out, "SERVING\n");
  EXPECT_EQ(On("health", {"grpc.examples.echo.Echo", "-o", "json"}).out,
            "{\"service\": \"grpc.examples.echo.Echo\", \"status\": \"SERVING\"}\n");
  backend_.health().SetStatus("grpc.examples.echo.Echo", ServingStatus::kNotServing);
  const Outcome o = On("health", {"grpc.examples.echo.Echo"});
  EXPECT_EQ(o.exit, kNotWell);
  EXPECT_EQ(o.out, "NOT_SERVING\n");
  EXPECT_EQ(On("health", {"--all"}).out,
            "SERVING (the server)\nNOT_SERVING grpc.examples.echo.Echo\n");
}
TEST_F(CliTest, HealthOfAnUnknownServiceIsTheServersError) {
  const Outcome o = On("health", {"shop.Cart"});
  EXPECT_EQ(o.exit, kRpc + 5);
  EXPECT_THAT(o.err, HasSubstr("; --all tells which services it knows of"));
}
TEST_F(CliTest, HealthIsWatchedUntilTheTimeIsOver) {
  const Outcome o = On("health", {"--watch", "--timeout", "200ms"});
  EXPECT_EQ(o.out, "SERVING\n");
  EXPECT_EQ(o.exit, kOk) << o.err;
}

// ---- lint, resolve

TEST_F(CliTest, LintTellsPlacesAsCompilersDo) {
  const std::string path = File("bad.json", "{\n  \"methodConfig\": [{\"timeout\": 3}]}");
  const Outcome o = RunWith({"lint", path});
  EXPECT_EQ(o.exit, kNotWell);
  EXPECT_EQ(o.out, path +
                       ":2:32: error: methodConfig[0].timeout: must be a duration such as "
                       "\"1.5s\"\n");
  EXPECT_EQ(
      RunWith({"lint", "-o", "json", path}).out,
      "[\n  {\"file\": \"" + path +
          "\", \"line\": 2, \"column\": 32, \"severity\": \"error\", "
          "\"text\": \"methodConfig[0].timeout: must be a duration such as \\\"1.5s\\\"\"}\n]\n");
}
TEST(Lint, WarningsArentErrorsUnlessTheyShallBe) {
  const std::string json = R"({"future": 1})";
  EXPECT_EQ(RunWith({"lint", "-"}, json).out, "-:1:12: warning: future: unknown field, ignored\n");
  EXPECT_EQ(RunWith({"lint", "-"}, json).exit, kOk);
  EXPECT_EQ(RunWith({"lint", "--strict", "-"}, json).exit, kNotWell);
}
TEST(Lint, AGoodConfigIsToldInWords) {
  EXPECT_EQ(RunWith({"lint", "-"}, R"({"loadBalancingConfig": [{"round_robin": {}}],
     "methodConfig": [{"name": [{}], "timeout": "1s"}]})")
                .out,
            "-: fine: round_robin\n  every other method: timeout 1.0s\n");
}
TEST(Lint, AnUnknownPolicyIsToldWithThoseThatAreKnown) {
  const std::string json = R"({"loadBalancingConfig": [{"fancy": {}}]})";
  const Outcome o = RunWith({"lint", "-"}, json);
  EXPECT_THAT(o.out, StartsWith("-:1:25: error: loadBalancingConfig: none of these policies is "
                                "known: fancy; known are "));
  EXPECT_THAT(o.out, HasSubstr("pick_first"));
  EXPECT_EQ(RunWith({"lint", "--policy", "fancy", "-"}, json).out, "-: fine: fancy\n");
}
TEST_F(CliTest, ResolveTellsEndpointsAndWhatCallsGet) {
  const std::string config = File("service.json", R"({"loadBalancingConfig": [{"round_robin": {}}],
     "methodConfig": [{"name": [{"service": "shop.Cart"}], "timeout": "2s"}]})");
  const Outcome o =
      RunWith({"resolve", "static:///10.0.0.1:1,10.0.0.2:2", "--service-config", config});
  EXPECT_EQ(o.exit, kOk) << o.err;
  EXPECT_THAT(o.out,
              HasSubstr("endpoint   10.0.0.1:1\nendpoint   10.0.0.2:2\npolicy     round_robin, "
                        "by " +
                        config + "\nmethods    shop.Cart/: timeout 2.0s\n"));
}
TEST(Resolve, WritesJson) {
  EXPECT_THAT(RunWith({"resolve", "ipv4:10.0.0.1:1", "-o", "json"}).out,
              HasSubstr("\"endpoints\": [\n  {\"addresses\": [\"10.0.0.1:1\"], \"weight\": 1, "
                        "\"zone\": \"\", \"labels\": {}}\n]"));
}
TEST(Resolve, ATargetThatCantBeReadIsWrongUsage) {
  const Outcome o = RunWith({"resolve", "ipv4:nonsense"});
  EXPECT_EQ(o.exit, kUsage);
  EXPECT_THAT(o.err, StartsWith("rondo resolve: "));
}

// ---- serve, demo

TEST(EchoBackendTest, FailsAsOftenAsItIsTold) {
  EchoBackend backend("127.0.0.1:0", "here", {.error_rate = 0.5, .seed = 3});
  backend.Start();
  auto channel = Channel::Create(backend.address(), {.credentials = Insecure()});
  ASSERT_TRUE(channel.ok());
  grpc::examples::echo::EchoStub stub(*channel);
  int failed = 0;
  for (int i = 0; i < 200; ++i) failed += stub.UnaryEcho({}, {}).ok() ? 0 : 1;
  EXPECT_NEAR(failed, 100, 30);
}
TEST(Serve, AnAddressThatCantBeHadIsNamed) {
  EchoBackend backend("127.0.0.1:0", "here", {});
  backend.Start();
  EchoBackend second(backend.address(), "there", {});
  try {
    second.Start();
    FAIL() << "two servers on one address";
  } catch (const Stop& stop) {
    EXPECT_EQ(stop.exit(), kFailed);
    EXPECT_THAT(stop.what(), HasSubstr(backend.address()));
  }
}
TEST(Demo, ShowsWhoGetsCallsWhileAServerStopsAndComesBack) {
  const Outcome o = RunWith({"demo", "--policy", "round_robin"});
  EXPECT_EQ(o.exit, kOk) << o.out << o.err;
  EXPECT_EQ(o.out,
            "3 servers, 12 calls a step: how many each server got\n"
            "                          server 1  server 2  server 3    failed\n"
            "round_robin\n"
            "  all are up                     4         4         4         0\n"
            "  server 1 has stopped           0         6         6         0\n"
            "  server 1 is back               4         4         4         0\n");
}
TEST(Demo, APolicyThatIsntThereIsToldWithItsPlace) {
  const Outcome o = RunWith({"demo", "--policy", "fancy"});
  EXPECT_EQ(o.exit, kUsage);
  EXPECT_THAT(o.err, HasSubstr("rondo demo: --policy fancy: "));
  EXPECT_THAT(o.err, HasSubstr("none of these policies is known: fancy"));
}

// ---- the command line

TEST(CommandLine, WithoutACommandItTellsThem) {
  const Outcome o = RunWith({});
  EXPECT_EQ(o.exit, kOk);
  EXPECT_THAT(o.out, HasSubstr("describe"));
  EXPECT_EQ(RunWith({"help"}).out, o.out);
  EXPECT_EQ(RunWith({"help", "lint"}).out, RunWith({"lint", "--help"}).out);
}
TEST(CommandLine, WrongUsageIsTwoAndSaysWhereToRead) {
  const Outcome o = RunWith({"call"});
  EXPECT_EQ(o.exit, kUsage);
  EXPECT_EQ(o.err, "rondo call: TARGET is required; rondo call --help tells more\n");
  EXPECT_EQ(
      RunWith({"call", "a:1", "b/c", "--timeout", "5"}).err,
      "rondo call: --timeout: \"5\" is no duration: a number and one of ns us ms s m h, such as "
      "1.5s; rondo call --help tells more\n");
  EXPECT_EQ(RunWith({"frobnicate"}).exit, kUsage);
}
TEST(CommandLine, FlagsMayStandAnywhereAndBeGrpcurls) {
  EXPECT_EQ(RunWith({"list", "-proto", kProto}).out, "grpc.examples.echo.Echo\n");
  EXPECT_EQ(RunWith({"list", "grpc.examples.echo.Echo", "--output=json", "--proto", kProto}).exit,
            kOk);
}

// What bash offers for a line whose last word is being typed.
std::string Offered(const std::string& line) {
  std::string words;
  std::istringstream split(line);
  int n = 0;
  for (std::string word; split >> word; ++n) words += " " + word;
  if (line.ends_with(' ')) words += " ''", ++n;
  const std::string script = testing::TempDir() + "rondo_cli_completion";
  std::ofstream(script) << RunWith({"completion", "bash"}).out << "COMP_WORDS=(" << words
                        << ")\nCOMP_CWORD=" << n - 1 << "\n_rondo\necho \"${COMPREPLY[*]}\"\n";
  std::string out;
  FILE* bash = popen(("bash " + script).c_str(), "r");
  for (int c = std::fgetc(bash); c != EOF; c = std::fgetc(bash)) out += static_cast<char>(c);
  EXPECT_EQ(pclose(bash), 0);
  return out;
}
TEST(Completion, BashOffersCommandsFlagsAndValues) {
  EXPECT_EQ(Offered("rondo l"), "list lint\n");
  EXPECT_EQ(Offered("rondo lint --s"), "--strict\n");
  EXPECT_EQ(Offered("rondo call -o n"), "ndjson\n");
  EXPECT_EQ(Offered("rondo help co"), "completion\n");
}
TEST(Completion, ZshReadsIt) {
  if (std::system("command -v zsh >/dev/null") != 0) GTEST_SKIP() << "no zsh here";
  const std::string script = testing::TempDir() + "rondo_cli_completion.zsh";
  std::ofstream(script) << RunWith({"completion", "zsh"}).out;
  EXPECT_EQ(std::system(("zsh -n " + script).c_str()), 0);
}

// What fish offers for a line, without the descriptions.
std::string OfferedByFish(const std::string& line) {
  const std::string script = testing::TempDir() + "rondo_cli_completion.fish";
  std::ofstream(script) << RunWith({"completion", "fish"}).out << "complete -C '" << line
                        << "' | string replace -r '\\t.*' ''\n";
  std::string out;
  FILE* fish = popen(("fish --no-config " + script).c_str(), "r");
  for (int c = std::fgetc(fish); c != EOF; c = std::fgetc(fish)) out += static_cast<char>(c);
  EXPECT_EQ(pclose(fish), 0);
  return out;
}
TEST(Completion, FishOffersCommandsFlagsAndValues) {
  if (std::system("command -v fish >/dev/null") != 0) GTEST_SKIP() << "no fish here";
  EXPECT_EQ(OfferedByFish("rondo l"), "lint\nlist\n");
  EXPECT_EQ(OfferedByFish("rondo lint --s"), "--strict\n");
  EXPECT_EQ(OfferedByFish("rondo call -o n"), "ndjson\n");
  EXPECT_EQ(OfferedByFish("rondo call --output n"), "ndjson\n");
  EXPECT_EQ(OfferedByFish("rondo help co"), "completion\n");
}
TEST(Completion, FishIsToldEachCommandAndItsFlags) {
  const std::string script = RunWith({"completion", "fish"}).out;
  EXPECT_THAT(script, HasSubstr("complete -c rondo -n __rondo_no_verb -a lint -d '"));
  EXPECT_THAT(script, HasSubstr("complete -c rondo -n '__rondo_verb lint' -l strict -d '"));
  EXPECT_THAT(script,
              HasSubstr("complete -c rondo -n '__rondo_verb call' -s o -x -a 'text json ndjson'"));
}

}  // namespace
}  // namespace rondo::cli
