#include "wire/path.h"

#include <gtest/gtest.h>

namespace rondo::wire {
namespace {

TEST(Path, IsServiceAndMethod) {
  const auto path = ParsePath("/echo.v1.Echo/Unary");
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->service, "echo.v1.Echo");
  EXPECT_EQ(path->method, "Unary");
}

TEST(Path, OfAServiceWithASlashEndsAtTheLast) {
  const auto path = ParsePath("/a/b/c");
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->service, "a/b");
  EXPECT_EQ(path->method, "c");
}

TEST(Path, ThatIsNotCanonicalIsRefused) {  // CVE-2026-33186
  for (const char* bad : {"", "/", "//", "a/b", "/a", "/a/", "//a/b", "/a//b", "//b", "*"}) {
    EXPECT_FALSE(ParsePath(bad).has_value()) << bad;
  }
}

TEST(ContentType, OfGrpcIsProtoOrUnsaid) {
  for (const char* good : {"application/grpc", "application/grpc+proto", "Application/GRPC",
                           "application/grpc;charset=utf-8", "application/grpc+proto; x=y"}) {
    EXPECT_TRUE(IsGrpcContentType(good)) << good;
  }
}

TEST(ContentType, OfAnythingElseIsNotGrpc) {
  for (const char* bad :
       {"", "application/json", "application/grpc-web", "application/grpc+json",
        "application/grpcx", "application/grpc+", "text/html", "application/grp"}) {
    EXPECT_FALSE(IsGrpcContentType(bad)) << bad;
  }
}

}  // namespace
}  // namespace rondo::wire
