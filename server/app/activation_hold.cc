#include "server/app/activation_hold.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/app/revocation_record.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"

namespace warder::app {

absl::StatusOr<std::vector<domain::Waiting>> WaitingFor(
    ReadTransaction& txn, const domain::IssuerDraft& draft,
    const domain::Key& key, absl::Time now) {
  ASSIGN_OR_RETURN(const bool any, txn.AnyGateway());
  if (!any) return std::vector<domain::Waiting>();
  ASSIGN_OR_RETURN(const auto gateways, txn.ListGatewaysOf(draft.issuer.id));
  ASSIGN_OR_RETURN(const auto views,
                   txn.ListViews(GatewayId(), draft.issuer.id));
  return domain::WaitingFor(key, gateways, views,
                            domain::LongestMaxAge(draft.issuer, now), now);
}

std::string NamesOf(const std::vector<domain::Waiting>& waiting) {
  return absl::StrJoin(waiting, ", ",
                       [](std::string* out, const domain::Waiting& one) {
                         out->append(one.gateway.value());
                       });
}

absl::Status HoldActivations(ReadTransaction& txn, domain::IssuerDraft& draft,
                             absl::Time now) {
  draft.held.clear();
  for (const domain::Key& key : draft.keys) {
    if (key.kind != domain::KeyKind::kManaged ||
        key.state != domain::KeyState::kPending || *key.activate_time > now ||
        draft.Find(key.algorithm, domain::KeyState::kActive) == nullptr) {
      continue;  // where nothing signs, a key that some refuse is better
    }
    ASSIGN_OR_RETURN(const auto waiting, WaitingFor(txn, draft, key, now));
    if (waiting.empty()) continue;
    absl::Time until = now + kHoldLook;
    for (const domain::Waiting& one : waiting) {
      until = std::min(until, one.until);
    }
    draft.held.push_back({.key = key.id, .until = until});
    Log(LogLevel::kWarning, "key.activation_held",
        {{"key", KeyName(draft.issuer.id, key.id)},
         {"gateways", NamesOf(waiting)},
         {"since", TimeText(*key.activate_time)},
         {"next",
          absl::StrCat(
              "let them fetch the key set, or: warder key rotate --issuer ",
              draft.issuer.id.value(), " --force")}});
  }
  return absl::OkStatus();
}

}  // namespace warder::app
