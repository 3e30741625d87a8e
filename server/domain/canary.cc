#include "server/domain/canary.h"

#include <algorithm>

namespace warder::domain {

std::vector<CanaryWindow> CanaryWindows(absl::Time revoked,
                                        absl::Duration token_lifetime,
                                        int most) {
  const struct {
    absl::Duration until;  // after the revocation
    absl::Duration length;
  } phases[] = {{absl::Minutes(30), absl::Minutes(5)},
                {absl::Hours(4), absl::Minutes(15)},
                {absl::Hours(24), absl::Hours(1)}};
  std::vector<CanaryWindow> windows;
  // Times of tokens are whole seconds.
  absl::Time from = absl::FromUnixSeconds(absl::ToUnixSeconds(revoked));
  for (const auto& phase : phases) {
    const absl::Duration length =
        std::max(std::min(phase.length, token_lifetime), absl::Seconds(1));
    while (from - revoked < phase.until && std::ssize(windows) < most) {
      windows.push_back({.from = from, .until = from + length});
      from += length;
    }
  }
  return windows;
}

}  // namespace warder::domain
