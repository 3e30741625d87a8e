#include "server/storage/rows.h"

#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::storage {
namespace {

// What our own columns hold is ours; anything else is damage.
absl::Status Damaged(absl::string_view what) {
  return Error(absl::StatusCode::kDataLoss, Reason::kStoreCorrupt,
               absl::StrCat("the database holds ", what,
                            ", which no warderd writes; restore a backup"));
}

long long OptionalMicros(const std::optional<absl::Time>& time) {
  return time ? ToMicros(*time) : 0;
}

std::optional<absl::Time> OptionalTime(long long micros) {
  if (micros == 0) return std::nullopt;
  return FromMicros(micros);
}

constexpr JsonLimits kOwnLimits = {.max_bytes = 256 << 20, .max_depth = 16};

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

std::vector<std::string> Strings(const Json& object, const char* name) {
  std::vector<std::string> out;
  const auto it = object.find(name);
  if (it == object.end() || !it->is_array()) return out;
  for (const Json& item : *it) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

std::string Text(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

bool Flag(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

const char* FateName(domain::KeyFate fate) {
  switch (fate) {
    case domain::KeyFate::kRevoke: return "REVOKE";
    case domain::KeyFate::kRotate: return "ROTATE";
    case domain::KeyFate::kNone: return "NONE";
  }
  return "NONE";
}

// Written as text at once: a tree of ten thousand keys takes ten times as long.
std::string WriteOutcome(const domain::IssuerOutcome& outcome) {
  const auto truth = [](bool value) { return value ? "true" : "false"; };
  std::string text = absl::StrCat(
      "{\"issuer\":", JsonQuoted(outcome.issuer.value()),
      ",\"owner\":", JsonQuoted(outcome.owner.value()),
      ",\"orphaned\":", truth(outcome.orphaned),
      ",\"without_deputy\":", truth(outcome.without_deputy), ",\"keys\":[");
  const char* separator = "";
  for (const domain::KeyOutcome& key : outcome.keys) {
    const JsonMember members[] = {{"key", key.key.value()},
                                  {"fate", FateName(key.fate)},
                                  {"why", key.why}};
    absl::StrAppend(&text, separator, WriteJsonMembers(members));
    separator = ",";
  }
  text += "],\"successors\":[";
  separator = "";
  for (const KeyId& id : outcome.successors) {
    absl::StrAppend(&text, separator, JsonQuoted(id.value()));
    separator = ",";
  }
  return text + "]}";
}

domain::IssuerOutcome ReadOutcome(const Json& object) {
  domain::IssuerOutcome outcome;
  outcome.issuer = IssuerId(Text(object, "issuer"));
  outcome.owner = OwnerId(Text(object, "owner"));
  outcome.orphaned = Flag(object, "orphaned");
  outcome.without_deputy = Flag(object, "without_deputy");
  for (const Json& key : object.value("keys", Json::array())) {
    domain::KeyOutcome fate{.issuer = outcome.issuer,
                            .key = KeyId(Text(key, "key")),
                            .fate = domain::KeyFate::kNone,
                            .why = Text(key, "why")};
    const std::string name = Text(key, "fate");
    if (name == "REVOKE") fate.fate = domain::KeyFate::kRevoke;
    if (name == "ROTATE") fate.fate = domain::KeyFate::kRotate;
    outcome.keys.push_back(std::move(fate));
  }
  for (const std::string& id : Strings(object, "successors")) {
    outcome.successors.push_back(KeyId(id));
  }
  return outcome;
}

// What KeyRow and PublishedKeyRow have in common.
template <typename Row>
absl::StatusOr<domain::Key> PublishedPart(const Row& row) {
  domain::Key key;
  key.issuer = IssuerId(row.issuer);
  key.id = KeyId(row.id);
  ASSIGN_OR_RETURN(key.algorithm,
                   domain::ParseAlgorithm("keys.algorithm", row.algorithm));
  ASSIGN_OR_RETURN(key.state, domain::ParseKeyState("keys.state", row.state));
  key.public_jwk = row.public_jwk;
  key.sealed = row.sealed;
  key.publish_time = FromMicros(row.publish_us);
  key.activate_time = OptionalTime(row.activate_us);
  key.until_time = OptionalTime(row.until_us);
  return key;
}

}  // namespace

long long ToMicros(absl::Time time) {
  if (time == absl::InfiniteFuture()) {
    return std::numeric_limits<long long>::max();
  }
  if (time == absl::InfinitePast()) return 1;
  return absl::ToUnixMicros(time);
}

absl::Time FromMicros(long long micros) {
  if (micros == std::numeric_limits<long long>::max()) {
    return absl::InfiniteFuture();
  }
  return absl::FromUnixMicros(micros);
}

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
       {"max_revocation_exposure_us", Micros(p.max_revocation_exposure)}});
}

