// Owners, departures and exposures on the wire.
#include "absl/strings/str_cat.h"
#include "server/app/etag.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

using google::protobuf::Timestamp;

// Sets a timestamp field of `out` where there is a time.
template <typename Message>
void Maybe(const std::optional<absl::Time>& time,
           Timestamp* (Message::*field)(), Message* out) {
  if (time) rpc::ToProto(*time, (out->*field)());
}

v1::Departure::Fate ToProto(domain::KeyFate fate) {
  switch (fate) {
    case domain::KeyFate::kRevoke: return v1::Departure::REVOKE;
    case domain::KeyFate::kRotate: return v1::Departure::ROTATE;
    case domain::KeyFate::kNone: return v1::Departure::NONE;
  }
  return v1::Departure::FATE_UNSPECIFIED;
}

domain::KeyFate FateFromProto(v1::Departure::Fate fate) {
  switch (fate) {
    case v1::Departure::REVOKE: return domain::KeyFate::kRevoke;
    case v1::Departure::ROTATE: return domain::KeyFate::kRotate;
    default: return domain::KeyFate::kNone;
  }
}

v1::Exposure::Kind ToProto(domain::ExposureKind kind) {
  switch (kind) {
    case domain::ExposureKind::kCreated: return v1::Exposure::CREATED;
    case domain::ExposureKind::kCouldSign: return v1::Exposure::COULD_SIGN;
    case domain::ExposureKind::kCouldRestore:
      return v1::Exposure::COULD_RESTORE;
    case domain::ExposureKind::kOwned: return v1::Exposure::OWNED;
    case domain::ExposureKind::kCouldRead: return v1::Exposure::COULD_READ;
    case domain::ExposureKind::kHeld: return v1::Exposure::HELD;
  }
  return v1::Exposure::KIND_UNSPECIFIED;
}

absl::StatusOr<domain::ExposureKind> KindFromProto(v1::Exposure::Kind kind) {
  switch (kind) {
    case v1::Exposure::KIND_UNSPECIFIED:
    case v1::Exposure::HELD: return domain::ExposureKind::kHeld;
    case v1::Exposure::CREATED: return domain::ExposureKind::kCreated;
    case v1::Exposure::COULD_SIGN: return domain::ExposureKind::kCouldSign;
    case v1::Exposure::COULD_RESTORE:
      return domain::ExposureKind::kCouldRestore;
    case v1::Exposure::OWNED: return domain::ExposureKind::kOwned;
    case v1::Exposure::COULD_READ: return domain::ExposureKind::kCouldRead;
    default: break;
  }
  return FieldError("exposure.kind", absl::StrCat(static_cast<int>(kind),
                                                  " is not a known kind"));
}

// What Exposure and Custody have in common.
template <typename Message, typename Fact>
absl::Status TimesFromProto(absl::string_view field, const Message& wire,
                            Fact* out) {
  if (!wire.has_from_time()) {
    return FieldError(absl::StrCat(field, ".from_time"), "is missing");
  }
  ASSIGN_OR_RETURN(out->from, FromProto(absl::StrCat(field, ".from_time"),
                                        wire.from_time()));
  if (wire.has_until_time()) {
    ASSIGN_OR_RETURN(out->until, FromProto(absl::StrCat(field, ".until_time"),
                                           wire.until_time()));
  }
  out->person = wire.person();
  out->note = wire.note();
  return absl::OkStatus();
}

}  // namespace

void ToProto(const domain::Owner& owner, v1::Owner* out) {
  out->set_name(OwnerName(owner.id));
  out->set_kind(owner.kind == domain::OwnerKind::kPerson ? v1::Owner::PERSON
                                                         : v1::Owner::TEAM);
  for (const OwnerId& member : owner.members) {
    out->add_members(OwnerName(member));
  }
  out->set_display_name(owner.display_name);
  out->set_contact(owner.contact);
  out->set_external_id(owner.external_id);
  if (!owner.deputy.empty()) out->set_deputy(OwnerName(owner.deputy));
  out->set_state(owner.state == domain::OwnerState::kActive
                     ? v1::Owner::ACTIVE
                     : v1::Owner::DEPARTED);
  Maybe(owner.depart_time, &v1::Owner::mutable_depart_time, out);
  if (owner.kind == domain::OwnerKind::kPerson) {
    ToProto(owner.confirm_time, out->mutable_confirm_time());
  }
  Maybe(owner.overdue_time, &v1::Owner::mutable_overdue_time, out);
  Maybe(owner.suspend_time, &v1::Owner::mutable_suspend_time, out);
  ToProto(owner.create_time, out->mutable_create_time());
  ToProto(owner.update_time, out->mutable_update_time());
  out->set_etag(app::EtagOf(owner.rev));
}

