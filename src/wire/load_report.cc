#include "wire/load_report.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "wire/proto_fields.h"

namespace rondo::wire {
namespace {

// The field numbers of OrcaLoadReport; 3 was whole calls a second, and is no more.
enum Number : uint32_t {
  kCpu = 1,
  kMemory = 2,
  kRequestCost = 4,
  kUtilization = 5,
  kQps = 6,
  kEps = 7,
  kNamedMetrics = 8,
  kApplication = 9
};

struct Kind {
  Number number;
  std::string_view prefix;  // Of NamedFigure::name.
};
constexpr Kind kKinds[] = {{kRequestCost, "request_cost."},
                           {kUtilization, "utilization."},
                           {kNamedMetrics, "named_metrics."}};

bool Possible(double value) { return std::isfinite(value) && value >= 0; }

void AppendFigure(std::string& out, Number field, double value, bool up_to_one = false) {
  if (value != 0 && Possible(value) && (!up_to_one || value <= 1)) AppendReal(out, field, value);
}

bool Allowed(Number kind, double value) {
  if (kind == kNamedMetrics) return std::isfinite(value);
  return Possible(value) && (kind != kUtilization || value <= 1);
}

// An entry of a map of doubles.
bool ReadEntry(const Kind& kind, std::string_view bytes, LoadReport& report) {
  ProtoReader reader(bytes);
  std::string_view key;
  double value = 0;
  while (reader.Next()) {
    if (reader.field() == 1 && reader.is_text()) key = reader.text();
    if (reader.field() == 2 && reader.is_real()) value = reader.real();
  }
  if (!reader.good() || !(kind.number == kNamedMetrics ? std::isfinite(value) : Possible(value))) {
    return false;
  }
  if (kind.number == kUtilization) value = std::min(value, 1.0);
  if (report.named.size() < kMostNamedFigures) {
    report.named.push_back({Cat(kind.prefix, key), value});
  }
  return true;
}

double* FigureOf(uint32_t field, LoadReport& report) {
  switch (field) {
    case kCpu:
      return &report.cpu;
    case kMemory:
      return &report.memory;
    case kQps:
      return &report.qps;
    case kEps:
      return &report.eps;
    case kApplication:
      return &report.application;
    default:
      return nullptr;
  }
}

bool ReadField(const ProtoReader& reader, LoadReport& report) {
  if (double* figure = FigureOf(reader.field(), report)) {
    if (!reader.is_real() || !Possible(reader.real())) return false;
    *figure = reader.real();
    return true;
  }
  for (const Kind& kind : kKinds) {
    if (kind.number == reader.field()) {
      return reader.is_text() && ReadEntry(kind, reader.text(), report);
    }
  }
  return true;  // Whatever is new there.
}

}  // namespace

std::string EncodeLoadReport(const LoadReport& report) {
  std::string out;
  AppendFigure(out, kCpu, report.cpu);
  AppendFigure(out, kMemory, report.memory, /*up_to_one=*/true);
  AppendFigure(out, kQps, report.qps);
  AppendFigure(out, kEps, report.eps);
  AppendFigure(out, kApplication, report.application);
  size_t named = 0;
  for (const auto& [name, value] : report.named) {
    for (const Kind& kind : kKinds) {
      if (!name.starts_with(kind.prefix) || !Allowed(kind.number, value)) continue;
      if (++named > kMostNamedFigures) return out;
      std::string entry;
      AppendText(entry, 1, std::string_view(name).substr(kind.prefix.size()));
      AppendReal(entry, 2, value);
      AppendText(out, kind.number, entry);
    }
  }
  return out;
}

std::optional<LoadReport> DecodeLoadReport(std::string_view bytes) {
  LoadReport report;
  ProtoReader reader(bytes);
  while (reader.Next()) {
    if (!ReadField(reader, report)) return std::nullopt;
  }
  if (!reader.good()) return std::nullopt;
  report.memory = std::min(report.memory, 1.0);
  return report;
}

LoadReport MergeLoadReports(LoadReport server, const LoadReport& call) {
  for (double LoadReport::* figure :
       {&LoadReport::cpu, &LoadReport::memory, &LoadReport::application, &LoadReport::qps,
        &LoadReport::eps}) {
    if (Possible(call.*figure) && call.*figure > 0) server.*figure = call.*figure;
  }
  for (const NamedFigure& own : call.named) {
    const auto same = std::ranges::find(server.named, own.name, &NamedFigure::name);
    if (same == server.named.end()) {
      server.named.push_back(own);
    } else {
      same->value = own.value;
    }
  }
  return server;
}

}  // namespace rondo::wire
