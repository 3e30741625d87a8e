// Keeps published keys from signing before gateways hold them; what counts as
// holding is domain/activation.h's.
#ifndef WARDER_SERVER_APP_ACTIVATION_HOLD_H_
#define WARDER_SERVER_APP_ACTIVATION_HOLD_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/store.h"
#include "server/domain/activation.h"
#include "server/domain/issuer.h"

namespace warder::app {

// A held key is looked at this often, and when its horizon has passed.
inline constexpr absl::Duration kHoldLook = absl::Minutes(1);

// Puts the PENDING keys of `draft` that are to sign at `now` and may not yet
// into draft.held, so that ApplyDue leaves them alone. The hard end of the
// signing key is not held up by it. Costs one count in a house without
// gateways.
absl::Status HoldActivations(ReadTransaction& txn, domain::IssuerDraft& draft,
                             absl::Time now);

// Returns who would refuse tokens of `key`, published, if it signed at `now`.
absl::StatusOr<std::vector<domain::Waiting>> WaitingFor(
    ReadTransaction& txn, const domain::IssuerDraft& draft,
    const domain::Key& key, absl::Time now);

// Returns the gateways' names, for people and the audit log: "edge, mesh".
std::string NamesOf(const std::vector<domain::Waiting>& waiting);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ACTIVATION_HOLD_H_
