#pragma once
// What typed calls ask of messages, and what they know of a method. Protobuf's messages fit;
// nothing here includes protobuf. Threads: none of its own.
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rondo/call.h"
#include "rondo/slice.h"

namespace rondo {

template <class M>
concept Message = std::default_initializable<M> && std::movable<M> &&
                  requires(M& to, const M& from, uint8_t* bytes, const void* data, int size) {
                    { from.ByteSizeLong() } -> std::convertible_to<size_t>;
                    from.SerializeWithCachedSizesToArray(bytes);
                    { to.ParseFromArray(data, size) } -> std::convertible_to<bool>;
                  };

enum class MethodKind : uint8_t { kUnary, kClientStreaming, kServerStreaming, kBidirectional };

// A method with its types. Generated code holds one constant for each: EchoMethods::UnaryEcho.
template <Message Req, Message Rep, MethodKind kKind>
struct MethodOf : Method {
  using Request = Req;
  using Reply = Rep;
  static constexpr MethodKind kind = kKind;
  constexpr explicit MethodOf(std::string_view where)
      : Method{where, kKind == MethodKind::kClientStreaming || kKind == MethodKind::kBidirectional,
               kKind == MethodKind::kServerStreaming || kKind == MethodKind::kBidirectional} {}
};

namespace detail {

// Protobuf's own limit: a message's size is an int.
inline constexpr size_t kLargestMessage = INT32_MAX;

absl::Status TooLarge(const Method& method, size_t size);
absl::Status WouldBlock(const Method& method);
// `what`: "request" or "reply".
absl::Status CannotParse(const Method& method, std::string_view what);

// Requires: message.ByteSizeLong() <= kLargestMessage.
template <Message M>
Slice Frame(const M& message, size_t size) {
  return FrameMessage(size, [&](uint8_t* to) { message.SerializeWithCachedSizesToArray(to); });
}
template <Message M>
bool Parse(Bytes bytes, M& message) {
  return bytes.size() <= kLargestMessage &&
         message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace detail

}  // namespace rondo
