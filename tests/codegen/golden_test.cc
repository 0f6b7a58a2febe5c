// The generated code for golden.proto: its names, its text, and calls through it.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>

#include "golden.rondo.pb.h"
#include "rondo/channel.h"
#include "rondo/server.h"
#include "shared/no_package.rondo.pb.h"
#include "shared/types.rondo.pb.h"

namespace rondo::golden::v1 {
namespace {

using std::chrono_literals::operator""s;
using testing::HasSubstr;

std::string Read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
const std::string& Header() {
  static const std::string text = Read(std::string(GENERATED) + "/golden.rondo.pb.h");
  return text;
}

// ---- Names.

TEST(Names, PathsAreTheProtosOwn) {
  EXPECT_EQ(ShopMethods::Buy.path, "/rondo.golden.v1.Shop/Buy");
  EXPECT_EQ(ShopMethods::delete_.path, "/rondo.golden.v1.Shop/delete");
  EXPECT_EQ(LooseMethods::Echo.path, "/Loose/Echo");
}

TEST(Names, KindsAreKept) {
  EXPECT_EQ(ShopMethods::Buy.kind, MethodKind::kUnary);
  EXPECT_EQ(ShopMethods::Watch.kind, MethodKind::kServerStreaming);
  EXPECT_EQ(ShopMethods::Collect.kind, MethodKind::kClientStreaming);
  EXPECT_EQ(ShopMethods::Haggle.kind, MethodKind::kBidirectional);
  EXPECT_TRUE(ShopMethods::Haggle.client_streams && ShopMethods::Haggle.server_streams);
}

TEST(Names, NestedAndImportedMessagesAreFound) {
  using Buy = decltype(ShopMethods::Buy);
  static_assert(std::is_same_v<Buy::Request, Outer::Inner>);
  static_assert(std::is_same_v<Buy::Reply, shared::Types::Price>);
  static_assert(std::is_same_v<decltype(ShopMethods::Watch)::Reply, Outer::Inner::Deep>);
  static_assert(std::is_same_v<decltype(ShopMethods::Haggle)::Reply, Plain>);
}

TEST(Names, KeywordsAreEscaped) {
  EXPECT_EQ(ShopMethods::delete_.path, "/rondo.golden.v1.Shop/delete");
  EXPECT_EQ(ShopMethods::co_await_.path, "/rondo.golden.v1.Shop/co_await");
}

TEST(Names, WhatTheGeneratedClassesNeedIsEscaped) {
  EXPECT_EQ(ShopMethods::Methods_.path, "/rondo.golden.v1.Shop/Methods");
  EXPECT_EQ(ShopMethods::ShopService_.path, "/rondo.golden.v1.Shop/ShopService");
  EXPECT_EQ(ShopMethods::request_.path, "/rondo.golden.v1.Shop/request");
}

TEST(Names, AClassGivesWayToAMessageOfItsName) {
  static_assert(std::is_base_of_v<google::protobuf::Message, ShopStub>);
  static_assert(std::is_constructible_v<ShopStub_, Channel>);
}

TEST(Names, AClassGivesWayToAnEarlierServicesClass) {
  // ShopSyncService is Shop's blocking one, so the coroutine one of ShopSync has another name.
  static_assert(std::is_base_of_v<Service, ShopSyncService>);
  static_assert(std::is_base_of_v<Service, ShopSyncService_>);
  static_assert(!std::is_same_v<ShopSyncService, ShopSyncService_>);
}

TEST(Names, NoClassIsNamedAsTheService) { EXPECT_THAT(Header(), Not(HasSubstr("class Shop "))); }

// ---- Text.

TEST(Text, CommentsAreCarriedOver) {
  EXPECT_THAT(Header(), HasSubstr("// Sells things.\n"
                                  "//\n"
                                  "// A second paragraph, with a backslash at its end\n"));
  EXPECT_THAT(Header(), HasSubstr("  // One request, many replies.\n"
                                  "  // Behind it.\n"));
}

TEST(Text, DeprecatedMethodsSaySo) {
  EXPECT_THAT(Header(), HasSubstr("[[deprecated]] ::absl::StatusOr<::rondo::golden::v1::Old>"));
}

TEST(Text, AServiceCarriesItsOwnFile) {
  struct Nothing final : ShopService {
  } service;
  google::protobuf::FileDescriptorProto expected, carried;
  Outer::descriptor()->file()->CopyTo(&expected);
  ASSERT_TRUE(carried.ParseFromString(std::string(service.ProtoFile())));
  EXPECT_EQ(carried.name(), "golden.proto");
  EXPECT_EQ(carried.message_type_size(), expected.message_type_size());
  ASSERT_EQ(carried.service_size(), expected.service_size());
  for (int i = 0; i < carried.service_size(); ++i) {
    EXPECT_EQ(carried.service(i).SerializeAsString(), expected.service(i).SerializeAsString());
  }
}

TEST(Text, FilesWithoutServicesAreWrittenToo) {
  EXPECT_THAT(Read(std::string(GENERATED) + "/shared/types.rondo.pb.h"),
              HasSubstr("#include \"shared/types.pb.h\""));
}

TEST(Text, UnknownOptionsAreRefused) {
  const std::string errors = testing::TempDir() + "/rondo_option.txt";
  const std::string command =
      std::string(PROTOC) + " -I" + PROTOS + " --rondo_out=mock:" + testing::TempDir() +
      " --plugin=protoc-gen-rondo=" + PLUGIN + " " + PROTOS + "/shared/types.proto 2>" + errors;
  EXPECT_NE(std::system(command.c_str()), 0);
  EXPECT_EQ(
      Read(errors),
      "--rondo_out: shared/types.proto: protoc-gen-rondo: unknown option \"mock\"; it has none\n");
}

// ---- Calls.

struct Shop final : ShopService {
  Task<absl::StatusOr<shared::Types::Price>> Buy(ServerCall& /*call*/,
                                                 Outer::Inner request) override {
    shared::Types::Price price;
    price.set_cents(static_cast<int64_t>(request.text().size()));
    co_return price;
  }
  Task<absl::Status> Watch(ServerCall& /*call*/, Outer /*request*/,
                           Writer<Outer::Inner::Deep>& replies) override {
    Outer::Inner::Deep deep;
    for (int i = 1; i <= 3; ++i) {
      deep.set_number(i);
      co_await replies.Write(deep);
    }
    co_return absl::OkStatus();
  }
};
struct BlockingShop final : ShopSyncService {
  absl::StatusOr<Outer> Collect(ServerCall& /*call*/,
                                BlockingReader<Outer::Inner>& requests) override {
    int n = 0;
    while (requests.Read()) ++n;
    return n == 2 ? absl::StatusOr<Outer>(Outer()) : absl::OutOfRangeError(std::to_string(n));
  }
  absl::Status Haggle(ServerCall& /*call*/,
                      BlockingReaderWriter<shared::Types, Plain>& stream) override {
    while (stream.Read()) {
      Plain plain;
      plain.set_text("no");
      if (!stream.Write(plain)) return absl::AbortedError("gone");
    }
    return absl::OkStatus();
  }
};

class Calls : public testing::Test {
 protected:
  ShopStub_& Serve(Service& service) {
    server_.Add(service);
    EXPECT_EQ(server_.Start(), absl::OkStatus());
    return stub_.emplace(*Channel::Create(server_.addresses()[0], {.credentials = Insecure()}));
  }

