// What the service states of a revocation once every gateway has refused or
// left the registry: a signed record of who refused when and how that is known,
// which an auditor can keep and check without this service.
#ifndef WARDER_SERVER_APP_REVOCATION_STATEMENT_H_
#define WARDER_SERVER_APP_REVOCATION_STATEMENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/vault.h"
#include "server/base/strict_json.h"
#include "server/domain/revocation.h"

namespace warder::app {

inline constexpr char kRevocationStatementType[] = "revocation-statement+jwt";

// By whom it is stated.
struct RevocationStater {
  StatementSigner& signer;
  std::string service;  // becomes the `iss`
};

// Returns a compact JWS (RFC 7515) by the key of the private CA over these
// claims, at the instant at which the last one was known to refuse:
//
//   iss, iat, sub     the service, then, revocations/{key}
//   key, reason       which key, and why it was revoked
//   revoked, closed   when
//   drill             whether the key was made to be ended for practice
//   gateways          ConfirmationJson of each
//
// It says what was known at `iat`. Where a gateway accepts the key again later,
// the revocation is reopened and stated anew when that has ended: the newer one
// dates it (`seen_to_accept`), and of several the newest holds.
//
// `revocation` is closed. Costs one signature; what the signer returns.
absl::StatusOr<std::string> StateRevocation(
    const RevocationStater& by, const domain::Revocation& revocation,
    const std::vector<domain::Confirmation>& confirmations, bool drill);

// Returns what is known of one gateway and one key: gateway, state, refused,
// after_ms, seen_to_accept (when last), how_known, seen, may_accept_until.
Json ConfirmationJson(const domain::Revocation& revocation,
                      const domain::Confirmation& confirmation);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_REVOCATION_STATEMENT_H_
