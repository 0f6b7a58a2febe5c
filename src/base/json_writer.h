#pragma once
// JSON text, written piece by piece on one line.
// Threads: a value.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/text.h"

namespace rondo {

// What is written must nest rightly: an object's fields are Key and then a value.
class JsonWriter {
 public:
  JsonWriter& Object() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& List() { return Open('['); }
  JsonWriter& EndList() { return Close(']'); }
  JsonWriter& Key(std::string_view name) {
    Comma();
    Append(text_, JsonText(name));
    text_ += ':';
    comma_ = false;
    return *this;
  }
  JsonWriter& Text(std::string_view value) { return Raw(JsonText(value)); }
  JsonWriter& Bool(bool value) { return Raw(value ? "true" : "false"); }
  template <class N>
  JsonWriter& Number(N value) {  // Of a floating type: must be finite.
    return Raw(Cat(value));
  }
  JsonWriter& Raw(std::string_view json) {  // That is JSON already.
    Comma();
    Append(text_, json);
    return *this;
  }
  std::string Take() { return std::move(text_); }

 private:
  void Comma() {
    if (comma_) text_ += ',';
    comma_ = true;
  }
  JsonWriter& Open(char bracket) {
    Comma();
    text_ += bracket;
    comma_ = false;
    return *this;
  }
  JsonWriter& Close(char bracket) {
    text_ += bracket;
    comma_ = true;
    return *this;
  }
  std::string text_;
  bool comma_ = false;
};

}  // namespace rondo
