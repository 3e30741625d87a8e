// What rotation owes an issuer, and when. Pure.
#ifndef WARDER_SERVER_DOMAIN_SCHEDULE_H_
#define WARDER_SERVER_DOMAIN_SCHEDULE_H_

#include <vector>

#include "absl/time/time.h"
#include "server/domain/issuer.h"

namespace warder::domain {

enum class DueKind {
  kRetire,       // a RETIRING key's until_time has come
  kLeaseEnd,     // an external key's lease has run out, or it is too old
  kReplace,      // nothing signs, or the ACTIVE key passed max_key_age
  kActivate,     // a PENDING key's activate_time has come
  kPrepare,      // a departure is near and its successor is not published yet
  kStage,        // the ACTIVE key's successor must be published
  kBegin,        // a PENDING external key's activate_time has come
  kRefillSpare,  // the algorithm has no sealed spare
};

struct DueAction {
  DueKind kind;
  Algorithm algorithm = Algorithm::kEs256;
  // kRetire, kLeaseEnd, kActivate, kBegin; kPrepare: a PENDING key in the way.
  KeyId key;
  absl::Time at;                            // when it is or was due
  absl::Time cut = absl::InfiniteFuture();  // kPrepare: when the leaver goes
};

// Returns everything `draft` will need: keys that leave first, then by time. An
// orphaned issuer owes nothing but the retirement of its keys.
std::vector<DueAction> Schedule(const IssuerDraft& draft);

// Returns the actions that departures to come need: where one ends the signing
// key, a successor that the leaver had nothing to do with is published
// publish_ahead before it, so that no verifier meets an unknown key.
std::vector<DueAction> Preparations(const IssuerDraft& draft);

// Returns the part of Schedule with at <= now.
std::vector<DueAction> DueActions(const IssuerDraft& draft, absl::Time now);

// Returns when the first action is due; InfiniteFuture when none is.
absl::Time NextWake(const IssuerDraft& draft);

// Returns the algorithms of the policy that have no sealed spare.
std::vector<Algorithm> MissingSpares(const IssuerDraft& draft);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_SCHEDULE_H_
