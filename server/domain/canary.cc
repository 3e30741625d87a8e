#include "server/domain/canary.h"

#include <algorithm>

namespace warder::domain {

std::vector<CanaryWindow> CanaryWindows(absl::Time revoked,
                                        absl::Duration token_lifetime,
                                        absl::Duration clock_skew, int most) {
  const struct {
    absl::Duration until;  // after the revocation
    absl::Duration every;
    bool without_gap;
  } phases[] = {{absl::Minutes(10), absl::Minutes(5), true},
                {absl::Minutes(30), absl::Minutes(5), false},
                {absl::Hours(4), absl::Minutes(15), false},
                {absl::Hours(24), absl::Hours(1), false}};
  // Times of tokens are whole seconds.
  const auto whole = [](absl::Duration duration) {
    return std::max(absl::Floor(duration, absl::Seconds(1)), absl::Seconds(1));
  };
  const absl::Duration ahead = whole(std::min(clock_skew, token_lifetime / 2));
  const absl::Duration usable = whole(token_lifetime - ahead);
  std::vector<CanaryWindow> windows;
  absl::Time from = absl::FromUnixSeconds(absl::ToUnixSeconds(revoked));
  for (const auto& phase : phases) {
    const absl::Duration length = std::min(phase.every + kCanaryMargin, usable);
    const absl::Duration step =
        phase.without_gap ? whole(length - kCanaryMargin) : phase.every;
    while (from - revoked < phase.until && std::ssize(windows) < most) {
      windows.push_back(
          {.issued = from - ahead, .from = from, .until = from + length});
      from += step;
    }
  }
  return windows;
}

}  // namespace warder::domain
