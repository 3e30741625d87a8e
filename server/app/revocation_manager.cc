#include "server/app/revocation_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/revocation_record.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/domain/lifecycle.h"

namespace warder::app {
namespace {

absl::StatusOr<domain::Revocation> GetRevocation(ReadTransaction& txn,
                                                 const KeyId& key) {
  ASSIGN_OR_RETURN(auto found, txn.FindRevocation(key));
  if (!found) {
    return Error(
        absl::StatusCode::kNotFound, Reason::kNotFound,
        absl::StrCat(RevocationName(key),
                     " does not exist: no key of that ID was revoked while a "
                     "gateway was registered for its issuer, so nobody can "
                     "be asked whether he refuses it; see: warder gateway "
                     "create"));
  }
  return *std::move(found);
}

// Reasons and advice are of today; the instants are the confirmation's own.
absl::StatusOr<RevocationStatus> StatusOf(ReadTransaction& txn,
                                          domain::Revocation revocation,
                                          const std::string& only) {
  RevocationStatus status;
  ASSIGN_OR_RETURN(const auto issuer, txn.FindIssuer(revocation.issuer));
  ASSIGN_OR_RETURN(auto confirmations, txn.ListConfirmations(revocation.key));
  for (domain::Confirmation& confirmation : confirmations) {
    if (!only.empty() && confirmation.gateway.value() != only) continue;
    ConfirmationStatus entry;
    ASSIGN_OR_RETURN(const auto gateway, txn.FindGateway(confirmation.gateway));
    if (gateway && issuer) {
      entry.reach = gateway->reach;
      entry.consumer = gateway->consumer;
      entry.horizon = domain::HorizonOf(*gateway, issuer->policy.cache_max_age);
    }
    entry.confirmation = std::move(confirmation);
    status.gateways.push_back(std::move(entry));
  }
  status.revocation = std::move(revocation);
  // It is about all gateways.
  if (!only.empty()) status.revocation.statement.clear();
  return status;
}

// Whom the caller may see: empty for all.
std::string OnlyOf(const Request& request, Access access) {
  return access == Access::kOwn ? request.caller.name : "";
}

}  // namespace

int RevocationStatus::Count(domain::ConfirmationState state) const {
  return static_cast<int>(std::count_if(
      gateways.begin(), gateways.end(),
      [&](const auto& entry) { return entry.confirmation.state == state; }));
}

absl::StatusOr<RevocationStatus> RevocationManager::Get(const Request& request,
                                                        const KeyId& key) {
  ASSIGN_OR_RETURN(const Access access,
                   runner_.Authorize(request, Permission::kReadGateways,
                                     RevocationName(key)));
  RevocationStatus status;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(auto revocation, GetRevocation(txn, key));
    ASSIGN_OR_RETURN(
        status, StatusOf(txn, std::move(revocation), OnlyOf(request, access)));
    return absl::OkStatus();
  }));
  return status;
}

absl::StatusOr<Page<RevocationStatus>> RevocationManager::List(
    const Request& request, const RevocationFilter& filter,
    const PageRequest& page) {
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadGateways, "revocations"));
  const std::string text =
      absl::StrCat(filter.issuer ? filter.issuer->value() : "", "|",
                   filter.leaver ? filter.leaver->value() : "", "|",
                   filter.open_only ? "open" : "");
  ASSIGN_OR_RETURN(const int size, PageSize(page));
  ASSIGN_OR_RETURN(const std::string position,
                   ParsePageToken("revocations", text, page.token));
  ASSIGN_OR_RETURN(const auto before, ParseTimePosition(position));
  Page<RevocationStatus> result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    result = {};
    ASSIGN_OR_RETURN(auto revocations,
                     txn.ListRevocations(filter, before, size + 1));
    if (static_cast<int>(revocations.size()) > size) {
      revocations.pop_back();
      const domain::Revocation& last = revocations.back();
      result.next_token =
          MakePageToken("revocations", text,
                        TimePosition(last.revoke_time, last.key.value()));
    }
    for (domain::Revocation& revocation : revocations) {
      ASSIGN_OR_RETURN(auto status, StatusOf(txn, std::move(revocation),
                                             OnlyOf(request, access)));
      result.items.push_back(std::move(status));
    }
    return absl::OkStatus();
  }));
  return result;
}

