// Honest people: how many tokens they get, when, and where they show them.
#ifndef WARDER_TOOLS_INCIDENT_TRAFFIC_H_
#define WARDER_TOOLS_INCIDENT_TRAFFIC_H_

#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tools/incident/house.h"

namespace warder::incident {

// After incident.md section 5: subjects by a Zipf law with gaps in their
// numbers, a day and a week with seasons, sessions that show a token now and
// again and not always at the same gateway. Repeatable.
class Traffic {
 public:
  Traffic(uint64_t seed, double tokens_per_day)
      : random_(seed), per_day_(tokens_per_day) {}

  // What happens in one step, `factor` times the usual.
  void Step(House& house, double factor = 1);

  // Returns a subject that exists, and one that does not.
  std::string Subject();
  std::string Nobody();
  static std::vector<std::string> Everybody();
  uint64_t Draw(uint64_t below) { return random_() % below; }

  int64_t issued() const { return issued_; }
  int64_t shown() const { return shown_; }
  int64_t refused() const { return refused_; }
  // Tokens that were issued of late, the newest last.
  const std::deque<std::string>& recent() const { return recent_; }

 private:
  void Show(House& house, const std::string& token);

  static constexpr size_t kRecent = 2000;

  std::mt19937_64 random_;
  const double per_day_;
  std::deque<std::string> recent_;
  std::deque<absl::Time> issued_at_;  // of each of them
  int64_t issued_ = 0, shown_ = 0, refused_ = 0;
};

}  // namespace warder::incident

#endif  // WARDER_TOOLS_INCIDENT_TRAFFIC_H_
