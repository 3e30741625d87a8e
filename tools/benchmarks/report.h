// What benchmarks share: rates, files, and one line of output, a JSON object
// {bench, metric, value, baseline, ratio}.
#ifndef WARDER_TOOLS_BENCHMARKS_REPORT_H_
#define WARDER_TOOLS_BENCHMARKS_REPORT_H_

#include <time.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/strict_json.h"

namespace warder::bench {

inline double Seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

// `baseline` of 0 means that there is none; the ratio is then null.
inline void Report(absl::string_view bench, absl::string_view metric,
                   double value, double baseline, bool lower_is_better) {
  Json line = {{"bench", bench},
               {"metric", metric},
               {"value", value},
               {"baseline", baseline > 0 ? Json(baseline) : Json()},
               {"ratio", Json()}};
  if (baseline > 0) {
    line["ratio"] = lower_is_better ? baseline / value : value / baseline;
  }
  std::cout << WriteJson(line) << std::endl;
}

// Returns what is in the file; "" where there is none.
inline std::string ReadText(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::cerr << value.status() << "\n";
    exit(1);
  }
  return *std::move(value);
}

// Returns operations a second over one round.
template <typename Operation>
double Rate(double seconds, Operation&& operation) {
  const double start = Seconds();
  double now = start;
  int64_t count = 0;
  while (now - start < seconds) {
    for (int i = 0; i < 20; ++i) operation();
    count += 20;
    now = Seconds();
  }
  return static_cast<double>(count) / (now - start);
}

}  // namespace warder::bench

#endif  // WARDER_TOOLS_BENCHMARKS_REPORT_H_