absl::StatusOr<domain::Policy> ReadPolicy(const std::string& text) {
  auto object = ParseJsonObject(text, kOwnLimits);
  if (!object.ok()) return Damaged("an unreadable policy");
  domain::Policy p;
  p.algorithms.clear();
  for (const std::string& name : Strings(*object, "algorithms")) {
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
  return p;
}

std::string WriteGrants(const std::vector<domain::Grant>& grants) {
  Json list = Json::array();
  for (const domain::Grant& grant : grants) {
    list.push_back({{"signer", grant.signer},
                    {"audiences", grant.audiences},
                    {"token_types", grant.token_types},
                    {"max_lifetime_us", Micros(grant.max_lifetime)},
                    {"subject_pattern", grant.subject_pattern}});
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
    grant.signer = Text(object, "signer");
    grant.audiences = Strings(object, "audiences");
    grant.token_types = Strings(object, "token_types");
    grant.subject_pattern = Text(object, "subject_pattern");
    RETURN_IF_ERROR(
        ReadDuration(object, "max_lifetime_us", &grant.max_lifetime));
    if (grant.token_types.empty()) return Damaged("a grant without types");
    grants.push_back(std::move(grant));
  }
  return grants;
}

void OwnerRow::From(const domain::Owner& owner) {
  id = owner.id.value();
  display_name = owner.display_name;
  contact = owner.contact;
  deputy = owner.deputy.value();
  state = owner.state == domain::OwnerState::kActive ? "ACTIVE" : "DEPARTED";
  create_us = ToMicros(owner.create_time);
  update_us = ToMicros(owner.update_time);
  depart_us = OptionalMicros(owner.depart_time);
  rev = owner.rev;
}

absl::StatusOr<domain::Owner> OwnerRow::To() const {
  return domain::Owner{.id = OwnerId(id),
                       .display_name = display_name,
                       .contact = contact,
                       .deputy = OwnerId(deputy),
                       .state = state == "ACTIVE"
                                    ? domain::OwnerState::kActive
                                    : domain::OwnerState::kDeparted,
                       .create_time = FromMicros(create_us),
                       .update_time = FromMicros(update_us),
                       .depart_time = OptionalTime(depart_us),
                       .rev = rev};
}

void IssuerRow::From(const domain::Issuer& issuer, absl::Time next_due) {
  id = issuer.id.value();
  issuer_uri = issuer.issuer_uri;
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
  next_due_us = ToMicros(next_due);
}

absl::StatusOr<domain::Issuer> IssuerRow::To() const {
  domain::Issuer issuer;
  issuer.id = IssuerId(id);
  issuer.issuer_uri = issuer_uri;
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
  return issuer;
}

void KeyRow::From(const domain::Key& key) {
  issuer = key.issuer.value();
  id = key.id.value();
  algorithm = std::string(domain::AlgorithmName(key.algorithm));
  state = std::string(domain::KeyStateName(key.state));
  owner = key.owner.value();
  public_jwk = key.public_jwk;
  sealed = key.sealed;
  create_us = ToMicros(key.create_time);
  publish_us = ToMicros(key.publish_time);
  activate_us = OptionalMicros(key.activate_time);
  retire_us = OptionalMicros(key.retire_time);
  until_us = OptionalMicros(key.until_time);
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
  domain::Exposure exposure{.issuer = IssuerId(issuer),
                            .key = KeyId(key),
                            .person = person,
                            .kind = domain::ExposureKind::kOwned,
                            .from = FromMicros(from_us),
                            .until = OptionalTime(until_us)};
  if (kind == "CREATED") exposure.kind = domain::ExposureKind::kCreated;
  if (kind == "COULD_SIGN") exposure.kind = domain::ExposureKind::kCouldSign;
  return exposure;
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

void DepartureRow::From(const domain::Departure& departure) {
  owner = departure.owner.value();
  instant_us = ToMicros(departure.instant);
  report_us = ToMicros(departure.report_time);
  reported_by = departure.reported_by;
  done = departure.done ? 1 : 0;
  effect_us = OptionalMicros(departure.effect_time);
  outcome = "[";
  for (const auto& issuer : departure.issuers) {
    absl::StrAppend(&outcome, outcome.size() > 1 ? "," : "",
                    WriteOutcome(issuer));
  }
  outcome += "]";
}

absl::StatusOr<domain::Departure> DepartureRow::To() const {
  domain::Departure departure{.owner = OwnerId(owner),
                              .instant = FromMicros(instant_us),
                              .report_time = FromMicros(report_us),
                              .reported_by = reported_by,
                              .done = done != 0,
                              .effect_time = OptionalTime(effect_us),
                              .issuers = {}};
  auto issuers = ParseJson(outcome, kOwnLimits);
  if (!issuers.ok() || !issuers->is_array()) {
    return Damaged("an unreadable departure");
  }
  for (const Json& issuer : *issuers) {
    departure.issuers.push_back(ReadOutcome(issuer));
  }
  return departure;
}

}  // namespace warder::storage
