// Draining: what to do with a key of which somebody has a copy, while nobody is
// to be logged out.
//
// clang-format off
//   drained          successor signs             its last honest token expires
//      |---------------------- RETIRING -----------------------|-- REVOKED
//      gateways take only those of its tokens that are in the ledger
// clang-format on
#ifndef WARDER_SERVER_DOMAIN_DRAIN_H_
#define WARDER_SERVER_DOMAIN_DRAIN_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/domain/issuer.h"

namespace warder::domain {

// From `now` on the key's tokens are good only where the ledger has them. It
// signs no more, a managed one's successor does, and it is revoked when the last
// of its tokens has expired, at `last_expiry`, clocks of verifiers included. As
// after Revoke of a compromised key, PENDING keys that the same people were
// exposed to end. A key that is drained stays so, by its first instant.
//
//   NOT_FOUND            the draft holds no such key
//   FAILED_PRECONDITION  WRONG_STATE: neither ACTIVE nor RETIRING
absl::Status Drain(IssuerDraft& draft, const KeyId& key, absl::Time last_expiry,
                   const Actor& actor, absl::Time now);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_DRAIN_H_
