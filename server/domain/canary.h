// Tokens of a key that has died, signed in the moment of its death: what a
// gateway is asked with whether it refuses the key. Pure.
//
// Each lives shortly, and one follows the other, so that there is a valid one
// whenever the gateway is asked, for a day; a refusal of an expired token would
// prove nothing. They open nothing: their audience is one that gateways accept
// on the URL of the probe alone, their subject is nobody.
#ifndef WARDER_SERVER_DOMAIN_CANARY_H_
#define WARDER_SERVER_DOMAIN_CANARY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/base/ids.h"

namespace warder::domain {

// The `sub` of every canary.
inline constexpr char kCanarySubject[] = "warder-canary";

struct CanaryWindow {
  absl::Time from;
  absl::Time until;

  friend bool operator==(const CanaryWindow&, const CanaryWindow&) = default;
};

struct Canary {
  KeyId key;
  CanaryWindow window;
  std::string token;

  friend bool operator==(const Canary&, const Canary&) = default;
};

// Returns at most `most` windows from `revoked` on without a gap: of 5 minutes
// for half an hour, of 15 for 4 hours, of an hour for a day; none longer than
// `token_lifetime`.
std::vector<CanaryWindow> CanaryWindows(absl::Time revoked,
                                        absl::Duration token_lifetime,
                                        int most);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_CANARY_H_
