// The life of a key: the product in one page.
//
// clang-format off
//  issued          activates          retires                      until
//    |---- pending ----|----- active -----|------- retiring ---------|-- retired
//    key set,            key set            key set,                   not in the
//    no signing          and signs          private half destroyed     key set
//
//  any state  --Revoke / departure-->  revoked: out of the key set at once,
//                                      private half destroyed, no way back
//  pending, active, retiring --Suspend--> suspended --Resume--> see Resume
// clang-format on
//
// Every new key begins as a sealed spare, so no transition ever waits for key
// generation. Functions here are pure: they change the draft they are given,
// take `now`, and never fail half way (on an error the draft is unchanged
// where it matters: the caller drops it).
//
// Intervals are half open: a key with until_time == now is out of the key set.
#ifndef WARDER_SERVER_DOMAIN_LIFECYCLE_H_
#define WARDER_SERVER_DOMAIN_LIFECYCLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/domain/issuer.h"

namespace warder::domain {

// Publishes a key of `algorithm` from a spare, to sign from `activate_time`
// on. Returns its ID.
//
//   FAILED_PRECONDITION  ISSUER_ORPHANED; DEPUTY_REQUIRED is the caller's check
//                        TOO_MANY_PUBLISHED_KEYS: five already stand in the set
//                        WRONG_STATE: the algorithm has a PENDING key already
//   UNAVAILABLE          VAULT_UNAVAILABLE: no spare is left
absl::StatusOr<KeyId> Stage(IssuerDraft& draft, Algorithm algorithm,
                            absl::Time activate_time, const Actor& actor,
                            absl::Time now);

// Makes the successor sign. The PENDING key is used where one stands,
// else a spare is staged. Unless `immediate`, the successor signs only after
// it has been published for policy.publish_ahead: the answer is then PENDING
// with that activate_time. Returns the successor's ID. Errors as Stage.
absl::StatusOr<KeyId> Rotate(IssuerDraft& draft, Algorithm algorithm,
                             bool immediate, const Actor& actor,
                             absl::Time now);

// Ends `keys` for good and lets successors sign at `now`: the PENDING key of
// the algorithm unless it ends too, else a spare. An algorithm for which
// neither exists is left without a signer and an event says so. Keys already
// REVOKED keep their first reason and time. Never fails.
void RevokeKeys(IssuerDraft& draft, const std::vector<KeyId>& keys,
                RevocationReason reason, const Actor& actor, absl::Time now);

// Revokes one key in any state, as RevokeKeys. After COMPROMISED or
// OWNER_DEPARTED the PENDING keys of the issuer end too, of whatever algorithm,
// when anyone exposed to the one was exposed to the other.
//
//   NOT_FOUND  the draft holds no such key
absl::Status Revoke(IssuerDraft& draft, const KeyId& key,
                    RevocationReason reason, const Actor& actor,
                    absl::Time now);

// Takes a published key out of the key set while someone looks. An ACTIVE
// key's successor signs at once, and then its private half is destroyed.
// Suspending a SUSPENDED key changes nothing.
//
//   NOT_FOUND            the draft holds no such key
//   FAILED_PRECONDITION  WRONG_STATE: RETIRED or REVOKED
absl::Status Suspend(IssuerDraft& draft, const KeyId& key, const Actor& actor,
                     absl::Time now);

// Publishes a SUSPENDED key again: a PENDING key as PENDING, published ahead
// anew; one that signed as RETIRING until its tokens have expired, or as
// ACTIVE if nothing signs in its place; RETIRED where its time has passed.
//
//   NOT_FOUND            the draft holds no such key
//   FAILED_PRECONDITION  WRONG_STATE: not SUSPENDED; TOO_MANY_PUBLISHED_KEYS
//   PERMISSION_DENIED    TWO_PEOPLE_REQUIRED: `actor` owns the key or suspended
//                        it
absl::Status Resume(IssuerDraft& draft, const KeyId& key, const Actor& actor,
                    absl::Time now);

// Carries out everything that schedule.h says is due at `now`. Returns whether
// anything changed. Algorithms whose spare is missing are left as they are.
bool ApplyDue(IssuerDraft& draft, absl::Time now);

// Publishes the successors that departures to come need, due or not. Returns
// whether anything changed.
bool PrepareForCuts(IssuerDraft& draft, absl::Time now);

// Moves successors that were to take over at `from`, the instant of a
// departure, to `to`; nullopt, where it was called off: to when rotation wants
// them.
void MovePrepared(IssuerDraft& draft, absl::Time from,
                  std::optional<absl::Time> to);

// Ends the signing of algorithms the policy no longer lists, and of external keys
// whose signer may have none any more; opens the could-sign exposures of new
// grants. Call after changing policy or grants.
//
//   FAILED_PRECONDITION  TOO_MANY_PUBLISHED_KEYS: no room is left in the set
//                        for the keys of new algorithms
absl::Status ApplyPolicy(IssuerDraft& draft, const Actor& actor,
                         absl::Time now);

// Counts the revision up if the published key set differs from
// `published_before` (a
// copy taken before the change), stamps keys that are new in it with the
// number, and stamps update_time. Call once, last.
void Finish(IssuerDraft& draft, const std::vector<KeyId>& published_before,
            absl::Time now);

// Returns the IDs of the published keys, sorted.
std::vector<KeyId> PublishedKeys(const IssuerDraft& draft);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_LIFECYCLE_H_