void ToProto(const domain::Departure& departure, v1::Departure* out) {
  out->set_owner(OwnerName(departure.owner));
  ToProto(departure.instant, out->mutable_instant());
  ToProto(departure.report_time, out->mutable_report_time());
  out->set_reported_by(departure.reported_by);
  out->set_released_by(departure.released_by);
  out->set_source(departure.source);
  out->set_time_zone(departure.time_zone);
  out->set_done(departure.done);
  Maybe(departure.effect_time, &v1::Departure::mutable_effect_time, out);
  for (const domain::IssuerOutcome& outcome : departure.issuers) {
    auto* issuer = out->add_issuers();
    issuer->set_issuer(IssuerName(outcome.issuer));
    if (!outcome.owner.empty()) issuer->set_owner(OwnerName(outcome.owner));
    issuer->set_orphaned(outcome.orphaned);
    issuer->set_without_deputy(outcome.without_deputy);
    issuer->set_successor_unannounced(outcome.successor_unannounced);
    Maybe(outcome.noticed_by, &v1::Departure::IssuerOutcome::mutable_noticed_by,
          issuer);
    for (const domain::KeyOutcome& key : outcome.keys) {
      auto* wire = issuer->add_keys();
      wire->set_key(KeyName(key.issuer, key.key));
      wire->set_fate(ToProto(key.fate));
      wire->set_why(key.why);
      if (!key.successor.empty()) {
        wire->set_successor(KeyName(key.issuer, key.successor));
      }
      Maybe(key.tokens_until, &v1::Departure::KeyOutcome::mutable_tokens_until,
            wire);
      wire->set_live_tokens(key.live_tokens);
      wire->set_more_live_tokens(key.more_live_tokens);
    }
    for (const KeyId& successor : outcome.successors) {
      issuer->add_successors(KeyName(outcome.issuer, successor));
    }
  }
  for (const std::string& change : departure.changes) out->add_changes(change);
  for (const domain::LateAct& act : departure.late) {
    auto* wire = out->add_late_acts();
    wire->set_sequence(act.sequence);
    ToProto(act.time, wire->mutable_time());
    wire->set_action(act.action);
    wire->set_resource(act.resource);
  }
  out->set_late_act_count(departure.late_count);
}

absl::StatusOr<std::vector<domain::IssuerOutcome>> PlanFromProto(
    const v1::Departure& plan) {
  std::vector<domain::IssuerOutcome> outcomes;
  for (const auto& wire : plan.issuers()) {
    domain::IssuerOutcome outcome;
    ASSIGN_OR_RETURN(outcome.issuer,
                     ParseIssuerName("plan.issuers.issuer", wire.issuer()));
    if (!wire.owner().empty()) {
      ASSIGN_OR_RETURN(outcome.owner,
                       ParseOwnerName("plan.issuers.owner", wire.owner()));
    }
    outcome.orphaned = wire.orphaned();
    for (const auto& key : wire.keys()) {
      ASSIGN_OR_RETURN(const auto name,
                       ParseKeyName("plan.issuers.keys.key", key.key()));
      outcome.keys.push_back({.issuer = name.first,
                              .key = name.second,
                              .fate = FateFromProto(key.fate()),
                              .why = key.why(),
                              .successor = KeyId(),
                              .tokens_until = std::nullopt});
    }
    for (const std::string& successor : wire.successors()) {
      ASSIGN_OR_RETURN(const auto name,
                       ParseKeyName("plan.issuers.successors", successor));
      outcome.successors.push_back(name.second);
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

absl::StatusOr<absl::Time> FromProto(const v1::LastDay& day) {
  return EndOfDay(day.date(), day.time_zone());
}

void ToProto(const domain::Exposure& exposure, v1::Exposure* out) {
  out->set_key(KeyName(exposure.issuer, exposure.key));
  out->set_person(exposure.person);
  out->set_kind(ToProto(exposure.kind));
  ToProto(exposure.from, out->mutable_from_time());
  Maybe(exposure.until, &v1::Exposure::mutable_until_time, out);
  out->set_declared_by(exposure.declared_by);
  out->set_note(exposure.note);
}

void ToProto(const domain::Custody& custody, v1::Custody* out) {
  out->set_person(custody.person);
  out->set_kind(custody.kind == domain::CustodyKind::kStore
                    ? v1::Custody::STORE
                    : v1::Custody::KEY_ENCRYPTION_KEY);
  ToProto(custody.from, out->mutable_from_time());
  Maybe(custody.until, &v1::Custody::mutable_until_time, out);
  out->set_declared_by(custody.declared_by);
  out->set_note(custody.note);
}

absl::StatusOr<domain::Exposure> FromProto(const v1::Exposure& wire) {
  domain::Exposure exposure;
  ASSIGN_OR_RETURN(const auto key, ParseKeyName("exposure.key", wire.key()));
  exposure.issuer = key.first;
  exposure.key = key.second;
  ASSIGN_OR_RETURN(exposure.kind, KindFromProto(wire.kind()));
  RETURN_IF_ERROR(TimesFromProto("exposure", wire, &exposure));
  return exposure;
}

absl::StatusOr<domain::Custody> FromProto(const v1::Custody& wire) {
  domain::Custody custody;
  switch (wire.kind()) {
    case v1::Custody::STORE: custody.kind = domain::CustodyKind::kStore; break;
    case v1::Custody::KEY_ENCRYPTION_KEY:
      custody.kind = domain::CustodyKind::kKeyEncryptionKey;
      break;
    default:
      return FieldError("custody.kind", "is not STORE or KEY_ENCRYPTION_KEY");
  }
  RETURN_IF_ERROR(TimesFromProto("custody", wire, &custody));
  return custody;
}

}  // namespace warder::rpc
