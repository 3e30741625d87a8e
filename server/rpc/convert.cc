#include "server/rpc/convert.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/app/etag.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::rpc {
namespace {

using rpc::ToProto;

using google::protobuf::Duration;
using google::protobuf::Timestamp;

void Maybe(const std::optional<absl::Time>& time,
           Timestamp* (v1::Key::*field)(), v1::Key* out) {
  if (time) rpc::ToProto(*time, (out->*field)());
}

v1::Algorithm ToProto(domain::Algorithm algorithm) {
  switch (algorithm) {
    case domain::Algorithm::kEs256: return v1::ALGORITHM_ES256;
    case domain::Algorithm::kEs384: return v1::ALGORITHM_ES384;
    case domain::Algorithm::kEs512: return v1::ALGORITHM_ES512;
    case domain::Algorithm::kEdDsa: return v1::ALGORITHM_EDDSA;
    case domain::Algorithm::kRs256: return v1::ALGORITHM_RS256;
    case domain::Algorithm::kPs256: return v1::ALGORITHM_PS256;
  }
  return v1::ALGORITHM_UNSPECIFIED;
}

v1::KeyState ToProto(domain::KeyState state) {
  switch (state) {
    case domain::KeyState::kPending: return v1::KEY_STATE_PENDING;
    case domain::KeyState::kActive: return v1::KEY_STATE_ACTIVE;
    case domain::KeyState::kRetiring: return v1::KEY_STATE_RETIRING;
    case domain::KeyState::kRetired: return v1::KEY_STATE_RETIRED;
    case domain::KeyState::kSuspended: return v1::KEY_STATE_SUSPENDED;
    case domain::KeyState::kRevoked: return v1::KEY_STATE_REVOKED;
  }
  return v1::KEY_STATE_UNSPECIFIED;
}

v1::DepartureAction ToProto(domain::DepartureAction action) {
  return action == domain::DepartureAction::kRevoke
             ? v1::DEPARTURE_ACTION_REVOKE
             : v1::DEPARTURE_ACTION_ROTATE;
}

// Leaves `*out` as it is for UNSPECIFIED.
absl::Status Read(absl::string_view field, v1::DepartureAction action,
                  domain::DepartureAction* out) {
  switch (action) {
    case v1::DEPARTURE_ACTION_UNSPECIFIED: return absl::OkStatus();
    case v1::DEPARTURE_ACTION_REVOKE:
      *out = domain::DepartureAction::kRevoke;
      return absl::OkStatus();
    case v1::DEPARTURE_ACTION_ROTATE:
      *out = domain::DepartureAction::kRotate;
      return absl::OkStatus();
    default: break;
  }
  return FieldError(field, absl::StrCat(static_cast<int>(action),
                                        " is not REVOKE or ROTATE"));
}

void ToProto(const domain::Policy& policy, v1::Policy* out) {
  for (const domain::Algorithm a : policy.algorithms) {
    out->add_algorithms(ToProto(a));
  }
  ToProto(policy.rotation_period, out->mutable_rotation_period());
  ToProto(policy.max_key_age, out->mutable_max_key_age());
  ToProto(policy.publish_ahead, out->mutable_publish_ahead());
  ToProto(policy.verify_grace, out->mutable_verify_grace());
  ToProto(policy.verifier_cache, out->mutable_verifier_cache());
  ToProto(policy.cache_max_age, out->mutable_cache_max_age());
  ToProto(policy.max_token_lifetime, out->mutable_max_token_lifetime());
  ToProto(policy.clock_skew, out->mutable_clock_skew());
  ToProto(policy.max_revocation_exposure,
          out->mutable_max_revocation_exposure());
  out->set_owned_key_departure(ToProto(policy.owned_key_departure));
  out->set_used_key_departure(ToProto(policy.used_key_departure));
}

}  // namespace

