#include "plot.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace rondo::lab {
namespace {

// Okabe and Ito's: also the colour-blind tell them apart.
constexpr const char* kColours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                    "#E69F00", "#56B4E9", "#000000", "#888888"};
constexpr size_t kMostBars = 500;  // Of servers beside each other; more are drawn together.
constexpr size_t kMostRows = 60;   // Of servers in a heat map.

// What gnuplot takes for a text, in its own quotes.
std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '`' || c == '$') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}
std::string Style(size_t i) {
  const size_t colours = std::size(kColours);
  return std::string(" lw 2 lc rgb '") + kColours[i % colours] + "' dt " +
         std::to_string(1 + i / colours);
}
std::string Begin(const std::string& file, int height) {
  return "set terminal svg size 860," + std::to_string(height) +
         " dynamic standalone noenhanced font 'sans-serif,13' background '#ffffff'\n"
         "set output '" +
         file +
         "'\n"
         "set border 3 lc rgb '#555555'\nset tics nomirror\n"
         "set grid lc rgb '#dddddd' lt 1 lw 0.5\n";
}

// Lines with a name each, as data of the script's own.
class Lines {
 public:
  void Begin(const std::string& name, const std::string& with) {
    data_ << "$line" << names_.size() << " << EOD\n";
    names_.push_back({name, with});
    empty_ = true;
  }
  void Point(double x, double y) {
    data_ << x << " " << y << "\n";
    empty_ = false;
  }
  void Gap() { data_ << "\n"; }  // The line isn't drawn over it.
  void End() {
    // gnuplot has an error for data without a point.
    if (empty_) data_ << "NaN NaN\n";
    data_ << "EOD\n";
  }
  std::string Text() const {
    std::string out = data_.str() + "plot ";
    for (size_t i = 0; i < names_.size(); ++i) {
      out += (i > 0 ? ", \\\n     " : "") + ("$line" + std::to_string(i)) + " using 1:2 with " +
             names_[i].second + Style(i) + " title " + Quoted(names_[i].first);
    }
    return out + "\n";
  }

 private:
  std::ostringstream data_;
  std::vector<std::pair<std::string, std::string>> names_;
  bool empty_ = true;
};

Plot LatencyCdf(const Outcome& o) {
  Lines lines;
  for (const Row& row : o.rows) {
    lines.Begin(row.policy, "lines");
    const Histogram& h = row.all.latency;
    // 4 points for each halving of the tail are as smooth as the eye sees.
    for (double tail = 1; h.count() > 0 && tail >= 1e-4; tail /= 1.1892) {
      if (tail * static_cast<double>(h.count()) < 1) break;
      lines.Point(static_cast<double>(h.Quantile(1 - tail)) / 1e6, tail);
    }
    lines.End();
  }
  return {"latency.svg",
          "How long calls take that succeed: the share (up) that is done within a time",
          Begin("latency.svg", 420) +
              "set xlabel 'latency of a call that succeeds [ms], logarithmic'\n"
              "set ylabel 'share of calls done within it'\n"
              "set logscale x\nset logscale y\nset yrange [1:0.0001] reverse\n"
              "set ytics ('0 %%' 1, '50 %%' 0.5, '90 %%' 0.1, '99 %%' 0.01, '99.9 %%' 0.001, "
              "'99.99 %%' 0.0001)\nset key outside right top\n" +
              lines.Text()};
}

Plot OverTime(const Outcome& o) {
  Lines lines;
  for (const Row& row : o.rows) {
    lines.Begin(row.policy, "lines");
    const Series& s = row.all.series;
    for (size_t i = 0; i < s.slices.size(); ++i) {
      const Histogram& h = s.slices[i].latency;
      if (h.count() == 0) {
        lines.Gap();
        continue;
      }
      lines.Point((static_cast<double>(i) + 0.5) * s.width,
                  static_cast<double>(h.Quantile(0.99)) / 1e6);
    }
    lines.End();
  }
  std::ostringstream script;
  script << Begin("over_time.svg", 360)
         << "set xlabel 'virtual time at which the call begins [s]'\n"
            "set ylabel '99th percentile of latency [ms], log.'\n"
            "set logscale y\nset key outside right top\n";
  if (o.scenario.warmup > 0) {
    script << "set arrow from first " << o.scenario.warmup << ", graph 0 to first "
           << o.scenario.warmup << ", graph 1 nohead dt 3 lc rgb '#555555'\n"
           << "set label 'counted from here' at first " << o.scenario.warmup
           << ", graph 0.96 offset 0.5,0 font ',11' tc rgb '#555555'\n";
  }
  return {"over_time.svg",
          "How the 99th percentile moves over the run; of the last calls, those that are slow "
          "aren't over "
          "when it ends",
          script.str() + lines.Text()};
}

