#include "server/storage/rows.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/storage/columns.h"

namespace warder::storage {
namespace {

Json Micros(absl::Duration duration) {
  return absl::ToInt64Microseconds(duration);
}

// Reads the integer member `name` as a duration; absent members keep `*out`,
// so that old rows can be read after a member was added.
absl::Status ReadDuration(const Json& object, const char* name,
                          absl::Duration* out) {
  const auto it = object.find(name);
  if (it == object.end()) return absl::OkStatus();
  if (!it->is_number_integer()) return Damaged(absl::StrCat("a bad ", name));
  *out = absl::Microseconds(it->get<int64_t>());
  return absl::OkStatus();
}

// What KeyRow and PublishedKeyRow have in common.
template <typename Row>
absl::StatusOr<domain::Key> PublishedPart(const Row& row) {
  domain::Key key;
  key.issuer = IssuerId(row.issuer);
  key.id = KeyId(row.id);
  ASSIGN_OR_RETURN(key.algorithm,
                   domain::ParseAlgorithm("keys.algorithm", row.algorithm));
  ASSIGN_OR_RETURN(key.kind, domain::ParseKeyKind("keys.kind", row.kind));
  ASSIGN_OR_RETURN(key.state, domain::ParseKeyState("keys.state", row.state));
  key.signer = row.signer;
  key.place = row.place;
  key.public_jwk = row.public_jwk;
  key.sealed = row.sealed;
  key.publish_time = FromMicros(row.publish_us);
  key.activate_time = OptionalTime(row.activate_us);
  key.until_time = OptionalTime(row.until_us);
  key.lease_time = OptionalTime(row.lease_us);
  key.drain_time = OptionalTime(row.drain_us);
  return key;
}

}  // namespace

std::string WritePolicy(const domain::Policy& p) {
  Json algorithms = Json::array();
  for (const domain::Algorithm a : p.algorithms) {
    algorithms.push_back(domain::AlgorithmName(a));
  }
  return WriteJson(
      {{"algorithms", std::move(algorithms)},
       {"rotation_period_us", Micros(p.rotation_period)},
       {"max_key_age_us", Micros(p.max_key_age)},
       {"publish_ahead_us", Micros(p.publish_ahead)},
       {"verify_grace_us", Micros(p.verify_grace)},
       {"verifier_cache_us", Micros(p.verifier_cache)},
       {"cache_max_age_us", Micros(p.cache_max_age)},
       {"max_token_lifetime_us", Micros(p.max_token_lifetime)},
       {"clock_skew_us", Micros(p.clock_skew)},
       {"max_revocation_exposure_us", Micros(p.max_revocation_exposure)},
       {"owned_key_departure",
        domain::DepartureActionName(p.owned_key_departure)},
       {"used_key_departure",
        domain::DepartureActionName(p.used_key_departure)}});
}

absl::StatusOr<domain::Policy> ReadPolicy(const std::string& text) {
  auto object = ParseJsonObject(text, kOwnLimits);
  if (!object.ok()) return Damaged("an unreadable policy");
  domain::Policy p;
  p.algorithms.clear();
  for (const std::string& name : StringsMember(*object, "algorithms")) {
    ASSIGN_OR_RETURN(const auto algorithm,
                     domain::ParseAlgorithm("algorithms", name));
    p.algorithms.push_back(algorithm);
  }
  if (p.algorithms.empty()) return Damaged("a policy without algorithms");
  const std::pair<const char*, absl::Duration*> members[] = {
      {"rotation_period_us", &p.rotation_period},
      {"max_key_age_us", &p.max_key_age},
      {"publish_ahead_us", &p.publish_ahead},
      {"verify_grace_us", &p.verify_grace},
      {"verifier_cache_us", &p.verifier_cache},
      {"cache_max_age_us", &p.cache_max_age},
      {"max_token_lifetime_us", &p.max_token_lifetime},
      {"clock_skew_us", &p.clock_skew},
      {"max_revocation_exposure_us", &p.max_revocation_exposure}};
  for (const auto& [name, out] : members) {
    RETURN_IF_ERROR(ReadDuration(*object, name, out));
  }
  // A policy written before these were there has their defaults.
  if (TextMember(*object, "owned_key_departure") == "ROTATE") {
    p.owned_key_departure = domain::DepartureAction::kRotate;
  }
  if (TextMember(*object, "used_key_departure") == "REVOKE") {
    p.used_key_departure = domain::DepartureAction::kRevoke;
  }
  return p;
}

std::string WriteGrants(const std::vector<domain::Grant>& grants) {
  Json list = Json::array();
  for (const domain::Grant& grant : grants) {
    list.push_back({{"signer", grant.signer},
                    {"audiences", grant.audiences},
                    {"token_types", grant.token_types},
                    {"max_lifetime_us", Micros(grant.max_lifetime)},
                    {"subject_pattern", grant.subject_pattern},
                    {"max_per_second", grant.max_per_second},
                    {"external_keys", grant.external_keys}});
  }
  return WriteJson(list);
}

absl::StatusOr<std::vector<domain::Grant>> ReadGrants(const std::string& text) {
  if (text == "[]") return std::vector<domain::Grant>();
  auto list = ParseJson(text, kOwnLimits);
  if (!list.ok() || !list->is_array()) return Damaged("unreadable grants");
  std::vector<domain::Grant> grants;
  for (const Json& object : *list) {
    domain::Grant grant;
    grant.signer = TextMember(object, "signer");
    grant.audiences = StringsMember(object, "audiences");
    grant.token_types = StringsMember(object, "token_types");
    grant.subject_pattern = TextMember(object, "subject_pattern");
    RETURN_IF_ERROR(
        ReadDuration(object, "max_lifetime_us", &grant.max_lifetime));
    if (grant.token_types.empty()) return Damaged("a grant without types");
    // A grant written before there were limits has none.
    const auto per_second = object.find("max_per_second");
    if (per_second != object.end() && per_second->is_number_integer()) {
      grant.max_per_second = per_second->get<int>();
    }
    const auto external = object.find("external_keys");
    grant.external_keys = external != object.end() && *external == true;
    grants.push_back(std::move(grant));
  }
  return grants;
}

void OwnerRow::From(const domain::Owner& owner) {
  id = owner.id.value();
  display_name = owner.display_name;
  contact = owner.contact;
  external_id = owner.external_id;
  deputy = owner.deputy.value();
  state = owner.state == domain::OwnerState::kActive ? "ACTIVE" : "DEPARTED";
  kind = owner.kind == domain::OwnerKind::kPerson ? "PERSON" : "TEAM";
  create_us = ToMicros(owner.create_time);
  update_us = ToMicros(owner.update_time);
  depart_us = OptionalMicros(owner.depart_time);
  confirm_us = ToMicros(owner.confirm_time);
  overdue_us = OptionalMicros(owner.overdue_time);
  suspend_us = OptionalMicros(owner.suspend_time);
  suspended_by = owner.suspended_by;
  rev = owner.rev;
}

absl::StatusOr<domain::Owner> OwnerRow::To() const {
  return domain::Owner{.id = OwnerId(id),
                       .kind = kind == "PERSON" ? domain::OwnerKind::kPerson
                                                : domain::OwnerKind::kTeam,
                       .members = {},
                       .display_name = display_name,
                       .contact = contact,
                       .external_id = external_id,
                       .deputy = OwnerId(deputy),
                       .state = state == "ACTIVE"
                                    ? domain::OwnerState::kActive
                                    : domain::OwnerState::kDeparted,
                       .create_time = FromMicros(create_us),
                       .update_time = FromMicros(update_us),
                       .depart_time = OptionalTime(depart_us),
                       .confirm_time = FromMicros(confirm_us),
                       .overdue_time = OptionalTime(overdue_us),
                       .suspend_time = OptionalTime(suspend_us),
                       .suspended_by = suspended_by,
                       .rev = rev};
}

void IssuerRow::From(const domain::Issuer& issuer, absl::Time next_due) {
  id = issuer.id.value();
  issuer_uri = issuer.issuer_uri;
  drill = issuer.drill ? 1 : 0;
  legal_hold = issuer.legal_hold ? 1 : 0;
  display_name = issuer.display_name;
  state = issuer.state == domain::IssuerState::kActive ? "ACTIVE" : "ORPHANED";
  owner = issuer.owner.value();
  deputy_vacant = issuer.deputy_vacant ? 1 : 0;
  // Most issuers of an organisation share one policy.
  thread_local std::pair<domain::Policy, std::string> last;
  if (last.second.empty() || last.first != issuer.policy) {
    last = {issuer.policy, WritePolicy(issuer.policy)};
  }
  policy = last.second;
  grants = WriteGrants(issuer.grants);
  tombstone_jwk = issuer.tombstone_jwk;
  revision = issuer.revision;
  rev = issuer.rev;
  create_us = ToMicros(issuer.create_time);
  update_us = ToMicros(issuer.update_time);
  cached_until_us = ToMicros(issuer.cached_until);
  next_due_us = ToMicros(next_due);
}

absl::StatusOr<domain::Issuer> IssuerRow::To() const {
  domain::Issuer issuer;
  issuer.id = IssuerId(id);
  issuer.issuer_uri = issuer_uri;
  issuer.drill = drill != 0;
  issuer.legal_hold = legal_hold != 0;
  issuer.display_name = display_name;
  issuer.state = state == "ACTIVE" ? domain::IssuerState::kActive
                                   : domain::IssuerState::kOrphaned;
  issuer.owner = OwnerId(owner);
  issuer.deputy_vacant = deputy_vacant != 0;
  // As above, by text.
  thread_local std::pair<std::string, domain::Policy> last;
  if (last.first != policy) {
    ASSIGN_OR_RETURN(last.second, ReadPolicy(policy));
    last.first = policy;
  }
  issuer.policy = last.second;
  ASSIGN_OR_RETURN(issuer.grants, ReadGrants(grants));
  issuer.tombstone_jwk = tombstone_jwk;
  issuer.revision = revision;
  issuer.rev = rev;
  issuer.create_time = FromMicros(create_us);
  issuer.update_time = FromMicros(update_us);
  issuer.cached_until = FromMicros(cached_until_us);
  return issuer;
}

void KeyRow::From(const domain::Key& key) {
  issuer = key.issuer.value();
  id = key.id.value();
  algorithm = std::string(domain::AlgorithmName(key.algorithm));
  kind = std::string(domain::KeyKindName(key.kind));
  state = std::string(domain::KeyStateName(key.state));
  owner = key.owner.value();
  signer = key.signer;
  place = key.place;
  public_jwk = key.public_jwk;
  sealed = key.sealed;
  create_us = ToMicros(key.create_time);
  publish_us = ToMicros(key.publish_time);
  publish_revision = key.publish_revision;
  activate_us = OptionalMicros(key.activate_time);
  retire_us = OptionalMicros(key.retire_time);
  until_us = OptionalMicros(key.until_time);
  lease_us = OptionalMicros(key.lease_time);
  drain_us = OptionalMicros(key.drain_time);
  suspend_us = OptionalMicros(key.suspend_time);
  suspended_by = key.suspended_by;
  suspended_from = std::string(domain::KeyStateName(key.suspended_from));
  revoke_us = OptionalMicros(key.revoke_time);
  reason = std::string(domain::RevocationReasonName(key.reason));
  revoked_by = key.revoked_by;
  rev = key.rev;
}

absl::StatusOr<domain::Key> KeyRow::To() const {
  ASSIGN_OR_RETURN(domain::Key key, PublishedPart(*this));
  key.owner = OwnerId(owner);
  key.create_time = FromMicros(create_us);
  key.publish_revision = publish_revision;
  key.retire_time = OptionalTime(retire_us);
  key.suspend_time = OptionalTime(suspend_us);
  key.suspended_by = suspended_by;
  ASSIGN_OR_RETURN(
      key.suspended_from,
      domain::ParseKeyState("keys.suspended_from", suspended_from));
  key.revoke_time = OptionalTime(revoke_us);
  ASSIGN_OR_RETURN(key.reason,
                   domain::ParseRevocationReason("keys.reason", reason));
  key.revoked_by = revoked_by;
  key.rev = rev;
  return key;
}

absl::StatusOr<domain::Key> PublishedKeyRow::To() const {
  return PublishedPart(*this);
}

void SpareRow::From(const domain::Spare& spare) {
  issuer = spare.issuer.value();
  id = spare.id.value();
  algorithm = std::string(domain::AlgorithmName(spare.algorithm));
  public_jwk = spare.public_jwk;
  sealed = spare.sealed;
  create_us = ToMicros(spare.create_time);
}

absl::StatusOr<domain::Spare> SpareRow::To() const {
  ASSIGN_OR_RETURN(const auto parsed,
                   domain::ParseAlgorithm("spares.algorithm", algorithm));
  return domain::Spare{.issuer = IssuerId(issuer),
                       .id = KeyId(id),
                       .algorithm = parsed,
                       .public_jwk = public_jwk,
                       .sealed = sealed,
                       .create_time = FromMicros(create_us)};
}

void ExposureRow::From(const domain::Exposure& exposure) {
  issuer = exposure.issuer.value();
  key = exposure.key.value();
  person = exposure.person;
  kind = std::string(domain::ExposureKindName(exposure.kind));
  from_us = ToMicros(exposure.from);
  until_us = OptionalMicros(exposure.until);
}

absl::StatusOr<domain::Exposure> ExposureRow::To() const {
  ASSIGN_OR_RETURN(const auto parsed,
                   domain::ParseExposureKind("exposures.kind", kind));
  return domain::Exposure{.issuer = IssuerId(issuer),
                          .key = KeyId(key),
                          .person = person,
                          .kind = parsed,
                          .from = FromMicros(from_us),
                          .until = OptionalTime(until_us)};
}

void DeclaredExposureRow::From(const domain::Exposure& exposure) {
  fact.From(exposure);
  declared_by = exposure.declared_by;
  note = exposure.note;
}

absl::StatusOr<domain::Exposure> DeclaredExposureRow::To() const {
  ASSIGN_OR_RETURN(domain::Exposure exposure, fact.To());
  exposure.declared_by = declared_by;
  exposure.note = note;
  return exposure;
}

void CustodyRow::From(const domain::Custody& custody) {
  person = custody.person;
  kind = std::string(domain::CustodyKindName(custody.kind));
  from_us = ToMicros(custody.from);
  until_us = OptionalMicros(custody.until);
  declared_by = custody.declared_by;
  note = custody.note;
}

absl::StatusOr<domain::Custody> CustodyRow::To() const {
  return domain::Custody{.person = person,
                         .kind = kind == "STORE"
                                     ? domain::CustodyKind::kStore
                                     : domain::CustodyKind::kKeyEncryptionKey,
                         .from = FromMicros(from_us),
                         .until = OptionalTime(until_us),
                         .declared_by = declared_by,
                         .note = note};
}

void EventRow::From(const domain::AuditEvent& event) {
  sequence = event.sequence;
  time_us = ToMicros(event.time);
  actor = event.actor;
  action = event.action;
  resource = event.resource;
  denied = event.denied ? 1 : 0;
  detail = event.detail;
  request_id = event.request_id;
  previous_hash = event.previous_hash;
  hash = event.hash;
}

absl::StatusOr<domain::AuditEvent> EventRow::To() const {
  return domain::AuditEvent{.sequence = sequence,
                            .time = FromMicros(time_us),
                            .actor = actor,
                            .action = action,
                            .resource = resource,
                            .denied = denied != 0,
                            .detail = detail,
                            .request_id = request_id,
                            .previous_hash = previous_hash,
                            .hash = hash};
}

void RequestRow::From(const app::RequestRecord& record) {
  principal = record.principal;
  request_id = record.request_id;
  method = record.method;
  fingerprint = record.fingerprint;
  result = record.result;
  create_us = ToMicros(record.create_time);
}

absl::StatusOr<app::RequestRecord> RequestRow::To() const {
  return app::RequestRecord{.principal = principal,
                            .request_id = request_id,
                            .method = method,
                            .fingerprint = fingerprint,
                            .result = result,
                            .create_time = FromMicros(create_us)};
}

}  // namespace warder::storage
