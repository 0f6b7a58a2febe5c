#pragma once
// Protocol buffers' encoding, field by field, for the few messages of gRPC's own services. The
// library has no generated code: a program that links somebody else's health.pb.cc would have the
// file twice in its descriptor pool, which protobuf answers by aborting.
// Threads: distinct objects are independent.
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "rondo/slice.h"

namespace rondo::wire {

class ProtoReader {
 public:
  explicit ProtoReader(Bytes bytes) : rest_(bytes) {}
  explicit ProtoReader(std::string_view bytes)
      : rest_(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) {}

  // The next field; false: there is none, or what comes is none.
  bool Next();
  bool good() const { return good_; }
  uint32_t field() const { return field_; }
  bool is_text() const { return is_text_; }
  uint64_t number() const { return number_; }                     // Of a varint or fixed field.
  bool is_real() const { return is_real_; }                       // It may be a double.
  double real() const { return std::bit_cast<double>(number_); }  // Of such.
  std::string_view text() const { return text_; }                 // Of a string, bytes or message.

 private:
  bool Varint(uint64_t& value);
  bool Fixed(size_t size);
  bool Text();

  Bytes rest_;
  bool good_ = true, is_text_ = false, is_real_ = false;
  uint32_t field_ = 0;
  uint64_t number_ = 0;
  std::string_view text_;
};

void AppendVarint(std::string& out, uint64_t value);
void AppendNumber(std::string& out, uint32_t field, uint64_t value);
void AppendReal(std::string& out, uint32_t field, double value);
void AppendText(std::string& out, uint32_t field, std::string_view value);  // Messages, too.

}  // namespace rondo::wire