absl::StatusOr<RevocationImpact> RevocationManager::Plan(const Request& request,
                                                         const IssuerId& issuer,
                                                         const KeyId& id) {
  const std::string name = KeyName(issuer, id);
  ASSIGN_OR_RETURN(const Access access,
                   runner_.Authorize(request, Permission::kRevokeKeys, name));
  RevocationImpact impact;
  const absl::Time now = runner_.clock_guard().Read().trusted;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn)
                                           -> absl::Status {
    impact = {};
    ASSIGN_OR_RETURN(const auto key, txn.FindKey(issuer, id));
    if (!key ||
        (access == Access::kOwn && key->owner.value() != request.caller.name)) {
      return NotFound(name);
    }
    impact.key = *key;
    ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                     txn.LoadDraft(issuer, KeyScope::kLiving));
    const auto published = domain::PublishedKeys(draft);
    if (key->state == domain::KeyState::kActive &&
        key->kind == domain::KeyKind::kManaged) {
      domain::RevokeKeys(draft, {id}, domain::RevocationReason::kUnspecified,
                         request.caller.Actor(), now);
      const domain::Key* successor =
          draft.Find(key->algorithm, domain::KeyState::kActive);
      if (successor != nullptr) {
        impact.successor = successor->id;
        impact.successor_published =
            std::count(published.begin(), published.end(), successor->id) > 0;
      }
    }
    ASSIGN_OR_RETURN(auto gateways, txn.ListGatewaysOf(issuer));
    for (domain::Gateway& gateway : gateways) {
      ASSIGN_OR_RETURN(const auto views, txn.ListViews(gateway.id, issuer));
      RevocationImpact::OnGateway on;
      on.horizon =
          domain::HorizonOf(gateway, domain::LongestMaxAge(draft.issuer, now));
      // Who holds the set that is published now holds all of its keys.
      on.holds_successor = impact.successor.empty() ||
                           (impact.successor_published && !views.empty() &&
                            views[0].revision >= draft.issuer.revision);
      on.gateway = std::move(gateway);
      impact.gateways.push_back(std::move(on));
    }
    if (key->activate_time && *key->activate_time <= now) {
      impact.tokens_until = key->retire_time.value_or(now) +
                            draft.issuer.policy.max_token_lifetime;
      if (*impact.tokens_until <= now) impact.tokens_until.reset();
    }
    return absl::OkStatus();
  }));
  impact.live_tokens = runner_.live_tokens().CountAt(id, now);
  impact.more_live_tokens =
      impact.tokens_until.has_value() &&
      *impact.key.activate_time < runner_.live_tokens().since();
  return impact;
}

absl::StatusOr<RevocationStatus> RevocationManager::Confirm(
    const Request& request, const KeyId& key, const GatewayId& gateway) {
  const std::string name = RevocationName(key);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageGateways, name).status());
  RevocationStatus status;
  const auto answer = [&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(auto revocation, GetRevocation(txn, key));
    ASSIGN_OR_RETURN(status, StatusOf(txn, std::move(revocation), ""));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) -> absl::Status {
        ASSIGN_OR_RETURN(const auto revocation,
                         GetRevocation(change.txn(), key));
        ASSIGN_OR_RETURN(auto confirmations,
                         change.txn().ListConfirmations(key));
        const auto it = std::find_if(
            confirmations.begin(), confirmations.end(),
            [&](const auto& entry) { return entry.gateway == gateway; });
        if (it == confirmations.end()) {
          return NotFound(absl::StrCat(name, " for ", GatewayName(gateway)));
        }
        change.SetResult(name);
        if (domain::NoteStatement(*it, request.caller.Principal(),
                                  change.now())) {
          RETURN_IF_ERROR(change.txn().UpdateConfirmation(*it));
          change.Record("revocation.stated", name,
                        WriteJson({{"gateway", gateway.value()}}));
          ASSIGN_OR_RETURN(const ReviewOutcome outcome,
                           ReviewRevocation(change.txn(), revocation, nullptr,
                                            change.now()));
          RecordReview(change, revocation, outcome);
        }
        return answer(change.txn());
      },
      [&](ReadTransaction& txn, const std::string&) { return answer(txn); }));
  return status;
}

}  // namespace warder::app
