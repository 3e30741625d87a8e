// What a departure does to one issuer. The same function makes the plan that
// people look at and the change that is stored, so the two cannot differ.
#ifndef WARDER_SERVER_DOMAIN_DEPARTURE_H_
#define WARDER_SERVER_DOMAIN_DEPARTURE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/domain/exposure.h"
#include "server/domain/issuer.h"
#include "server/domain/owner.h"

namespace warder::domain {

// Takes `leaver` out of the draft at `now` and returns what happened.
//
//  - Ownership of the issuer passes to its heir, see succession.h. Where none
//    is left the issuer is orphaned: its keys end all the same, the tombstone
//    is published, and the event `issuer.orphaned` says so.
//  - Grants of the leaver are taken away.
//  - Keys he may have a copy of are revoked, whatever their state.
//  - Keys he owns or ever owned, and keys he could only use or ask for through
//    the service, are revoked or rotated, as the issuer's policy says. A key
//    that is rotated lets its successor sign at once and its tokens live out
//    their time; PENDING and SUSPENDED ones are revoked instead.
//
// Never fails: a departure is carried out whatever else is wrong.
IssuerOutcome Depart(IssuerDraft& draft, const OwnerId& leaver,
                     const Actor& actor, absl::Time now);

// Returns what a departure does to `key`, to which the leaver was this close.
KeyFate FateOf(const Policy& policy, const Key& key, Closeness closeness);

// Returns, for people, how `done` differs from `planned`: keys with another
// fate, other heirs, other successors. Empty when it does not. At most `most`
// lines; the last one counts the rest.
std::vector<std::string> DifferencesOf(
    const std::vector<IssuerOutcome>& planned,
    const std::vector<IssuerOutcome>& done, size_t most = 100);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_DEPARTURE_H_
