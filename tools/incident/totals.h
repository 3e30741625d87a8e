// The detector that is blind: totals alone, with nothing that knows which
// tokens were issued.
#ifndef WARDER_TOOLS_INCIDENT_TOTALS_H_
#define WARDER_TOOLS_INCIDENT_TOTALS_H_

#include <cstdint>

namespace warder::incident {

struct TotalsOutcome {
  double detected_share = 0;     // of the runs with an attack
  double by_chance = 0;          // of the runs without one
  double attack_per_second = 0;  // mean
  double base_per_day = 0;
  double days = 0;
};

// Hourly totals of all requests as incident.md section 4.6 has them: an AR(1)
// of days (coefficient of variation 3 percent), noise of hours, the season
// known exactly, which flatters the detector; CUSUM (k = 0.5 sigma) and
// Shewhart, each with a limit that rings once in twenty years without an
// attack. `runs` years for the limits, `runs` attacks of 209 days.
TotalsOutcome WatchTotals(uint64_t seed, int runs);

}  // namespace warder::incident

#endif  // WARDER_TOOLS_INCIDENT_TOTALS_H_
