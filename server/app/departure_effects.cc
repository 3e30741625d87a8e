#include "server/app/departure_effects.h"

#include <algorithm>
#include <utility>

#include "server/app/activation_hold.h"
#include "server/app/spares.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/departure.h"
#include "server/domain/exposure.h"
#include "server/domain/lifecycle.h"
#include "server/domain/succession.h"

namespace warder::app {
namespace {

// A departure lists this much of what was done after its instant.
constexpr int kListedLateActs = 1000;

bool HoldsKeyEncryptionKey(const domain::Custody& custody) {
  return custody.kind == domain::CustodyKind::kKeyEncryptionKey;
}

}  // namespace

void DepartureEffects::CountTokens(const domain::IssuerDraft& draft,
                                   domain::IssuerOutcome& outcome,
                                   absl::Time instant, absl::Time now) const {
  const absl::Time since = runner_.live_tokens().since();
  for (domain::KeyOutcome& key : outcome.keys) {
    if (!key.tokens_until) continue;
    key.live_tokens = runner_.live_tokens().CountAt(key.key, instant);
    const domain::Key* signer = draft.Find(key.key);
    const bool signed_before =
        signer == nullptr || signer->activate_time < since;
    // The longest-lived that may be alive was signed this long before.
    const absl::Duration life = *key.tokens_until - instant;
    key.more_live_tokens =
        instant > now || (signed_before && instant - life < since);
  }
}

void DepartureEffects::ReplaceReadSpares(
    const std::vector<domain::Custody>& custodies, domain::IssuerDraft& draft,
    absl::Time now) {
  std::vector<domain::Algorithm> read;
  std::erase_if(draft.spares, [&](const domain::Spare& spare) {
    const bool lay_open =
        std::any_of(custodies.begin(), custodies.end(), [&](const auto& c) {
          return HoldsKeyEncryptionKey(c) &&
                 (!c.until || *c.until > spare.create_time);
        });
    if (!lay_open) return false;
    draft.changes.spent_spares.push_back(spare.id);
    read.push_back(spare.algorithm);
    return true;
  });
  if (read.empty() || draft.issuer.state != domain::IssuerState::kActive) {
    return;
  }
  const auto fresh =
      GenerateSpares(runner_.vault(), draft.issuer.id, read, now);
  if (fresh.ok()) return AddMissingSpares(*fresh, draft, now);
  // The keys end all the same; the loop makes spares as soon as it can.
  Log(LogLevel::kError, "departure.no_fresh_spare",
      {{"issuer", IssuerName(draft.issuer.id)},
       {"error", std::string(fresh.status().message())}});
}

absl::StatusOr<std::vector<domain::IssuerOutcome>> DepartureEffects::End(
    Change& change, const OwnerId& leaver, bool only_where_keys_end) {
  std::vector<domain::IssuerOutcome> outcomes;
  change.SetLeaver(leaver);
  ASSIGN_OR_RETURN(const std::vector<IssuerId> touched,
                   change.txn().ListIssuersTouchedBy(leaver));
  ASSIGN_OR_RETURN(const auto custodies,
                   change.txn().ListCustodies(leaver.value()));
  for (const IssuerId& id : touched) {
    ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                     change.txn().LoadDraft(id, KeyScope::kNotRevoked));
    for (const auto& custody : custodies) domain::AddCustody(draft, custody);
    if (!custodies.empty()) ReplaceReadSpares(custodies, draft, change.now());
    domain::IssuerOutcome outcome =
        domain::Depart(draft, leaver, change.actor(), change.now());
    if (only_where_keys_end &&
        std::all_of(outcome.keys.begin(), outcome.keys.end(), [](auto& key) {
          return key.fate == domain::KeyFate::kNone;
        })) {
      continue;
    }
    CountTokens(draft, outcome, change.now(), change.now());
    outcomes.push_back(std::move(outcome));
    RETURN_IF_ERROR(change.Save(draft));
  }
  return outcomes;
}

