// What becomes of the keys of an owner whom nobody has confirmed for too long:
// HR may have forgotten to say that he left. Pure.
#ifndef WARDER_SERVER_DOMAIN_ATTESTATION_H_
#define WARDER_SERVER_DOMAIN_ATTESTATION_H_

#include "absl/time/time.h"
#include "server/domain/issuer.h"

namespace warder::domain {

// Returns whether somebody suspended `owner` by hand: then no feed's routine
// word brings him back.
bool SuspendedByHand(const Owner& owner);

// Suspends every published key that `owner` answers for; spares sign in their
// place at once. His heir answers for the issuer from now on, where there is
// one. Reversible: no key is revoked, see Resume. Returns how many keys were
// suspended. Never fails.
int SuspendKeysOf(IssuerDraft& draft, const OwnerId& owner, const Actor& actor,
                  absl::Time now);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_ATTESTATION_H_
