// Until when a gateway may still accept a key that has left the key set. Pure.
//
// clang-format off
//  revoked      expected                            latest
//     |------------|-----------------------------------|---------->
//     |  while it can reach us: refused from           |
//     |  here on                                       | whatever happens:
//     |                                                | refused from here on
// clang-format on
//
// Both come from the consumer table (consumer.h): `expected` from its column
// `healthy`, `latest` from `down`, with the cache that the gateway declares in
// the place of the default. A bound nobody can give is InfiniteFuture and is
// told as "unbounded", never as a number.
#ifndef WARDER_SERVER_DOMAIN_HORIZON_H_
#define WARDER_SERVER_DOMAIN_HORIZON_H_

#include <string>

#include "absl/time/time.h"
#include "server/domain/gateway.h"

namespace warder::domain {

// A gateway on the stream that does not acknowledge within this is overdue.
inline constexpr absl::Duration kStreamPatience = absl::Seconds(30);
// What agents and libwarder keep to unless they are told otherwise: cut off for
// longer, they refuse.
inline constexpr absl::Duration kDefaultStaleness = absl::Minutes(5);

struct Horizon {
  absl::Duration expected;  // after the revocation; infinite: unbounded
  absl::Duration latest;    // after the revocation; infinite: unbounded
  std::string why;          // where `latest` is unbounded: the reason
  std::string next;         // where `latest` is unbounded: what to do about it

  bool bounded() const { return latest < absl::InfiniteDuration(); }
};

// Returns the horizon of `gateway` for any key of an issuer whose key set may
// be cached for `max_age`.
Horizon HorizonOf(const Gateway& gateway, absl::Duration max_age);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_HORIZON_H_
