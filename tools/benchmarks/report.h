// One line of benchmark output: a JSON object {bench, metric, value, baseline,
// ratio}.
#ifndef WARDER_TOOLS_BENCHMARKS_REPORT_H_
#define WARDER_TOOLS_BENCHMARKS_REPORT_H_

#include <time.h>

#include <iostream>

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

}  // namespace warder::bench

#endif  // WARDER_TOOLS_BENCHMARKS_REPORT_H_
