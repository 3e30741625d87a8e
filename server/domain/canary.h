// Tokens of a key that has died, signed in the moment of its death: what a
// gateway is asked with whether it refuses the key. Pure.
//
// Each lives shortly, and one follows the other: a refusal of an expired token
// would prove nothing. Without a gap while the gateways learn of it, then
// every now and then for a day. They open nothing: their audience is one that
// gateways accept on the URL of the probe alone, their subject is nobody.
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
// One that expires while it travels proves nothing.
inline constexpr absl::Duration kCanaryMargin = absl::Seconds(5);

struct CanaryWindow {
  // `iat` and `nbf`: before `from`, for verifiers whose clock is slow.
  absl::Time issued;
  absl::Time from;   // it is used from here on
  absl::Time until;  // `exp`

  friend bool operator==(const CanaryWindow&, const CanaryWindow&) = default;
};

struct Canary {
  KeyId key;
  std::string audience;
  CanaryWindow window;
  std::string token;

  friend bool operator==(const Canary&, const Canary&) = default;
};

// Returns at most `most` windows from `revoked` on: one after the other for ten
// minutes, then one every 5 minutes for half an hour, every 15 for 4 hours,
// every hour for a day. Each as long as that, or as `token_lifetime` allows;
// `clock_skew` is what clocks of verifiers may be off by.
std::vector<CanaryWindow> CanaryWindows(absl::Time revoked,
                                        absl::Duration token_lifetime,
                                        absl::Duration clock_skew, int most);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_CANARY_H_
