#include "page.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "gnuplot.h"
#include "plot.h"

namespace rondo::lab {
namespace {

constexpr const char* kStyle =
    "body{font:15px/1.45 sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0;font-size:13px;display:block;overflow-x:auto}"
    "td,th{padding:3px 9px;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}"
    "td:first-child,th:first-child{text-align:left}"
    "figure{margin:1.2em 0}figcaption{color:#555;font-size:13px}img{width:100%}"
    ".unmet{color:#b00020}h2{border-top:2px solid #ddd;padding-top:1em}";

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string Base64(const std::string& bytes) {
  static constexpr char kLetters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t k = 0; k < 3; ++k) {
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += i + k > bytes.size() ? '=' : kLetters[three >> (18 - 6 * k) & 63];
    }
  }
  return out;
}

absl::Status WriteFile(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  out.close();
  return out ? absl::OkStatus() : absl::InternalError(file + ": can't be written");
}
std::string ReadFile(const std::string& file) {
  std::ifstream in(file);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

// Browsers blur pictures that they enlarge, as the cells of a heat map, unless told not to.
std::string Sharp(std::string svg) {
  for (size_t at = 0; (at = svg.find("<image ", at)) != std::string::npos; at += 7) {
    svg.insert(at + 7, "style='image-rendering:pixelated' ");
  }
  return svg;
}

// A name as a folder's: what isn't a letter, digit, "-" or "." becomes "_".
std::string FolderOf(const std::string& name) {
  std::string out = name.empty() || name[0] == '.' ? "scenario_" + name : name;
  for (char& c : out) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fine && c != '-' && c != '.') c = '_';
  }
  return out;
}

void AddTable(const Outcome& o, std::ostream& out) {
  out << "<table><tr><th>policy</th>";
  for (const Column& column : Columns()) out << "<th>" << Escaped(column.title) << "</th>";
  out << "</tr>\n";
  for (const Row& row : o.rows) {
    out << "<tr><td>" << Escaped(row.policy) << "</td>";
    for (const Column& column : Columns()) {
      const auto it = row.metrics.find(column.metric);
      if (it == row.metrics.end()) {
        out << "<td>-</td>";
        continue;
      }
      const Spread& x = it->second;
      out << "<td title=\"" << Number(column.scale * x.least) << " to "
          << Number(column.scale * x.most) << "\">" << Number(column.scale * x.median) << "</td>";
    }
    out << "</tr>\n";
  }
  out << "</table>\n";
}

absl::Status AddSection(const std::string& folder, const Section& section, std::ostream& out) {
  const Scenario& s = section.front().scenario;
  out << "<h2 id=\"" << Escaped(s.name) << "\">" << Escaped(s.name) << "</h2>\n<p>"
      << Escaped(s.about) << "</p>\n";
  for (const Outcome& o : section) {
    if (section.size() > 1) out << "<h3>" << Escaped(o.scenario.Title()) << "</h3>\n";
    AddTable(o, out);
    for (const std::string& line : Unmet(o.scenario, o.rows)) {
      out << "<p class=unmet>Not as expected: " << Escaped(line) << "</p>\n";
    }
  }
  for (const std::string& line : s.published) out << "<p>Published: " << Escaped(line) << "</p>\n";
  const std::string pictures = folder + "/" + FolderOf(s.name);
  std::error_code wrong;
  std::filesystem::create_directories(pictures, wrong);
  if (wrong) return absl::InternalError(pictures + ": " + wrong.message());
  const auto plots = section.size() > 1 ? PlotsOfSweep(section) : PlotsOf(section.front());
  for (const Plot& plot : plots) {
    if (absl::Status drawn = RunGnuplot(pictures, plot.script); !drawn.ok()) return drawn;
    // An image of its own each: gnuplot gives things in all of them the same ids.
    out << "<figure><img alt=\"" << Escaped(plot.caption) << "\" src=\"data:image/svg+xml;base64,"
        << Base64(Sharp(ReadFile(pictures + "/" + plot.file))) << "\"><figcaption>"
        << Escaped(plot.caption) << "</figcaption></figure>\n";
  }
  std::filesystem::remove(pictures + "/plot.gp", wrong);
  std::filesystem::remove(pictures + "/plot.err", wrong);
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteReport(const std::string& folder, const std::vector<Section>& sections) {
  std::error_code wrong;
  std::filesystem::create_directories(folder, wrong);
  if (wrong) return absl::InternalError(folder + ": " + wrong.message());
  std::vector<Outcome> all;
  std::ostringstream page, table;
  page
      << "<!doctype html>\n<html lang=en><meta charset=utf-8><title>rondo-lab</title><style>"
      << kStyle
      << "</style>\n<h1>Policies in the lab</h1>\n<p>Policies of rondo against modelled servers in "
         "virtual time: medians over the seeds (least and most: point at a figure), pictures of "
         "all seeds together.</p>\n<ul>\n";
  for (const Section& section : sections) {
    const std::string name = Escaped(section.front().scenario.name);
    page << "<li><a href=\"#" << name << "\">" << name << "</a></li>\n";
  }
  page << "</ul>\n";
  for (const Section& section : sections) {
    if (absl::Status added = AddSection(folder, section, page); !added.ok()) return added;
    for (const Outcome& o : section) {
      PrintTable(o.scenario, o.rows, table);
      table << "\n";
      all.push_back(o);
    }
  }
  page << "</html>\n";
  for (const auto& [name, text] : {std::pair{"report.html", page.str()},
                                   {"results.json", ToJson(all)},
                                   {"results.csv", ToCsv(all)},
                                   {"table.txt", table.str()}}) {
    if (absl::Status done = WriteFile(folder + "/" + name, text); !done.ok()) return done;
  }
  return absl::OkStatus();
}

}  // namespace rondo::lab
