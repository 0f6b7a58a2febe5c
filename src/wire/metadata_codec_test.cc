#include "wire/metadata_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "wire/base64.h"

namespace rondo::wire {
namespace {

struct TestField {
  std::string_view name, value;
};
struct Block {
  std::vector<TestField> fields;
};

std::string Encoded(const Metadata& metadata) {
  Fields fields;
  const absl::Status status = EncodeMetadata(metadata, fields);
  if (!status.ok()) {
    EXPECT_TRUE(fields.empty());
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    return "! " + std::string(status.message());
  }
  std::string all;
  for (const auto& [name, value] : fields) {
    all += std::string(name) + "=" + std::string(value) + "\n";
  }
  return all;
}
std::string Base64(std::string_view bytes) {
  std::string out;
  AppendBase64(out, bytes);
  EXPECT_EQ(out.size(), Base64Size(bytes.size()));
  return out;
}
std::string Decoded(std::string_view text) {
  std::string out;
  return AppendDecodedBase64(out, text) ? out : "!";
}

TEST(Base64, IsWrittenWithoutPadding) {  // RFC 4648 section 10.
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg");
  EXPECT_EQ(Base64("fo"), "Zm8");
  EXPECT_EQ(Base64("foo"), "Zm9v");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64("\xff\xfe"), "//4");
}

TEST(Base64, IsReadWithAndWithoutPadding) {
  EXPECT_EQ(Decoded("Zg"), "f");
  EXPECT_EQ(Decoded("Zg=="), "f");
  EXPECT_EQ(Decoded("Zm8="), "fo");
  EXPECT_EQ(Decoded("Zm8"), "fo");
  EXPECT_EQ(Decoded(""), "");
}

TEST(Base64, ThatIsMalformedIsRefused) {
  for (const std::string_view bad :
       {"Z", "Zg=", "Zg===", "=", "====", "Z g", "Zg-_", "Zm9vY", "=Zg"}) {
    EXPECT_EQ(Decoded(bad), "!") << bad;
  }
}

TEST(Base64, OfAnyBytesReadsBackAsTheyWere) {
  std::mt19937 random(3);
  for (int i = 0; i < 1000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(Decoded(Base64(bytes)), bytes);
  }
}

TEST(MetadataCodec, WritesEntriesInOrderAndBinaryOnesAsBase64) {
  EXPECT_EQ(Encoded(metadata("tenant", "blue", "trace-bin", "\xff\xfe", "tenant", "red")),
            "tenant=blue\ntrace-bin=//4\ntenant=red\n");
}

TEST(MetadataCodec, ManyBinaryValuesStayWhereTheyWereWritten) {
  Metadata many;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    many.Add("a-bin", std::string(static_cast<size_t>(i), 'x'));
    expected += "a-bin=" + Base64(std::string(static_cast<size_t>(i), 'x')) + "\n";
  }
  EXPECT_EQ(Encoded(many), expected);
}

TEST(MetadataCodec, DropsSpacesRoundAValue) {
  EXPECT_EQ(Encoded(metadata("a", "  b c  ", "d", " ")), "a=b c\nd=\n");
}

TEST(MetadataCodec, PassesOverTheUserAgent) {
  EXPECT_EQ(Encoded(metadata("user-agent", "x", "a", "b")), "a=b\n");
}

TEST(MetadataCodec, NamesTheKeyThatIsWrong) {
  EXPECT_EQ(Encoded(metadata("", "v")), "! metadata key \"\": is empty");
  EXPECT_EQ(Encoded(metadata("ok", "v", "Tenant", "v")),
            "! metadata key \"Tenant\": has the byte 0x54, allowed are 0-9 a-z _ . -");
  EXPECT_EQ(Encoded(metadata(":path", "v")),
            "! metadata key \":path\": has the byte 0x3a, allowed are 0-9 a-z _ . -");
  EXPECT_EQ(Encoded(metadata("grpc-foo", "v")),
            "! metadata key \"grpc-foo\": names that begin with grpc- are gRPC's own");
  EXPECT_EQ(Encoded(metadata("te", "v")), "! metadata key \"te\": belongs to the protocol");
}

TEST(MetadataCodec, SendsTheTraceContextWhateverItsName) {
  EXPECT_EQ(Encoded(metadata("grpc-trace-bin", "x")), "grpc-trace-bin=eA\n");
}
TEST(MetadataCodec, RefusesAValueThatIsNotPrintable) {
  EXPECT_EQ(Encoded(metadata("a", "x\ny")),
            "! metadata key \"a\": its value has the byte 0x0a, only printable ASCII is allowed; "
            "end the key in -bin for any bytes");
  EXPECT_EQ(Encoded(metadata("a-bin", "x\ny")), "a-bin=eAp5\n");
}

TEST(MetadataCodec, ReadsAllButTheProtocolsOwnFields) {
  Metadata got;
  const Block block{{{":path", "/a/b"},
                     {"te", "trailers"},
                     {"content-type", "application/grpc"},
                     {"grpc-timeout", "1S"},
                     {"grpc-status", "0"},
                     {"user-agent", "test/1"},
                     {"grpc-previous-rpc-attempts", "2"},
                     {"tenant", "a,b"}}};
  EXPECT_TRUE(DecodeMetadata(block, got).ok());
  EXPECT_EQ(got,
            metadata("user-agent", "test/1", "grpc-previous-rpc-attempts", "2", "tenant", "a,b"));
}

TEST(MetadataCodec, ReadsSeveralBinaryValuesJoinedByCommas) {
  Metadata got;
  EXPECT_TRUE(DecodeMetadata(Block{{{"a-bin", "Zg==,Zm8, Zm9v"}, {"a-bin", ""}}}, got).ok());
  EXPECT_EQ(got, metadata("a-bin", "f", "a-bin", "fo", "a-bin", "foo", "a-bin", ""));
}

TEST(MetadataCodec, ABadBinaryValueIsAnErrorOfThisBlockAndTheRestIsRead) {
  Metadata got;
  const absl::Status status = DecodeMetadata(Block{{{"a-bin", "!?"}, {"b", "c"}}}, got);
  EXPECT_EQ(status, absl::InternalError("metadata key \"a-bin\": \"!?\" is not base64"));
  EXPECT_EQ(got, metadata("b", "c"));
}

TEST(MetadataCodec, ReadsBackWhatItWrote) {
  const Metadata sent =
      metadata("a", "b", "c-bin", std::string_view("\0\x01\xff", 3), "c-bin", "", "a", "d");
  Fields fields;
  ASSERT_TRUE(EncodeMetadata(sent, fields).ok());
  Metadata got;
  for (const auto& [name, value] : fields) ASSERT_TRUE(DecodeField(name, value, got).ok());
  EXPECT_EQ(got, sent);
}

}  // namespace
}  // namespace rondo::wire