  Shop shop_;  // Services outlive the server.
  BlockingShop blocking_;
  Server server_{{.credentials = Insecure(), .listen = {"127.0.0.1:0"}}};
  std::optional<ShopStub_> stub_;  // Its channel's end would be the streams' end.
};

TEST_F(Calls, AUnaryCallAnswers) {
  const ShopStub_& shop = Serve(shop_);
  Outer::Inner request;
  request.set_text("four");
  EXPECT_EQ(shop.Buy(request)->cents(), 4);
  EXPECT_EQ(shop.Buy(request, {.timeout = 10s})->cents(), 4);
}

TEST_F(Calls, AServerStreamIsRead) {
  auto stream = Serve(shop_).Watch(Outer(), {.timeout = 10s});
  int sum = 0;
  while (auto deep = stream.Read()) sum += deep->number();
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(stream.Finish(), absl::OkStatus());
}

TEST_F(Calls, AClientStreamIsWritten) {
  auto stream = Serve(blocking_).Collect({.timeout = 10s});
  EXPECT_TRUE(stream.Write(Outer::Inner()));
  EXPECT_TRUE(stream.Write(Outer::Inner()));
  EXPECT_EQ(stream.Finish().status(), absl::OkStatus());
}

TEST_F(Calls, BothStreamsGoOn) {
  auto stream = Serve(blocking_).Haggle({.timeout = 10s});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(stream.Write(shared::Types()));
    EXPECT_EQ(stream.Read()->text(), "no");
  }
  stream.WritesDone();
  EXPECT_FALSE(stream.Read().has_value());
  EXPECT_EQ(stream.Finish(), absl::OkStatus());
}

TEST_F(Calls, WhatIsNotOverriddenIsUnimplemented) {
  EXPECT_EQ(Serve(shop_).delete_(Outer()).status().ToString(),
            "UNIMPLEMENTED: /rondo.golden.v1.Shop/delete is not implemented by this server");
}

}  // namespace
}  // namespace rondo::golden::v1
