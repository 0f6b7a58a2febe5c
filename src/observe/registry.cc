#include "observe/registry.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace rondo {

namespace observe {
Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds), buckets_(bounds.size() + 1) {}

void Histogram::Record(double value) {
  const auto at = std::ranges::lower_bound(bounds_, value);
  buckets_[static_cast<size_t>(at - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.Add(value);
}

}  // namespace observe

namespace {

using observe::Histogram;
using observe::Instrument;
using observe::Kind;
using observe::Label;
using observe::Sum;

// Prometheus allows letters, digits, "_" and ":".
std::string NameOf(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')) c = '_';
  }
  return out;
}

void AppendEscaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    out += c;
  }
}

std::string LabelsOf(std::span<const Label> labels) {
  std::string out;
  for (const Label& label : labels) {
    Append(out, Cat(out.empty() ? "" : ",", NameOf(label.key), "=\""));
    AppendEscaped(out, label.value, true);
    out += '"';
  }
  return out;
}

void AppendLine(std::string& out, std::string_view name, std::string_view suffix,
                std::string_view labels, std::string_view more, double value) {
  Append(out, Cat(name, suffix));
  if (!labels.empty() || !more.empty()) {
    Append(out, Cat("{", labels, !labels.empty() && !more.empty() ? "," : "", more, "}"));
  }
  Append(out, Cat(" ", value, "\n"));
}

void AppendHistogram(std::string& out, std::string_view name, const std::string& labels,
                     const Histogram& h) {
  uint64_t count = 0;
  for (size_t i = 0; i <= h.bounds().size(); ++i) {
    count += h.bucket(i);
    const std::string bound = i < h.bounds().size() ? Cat(h.bounds()[i]) : std::string("+Inf");
    AppendLine(out, name, "_bucket", labels, Cat("le=\"", bound, "\""), static_cast<double>(count));
  }
  AppendLine(out, name, "_sum", labels, {}, h.sum());
  AppendLine(out, name, "_count", labels, {}, static_cast<double>(count));
}

std::string_view TypeOf(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kUpDown:
      return "gauge";
    case Kind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace

Metrics::Registry::Family& Metrics::Registry::Of(const Instrument& instrument) {
  auto it = families_.find(instrument.name);
  if (it == families_.end()) {
    it = families_
             .emplace(instrument.name, Family{.help = std::string(instrument.help),
                                              .unit = std::string(instrument.unit),
                                              .kind = instrument.kind,
                                              .numbers = {},
                                              .distributions = {}})
             .first;
  }
  return it->second;
}

Sum& Metrics::Registry::Number(const Instrument& instrument, std::span<const Label> labels) {
  const std::lock_guard lock(mutex_);
  auto& slot = Of(instrument).numbers[LabelsOf(labels)];
  if (slot == nullptr) slot = std::make_unique<Sum>();
  return *slot;
}

Histogram& Metrics::Registry::Distribution(const Instrument& instrument,
                                           std::span<const Label> labels) {
  const std::lock_guard lock(mutex_);
  auto& slot = Of(instrument).distributions[LabelsOf(labels)];
  if (slot == nullptr) slot = std::make_unique<Histogram>(instrument.bounds);
  return *slot;
}

std::string Metrics::Registry::Text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [grpc_name, family] : families_) {
    std::string name = NameOf(grpc_name);
    if (!family.unit.empty()) Append(name, Cat("_", family.unit));
    if (family.kind == Kind::kCounter) name += "_total";
    Append(out, Cat("# HELP ", name, " "));
    AppendEscaped(out, family.help, false);
    Append(out, Cat("\n# TYPE ", name, " ", TypeOf(family.kind), "\n"));
    for (const auto& [labels, sum] : family.numbers) {
      AppendLine(out, name, {}, labels, {}, sum->value());
    }
    for (const auto& [labels, histogram] : family.distributions) {
      AppendHistogram(out, name, labels, *histogram);
    }
  }
  return out;
}

}  // namespace rondo
