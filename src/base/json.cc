#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace rondo {
namespace {

struct Place {
  int line = 1, column = 1;
};

// Turns byte offsets, asked for in rising order, into lines and columns.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {}
  Place At(size_t offset) {
    for (; at_ < offset && at_ < text_.size(); ++at_) {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '\n') {
        ++place_.line;
        place_.column = 1;
      } else if ((byte & 0xc0) != 0x80) {  // Not inside a UTF-8 sequence.
        ++place_.column;
      }
    }
    return place_;
  }

 private:
  const std::string_view text_;
  size_t at_ = 0;
  Place place_;
};

// Walks over the tokens that have an event in nlohmann's parser: its events don't tell where they
// stood, but they come in the order of the text. Needs valid JSON only up to where it is.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}
  // The bytes of the next key, value or opening bracket.
  std::string_view Next(size_t& offset) {
    at_ = std::min(text_.find_first_not_of(" \t\r\n,:]}", at_), text_.size());
    offset = at_;
    if (at_ == text_.size()) return {};
    if (text_[at_] == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\') ++at_;
      }
      ++at_;
    } else if (text_[at_] == '{' || text_[at_] == '[') {
      ++at_;
    } else {
      at_ = std::min(text_.find_first_of(" \t\r\n,:]}", at_), text_.size());
    }
    return text_.substr(offset, at_ - offset);
  }

 private:
  const std::string_view text_;
  size_t at_ = 0;
};

// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while parsing
// value - invalid literal; last read: 'x'": what follows the place.
std::string WordsOf(std::string_view what) {
  for (std::string_view mark : {": syntax error ", ": ", "] "}) {
    if (const size_t at = what.find(mark); at != what.npos) {
      what.remove_prefix(at + mark.size());
      break;
    }
  }
  // They quote what was read, which may be a megabyte.
  constexpr size_t kMost = 200;
  return what.size() <= kMost ? std::string(what) : Cat(what.substr(0, kMost), "...");
}

std::optional<int64_t> WholeOfDouble(double number) {
  // 2^63 itself is a double, int64's largest value isn't.
  if (number != std::trunc(number) || number < -0x1p63 || number >= 0x1p63) return std::nullopt;
  return static_cast<int64_t>(number);
}

}  // namespace

// Receives nlohmann's events; a false return ends the parse.
class JsonBuilder {
 public:
  using number_integer_t = int64_t;
  using number_unsigned_t = uint64_t;
  using number_float_t = double;
  using string_t = std::string;
  using binary_t = nlohmann::json::binary_t;

  explicit JsonBuilder(std::string_view text) : size_(text.size()), tokens_(text), places_(text) {}

  // NOLINTBEGIN(readability-identifier-naming): the names are nlohmann's.
  bool null() { return Scalar(Json::Kind::kNull, 0); }
  bool boolean(bool v) { return Scalar(Json::Kind::kBool, v ? 1 : 0); }
  bool number_integer(int64_t v) { return Scalar(Json::Kind::kNumber, static_cast<double>(v)); }
  bool number_unsigned(uint64_t v) { return Scalar(Json::Kind::kNumber, static_cast<double>(v)); }
  bool number_float(double v, const std::string&) { return Scalar(Json::Kind::kNumber, v); }
  bool string(std::string& v) {
    Json* value = Add(Json::Kind::kText);
    if (value != nullptr) value->text_ = std::move(v);
    return value != nullptr;
  }
  bool binary(binary_t&) { return false; }  // JSON text has none.
  bool start_object(size_t) { return Enter(Json::Kind::kObject); }
  bool start_array(size_t) { return Enter(Json::Kind::kList); }
  bool end_object() { return Leave(); }
  bool end_array() { return Leave(); }
  bool key(std::string& name) {
    size_t offset = 0;
    tokens_.Next(offset);
    auto& fields = open_.back()->fields_;
    for (const auto& [other, _] : fields) {
      if (other == name) return Fail(offset, Cat("\"", name, "\" stands here twice"));
    }
    fields.emplace_back(std::move(name), Json());
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& e) {
    // `position` counts the bytes read, the wrong one included, and one more at the end.
    const size_t offset = std::min(position == 0 ? 0 : position - 1, size_);
    return Fail(offset, Cat("not JSON: ", WordsOf(e.what())));
  }
  // NOLINTEND(readability-identifier-naming)

  const absl::Status& error() const { return error_; }
  Json Take() { return std::move(root_); }