absl::Status DepartureEffects::CarryOut(Change& change, domain::Owner& owner,
                                        domain::Departure& departure) {
  const std::vector<domain::IssuerOutcome> planned =
      std::exchange(departure.issuers, {});
  ASSIGN_OR_RETURN(departure.issuers,
                   End(change, owner.id, /*only_where_keys_end=*/false));
  int revoked = 0;
  for (const domain::IssuerOutcome& issuer : departure.issuers) {
    for (const auto& key : issuer.keys) {
      revoked += key.fate == domain::KeyFate::kRevoke ? 1 : 0;
    }
  }
  if (!planned.empty()) {
    departure.changes = domain::DifferencesOf(planned, departure.issuers);
  }
  if (departure.instant < change.now()) {
    ASSIGN_OR_RETURN(const auto late,
                     change.txn().ListEventsOf(
                         owner.id.value(), departure.instant, kListedLateActs));
    departure.late_count = late.second;
    for (const domain::AuditEvent& event : late.first) {
      departure.late.push_back({.sequence = event.sequence,
                                .time = event.time,
                                .action = event.action,
                                .resource = event.resource});
    }
  }
  departure.done = true;
  departure.effect_time = change.now();
  change.Depart(owner.id);
  owner.state = domain::OwnerState::kDeparted;
  owner.depart_time = departure.instant;
  owner.update_time = change.now();
  RETURN_IF_ERROR(change.txn().UpdateOwner(owner));
  RETURN_IF_ERROR(change.txn().PutDeparture(departure));
  change.Record("owner.departed", OwnerName(owner.id),
                WriteJson({{"instant", TimeText(departure.instant)},
                           {"source", departure.source},
                           {"issuers", departure.issuers.size()},
                           {"keys_revoked", revoked},
                           {"changes_from_plan", departure.changes.size()},
                           {"acts_since_instant", departure.late_count}}));
  return absl::OkStatus();
}

absl::Status DepartureEffects::Prepare(
    Change& change, const domain::Departure& departure,
    const std::optional<domain::Departure>& earlier) {
  ASSIGN_OR_RETURN(const std::vector<IssuerId> touched,
                   change.txn().ListIssuersTouchedBy(departure.owner));
  for (const IssuerId& id : touched) {
    ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                     change.txn().LoadDraft(id, KeyScope::kLiving));
    const auto before = domain::PublishedKeys(draft);
    if (earlier) {
      domain::MovePrepared(draft, earlier->instant, departure.instant);
    }
    RETURN_IF_ERROR(HoldActivations(change.txn(), draft, change.now()));
    domain::ApplyDue(draft, change.now());
    draft.changes.issuer = true;  // when to look again has changed
    domain::Finish(draft, before, change.now());
    RETURN_IF_ERROR(change.Save(draft));
  }
  return absl::OkStatus();
}

absl::StatusOr<domain::Departure> DepartureEffects::Plan(
    ReadTransaction& txn, const domain::Owner& owner, absl::Time instant,
    absl::Time now, const domain::Actor& actor) {
  const absl::Time at = std::max(now, instant);
  domain::Departure plan{.owner = owner.id,
                         .instant = instant,
                         .report_time = now,
                         .reported_by = actor.principal};
  ASSIGN_OR_RETURN(const auto custodies, txn.ListCustodies(owner.id.value()));
  const bool read_spares =
      std::any_of(custodies.begin(), custodies.end(), HoldsKeyEncryptionKey);
  ASSIGN_OR_RETURN(const auto touched, txn.ListIssuersTouchedBy(owner.id));
  for (const IssuerId& issuer : touched) {
    ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                     txn.LoadDraft(issuer, KeyScope::kNotRevoked));
    for (const auto& custody : custodies) domain::AddCustody(draft, custody);
    if (at > now) {
      std::erase_if(draft.cuts,
                    [&](const domain::Cut& c) { return c.leaver == owner.id; });
      draft.cuts.push_back({owner.id, instant});
      domain::PrepareForCuts(
          draft, std::max(now, instant - draft.issuer.policy.publish_ahead));
    }
    domain::IssuerOutcome outcome = domain::Depart(draft, owner.id, actor, at);
    CountTokens(draft, outcome, at, now);
    if (read_spares) {  // others are made at the instant
      outcome.successors.clear();
      for (domain::KeyOutcome& key : outcome.keys) key.successor = KeyId();
    }
    plan.issuers.push_back(std::move(outcome));
  }
  return plan;
}

}  // namespace warder::app
