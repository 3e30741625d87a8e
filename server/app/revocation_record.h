// The record of a revocation: made in the transaction that revokes the key, and
// brought forward by whatever is learned later. What counts as evidence is
// domain/revocation.h's; here it meets the store.
#ifndef WARDER_SERVER_APP_REVOCATION_RECORD_H_
#define WARDER_SERVER_APP_REVOCATION_RECORD_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/canary_signer.h"
#include "server/app/store.h"
#include "server/domain/issuer.h"
#include "server/domain/revocation.h"

namespace warder::app {

class Change;

// Begins the record of each key that `draft` has just revoked, one confirmation
// for each gateway of the issuer. Returns how many were begun; none where no
// gateway is registered. Signs canaries for those that can be asked. Costs one
// count in a house without gateways.
absl::StatusOr<int> BeginRevocations(Transaction& txn,
                                     const domain::IssuerDraft& draft,
                                     const OwnerId& leaver,
                                     CanarySigner& canaries);

// What a review found, for the audit log and the metrics.
struct ReviewOutcome {
  std::vector<domain::Confirmation> fetched, enforced, overdue;  // since before
  // By this review: nothing more is expected of any gateway.
  bool closed = false;
  bool all_refuse = false;  // of a closed one: none has left the registry
  bool reopened = false;    // by this review: one was seen to accept after all
};

// When the last process of a gateway on the stream refuses by itself.
using StreamBound = std::function<absl::Time(const GatewayId&)>;

// Brings `revocation` and its confirmations up to what is known at `now`:
// views, horizons, deadlines. Writes what changed, and opens again what turned
// out not to be over. Idempotent. `streams` may be empty: then nobody knows.
absl::StatusOr<ReviewOutcome> ReviewRevocation(Transaction& txn,
                                               domain::Revocation revocation,
                                               const StreamBound& streams,
                                               absl::Time now);

// Puts what a review found into the audit log and, once that is committed, into
// the metrics and the log.
void RecordReview(Change& change, const domain::Revocation& revocation,
                  const ReviewOutcome& outcome);

// As RecordReview, of one question to one gateway.
void RecordProbe(Change& change, const domain::Revocation& revocation,
                 const domain::Confirmation& was,
                 const domain::Confirmation& is);

// `who` took the gateway out of the registry, or all issuers but `kept` off it:
// nothing more will be learned of what it was not known to refuse. Returns how
// many confirmations that ended.
absl::StatusOr<int> EndConfirmationsOf(Transaction& txn,
                                       const GatewayId& gateway,
                                       const std::vector<IssuerId>& kept,
                                       const std::string& who, absl::Time now);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_REVOCATION_RECORD_H_
