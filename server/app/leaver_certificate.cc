#include "server/app/leaver_certificate.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/app/revocation_statement.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

// The events of one departure that stand in the certificate one by one.
constexpr int kListedEvents = 1000;

using KeyRef = std::pair<IssuerId, KeyId>;

Json TextOrNothing(const std::optional<absl::Time>& time) {
  return time ? Json(TimeText(*time)) : Json();
}

// Facts have the members of Exposure and Custody.
template <typename Fact>
Json FactOf(const Fact& fact, absl::string_view how) {
  Json json = {{"how", how},
               {"from", TimeText(fact.from)},
               {"until", TextOrNothing(fact.until)},
               {"known_by", fact.declared_by.empty()
                                ? "seen by the service"
                                : "declared by " + fact.declared_by}};
  if (!fact.note.empty()) json["note"] = fact.note;
  return json;
}

Json DepartureJson(const domain::Departure& departure) {
  Json late = Json::array();
  for (const domain::LateAct& act : departure.late) {
    late.push_back({{"event", act.sequence},
                    {"time", TimeText(act.time)},
                    {"action", act.action},
                    {"resource", act.resource}});
  }
  return {
      {"instant", TimeText(departure.instant)},
      {"time_zone", departure.time_zone},
      {"reported", TimeText(departure.report_time)},
      {"reported_by", departure.reported_by},
      {"released_by",
       departure.released_by.empty() ? Json() : Json(departure.released_by)},
      {"source", departure.source},
      {"took_effect", TextOrNothing(departure.effect_time)},
      {"differs_from_plan", departure.changes},
      {"acts_since_instant", std::move(late)},
      {"acts_since_instant_count", departure.late_count}};
}

bool EverSigned(const domain::Key& key) {
  if (!key.activate_time || key.state == domain::KeyState::kPending) {
    return false;
  }
  const auto ended = key.revoke_time ? key.revoke_time : key.suspend_time;
  return !ended || *key.activate_time < *ended;
}

// What was done to a key, whether by this departure or before it.
Json KeyJson(const domain::Key& key, const domain::KeyOutcome* outcome) {
  Json json = {
      {"key", KeyName(key.issuer, key.id)},
      {"algorithm", domain::AlgorithmName(key.algorithm)},
      {"state", domain::KeyStateName(key.state)},
      {"private_half_destroyed", key.sealed.empty()},
      {"signed_from",
       EverSigned(key) ? TextOrNothing(key.activate_time) : Json()},
      {"stopped_signing",
       TextOrNothing(key.retire_time ? key.retire_time : key.revoke_time)}};
  if (key.revoke_time) {
    json["revoked"] = TimeText(*key.revoke_time);
    json["reason"] = domain::RevocationReasonName(key.reason);
    json["revoked_by"] = key.revoked_by;
  }
  if (outcome == nullptr) {
    json["done"] = "had ended before the departure";
    return json;
  }
  json["done"] = outcome->fate == domain::KeyFate::kRevoke   ? "revoked"
                 : outcome->fate == domain::KeyFate::kRotate ? "rotated"
                                                             : "nothing";
  json["why"] = outcome->why;
  json["tokens"] = !outcome->tokens_until ? "none was alive"
                   : outcome->fate == domain::KeyFate::kRevoke
                       ? "died with it"
                       : "lived out their time";
  if (!outcome->successor.empty()) {
    json["successor"] = KeyName(key.issuer, outcome->successor);
  }
  if (outcome->tokens_until) {
    json["last_token_expires"] = TimeText(*outcome->tokens_until);
    json["live_tokens_counted"] = outcome->live_tokens;
    json["live_tokens_may_be_more"] = outcome->more_live_tokens;
  }
  return json;
}