void ToProto(absl::Duration duration, Duration* out) {
  const int64_t seconds =
      absl::IDivDuration(duration, absl::Seconds(1), &duration);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

v1::RevocationReason ToProto(domain::RevocationReason reason) {
  using domain::RevocationReason;
  switch (reason) {
    case RevocationReason::kUnspecified:
      return v1::REVOCATION_REASON_UNSPECIFIED;
    case RevocationReason::kCompromised:
      return v1::REVOCATION_REASON_COMPROMISED;
    case RevocationReason::kOwnerDeparted:
      return v1::REVOCATION_REASON_OWNER_DEPARTED;
    case RevocationReason::kSuperseded: return v1::REVOCATION_REASON_SUPERSEDED;
    case RevocationReason::kCessation: return v1::REVOCATION_REASON_CESSATION;
  }
  return v1::REVOCATION_REASON_UNSPECIFIED;
}

void ToProto(absl::Time time, Timestamp* out) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

absl::StatusOr<absl::Time> FromProto(absl::string_view field,
                                     const Timestamp& time) {
  // 0001-01-01 and 9999-12-31, google/protobuf/timestamp.proto.
  if (time.seconds() < -62135596800 || time.seconds() > 253402300799 ||
      time.nanos() < 0 || time.nanos() > 999999999) {
    return FieldError(field, absl::StrCat(time.seconds(), "s ", time.nanos(),
                                          "ns is not a timestamp"));
  }
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

absl::StatusOr<absl::Duration> FromProto(absl::string_view field,
                                         const Duration& duration) {
  const bool mixed = (duration.seconds() > 0 && duration.nanos() < 0) ||
                     (duration.seconds() < 0 && duration.nanos() > 0);
  if (mixed || duration.nanos() < -999999999 || duration.nanos() > 999999999 ||
      duration.seconds() < -315576000000 || duration.seconds() > 315576000000) {
    return FieldError(field,
                      absl::StrCat(duration.seconds(), "s ", duration.nanos(),
                                   "ns is not a duration"));
  }
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

void ToProto(const domain::Issuer& issuer, v1::Issuer* out) {
  out->set_name(IssuerName(issuer.id));
  out->set_issuer_uri(issuer.issuer_uri);
  out->set_display_name(issuer.display_name);
  out->set_drill(issuer.drill);
  out->set_legal_hold(issuer.legal_hold);
  out->set_owner(OwnerName(issuer.owner));
  for (const OwnerId& deputy : issuer.deputies) {
    out->add_deputies(OwnerName(deputy));
  }
  ToProto(issuer.policy, out->mutable_policy());
  for (const domain::Grant& grant : issuer.grants) {
    v1::Grant* wire = out->add_grants();
    wire->set_signer(grant.signer);
    for (const auto& audience : grant.audiences) wire->add_audiences(audience);
    for (const auto& type : grant.token_types) wire->add_token_types(type);
    ToProto(grant.max_lifetime, wire->mutable_max_lifetime());
    wire->set_subject_pattern(grant.subject_pattern);
    wire->set_max_per_second(grant.max_per_second);
    wire->set_external_keys(grant.external_keys);
  }
  out->set_state(issuer.state == domain::IssuerState::kActive
                     ? v1::Issuer::ACTIVE
                     : v1::Issuer::ORPHANED);
  out->set_deputy_vacant(issuer.deputy_vacant);
  out->set_revision(issuer.revision);
  out->set_etag(app::EtagOf(issuer.rev));
  ToProto(issuer.create_time, out->mutable_create_time());
  ToProto(issuer.update_time, out->mutable_update_time());
}

v1::IssuanceMode ToProto(domain::IssuanceMode mode) {
  switch (mode) {
    case domain::IssuanceMode::kObserve: return v1::OBSERVE;
    case domain::IssuanceMode::kStepUp: return v1::STEP_UP;
    case domain::IssuanceMode::kEnforce: return v1::ENFORCE;
  }
  return v1::ISSUANCE_MODE_UNSPECIFIED;
}

absl::StatusOr<domain::IssuanceMode> FromProto(absl::string_view field,
                                               v1::IssuanceMode mode) {
  switch (mode) {
    case v1::ISSUANCE_MODE_UNSPECIFIED:
    case v1::OBSERVE: return domain::IssuanceMode::kObserve;
    case v1::STEP_UP: return domain::IssuanceMode::kStepUp;
    case v1::ENFORCE: return domain::IssuanceMode::kEnforce;
    default: break;
  }
  return FieldError(field, absl::StrCat(static_cast<int>(mode),
                                        " is not OBSERVE, STEP_UP or ENFORCE"));
}

namespace {

v1::KeyKind ToProto(domain::KeyKind kind) {
  switch (kind) {
    case domain::KeyKind::kManaged: return v1::KEY_KIND_MANAGED;
    case domain::KeyKind::kExternal: return v1::KEY_KIND_EXTERNAL;
    case domain::KeyKind::kHoney: return v1::KEY_KIND_HONEY;
  }
  return v1::KEY_KIND_UNSPECIFIED;
}

}  // namespace

void ToProto(const domain::Key& key, v1::Key* out) {
  out->set_name(KeyName(key.issuer, key.id));
  out->set_kid(key.id.value());
  out->set_algorithm(ToProto(key.algorithm));
  out->set_kind(ToProto(key.kind));
  out->set_state(ToProto(key.state));
  out->set_owner(OwnerName(key.owner));
  out->set_signer(key.signer);
  out->set_place(key.place);
  Maybe(key.lease_time, &v1::Key::mutable_lease_time, out);
  Maybe(key.drain_time, &v1::Key::mutable_drain_time, out);
  out->set_public_jwk(key.public_jwk);
  ToProto(key.create_time, out->mutable_create_time());
  ToProto(key.publish_time, out->mutable_publish_time());
  Maybe(key.activate_time, &v1::Key::mutable_activate_time, out);
  Maybe(key.retire_time, &v1::Key::mutable_retire_time, out);
  Maybe(key.until_time, &v1::Key::mutable_until_time, out);
  Maybe(key.suspend_time, &v1::Key::mutable_suspend_time, out);
  Maybe(key.revoke_time, &v1::Key::mutable_revoke_time, out);
  out->set_suspended_by(key.suspended_by);
  out->set_revocation_reason(ToProto(key.reason));
  out->set_revoked_by(key.revoked_by);
  out->set_private_half_held(!key.sealed.empty());
  out->set_etag(app::EtagOf(key.rev));
}

void ToProto(const domain::AuditEvent& event, v1::AuditEvent* out) {
  out->set_sequence(event.sequence);
  ToProto(event.time, out->mutable_time());
  out->set_actor(event.actor);
  out->set_action(event.action);
  out->set_resource(event.resource);
  out->set_denied(event.denied);
  out->set_detail(event.detail);
  out->set_request_id(event.request_id);
  out->set_previous_hash(event.previous_hash);
  out->set_hash(event.hash);
}

absl::StatusOr<std::optional<domain::Algorithm>> FromProto(
    absl::string_view field, v1::Algorithm algorithm) {
  switch (algorithm) {
    case v1::ALGORITHM_UNSPECIFIED: return std::nullopt;
    case v1::ALGORITHM_ES256: return domain::Algorithm::kEs256;
    case v1::ALGORITHM_ES384: return domain::Algorithm::kEs384;
    case v1::ALGORITHM_ES512: return domain::Algorithm::kEs512;
    case v1::ALGORITHM_EDDSA: return domain::Algorithm::kEdDsa;
    case v1::ALGORITHM_RS256: return domain::Algorithm::kRs256;
    case v1::ALGORITHM_PS256: return domain::Algorithm::kPs256;
    default: break;
  }
  return FieldError(field, absl::StrCat(static_cast<int>(algorithm),
                                        " is not a known algorithm"));
}

absl::StatusOr<std::optional<domain::KeyState>> FromProto(
    absl::string_view field, v1::KeyState state) {
  switch (state) {
    case v1::KEY_STATE_UNSPECIFIED: return std::nullopt;
    case v1::KEY_STATE_PENDING: return domain::KeyState::kPending;
    case v1::KEY_STATE_ACTIVE: return domain::KeyState::kActive;
    case v1::KEY_STATE_RETIRING: return domain::KeyState::kRetiring;
    case v1::KEY_STATE_RETIRED: return domain::KeyState::kRetired;
    case v1::KEY_STATE_SUSPENDED: return domain::KeyState::kSuspended;
    case v1::KEY_STATE_REVOKED: return domain::KeyState::kRevoked;
    default: break;
  }
  return FieldError(field, absl::StrCat(static_cast<int>(state),
                                        " is not a known key state"));
}

absl::StatusOr<domain::RevocationReason> FromProto(
    absl::string_view field, v1::RevocationReason reason) {
  using domain::RevocationReason;
  switch (reason) {
    case v1::REVOCATION_REASON_UNSPECIFIED:
      return RevocationReason::kUnspecified;
    case v1::REVOCATION_REASON_COMPROMISED:
      return RevocationReason::kCompromised;
    case v1::REVOCATION_REASON_OWNER_DEPARTED:
      return RevocationReason::kOwnerDeparted;
    case v1::REVOCATION_REASON_SUPERSEDED: return RevocationReason::kSuperseded;
    case v1::REVOCATION_REASON_CESSATION: return RevocationReason::kCessation;
    default: break;
  }
  return FieldError(
      field, absl::StrCat(static_cast<int>(reason), " is not a known reason"));
}

absl::StatusOr<domain::Policy> FromProto(const v1::Policy& wire) {
  domain::Policy policy;
  if (wire.algorithms_size() > 0) policy.algorithms.clear();
  for (int i = 0; i < wire.algorithms_size(); ++i) {
    const std::string field = absl::StrCat("policy.algorithms[", i, "]");
    ASSIGN_OR_RETURN(const auto algorithm,
                     FromProto(field, wire.algorithms(i)));
    if (!algorithm) return FieldError(field, "is unspecified");
    policy.algorithms.push_back(*algorithm);
  }
  const auto read = [&](bool present, const char* field, const Duration& from,
                        absl::Duration* to) -> absl::Status {
    if (!present) return absl::OkStatus();
    ASSIGN_OR_RETURN(*to, FromProto(field, from));
    return absl::OkStatus();
  };
#define READ(name) \
  RETURN_IF_ERROR( \
      read(wire.has_##name(), "policy." #name, wire.name(), &policy.name))
  READ(rotation_period);
  READ(max_key_age);
  READ(publish_ahead);
  READ(verify_grace);
  READ(verifier_cache);
  READ(cache_max_age);
  READ(max_token_lifetime);
  READ(clock_skew);
  READ(max_revocation_exposure);
#undef READ
  RETURN_IF_ERROR(Read("policy.owned_key_departure", wire.owned_key_departure(),
                       &policy.owned_key_departure));
  RETURN_IF_ERROR(Read("policy.used_key_departure", wire.used_key_departure(),
                       &policy.used_key_departure));
  return policy;
}

absl::StatusOr<std::vector<domain::Grant>> GrantsFromProto(
    const v1::Issuer& issuer) {
  std::vector<domain::Grant> grants;
  for (int i = 0; i < issuer.grants_size(); ++i) {
    const v1::Grant& wire = issuer.grants(i);
    domain::Grant grant;
    grant.signer = wire.signer();
    grant.audiences.assign(wire.audiences().begin(), wire.audiences().end());
    if (wire.token_types_size() > 0) {
      grant.token_types.assign(wire.token_types().begin(),
                               wire.token_types().end());
    }
    if (wire.has_max_lifetime()) {
      const std::string field = absl::StrCat("grants[", i, "].max_lifetime");
      ASSIGN_OR_RETURN(grant.max_lifetime,
                       FromProto(field, wire.max_lifetime()));
      if (grant.max_lifetime == absl::ZeroDuration()) {
        return FieldError(field, "is zero; leave it out for the default");
      }
    }
    if (!wire.subject_pattern().empty()) {
      grant.subject_pattern = wire.subject_pattern();
    }
    grant.max_per_second = wire.max_per_second();
    grant.external_keys = wire.external_keys();
    grants.push_back(std::move(grant));
  }
  return grants;
}

absl::StatusOr<std::vector<OwnerId>> OwnersFromProto(
    absl::string_view field,
    const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::vector<OwnerId> owners;
  for (int i = 0; i < names.size(); ++i) {
    ASSIGN_OR_RETURN(
        OwnerId owner,
        ParseOwnerName(absl::StrCat(field, "[", i, "]"), names.Get(i)));
    owners.push_back(std::move(owner));
  }
  return owners;
}

}  // namespace warder::rpc
