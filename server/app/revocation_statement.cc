#include "server/app/revocation_statement.h"

#include "server/base/time_text.h"

namespace warder::app {

Json ConfirmationJson(const domain::Revocation& revocation,
                      const domain::Confirmation& confirmation) {
  const auto& refused = confirmation.enforce_time;
  Json until;
  if (confirmation.state != domain::ConfirmationState::kEnforced) {
    until = confirmation.latest < absl::InfiniteFuture()
                ? Json(TimeText(confirmation.latest))
                : Json("unbounded");
  }
  return {{"gateway", GatewayName(confirmation.gateway)},
          {"key", KeyName(revocation.issuer, revocation.key)},
          {"state", domain::ConfirmationStateName(confirmation.state)},
          {"refused", refused ? Json(TimeText(*refused)) : Json()},
          {"after_ms", refused ? Json(absl::ToInt64Milliseconds(
                                     *refused - revocation.revoke_time))
                               : Json()},
          {"seen_to_accept", confirmation.accept_time
                                 ? Json(TimeText(*confirmation.accept_time))
                                 : Json()},
          {"how_known", domain::EvidenceName(confirmation.enforced_by)},
          {"seen", confirmation.detail},
          {"may_accept_until", std::move(until)}};
}

absl::StatusOr<std::string> StateRevocation(
    const RevocationStater& by, const domain::Revocation& revocation,
    const std::vector<domain::Confirmation>& confirmations, bool drill) {
  Json gateways = Json::array();
  for (const domain::Confirmation& confirmation : confirmations) {
    gateways.push_back(ConfirmationJson(revocation, confirmation));
  }
  const absl::Time closed =
      revocation.close_time.value_or(revocation.revoke_time);
  return by.signer.SignStatement(
      kRevocationStatementType,
      WriteJson({{"iss", by.service},
                 {"iat", absl::ToUnixSeconds(closed)},
                 {"sub", RevocationName(revocation.key)},
                 {"key", KeyName(revocation.issuer, revocation.key)},
                 {"reason", domain::RevocationReasonName(revocation.reason)},
                 {"revoked", TimeText(revocation.revoke_time)},
                 {"closed", TimeText(closed)},
                 {"drill", drill},
                 {"gateways", std::move(gateways)}}));
}

}  // namespace warder::app
