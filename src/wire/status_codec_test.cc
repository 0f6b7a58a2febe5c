#include "wire/status_codec.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/cord.h"

namespace rondo::wire {
namespace {

struct StatusField {
  std::string_view name, value;
};
struct StatusBlock {
  std::vector<StatusField> fields;
};
enum class Cause { kComplete, kPeerReset, kGoAway, kPeerFault, kConnection };
struct TestClosed {
  Cause cause;
  uint32_t code;
};

std::string Percent(std::string_view text) {
  std::string out;
  AppendPercentEncoded(out, text);
  return out;
}
std::string Message(std::string_view text) {
  return std::string(StatusFields(absl::InternalError(std::string(text))).message());
}

TEST(PercentCoding, LeavesPrintableAsciiButPercentAsItIs) {
  EXPECT_EQ(Percent("my favorite character is ~!"), "my favorite character is ~!");
  EXPECT_EQ(Percent("100%"), "100%25");
  EXPECT_EQ(Percent("\t\r\n\x7f"), "%09%0D%0A%7F");
  EXPECT_EQ(Percent("\xe2\x98\xba"), "%E2%98%BA");
}

TEST(PercentCoding, DecodingNeverFails) {
  EXPECT_EQ(PercentDecode("%E2%98%ba"), "\xe2\x98\xba");
  EXPECT_EQ(PercentDecode("100%"), "100%");
  EXPECT_EQ(PercentDecode("%4"), "%4");
  EXPECT_EQ(PercentDecode("%zz%41%"), "%zzA%");
  EXPECT_EQ(PercentDecode("%%41"), "%A");
  EXPECT_EQ(PercentDecode("\xff"), "\xff");
}

TEST(PercentCoding, SpacesRoundAMessageAreEncodedSinceHttpRefusesThem) {
  EXPECT_EQ(Message(" a b "), "%20a b%20");
  EXPECT_EQ(Message("  "), "%20%20");
}

TEST(StatusCodec, EveryCodeComesBack) {
  for (int i = 0; i <= 16; ++i) {
    const absl::Status sent(static_cast<absl::StatusCode>(i), i == 0 ? "" : "t\xc3\xa9st\n");
    const StatusFields fields(sent);
    EXPECT_EQ(fields.code(), std::to_string(i));
    EXPECT_EQ(DecodeStatus(fields.code(), fields.message(), fields.details()), sent);
  }
}

TEST(StatusCodec, DetailsAreKeptAsThePayloadBothWays) {
  absl::Status sent = absl::NotFoundError("gone");
  sent.SetPayload(kStatusDetailsType, absl::Cord(absl::string_view("\x08\x05\x12\x04gone", 8)));
  const StatusFields fields(sent);
  EXPECT_EQ(fields.details(), "CAUSBGdvbmU");
  EXPECT_EQ(DecodeStatus(fields.code(), fields.message(), fields.details()), sent);
}

TEST(StatusCodec, DetailsThatAreNotBase64AreDropped) {
  EXPECT_EQ(DecodeStatus("5", "gone", "!"), absl::NotFoundError("gone"));
}

TEST(StatusCodec, ACodeThatIsNoneIsUnknown) {
  EXPECT_EQ(DecodeStatus("banana", "", ""),
            absl::UnknownError("grpc-status \"banana\" is not a status code"));
  EXPECT_EQ(DecodeStatus("17", "more", ""),
            absl::UnknownError("grpc-status \"17\" is not a status code: more"));
  for (const std::string_view bad : {"", "-1", "1x", " 1", "4294967296"}) {
    EXPECT_EQ(DecodeStatus(bad, "", "").code(), absl::StatusCode::kUnknown) << bad;
  }
}

TEST(StatusCodec, AnAnswerWithoutAStatusIsInternal) {
  EXPECT_EQ(DecodeStatus(StatusBlock{{{"x", "y"}}}),
            absl::InternalError("the server ended the answer without a grpc-status"));
  EXPECT_EQ(DecodeStatus(StatusBlock{{{"grpc-status", "5"}, {"grpc-message", "a%20b"}}}),
            absl::NotFoundError("a b"));
}

TEST(StatusCodec, HttpStatusBecomesACode) {  // http-grpc-status-mapping
  EXPECT_EQ(CodeOfHttp("400"), absl::StatusCode::kInternal);
  EXPECT_EQ(CodeOfHttp("401"), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(CodeOfHttp("403"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CodeOfHttp("404"), absl::StatusCode::kUnimplemented);
  for (const char* busy : {"429", "502", "503", "504"}) {
    EXPECT_EQ(CodeOfHttp(busy), absl::StatusCode::kUnavailable) << busy;
  }
  for (const char* other : {"200", "301", "418", "500", "505", ""}) {
    EXPECT_EQ(CodeOfHttp(other), absl::StatusCode::kUnknown) << other;
  }
}

TEST(StatusCodec, AnAnswerThatIsNotGrpcIsToldByItsHttpStatusAndContentType) {
  EXPECT_TRUE(CheckAnswer("200", "application/grpc").ok());
  EXPECT_EQ(CheckAnswer("503", "text/html"),
            absl::UnavailableError(
                "HTTP status 503, content-type \"text/html\", instead of a gRPC answer"));
  EXPECT_EQ(CheckAnswer("200", "text/html").code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(CheckAnswer("200", "application/grpc+json").code(), absl::StatusCode::kInternal);
  EXPECT_EQ(CheckAnswer("404", "application/grpc").code(), absl::StatusCode::kUnimplemented);
}

TEST(StatusCodec, AGrpcStatusCountsWhateverTheHttpStatus) {
  EXPECT_TRUE(CheckResponseHeaders(StatusBlock{{{":status", "503"}, {"grpc-status", "5"}}}).ok());
  EXPECT_EQ(CheckResponseHeaders(StatusBlock{{{":status", "503"}}}).code(),
            absl::StatusCode::kUnavailable);
}

TEST(StatusCodec, AResetBecomesACode) {  // RFC 9113 section 7; "HTTP2 Transport Mapping"
  const absl::StatusCode internal = absl::StatusCode::kInternal;
  const absl::StatusCode exhausted = absl::StatusCode::kResourceExhausted;
  const absl::StatusCode expected[] = {internal,
                                       internal,
                                       internal,
                                       exhausted,
                                       internal,
                                       internal,
                                       internal,
                                       absl::StatusCode::kUnavailable,
                                       absl::StatusCode::kCancelled,
                                       internal,
                                       internal,
                                       exhausted,
                                       absl::StatusCode::kPermissionDenied,
                                       internal,
                                       absl::StatusCode::kUnknown};
  for (uint32_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(CodeOfReset(i, false), expected[i]) << ResetName(i);
  }
  EXPECT_EQ(ResetName(14), "code 14");
}

TEST(StatusCodec, CancelIsTheDeadlineOnceThatHasPassed) {
  EXPECT_EQ(StatusOfReset(8, false), absl::CancelledError("the server reset the stream (CANCEL)"));
  EXPECT_EQ(StatusOfReset(8, true),
            absl::DeadlineExceededError("the server reset the stream (CANCEL)"));
  EXPECT_EQ(CodeOfReset(7, true), absl::StatusCode::kUnavailable);
}

TEST(StatusCodec, AStreamThatEndedWithoutTrailersSaysHow) {
  EXPECT_EQ(StatusOfClosed(TestClosed{Cause::kPeerReset, 7}, false),
            absl::UnavailableError("the server reset the stream (REFUSED_STREAM)"));
  EXPECT_EQ(StatusOfClosed(TestClosed{Cause::kConnection, 0}, false),
            absl::UnavailableError("the connection was lost"));
  EXPECT_EQ(StatusOfClosed(TestClosed{Cause::kGoAway, 0}, false).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(StatusOfClosed(TestClosed{Cause::kPeerFault, 11}, false),
            absl::ResourceExhaustedError("the server's headers are beyond the limit"));
  EXPECT_EQ(StatusOfClosed(TestClosed{Cause::kPeerFault, 1}, false),
            absl::InternalError("the server broke HTTP/2's rules on this stream (PROTOCOL_ERROR)"));
  EXPECT_EQ(StatusOfClosed(TestClosed{Cause::kComplete, 0}, false).code(),
            absl::StatusCode::kInternal);
}

TEST(StatusCodec, TheControlPlaneMayNotGiveTheApplicationsCodes) {  // A54
  EXPECT_EQ(RestrictControlPlane(absl::NotFoundError("no route")),
            absl::InternalError("illegal status NOT_FOUND from the control plane: no route"));
  for (const int i : {0, 3, 5, 6, 9, 10, 11, 15}) {
    EXPECT_EQ(RestrictControlPlane(absl::Status(static_cast<absl::StatusCode>(i), "x")).code(),
              absl::StatusCode::kInternal);
  }
  for (const int i : {1, 2, 4, 7, 8, 12, 13, 14, 16}) {
    const absl::Status allowed(static_cast<absl::StatusCode>(i), "x");
    EXPECT_EQ(RestrictControlPlane(allowed), allowed);
  }
}

}  // namespace
}  // namespace rondo::wire
