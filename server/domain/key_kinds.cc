#include "server/domain/key_kinds.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/domain/exposure.h"
#include "server/domain/succession.h"
#include "server/domain/transitions.h"

namespace warder::domain {
namespace {

absl::Status CheckLease(absl::Duration lease) {
  if (lease >= kShortestLease && lease <= kLongestLease) {
    return absl::OkStatus();
  }
  return FieldError(
      "lease",
      absl::StrCat(DurationText(lease), "; from ", DurationText(kShortestLease),
                   " to ", DurationText(kLongestLease), " is taken"));
}

absl::Time LeaseEnd(const IssuerDraft& draft, const Key& key,
                    absl::Duration lease, absl::Time now) {
  return std::min(now + lease,
                  *key.activate_time + draft.issuer.policy.max_key_age);
}

// `signer`: of an external key, else "".
absl::Status CheckNew(const IssuerDraft& draft, const KeyId& id,
                      Algorithm algorithm, const std::string& signer) {
  if (draft.issuer.state == IssuerState::kOrphaned) {
    return Precondition(Reason::kIssuerOrphaned,
                        absl::StrCat(IssuerName(draft.issuer.id),
                                     " has no living owner; name one with "
                                     "UpdateIssuer first"));
  }
  if (!Listed(draft.issuer.policy, algorithm)) {
    return FieldError("algorithm", absl::StrCat(IssuerName(draft.issuer.id),
                                                " does not sign with ",
                                                AlgorithmName(algorithm)));
  }
  if (draft.Find(id) != nullptr) {
    return Error(
        absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
        absl::StrCat(KeyName(draft.issuer.id, id), " is there already"));
  }
  int foreign = 0, his = 0;
  for (const Key& key : draft.keys) {
    if (key.kind == KeyKind::kManaged || !IsLiving(key.state)) continue;
    ++foreign;
    his += !signer.empty() && key.signer == signer ? 1 : 0;
  }
  if (foreign >= kMostForeignKeys || his >= kMostKeysOfSigner) {
    return Precondition(
        Reason::kTooManyPublishedKeys,
        absl::StrCat(IssuerName(draft.issuer.id), " publishes ", foreign,
                     " keys that are not Warder's own, ", his, " of them of \"",
                     signer, "\"; at most ", kMostForeignKeys, " and ",
                     kMostKeysOfSigner,
                     " have room beside its own. Wait until one has left the "
                     "set, or revoke one"));
  }
  return draft.PublishedCount() >= kMaxPublishedKeys ? TooMany(draft)
                                                     : absl::OkStatus();
}

// Publishes it. `key` lacks what is the same for every new one.
Key& Publish(IssuerDraft& draft, Key key, absl::Time now) {
  key.issuer = draft.issuer.id;
  key.owner = AccountableFor(draft);
  key.create_time = key.publish_time = now;
  draft.keys.push_back(std::move(key));
  Key& placed = draft.keys.back();
  draft.changes.issuer = true;
  draft.changes.inserted.push_back(placed.id);
  Expose(draft, placed, placed.owner.value(), ExposureKind::kOwned, now);
  return placed;
}

}  // namespace

absl::Status Register(IssuerDraft& draft, const ExternalKey& external,
                      const Actor& actor, absl::Time now) {
  RETURN_IF_ERROR(CheckLease(external.lease));
  RETURN_IF_ERROR(
      CheckNew(draft, external.id, external.algorithm, external.signer));
  Key key;
  key.id = external.id;
  key.algorithm = external.algorithm;
  key.kind = KeyKind::kExternal;
  key.signer = external.signer;
  key.public_jwk = external.public_jwk;
  key.activate_time =
      external.immediate ? now : now + draft.issuer.policy.publish_ahead;
  key.lease_time = LeaseEnd(draft, key, external.lease, now);
  Key& placed = Publish(draft, std::move(key), now);
  RecordKey(draft, placed, "key.registered", actor, now,
            {{"signer", external.signer}});
  if (external.immediate) Activate(draft, placed, actor, now);
  return absl::OkStatus();
}

absl::Status RenewLease(IssuerDraft& draft, const KeyId& id,
                        const std::string& signer, absl::Duration lease,
                        absl::Time now) {
  Key* key = draft.Find(id);
  if (key == nullptr || key->kind != KeyKind::kExternal ||
      key->signer != signer) {
    return NotFound(KeyName(draft.issuer.id, id));
  }
  RETURN_IF_ERROR(CheckLease(lease));
  if (key->state != KeyState::kPending && key->state != KeyState::kActive) {
    return WrongState(*key, "register a new one");
  }
  const absl::Time until = LeaseEnd(draft, *key, lease, now);
  if (until <= now) {
    return WrongState(*key,
                      "it is as old as the policy lets keys be; register a new "
                      "one");
  }
  key->lease_time = until;
  draft.Touch(*key);
  return absl::OkStatus();
}

absl::Status Plant(IssuerDraft& draft, const HoneyKey& honey,
                   const Actor& actor, absl::Time now) {
  if (honey.place.empty() || honey.place.size() > kLongestPlace) {
    return FieldError("place", absl::StrCat(honey.place.size(), " bytes; 1 to ",
                                            kLongestPlace, " are taken"));
  }
  RETURN_IF_ERROR(CheckNew(draft, honey.id, honey.algorithm, ""));
  Key key;
  key.id = honey.id;
  key.algorithm = honey.algorithm;
  key.kind = KeyKind::kHoney;
  key.place = honey.place;
  key.public_jwk = honey.public_jwk;
  const Key& placed = Publish(draft, std::move(key), now);
  RecordKey(draft, placed, "key.planted", actor, now, {{"place", honey.place}});
  return absl::OkStatus();
}

}  // namespace warder::domain
