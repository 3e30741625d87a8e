// What a departure does to one issuer. The same function makes the plan that
// people look at and the change that is stored, so the two cannot differ.
#ifndef WARDER_SERVER_DOMAIN_DEPARTURE_H_
#define WARDER_SERVER_DOMAIN_DEPARTURE_H_

#include "absl/time/time.h"
#include "server/domain/issuer.h"
#include "server/domain/owner.h"

namespace warder::domain {

// Takes `leaver` out of the draft at `now` and returns what happened.
//
//  - Ownership of the issuer passes to its first living deputy. Where none is
//    left the issuer is orphaned: its keys end all the same, the tombstone is
//    published, and the event `issuer.orphaned` says so.
//  - Grants of the leaver are taken away.
//  - Keys the leaver owns or ever owned are revoked, whatever their state.
//  - Keys he could only use or ask for through the service (their private half
//    never left the vault) are rotated: the successor signs at once and the
//    tokens of the old key live out their time. PENDING and SUSPENDED ones are
//    revoked.
//
// Never fails: a departure is carried out whatever else is wrong.
IssuerOutcome Depart(IssuerDraft& draft, const OwnerId& leaver,
                     const Actor& actor, absl::Time now);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_DEPARTURE_H_