Json IssuerJson(const domain::IssuerOutcome& issuer) {
  Json successors = Json::array();
  for (const KeyId& key : issuer.successors) {
    successors.push_back(KeyName(issuer.issuer, key));
  }
  return {
      {"issuer", IssuerName(issuer.issuer)},
      {"owner_since", issuer.orphaned ? Json() : Json(OwnerName(issuer.owner))},
      {"orphaned", issuer.orphaned},
      {"successors", std::move(successors)},
      {"refused_by_gateways_that_keep_the_policy",
       TextOrNothing(issuer.noticed_by)}};
}

// What is known of each gateway refusing each of the keys, and what was stated.
absl::StatusOr<Json> RefusalsJson(ReadTransaction& txn,
                                  const std::map<KeyRef, Json>& keys) {
  Json gateways = Json::array(), statements = Json::array();
  int refused = 0, total = 0, revoked = 0;
  for (const auto& [ref, facts] : keys) {
    ASSIGN_OR_RETURN(const auto revocation, txn.FindRevocation(ref.second));
    if (!revocation) continue;
    ++revoked;
    ASSIGN_OR_RETURN(const auto confirmations,
                     txn.ListConfirmations(ref.second));
    for (const domain::Confirmation& confirmation : confirmations) {
      ++total;
      refused +=
          confirmation.state == domain::ConfirmationState::kEnforced ? 1 : 0;
      gateways.push_back(ConfirmationJson(*revocation, confirmation));
    }
    if (!revocation->statement.empty()) {
      statements.push_back(revocation->statement);
    }
  }
  const std::string known =
      revoked == 0
          ? "no gateway was registered; the times by which those that keep to "
            "the issuers' policies refuse stand with each issuer"
          : absl::StrCat(refused, " of ", total, " confirmed");
  return Json{{"gateways", std::move(gateways)},
              {"known", known},
              {"statements", std::move(statements)}};
}

// The events the statement rests on: those about the person, and those of the
// transactions that ended keys at one of `times`.
class Evidence {
 public:
  explicit Evidence(ReadTransaction& txn) : txn_(txn) {}

  absl::Status AddAbout(const OwnerId& owner) {
    ASSIGN_OR_RETURN(const auto events,
                     txn_.ListEventsAbout(owner, kListedEvents));
    for (const domain::AuditEvent& event : events) Add(event);
    return absl::OkStatus();
  }
  // What one transaction recorded stands together in the log.
  absl::Status AddAt(absl::Time time) {
    ASSIGN_OR_RETURN(const int64_t first, txn_.FirstEventSince(time));
    ASSIGN_OR_RETURN(const auto events,
                     txn_.ListEvents(first - 1, kListedEvents + 1));
    for (const domain::AuditEvent& event : events) {
      if (event.time != time) break;
      Add(event);
    }
    return absl::OkStatus();
  }
  absl::StatusOr<Json> ToJson() const {
    Json list = Json::array();
    for (const auto& [sequence, event] : events_) {
      if (list.size() == kListedEvents) break;
      list.push_back({{"sequence", event.sequence},
                      {"time", TimeText(event.time)},
                      {"actor", event.actor},
                      {"action", event.action},
                      {"resource", event.resource},
                      {"hash", event.hash}});
    }
    ASSIGN_OR_RETURN(const auto last, txn_.LastEvent());
    Json audit = {{"events", std::move(list)},
                  {"more_events", events_.size() > kListedEvents}};
    if (last) {
      audit["chain_head"] = {{"sequence", last->sequence},
                             {"hash", last->hash}};
    }
    return audit;
  }

 private:
  void Add(const domain::AuditEvent& event) {
    events_.try_emplace(event.sequence, event);
  }

  ReadTransaction& txn_;
  std::map<int64_t, domain::AuditEvent> events_;  // by sequence
};

}  // namespace

