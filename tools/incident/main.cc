// replay: plays the incident and its variants; see tools/replay.
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tools/incident/cases.h"

namespace warder::incident {
namespace {

constexpr double kTokensPerDay = 1e9;

int Usage() {
  std::cerr << "replay [--json] [--seed N] [--scale SHARE] [--days N] "
               "[--case NAME]...\n"
               "  --scale  honest tokens, as a share of 1e9 a day (1e-5)\n"
               "  --days   of case G (30)\n"
               "  --case   one of: "
            << absl::StrJoin(CaseNames(), ", ") << "\n";
  return 2;
}

std::string Seconds(const std::optional<double>& seconds) {
  return seconds ? absl::StrFormat("%.0f s", *seconds) : "-";
}

std::string Count(const std::optional<int64_t>& count) {
  return count ? absl::StrCat(*count) : "-";
}

void Print(const Outcome& one) {
  std::cout << absl::StrFormat("%-10s %-5s %-9s %7s %7s %7s %7s %7d %7d  %s",
                               one.name, one.good() ? "good" : "BAD",
                               one.detected() ? "detected" : "silent",
                               Count(one.ticket_after), Seconds(one.ticket_s),
                               Count(one.page_after), Seconds(one.page_s),
                               one.served, one.false_alarms,
                               absl::StrJoin(one.detectors, " "))
            << "\n           " << one.what << std::endl;
}

int Main(int argc, char** argv) {
  Settings settings;
  bool json = false;
  std::vector<std::string> cases;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    double number = 0;
    if (flag == "--json") {
      json = true;
      continue;
    }
    ++i;
    if (flag == "--case" && !value.empty()) {
      cases.push_back(value);
    } else if (!absl::SimpleAtod(value, &number) || number <= 0) {
      return Usage();
    } else if (flag == "--seed") {
      settings.seed = static_cast<uint64_t>(number);
    } else if (flag == "--scale" && number <= 1) {
      settings.tokens_per_day = kTokensPerDay * number;
    } else if (flag == "--days") {
      settings.benign_days = number;
    } else {
      return Usage();
    }
  }
  if (cases.empty()) cases = CaseNames();
  if (!json) {
    std::cout << "                           TICKET           PAGE"
                 "                    FALSE\n"
                 "CASE       AS IT          after    in      after    in "
                 "    SERVED  ALARMS  BY\n";
  }
  bool good = true;
  for (const std::string& name : cases) {
    const auto outcome = Play(name, settings);
    if (!outcome) return Usage();
    good = good && outcome->good();
    if (json) {
      std::cout << WriteJson(outcome->ToJson()) << std::endl;
    } else {
      Print(*outcome);
    }
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace warder::incident

int main(int argc, char** argv) { return warder::incident::Main(argc, argv); }
