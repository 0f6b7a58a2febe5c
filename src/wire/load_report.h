#pragma once
// Load reports (ORCA, gRFC A51) as they go over the wire: xds.data.orca.v3.OrcaLoadReport.
// Threads: any; nothing here has state.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "rondo/backend.h"

namespace rondo::wire {

// The trailer of a call's own report.
inline constexpr std::string_view kLoadReportKey = "endpoint-load-metrics-bin";
inline constexpr size_t kMostNamedFigures = 100;

// `at` is left out. Of what ORCA doesn't allow nothing goes: NaN, infinite and negative figures
// (but named_metrics), memory and utilization.KEY above 1, names of no known kind, more than
// kMostNamedFigures.
std::string EncodeLoadReport(const LoadReport& report);
// nullopt: the bytes are none, or have a figure that is NaN, infinite, or negative where that can't
// be. Memory and utilization.KEY above 1 count as 1. Of named figures the first kMostNamedFigures
// are kept.
std::optional<LoadReport> DecodeLoadReport(std::string_view bytes);
// A call's own figures over those of its server; what the call says nothing of (0) is the server's.
LoadReport MergeLoadReports(LoadReport server, const LoadReport& call);

}  // namespace rondo::wire
