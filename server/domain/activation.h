// Whether a published key may begin to sign: only when every gateway of the
// issuer is known to hold it, or would have fetched it by now. Pure.
//
//  published                                     signs
//     |--- publish_ahead ---| held while a gateway |---->
//                           | is waited for        |
//
// Who meets an unknown kid and then fetches is waited for no longer than his
// cooldown. Whom nobody can tell (MANUAL, or no bound) holds the key back until
// a person says so, or forces it.
#ifndef WARDER_SERVER_DOMAIN_ACTIVATION_H_
#define WARDER_SERVER_DOMAIN_ACTIVATION_H_

#include <vector>

#include "absl/time/time.h"
#include "server/domain/gateway.h"
#include "server/domain/horizon.h"
#include "server/domain/key.h"

namespace warder::domain {

// A gateway that would refuse the key's tokens now.
struct Waiting {
  GatewayId gateway;
  absl::Time until;  // it has fetched by then; InfiniteFuture: nobody knows

  friend bool operator==(const Waiting&, const Waiting&) = default;
};

// Returns who is waited for before `key`, published, may sign at `now`, in the
// order of `gateways`. `views` are those of the key's issuer.
std::vector<Waiting> WaitingFor(const Key& key,
                                const std::vector<Gateway>& gateways,
                                const std::vector<GatewayView>& views,
                                absl::Duration max_age, absl::Time now);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_ACTIVATION_H_