Plot ErrorsOverTime(const Outcome& o) {
  Lines lines;
  for (const Row& row : o.rows) {
    lines.Begin(row.policy, "lines");
    const Series& s = row.all.series;
    for (size_t i = 0; i < s.slices.size(); ++i) {
      const Slice& slice = s.slices[i];
      if (slice.calls == 0) continue;
      lines.Point((static_cast<double>(i) + 0.5) * s.width,
                  100 * static_cast<double>(slice.errors) / static_cast<double>(slice.calls));
    }
    lines.End();
  }
  return {"errors.svg", "Calls that fail",
          Begin("errors.svg", 300) +
              "set xlabel 'virtual time at which the call begins [s]'\n"
              "set ylabel 'calls that fail [%]'\nset yrange [0:*]\n"
              "set key outside right top\n" +
              lines.Text()};
}

// Between tics, such that there are 2 to 5 of them up to `most`.
double Step(double most) {
  const double ten = std::pow(10, std::floor(std::log10(most)));
  return most / ten < 2 ? ten / 2 : most / ten < 5 ? ten : ten * 2;
}

// A panel for each policy, one below the other.
std::string Panels(const std::string& file, size_t count, int each) {
  return Begin(file, 70 + each * static_cast<int>(count)) + "set multiplot layout " +
         std::to_string(count) +
         ",1\nunset key\nset tmargin 1.6\nset bmargin 3.2\nset lmargin 10\n";
}

Plot Shares(const Outcome& o) {
  size_t together = 1;
  std::ostringstream data;
  double most = 1;
  for (size_t p = 0; p < o.rows.size(); ++p) {
    const std::vector<uint64_t>& calls = o.rows[p].all.calls_to;
    together = (calls.size() + kMostBars - 1) / kMostBars;
    double sum = 0;
    for (const uint64_t n : calls) sum += static_cast<double>(n);
    const double mean = std::max(sum / static_cast<double>(calls.size()), 1e-9);
    data << "$share" << p << " << EOD\n";
    for (size_t i = 0; i < calls.size(); i += together) {
      const size_t end = std::min(i + together, calls.size());
      const auto busiest = *std::max_element(calls.begin() + static_cast<ptrdiff_t>(i),
                                             calls.begin() + static_cast<ptrdiff_t>(end));
      const double share = static_cast<double>(busiest) / mean;
      most = std::max(most, share);
      data << i << " " << share << "\n";
    }
    data << "EOD\n";
  }
  std::ostringstream script;
  script << data.str() << Panels("shares.svg", o.rows.size(), 120)
         << "set style fill solid 0.8 noborder\nset boxwidth "
         << 0.8 * static_cast<double>(together) << "\nset xrange [-1:" << o.scenario.ServerCount()
         << "]\nset yrange [0:" << most * 1.05 << "]\nset ytics " << Step(most)
         << "\nset ylabel 'calls / mean'\n";
  for (size_t p = 0; p < o.rows.size(); ++p) {
    if (p + 1 == o.rows.size()) {
      script << "set xlabel 'server (its number"
             << (together > 1 ? "; the busiest of each " + std::to_string(together) : std::string())
             << ")'\n";
    }
    script << "set title " << Quoted(o.rows[p].policy) << " offset 0,-0.8\n"
           << "plot $share" << p << " using 1:2 with boxes" << Style(p) << "\n";
  }
  return {"shares.svg", "How many calls each server gets, by the mean of all", script.str()};
}

// By slice, how many calls each of the rows of servers has in flight, on average.
std::vector<std::vector<double>> Rows(const Series& series, size_t together) {
  std::vector<std::vector<double>> out;
  for (const std::vector<double>& slice : series.in_flight) {
    std::vector<double>& row = out.emplace_back();
    for (size_t i = 0; i < slice.size(); i += together) {
      const size_t end = std::min(i + together, slice.size());
      double sum = 0;
      for (size_t k = i; k < end; ++k) sum += slice[k];
      row.push_back(sum / static_cast<double>(end - i));
    }
  }
  return out;
}

