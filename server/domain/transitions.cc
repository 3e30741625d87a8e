#include "server/domain/transitions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/exposure.h"
#include "server/domain/lifecycle.h"
#include "server/domain/succession.h"

namespace warder::domain {

void RecordKey(IssuerDraft& draft, const Key& key, absl::string_view action,
               const Actor& actor, absl::Time now,
               std::vector<JsonMember> detail) {
  detail.push_back({"algorithm", AlgorithmName(key.algorithm)});
  const std::string owner = OwnerName(key.owner);
  detail.push_back({"owner", owner});
  draft.Record(actor, action, KeyName(key.issuer, key.id),
               WriteJsonMembers(detail), now);
}

Key& PublishSpare(IssuerDraft& draft, Algorithm algorithm,
                  absl::Time activate_time, const Actor& actor,
                  absl::Time now) {
  const auto spare =
      std::find_if(draft.spares.begin(), draft.spares.end(),
                   [&](const Spare& s) { return s.algorithm == algorithm; });
  Key key;
  key.issuer = draft.issuer.id;
  key.id = spare->id;
  key.algorithm = algorithm;
  key.state = KeyState::kPending;
  key.owner = AccountableFor(draft);
  key.public_jwk = spare->public_jwk;
  key.sealed = spare->sealed;
  key.create_time = spare->create_time;
  key.publish_time = now;
  key.activate_time = activate_time;
  const auto unsaved = std::find_if(
      draft.changes.new_spares.begin(), draft.changes.new_spares.end(),
      [&](const Spare& s) { return s.id == key.id; });
  if (unsaved != draft.changes.new_spares.end()) {
    draft.changes.new_spares.erase(unsaved);
  } else {
    draft.changes.spent_spares.push_back(spare->id);
  }
  draft.spares.erase(spare);
  draft.keys.push_back(std::move(key));
  Key& placed = draft.keys.back();
  draft.changes.issuer = true;
  draft.changes.inserted.push_back(placed.id);
  Expose(draft, placed, placed.owner.value(), ExposureKind::kOwned, now);
  Expose(draft, placed, actor.person, ExposureKind::kCreated, now, now);
  RecordKey(draft, placed, "key.published", actor, now);
  return placed;
}

void Activate(IssuerDraft& draft, Key& key, const Actor& actor,
              absl::Time now) {
  key.state = KeyState::kActive;
  key.activate_time = now;
  draft.Touch(key);
  if (key.kind == KeyKind::kManaged) ExposeSigners(draft, key, now);
  RecordKey(draft, key, "key.activated", actor, now);
}

void StopSigning(IssuerDraft& draft, Key& key, const Actor& actor,
                 absl::Time now) {
  key.state = KeyState::kRetiring;
  key.sealed.clear();
  key.retire_time = now;
  key.until_time = now + draft.issuer.policy.verify_grace;
  draft.Touch(key);
  EndExposures(draft, key, now);
  RecordKey(draft, key, "key.retiring", actor, now,
            {{"until", TimeText(*key.until_time)}});
}

void Retire(IssuerDraft& draft, Key& key, absl::Time now) {
  if (key.drain_time) {
    RevokeKeys(draft, {key.id}, RevocationReason::kCompromised, SystemActor(),
               now);
    return;
  }
  key.state = KeyState::kRetired;
  key.until_time = now;
  draft.Touch(key);
  RecordKey(draft, key, "key.retired", SystemActor(), now);
}

namespace {

// What is drained goes last: its honest tokens are to live.
bool GoesBefore(const Key& a, const Key& b) {
  if (a.drain_time.has_value() != b.drain_time.has_value()) {
    return b.drain_time.has_value();
  }
  return a.until_time < b.until_time;
}

}  // namespace

void MakeRoom(IssuerDraft& draft, absl::Time now) {
  while (draft.PublishedCount() >= kMaxPublishedKeys) {
    Key* oldest = nullptr;
    for (Key& key : draft.keys) {
      if (key.state == KeyState::kRetiring &&
          (oldest == nullptr || GoesBefore(key, *oldest))) {
        oldest = &key;
      }
    }
    if (oldest == nullptr) return;
    Retire(draft, *oldest, now);
  }
}

Key* PromoteSuccessor(IssuerDraft& draft, Algorithm algorithm,
                      const Actor& actor, absl::Time now) {
  if (draft.issuer.state == IssuerState::kOrphaned) return nullptr;
  Key* successor = draft.Find(algorithm, KeyState::kPending);
  if (successor == nullptr && draft.FindSpare(algorithm) != nullptr) {
    MakeRoom(draft, now);
    successor = &PublishSpare(draft, algorithm, now, SystemActor(), now);
  }
  if (successor == nullptr) {
    draft.Record(actor, "issuer.unable_to_sign", IssuerName(draft.issuer.id),
                 WriteJson({{"algorithm", AlgorithmName(algorithm)}}), now);
    return nullptr;
  }
  Activate(draft, *successor, actor, now);
  return successor;
}

bool Listed(const Policy& policy, Algorithm algorithm) {
  return std::find(policy.algorithms.begin(), policy.algorithms.end(),
                   algorithm) != policy.algorithms.end();
}

absl::Status TooMany(const IssuerDraft& draft) {
  return Precondition(
      Reason::kTooManyPublishedKeys,
      absl::StrCat(IssuerName(draft.issuer.id), " publishes ",
                   draft.PublishedCount(),
                   " keys already, and some verifiers "
                   "keep no more than ",
                   kMaxPublishedKeys,
                   "; wait until a RETIRING key has left the set, or revoke "
                   "one that is not needed"));
}

absl::Status WrongState(const Key& key, absl::string_view only) {
  const absl::Time since = key.revoke_time    ? *key.revoke_time
                           : key.suspend_time ? *key.suspend_time
                           : key.until_time   ? *key.until_time
                                              : key.publish_time;
  return Precondition(
      Reason::kWrongState,
      absl::StrCat(KeyName(key.issuer, key.id), " is ", KeyStateName(key.state),
                   " since ", TimeText(since), "; ", only));
}

}  // namespace warder::domain