 private:
  bool Scalar(Json::Kind kind, double number) {
    Json* value = Add(kind);
    if (value == nullptr) return false;
    value->number_ = number;
    if (kind == Json::Kind::kNumber) value->text_ = last_;
    return true;
  }
  bool Enter(Json::Kind kind) {
    Json* value = Add(kind);
    if (value == nullptr) return false;
    if (open_.size() == Json::kMaxDepth) {
      error_ = absl::InvalidArgumentError(
          Cat(value->where(), ": nested deeper than ", Json::kMaxDepth, " levels"));
      return false;
    }
    // Stays where it is until it is left: its siblings come later.
    open_.push_back(value);
    return true;
  }
  bool Leave() {
    open_.pop_back();
    return true;
  }
  Json* Add(Json::Kind kind) {
    size_t offset = 0;
    last_ = tokens_.Next(offset);
    Json* value = &root_;
    if (!open_.empty()) {
      Json& parent = *open_.back();
      value = parent.is(Json::Kind::kList) ? &parent.items_.emplace_back()
                                           : &parent.fields_.back().second;
    }
    const Place place = places_.At(offset);
    value->kind_ = kind;
    value->line_ = place.line;
    value->column_ = place.column;
    return value;
  }
  bool Fail(size_t offset, std::string_view what) {
    const Place place = places_.At(offset);
    error_ = absl::InvalidArgumentError(Cat(place.line, ":", place.column, ": ", what));
    return false;
  }

  const size_t size_;
  Tokens tokens_;
  Places places_;
  std::string_view last_;
  Json root_;
  std::vector<Json*> open_;
  absl::Status error_;
};

absl::StatusOr<Json> Json::Parse(std::string_view text) {
  if (text.size() > kMaxSize) {
    return absl::InvalidArgumentError(
        Cat("1:1: ", text.size(), " bytes are more than the largest size, ", kMaxSize));
  }
  JsonBuilder builder(text);
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return builder.Take();
  return builder.error();
}

std::string Json::where() const { return Cat(line_, ":", column_); }

std::optional<int64_t> Json::Whole() const {
  if (kind_ != Kind::kNumber && kind_ != Kind::kText) return std::nullopt;
  const char* end = text_.data() + text_.size();
  int64_t whole = 0;
  const auto exact = std::from_chars(text_.data(), end, whole);
  if (exact.ec == std::errc() && exact.ptr == end) return whole;
  if (kind_ == Kind::kNumber) return WholeOfDouble(number_);
  double number = 0;
  const auto loose = std::from_chars(text_.data(), end, number);
  if (loose.ec != std::errc() || loose.ptr != end) return std::nullopt;
  return WholeOfDouble(number);
}

const Json* Json::Find(std::string_view name) const {
  std::string snake;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') {
      snake += '_';
      c = static_cast<char>(c - 'A' + 'a');
    }
    snake += c;
  }
  const Json* other = nullptr;
  for (const auto& [key, value] : fields_) {
    if (key == name) return &value;
    if (key == snake) other = &value;
  }
  return other;
}

std::optional<int64_t> ParseJsonDuration(std::string_view text) {
  constexpr int64_t kMaxSeconds = 315'576'000'000, kNanos = 1'000'000'000;
  if (text.empty() || text.back() != 's') return std::nullopt;
  text.remove_suffix(1);
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  std::string_view part = text.substr(std::min(point + 1, text.size()));
  if (whole.empty() && part.empty()) return std::nullopt;
  if (part.size() > 9) return std::nullopt;

  int64_t seconds = 0, nanos = 0;
  for (char c : whole) {
    if (c < '0' || c > '9') return std::nullopt;
    seconds = std::min(seconds * 10 + (c - '0'), kMaxSeconds + 1);
  }
  for (size_t i = 0; i < 9; ++i) {
    const char c = i < part.size() ? part[i] : '0';
    if (c < '0' || c > '9') return std::nullopt;
    nanos = nanos * 10 + (c - '0');
  }
  if (seconds > kMaxSeconds || (seconds == kMaxSeconds && nanos > 0)) return std::nullopt;
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const bool fits =
      seconds < kMost / kNanos || (seconds == kMost / kNanos && nanos <= kMost % kNanos);
  if (!fits) return negative ? std::numeric_limits<int64_t>::min() : kMost;
  const int64_t total = seconds * kNanos + nanos;
  return negative ? -total : total;
}

std::string JsonText(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace rondo