Plot HeatMap(const Outcome& o) {
  const size_t servers = o.scenario.ServerCount();
  const size_t together = (servers + kMostRows - 1) / kMostRows;
  std::ostringstream data;
  double most = 1;
  for (size_t p = 0; p < o.rows.size(); ++p) {
    const Series& s = o.rows[p].all.series;
    data << "$heat" << p << " << EOD\n";
    const auto slices = Rows(s, together);
    for (size_t t = 0; t < slices.size(); ++t) {
      for (size_t i = 0; i < slices[t].size(); ++i) {
        most = std::max(most, slices[t][i]);
        data << (static_cast<double>(t) + 0.5) * s.width << " "
             << (static_cast<double>(i) + 0.5) * static_cast<double>(together) - 0.5 << " "
             << std::max(slices[t][i], 0.1) << "\n";
      }
      data << "\n";
    }
    data << "EOD\n";
  }
  std::ostringstream script;
  script
      << data.str() << Panels("in_flight.svg", o.rows.size(), 170)
      << "set palette defined (0 '#440154', 1 '#3b528b', 2 '#21918c', 3 '#5ec962', 4 '#fde725')\n"
         "set logscale cb\nset cbrange [0.1:"
      << std::max(most, 1.0) << "]\nset cblabel 'calls in flight, log.'\nunset grid\n"
      << "set xrange [0:" << o.scenario.warmup + o.scenario.duration
      << "]\nset yrange [-0.5:" << static_cast<double>(servers) - 0.5
      << "]\nset ylabel 'server (number)'\n";
  for (size_t p = 0; p < o.rows.size(); ++p) {
    if (p + 1 == o.rows.size()) script << "set xlabel 'virtual time [s]'\n";
    script << "set title " << Quoted(o.rows[p].policy) << " offset 0,-0.8\n"
           << "plot $heat" << p << " using 1:2:3 with image\n";
  }
  return {"in_flight.svg",
          "How many calls each server has in flight, on average of a slice of time (logarithmic; "
          "what is below 0.1 is as dark)",
          script.str()};
}

// One metric over a sweep.
Plot Swept(const std::vector<Outcome>& points, const std::string& metric, double scale,
           const std::string& label, bool logarithmic) {
  Lines lines;
  for (const Row& first : points.front().rows) {
    lines.Begin(first.policy, "linespoints pt 7 ps 0.5");
    for (const Outcome& point : points) {
      for (const Row& row : point.rows) {
        if (row.policy != first.policy) continue;
        const auto it = row.metrics.find(metric);
        if (it == row.metrics.end()) continue;
        lines.Point(point.scenario.point.value, scale * it->second.median);
      }
    }
    lines.End();
  }
  const std::string file = metric + ".svg", of = points.front().scenario.point.of;
  const double low = points.front().scenario.point.value;
  const bool far = low > 0 && points.back().scenario.point.value / low >= 50;
  return {file, label + " over " + of,
          Begin(file, 360) + "set xlabel " + Quoted(of) + "\nset ylabel " + Quoted(label) +
              "\nset key outside right top\n" + (far ? "set logscale x\n" : "") +
              (logarithmic ? "set logscale y\n" : "set yrange [0:*]\n") + lines.Text()};
}

template <class F>
bool Any(const std::vector<Row>& rows, F f) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row& r) { return f(r.all); });
}

}  // namespace

std::vector<Plot> PlotsOf(const Outcome& o) {
  std::vector<Plot> out;
  if (Any(o.rows, [](const Result& r) { return r.latency.count() > 0; })) {
    out.push_back(LatencyCdf(o));
    out.push_back(OverTime(o));
  }
  if (Any(o.rows, [](const Result& r) { return r.errors > 0; })) out.push_back(ErrorsOverTime(o));
  if (Any(o.rows, [](const Result& r) { return r.calls > 0; })) {
    out.push_back(Shares(o));
    out.push_back(HeatMap(o));
  }
  return out;
}

std::vector<Plot> PlotsOfSweep(const std::vector<Outcome>& points) {
  std::vector<Plot> out = {
      Swept(points, "p50_ms", 1, "median of latency [ms], log.", true),
      Swept(points, "p99_ms", 1, "99th percentile of latency [ms], log.", true)};
  const bool errors = std::any_of(points.begin(), points.end(), [](const Outcome& o) {
    return Any(o.rows, [](const Result& r) { return r.errors > 0; });
  });
  if (errors) out.push_back(Swept(points, "error_share", 100, "calls that fail [%]", false));
  out.push_back(Swept(points, "calls_to_a_server_max_to_mean", 1,
                      "calls to the busiest server / mean", false));
  return out;
}

}  // namespace rondo::lab
