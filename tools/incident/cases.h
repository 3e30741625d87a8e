// The incident and its variants (incident.md section 5), each in a house of its
// own.
#ifndef WARDER_TOOLS_INCIDENT_CASES_H_
#define WARDER_TOOLS_INCIDENT_CASES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/base/strict_json.h"

namespace warder::incident {

struct Settings {
  uint64_t seed = 1;
  double tokens_per_day = 10'000;  // honest ones
  double benign_days = 30;         // of case G
};

struct Outcome {
  std::string name, what;
  bool should_detect = true;
  std::vector<std::string> detectors;  // kinds of alarms, in order
  int64_t forged = 0;                  // shown to gateways
  int64_t served = 0;                  // let in until somebody was woken
  // Of forged tokens shown until then, that one included.
  std::optional<int64_t> ticket_after, page_after;
  // Since the first one was shown, in steps of five seconds.
  std::optional<double> ticket_s, page_s;
  int64_t false_alarms = 0, false_pages = 0;
  int64_t honest = 0, honest_refused = 0;
  // incident.md's bounds.
  std::optional<double> bound_s;
  std::optional<int64_t> bound_served;
  Json extra = Json::object();

  bool detected() const { return ticket_s.has_value(); }
  // As it should be, within the bounds.
  bool good() const;
  Json ToJson() const;
};

// Returns the names of all: of attacks in order, then "G" and "totals".
std::vector<std::string> CaseNames();
// Plays one. Nothing where there is no such case.
std::optional<Outcome> Play(const std::string& name, const Settings& settings);

}  // namespace warder::incident

#endif  // WARDER_TOOLS_INCIDENT_CASES_H_
