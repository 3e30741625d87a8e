#include "client/cli/drill_report.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/page.h"

namespace warder::cli {
namespace {

std::optional<double> Milliseconds(const Json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_number()) return std::nullopt;
  return it->get<double>();
}

// 12 -> "12 ms", 61000 -> "61.0 s", 7200000 -> "120 min".
std::string HowLongMs(double ms) {
  if (ms < 1000) return absl::StrFormat("%.0f ms", ms);
  if (ms < 120'000) return absl::StrFormat("%.1f s", ms / 1000);
  return absl::StrFormat("%.0f min", ms / 60'000);
}

bool IsDrill(const Json& claims) { return claims.contains("drill"); }

std::string TitleOf(const Json& claims) {
  return IsDrill(claims) ? "Drill: " + LastPart(At(claims, "drill"))
                         : "Revocation of " + LastPart(At(claims, "key"));
}

std::vector<std::pair<std::string, std::string>> Summary(const Json& claims) {
  std::vector<std::pair<std::string, std::string>> lines = {
      {"Drill", LastPart(At(claims, "drill"))},
      {"Issuer", LastPart(At(claims, "issuer"))},
      {"Key", LastPart(At(claims, "key"))},
      {"Reason", At(claims, "reason")},
      {"Started", Time(At(claims, "started"))},
      {"Started by", At(claims, "started_by")},
      {"Revoked", Time(At(claims, "revoked"))},
      {"Closed", Time(At(claims, "closed"))},
      {"Gateways", At(claims, "known")}};
  if (const auto slowest = Milliseconds(claims, "slowest_ms")) {
    lines.emplace_back("The last refused after", HowLongMs(*slowest));
  }
  lines.emplace_back("Stated by", At(claims, "iss"));
  std::erase_if(lines, [](const auto& line) { return line.second.empty(); });
  return lines;
}

// Horizontal bars on a scale whose steps are powers of ten: a stream refuses in
// milliseconds, a cache in hours.
class Bars {
 public:
  explicit Bars(double longest_ms)
      : decades_(
            std::max(1.0, std::ceil(std::log10(std::max(longest_ms, 1.0))))) {}

  void Add(const std::string& label, std::optional<double> ms,
           const std::string& words) {
    const int y = kTop + rows_++ * kRow;
    absl::StrAppend(&body_, "<text x=\"", kLeft - 8, "\" y=\"", y + 15,
                    "\" text-anchor=\"end\">", Escape(label), "</text>");
    const double width = ms ? std::max(3.0, X(*ms) - kLeft) : kWidth;
    absl::StrAppend(
        &body_, absl::StrFormat(
                    "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" "
                    "rx=\"2\" fill=\"%s\"/>",
                    kLeft, y + 3, width, kRow - 8, ms ? "#2c7a4b" : "#c0392b"));
    const double at = kLeft + width;
    const bool inside = at > kLeft + kWidth - 110;
    absl::StrAppend(
        &body_, absl::StrFormat("<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\" "
                                "fill=\"%s\">%s</text>\n",
                                inside ? at - 6 : at + 6, y + 15,
                                inside ? "end" : "start",
                                inside ? "#fff" : "#1a1a1a", Escape(words)));
  }

  std::string Svg(const std::string& what) const {
    const int bottom = kTop + rows_ * kRow;
    std::string grid;
    for (int decade = 0; decade <= decades_; ++decade) {
      const double x = X(std::pow(10.0, decade));
      absl::StrAppend(
          &grid,
          absl::StrFormat("<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" "
                          "stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%d\" "
                          "text-anchor=\"middle\" fill=\"#777\">%s</text>",
                          x, kTop - 4, x, bottom, x, kTop - 9,
                          HowLongMs(std::pow(10.0, decade))));
    }
    return absl::StrFormat(
        "<svg viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\" "
        "aria-label=\"%s\" font-size=\"12\" "
        "font-family=\"system-ui,sans-serif\">%s\n%s</svg>\n",
        kLeft + kWidth + 40, bottom + 6, Escape(what), grid, body_);
  }

 private:
  static constexpr int kLeft = 190, kWidth = 620, kTop = 26, kRow = 26;

  double X(double ms) const {
    return kLeft + kWidth * std::log10(std::max(ms, 1.0)) / decades_;
  }

  const double decades_;
  int rows_ = 0;
  std::string body_;
};

double LongestMs(const Json& entries, const char* name) {
  double longest = 10;
  for (const Json& entry : entries) {
    longest = std::max(longest, Milliseconds(entry, name).value_or(0));
  }
  return longest;
}

std::string GatewayPicture(const Json& claims) {
  const Json& gateways = List(claims, "gateways");
  if (gateways.empty()) return "";
  Bars bars(LongestMs(gateways, "after_ms"));
  for (const Json& gateway : gateways) {
    const auto ms = Milliseconds(gateway, "after_ms");
    bars.Add(LastPart(At(gateway, "gateway")), ms,
             ms ? HowLongMs(*ms) : At(gateway, "state"));
  }
  return absl::StrCat("<h2>Time until each gateway refused</h2>\n",
                      bars.Svg("time until each gateway refused"));
}

std::string TrendPicture(const Json& claims) {
  const Json& history = List(claims, "history");
  if (history.size() < 2) return "";
  Bars bars(LongestMs(history, "slowest_ms"));
  for (const Json& drill : history) {
    const auto ms = Milliseconds(drill, "slowest_ms");
    bars.Add(At(drill, "started").substr(0, 10), ms,
             ms ? absl::StrCat(HowLongMs(*ms), ", ", At(drill, "gateways"),
                               " gateways")
                : "not all refused");
  }
  return absl::StrCat(
      "<h2>This and the drills before</h2>\n",
      bars.Svg("time until the last gateway refused, by drill"));
}

}  // namespace

std::string DrillText(const Json& claims, const Terminal& terminal) {
  std::string text = Fields(Summary(claims), terminal);
  Table table(
      {"GATEWAY", "KID", "STATE", "REFUSED", "HOW KNOWN", "MAY ACCEPT UNTIL"});
  for (const Json& gateway : List(claims, "gateways")) {
    table.Add({LastPart(At(gateway, "gateway")), LastPart(At(gateway, "key")),
               At(gateway, "state"), RefusedWords(gateway),
               At(gateway, "how_known"), UntilWords(gateway)});
  }
  return absl::StrCat(text, "\n", table.Text(terminal));
}

std::string DrillHtml(const Json& claims, const std::string& jws) {
  std::string summary, rows;
  for (const auto& [label, value] : Summary(claims)) {
    summary += Row({label, value});
  }
  for (const Json& gateway : List(claims, "gateways")) {
    rows += Row({LastPart(At(gateway, "gateway")), LastPart(At(gateway, "key")),
                 At(gateway, "state"), RefusedWords(gateway),
                 At(gateway, "how_known"), At(gateway, "seen"),
                 UntilWords(gateway)});
  }
  const char* lead =
      IsDrill(claims)
          ? "Somebody who never lived was exposed to the keys of an issuer "
            "that "
            "exists for drills, and left. This page says when each gateway was "
            "known to refuse his keys, and how."
          : "A key was revoked. This page says when each gateway was known to "
            "refuse it, and how.";
  return absl::StrCat(
      PageStart(TitleOf(claims)), "<h1>", Escape(TitleOf(claims)),
      "</h1>\n<p class=\"lead\">", lead, "</p>\n<table class=\"sum\">", summary,
      "</table>\n", GatewayPicture(claims), TrendPicture(claims),
      HtmlTable("What is known of each",
                {"Gateway", "Key", "State", "Refused", "How known", "Seen",
                 "May accept until"},
                rows),
      PageEnd(jws));
}

}  // namespace warder::cli
