#include "server/request_head.h"

#include <utility>

#include "base/text.h"
#include "wire/metadata_codec.h"
#include "wire/path.h"
#include "wire/timeout.h"

namespace rondo::server {
namespace {

using http2::Token;

void Refuse(RequestHead& head, absl::Status why) {
  if (head.kind != RequestHead::Kind::kCall) return;
  head.kind = RequestHead::Kind::kRefused;
  head.why = std::move(why);
}

void ReadTimeout(RequestHead& head, std::string_view text) {
  head.timeout = wire::DecodeTimeout(text);
  if (head.timeout) return;
  Refuse(head, absl::InternalError(Cat("grpc-timeout \"", text.substr(0, 32),
                                       "\" is not 1 to 8 digits and one of H M S m u n")));
}

void ReadEncoding(RequestHead& head, std::string_view name) {
  if (const auto encoding = wire::ParseEncoding(name)) {
    head.encoding = *encoding;
    return;
  }
  head.strange_encoding = true;
  Refuse(head,
         absl::UnimplementedError(Cat("grpc-encoding \"", name.substr(0, 32),
                                      "\" is not supported; send one of ", wire::kAcceptEncoding)));
}

void ReadField(RequestHead& head, const http2::Header& field, Metadata& metadata) {
  switch (field.token) {
    case Token::kPath:
      head.path = field.value;
      return;
    case Token::kGrpcTimeout:
      return ReadTimeout(head, field.value);
    case Token::kGrpcEncoding:
      return ReadEncoding(head, field.value);
    case Token::kGrpcAcceptEncoding:
      head.accepted = wire::ParseAcceptEncoding(field.value);
      return;
    case Token::kMethod:
    case Token::kContentType:  // Looked at before.
    case Token::kAuthority:
    case Token::kScheme:
    case Token::kStatus:
    case Token::kTe:
    case Token::kGrpcStatus:
    case Token::kGrpcMessage:
    case Token::kGrpcStatusDetails:
      return;
    case Token::kUserAgent:
    case Token::kOther:
      if (absl::Status s = wire::DecodeField(field.name, field.value, metadata); !s.ok()) {
        Refuse(head, std::move(s));
      }
      return;
  }
}

}  // namespace

RequestHead ReadRequestHead(const http2::Headers& headers, uint32_t max_bytes,
                            std::string_view peer, Metadata& metadata) {
  RequestHead head;
  const http2::Header* method = headers.Find(Token::kMethod);
  const http2::Header* type = headers.Find(Token::kContentType);
  if (method == nullptr || method->value != "POST") {
    head.kind = RequestHead::Kind::kWrongMethod;
    return head;
  }
  if (type == nullptr || !wire::IsGrpcContentType(type->value)) {
    head.kind = RequestHead::Kind::kWrongMediaType;
    return head;
  }
  if (headers.size > max_bytes) {
    Refuse(head,
           absl::ResourceExhaustedError(Cat("request headers of ", headers.size, " bytes from ",
                                            peer, " are more than the limit of ", max_bytes)));
    return head;
  }
  for (const http2::Header& field : headers.fields) ReadField(head, field, metadata);
  return head;
}

}  // namespace rondo::server
