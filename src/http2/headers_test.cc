#include "http2/headers.h"

#include <gtest/gtest.h>

#include "http2/held_headers.h"

namespace rondo::http2 {
namespace {

TEST(Headers, TokensAreKnownByNameAndOnlyByTheWholeName) {
  const std::pair<std::string_view, Token> names[] = {
      {":authority", Token::kAuthority},
      {":method", Token::kMethod},
      {":path", Token::kPath},
      {":scheme", Token::kScheme},
      {":status", Token::kStatus},
      {"te", Token::kTe},
      {"content-type", Token::kContentType},
      {"user-agent", Token::kUserAgent},
      {"grpc-status", Token::kGrpcStatus},
      {"grpc-message", Token::kGrpcMessage},
      {"grpc-timeout", Token::kGrpcTimeout},
      {"grpc-encoding", Token::kGrpcEncoding},
      {"grpc-accept-encoding", Token::kGrpcAcceptEncoding},
      {"grpc-status-details-bin", Token::kGrpcStatusDetails}};
  for (const auto& [name, token] : names) {
    EXPECT_EQ(TokenOf(name), token) << name;
    std::string wrong(name);
    wrong.back() = '!';
    EXPECT_EQ(TokenOf(wrong), Token::kOther) << wrong;
  }
  EXPECT_EQ(TokenOf(""), Token::kOther);
}

TEST(Headers, EachTemplateHasASerialOfItsOwn) {
  const HeaderTemplate::Fields fields = {{"x", "1"}};
  const HeaderTemplate a(fields), b(fields);
  EXPECT_NE(a.serial(), b.serial());
  EXPECT_EQ(a.fields()[0].name, "x");
}

TEST(HeldHeaders, KeepACopyInOrderAndCountItsSize) {
  HeldHeaders held;
  EXPECT_FALSE(held.held());
  {
    const std::string value(100, 'v');
    const Header fields[] = {{"grpc-status", value}, {"x", ""}};
    held.Hold(nullptr, fields);
  }
  std::vector<Header> out;
  held.Fields(out);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].value, std::string(100, 'v'));
  EXPECT_EQ(out[0].token, Token::kGrpcStatus);
  EXPECT_EQ(out[1].name, "x");
  EXPECT_EQ(held.size(), 11u + 100 + 1 + 64);
  held.Clear();
  EXPECT_FALSE(held.held());
}

}  // namespace
}  // namespace rondo::http2
