#pragma once
// Header fields: as they come in (views with tokens) and as they go out (a constant template and
// this call's extras, so that encoded blocks can be kept).
// Threads: a HeaderTemplate may be shared by all; the rest belongs to one thread at a time.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondo::http2 {

// Names that gRPC reads on every call. The rest is kOther and compared by name, when asked.
enum class Token : uint8_t {
  kOther,
  kAuthority,
  kMethod,
  kPath,
  kScheme,
  kStatus,
  kTe,
  kContentType,
  kUserAgent,
  kGrpcStatus,
  kGrpcMessage,
  kGrpcTimeout,
  kGrpcEncoding,
  kGrpcAcceptEncoding,
  kGrpcStatusDetails,
};
Token TokenOf(std::string_view name);

struct Header {
  std::string_view name, value;
  Token token = Token::kOther;
  bool index = false;  // Outgoing extras: worth a table entry, this very value comes again.
};

// One received block. The views are good until the event returns: keep what you need by copying.
struct Headers {
  std::span<const Header> fields;
  size_t size = 0;  // As SETTINGS_MAX_HEADER_LIST_SIZE counts: names + values + 32 each.

  const Header* Find(Token token) const {
    for (const Header& field : fields) {
      if (field.token == token) return &field;
    }
    return nullptr;
  }
};

// Fields that many blocks have in common: a method's request, "grpc-status: 0". Immutable; must
// outlive the streams that it was given to. A session may keep its bytes.
class HeaderTemplate {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  explicit HeaderTemplate(Fields fields);
  HeaderTemplate(const HeaderTemplate&) = delete;
  HeaderTemplate& operator=(const HeaderTemplate&) = delete;

  std::span<const Header> fields() const { return views_; }
  uint64_t serial() const { return serial_; }  // Never given twice in a process.

 private:
  const Fields owned_;
  std::vector<Header> views_;
  const uint64_t serial_;
};
using ExtraHeaders = std::span<const Header>;  // Of this call only; copied if they must wait.

}  // namespace rondo::http2
