// The single steps that lifecycle.h, drain.h and the kinds of keys are made of:
// each changes one key of the draft and records it. They check nothing.
#ifndef WARDER_SERVER_DOMAIN_TRANSITIONS_H_
#define WARDER_SERVER_DOMAIN_TRANSITIONS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/strict_json.h"
#include "server/domain/issuer.h"

namespace warder::domain {

// Records what became of `key`; algorithm and owner are added to `detail`.
void RecordKey(IssuerDraft& draft, const Key& key, absl::string_view action,
               const Actor& actor, absl::Time now,
               std::vector<JsonMember> detail = {});

// Turns a spare into a PENDING key that stands in the set. There is a spare.
// References to keys of the draft are void then.
Key& PublishSpare(IssuerDraft& draft, Algorithm algorithm,
                  absl::Time activate_time, const Actor& actor, absl::Time now);

// PENDING becomes ACTIVE.
void Activate(IssuerDraft& draft, Key& key, const Actor& actor, absl::Time now);

// ACTIVE becomes RETIRING, for policy.verify_grace.
void StopSigning(IssuerDraft& draft, Key& key, const Actor& actor,
                 absl::Time now);

// RETIRING becomes RETIRED; REVOKED, where it was drained.
void Retire(IssuerDraft& draft, Key& key, absl::Time now);

// Where the set is full, the RETIRING key nearest its end goes early; one that
// is drained last.
void MakeRoom(IssuerDraft& draft, absl::Time now);

// Lets the PENDING key or a spare sign at once; returns nullptr and records
// why where neither exists. References to keys of the draft are void then.
Key* PromoteSuccessor(IssuerDraft& draft, Algorithm algorithm,
                      const Actor& actor, absl::Time now);

// Returns whether the policy lists the algorithm.
bool Listed(const Policy& policy, Algorithm algorithm);

// FAILED_PRECONDITION TOO_MANY_PUBLISHED_KEYS.
absl::Status TooMany(const IssuerDraft& draft);
// FAILED_PRECONDITION WRONG_STATE: what the key is since when; `only` says what
// is wanted.
absl::Status WrongState(const Key& key, absl::string_view only);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_TRANSITIONS_H_