absl::StatusOr<Json> LeaverCertificates::ClaimsOf(ReadTransaction& txn,
                                                  const OwnerId& id) {
  ASSIGN_OR_RETURN(const auto owner, txn.FindOwner(id));
  if (!owner) return NotFound(OwnerName(id));
  ASSIGN_OR_RETURN(const auto departure, txn.FindDeparture(id));
  if (!departure || !departure->done) {
    return Precondition(
        Reason::kWrongState,
        absl::StrCat(
            OwnerName(id), " has not departed",
            departure
                ? absl::StrCat("; he leaves at ", TimeText(departure->instant))
                : "",
            ". The plan is: warder owner depart ", id.value(), " --plan"));
  }
  std::map<KeyRef, Json> keys;  // and how he was exposed to each
  ASSIGN_OR_RETURN(const auto exposures, txn.ListExposures(id));
  for (const domain::Exposure& exposure : exposures) {
    Json& facts = keys[{exposure.issuer, exposure.key}];
    facts.push_back(FactOf(exposure, domain::ExposureKindName(exposure.kind)));
  }
  std::map<KeyRef, const domain::KeyOutcome*> outcomes;
  Json issuers = Json::array();
  for (const domain::IssuerOutcome& issuer : departure->issuers) {
    issuers.push_back(IssuerJson(issuer));
    for (const domain::KeyOutcome& key : issuer.keys) {
      outcomes[{key.issuer, key.key}] = &key;
      keys.try_emplace({key.issuer, key.key}, Json::array());
    }
  }
  Json key_list = Json::array();
  // Keys that turned out later to be his end later, too.
  std::set<absl::Time> times = {*departure->effect_time};
  for (const auto& [ref, facts] : keys) {
    ASSIGN_OR_RETURN(const auto key, txn.FindKey(ref.first, ref.second));
    if (!key) continue;
    if (key->revoke_time && *key->revoke_time > *departure->effect_time &&
        key->reason == domain::RevocationReason::kOwnerDeparted) {
      times.insert(*key->revoke_time);
    }
    const auto outcome = outcomes.find(ref);
    Json json =
        KeyJson(*key, outcome == outcomes.end() ? nullptr : outcome->second);
    json["exposures"] = facts;
    key_list.push_back(std::move(json));
  }
  Json custodies = Json::array();
  ASSIGN_OR_RETURN(const auto held, txn.ListCustodies(id.value()));
  for (const domain::Custody& custody : held) {
    custodies.push_back(FactOf(custody, domain::CustodyKindName(custody.kind)));
  }
  Evidence evidence(txn);
  RETURN_IF_ERROR(evidence.AddAbout(id));
  for (const absl::Time time : times) {
    RETURN_IF_ERROR(evidence.AddAt(time));
  }
  ASSIGN_OR_RETURN(Json audit, evidence.ToJson());
  ASSIGN_OR_RETURN(Json refusals, RefusalsJson(txn, keys));
  return Json{{"sub", OwnerName(id)},
              {"person",
               {{"owner", OwnerName(id)},
                {"name", owner->display_name},
                {"contact", owner->contact},
                {"external_id", owner->external_id}}},
              {"departure", DepartureJson(*departure)},
              {"custodies", std::move(custodies)},
              {"keys", std::move(key_list)},
              {"issuers", std::move(issuers)},
              {"refusals", std::move(refusals)},
              {"uses_after_refusal",
               {{"count", Json()}, {"known", "no gateway has reported"}}},
              {"audit", std::move(audit)}};
}

absl::StatusOr<std::string> LeaverCertificates::Make(const Request& request,
                                                     const OwnerId& owner) {
  const std::string name = OwnerName(owner);
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadExposures, name));
  if (access == Access::kOwn && owner.value() != request.caller.name) {
    return runner_.Denied(request, name, NotFound(name));
  }
  Json claims;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(claims, ClaimsOf(txn, owner));
    return absl::OkStatus();
  }));
  claims["iss"] = public_base_url_;
  claims["iat"] = absl::ToUnixSeconds(runner_.clock_guard().Read().trusted);
  return signer_.SignStatement(kLeaverCertificateType, WriteJson(claims));
}

}  // namespace warder::app
