#include "server/domain/lifecycle.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/exposure.h"
#include "server/domain/schedule.h"
#include "server/domain/succession.h"
#include "server/domain/transitions.h"

namespace warder::domain {
namespace {

// Publishes a successor for a departure to come. A PENDING key that the leaver
// had to do with would end with him, and has to make room.
bool Prepare(IssuerDraft& draft, const DueAction& due, absl::Time now) {
  if (draft.FindSpare(due.algorithm) == nullptr) return false;
  if (due.key.empty()) {
    if (draft.PublishedCount() >= kMaxPublishedKeys) return false;
  } else {
    RevokeKeys(draft, {due.key}, RevocationReason::kSuperseded, SystemActor(),
               now);
  }
  return Stage(draft, due.algorithm, std::max(due.cut, now), SystemActor(), now)
      .ok();
}

// Whether its signer may still have keys of its own.
bool MayBeKept(const Issuer& issuer, const Key& key) {
  return key.kind != KeyKind::kExternal ||
         std::any_of(issuer.grants.begin(), issuer.grants.end(),
                     [&](const Grant& grant) {
                       return grant.external_keys && grant.signer == key.signer;
                     });
}

absl::StatusOr<Key*> GetKey(IssuerDraft& draft, const KeyId& id) {
  Key* key = draft.Find(id);
  if (key == nullptr) return NotFound(KeyName(draft.issuer.id, id));
  return key;
}

}  // namespace

absl::StatusOr<KeyId> Stage(IssuerDraft& draft, Algorithm algorithm,
                            absl::Time activate_time, const Actor& actor,
                            absl::Time now) {
  if (draft.issuer.state == IssuerState::kOrphaned) {
    return Precondition(Reason::kIssuerOrphaned,
                        absl::StrCat(IssuerName(draft.issuer.id),
                                     " has no living owner; name one with "
                                     "UpdateIssuer first"));
  }
  if (const Key* pending = draft.Find(algorithm, KeyState::kPending)) {
    return WrongState(*pending,
                      absl::StrCat("one PENDING ", AlgorithmName(algorithm),
                                   " key at a time; rotate to it or "
                                   "revoke it"));
  }
  if (draft.PublishedCount() >= kMaxPublishedKeys) return TooMany(draft);
  if (draft.FindSpare(algorithm) == nullptr) {
    return Error(absl::StatusCode::kUnavailable, Reason::kVaultUnavailable,
                 absl::StrCat("no sealed ", AlgorithmName(algorithm),
                              " spare is ready for ",
                              IssuerName(draft.issuer.id), "; retry"));
  }
  return PublishSpare(draft, algorithm, activate_time, actor, now).id;
}

absl::StatusOr<KeyId> Rotate(IssuerDraft& draft, Algorithm algorithm,
                             bool immediate, const Actor& actor,
                             absl::Time now) {
  const absl::Duration ahead = draft.issuer.policy.publish_ahead;
  Key* pending = draft.Find(algorithm, KeyState::kPending);
  KeyId successor_id;
  if (pending == nullptr) {
    ASSIGN_OR_RETURN(successor_id,
                     Stage(draft, algorithm, now + ahead, actor, now));
  } else {
    successor_id = pending->id;
  }
  Key* successor = draft.Find(successor_id);
  const absl::Time ready = successor->publish_time + ahead;
  if (!immediate && ready > now) {
    successor->activate_time = ready;
    draft.Touch(*successor);
    RecordKey(draft, *successor, "key.rotation_planned", actor, now,
              {{"activates", TimeText(ready)}});
    return successor_id;
  }
  if (Key* active = draft.Find(algorithm, KeyState::kActive)) {
    StopSigning(draft, *active, actor, now);
  }
  Activate(draft, *draft.Find(successor_id), actor, now);
  return successor_id;
}

void RevokeKeys(IssuerDraft& draft, const std::vector<KeyId>& keys,
                RevocationReason reason, const Actor& actor, absl::Time now) {
  std::set<Algorithm> lost_signer;
  for (const KeyId& id : keys) {
    Key* key = draft.Find(id);
    if (key == nullptr || key->state == KeyState::kRevoked) continue;
    const KeyState from = key->state;
    if (from == KeyState::kActive && key->kind == KeyKind::kManaged) {
      lost_signer.insert(key->algorithm);
    }
    key->state = KeyState::kRevoked;
    if (!key->sealed.empty()) {
      draft.changes.destroyed.push_back({.key = id,
                                         .algorithm = key->algorithm,
                                         .sealed = std::move(key->sealed)});
    }
    key->sealed.clear();
    key->revoke_time = now;
    key->reason = reason;
    key->revoked_by = actor.principal;
    draft.Touch(*key);
    EndExposures(draft, *key, now);
    RecordKey(draft, *key, "key.revoked", actor, now,
              {{"from", KeyStateName(from)},
               {"reason", RevocationReasonName(reason)}});
  }
  for (const Algorithm algorithm : lost_signer) {
    if (Listed(draft.issuer.policy, algorithm)) {
      PromoteSuccessor(draft, algorithm, actor, now);
    }
  }
}

absl::Status Revoke(IssuerDraft& draft, const KeyId& id,
                    RevocationReason reason, const Actor& actor,
                    absl::Time now) {
  ASSIGN_OR_RETURN(const Key* key, GetKey(draft, id));
  if (key->state == KeyState::kRevoked) return absl::OkStatus();
  std::vector<KeyId> ending = {id};
  if (reason == RevocationReason::kCompromised ||
      reason == RevocationReason::kOwnerDeparted) {
    for (const KeyId& other : SuccessorsExposedWith(draft, *key)) {
      ending.push_back(other);
    }
  }
  RevokeKeys(draft, ending, reason, actor, now);
  return absl::OkStatus();
}

absl::Status Suspend(IssuerDraft& draft, const KeyId& id, const Actor& actor,
                     absl::Time now) {
  ASSIGN_OR_RETURN(Key * key, GetKey(draft, id));
  if (key->state == KeyState::kSuspended) return absl::OkStatus();
  if (!IsPublished(key->state)) {
    return WrongState(*key, "only published keys are suspended");
  }
  const KeyState from = key->state;
  key->suspended_from = from;
  key->state = KeyState::kSuspended;
  key->suspend_time = now;
  key->suspended_by = actor.person.empty() ? actor.principal : actor.person;
  draft.Touch(*key);
  RecordKey(draft, *key, "key.suspended", actor, now,
            {{"from", KeyStateName(from)}});
  if (from == KeyState::kActive && key->kind == KeyKind::kManaged &&
      Listed(draft.issuer.policy, key->algorithm)) {
    const Algorithm algorithm = key->algorithm;
    if (PromoteSuccessor(draft, algorithm, actor, now) != nullptr) {
      key = draft.Find(id);  // PromoteSuccessor may have moved the keys
      key->sealed.clear();
      key->retire_time = now;
      EndExposures(draft, *key, now);
    }
  }
  return absl::OkStatus();
}

absl::Status Resume(IssuerDraft& draft, const KeyId& id, const Actor& actor,
                    absl::Time now) {
  ASSIGN_OR_RETURN(Key * key, GetKey(draft, id));
  if (key->state != KeyState::kSuspended) {
    return WrongState(*key, "only SUSPENDED keys resume");
  }
  // Handing the issuer over first does not make it somebody else's key.
  const bool owned = actor.person == key->owner.value() ||
                     std::any_of(draft.exposures.begin(), draft.exposures.end(),
                                 [&](const Exposure& e) {
                                   return e.key == id &&
                                          e.kind == ExposureKind::kOwned &&
                                          e.person == actor.person;
                                 });
  if (owned || actor.person == key->suspended_by) {
    return Error(
        absl::StatusCode::kPermissionDenied, Reason::kTwoPeopleRequired,
        absl::StrCat(actor.person, owned ? " owns or owned " : " suspended ",
                     KeyName(key->issuer, key->id),
                     "; restoring trust takes somebody else of role security"));
  }
  const Policy& policy = draft.issuer.policy;
  KeyState to = KeyState::kPending;
  const bool managed = key->kind == KeyKind::kManaged;
  if (key->suspended_from != KeyState::kPending) {
    const bool can_sign =
        managed
            ? !key->sealed.empty() &&
                  draft.Find(key->algorithm, KeyState::kActive) == nullptr &&
                  now < *key->activate_time + policy.max_key_age
            : key->suspended_from == KeyState::kActive &&
                  now < *key->lease_time;
    if (can_sign) {
      to = KeyState::kActive;
    } else {
      if (!key->retire_time) key->retire_time = *key->suspend_time;
      if (!key->until_time)
        key->until_time = *key->retire_time + policy.verify_grace;
      to = now < *key->until_time ? KeyState::kRetiring : KeyState::kRetired;
      key->sealed.clear();
    }
  } else if (!Listed(policy, key->algorithm)) {
    return WrongState(*key,
                      "its algorithm has left the policy, so it would "
                      "never sign; revoke it");
  } else if (managed &&
             draft.Find(key->algorithm, KeyState::kPending) != nullptr) {
    return WrongState(*key,
                      absl::StrCat("a PENDING ", AlgorithmName(key->algorithm),
                                   " key has taken its place; revoke one "
                                   "of them"));
  }
  if (to == KeyState::kRetired && key->drain_time) {
    Retire(draft, *key, now);
    return absl::OkStatus();
  }
  if (to != KeyState::kRetired && draft.PublishedCount() >= kMaxPublishedKeys) {
    return TooMany(draft);
  }
  key->state = to;
  key->suspend_time.reset();
  key->suspended_by.clear();
  if (to == KeyState::kPending) {
    key->publish_time = now;
    if (key->activate_time) {
      key->activate_time =
          std::max(*key->activate_time, now + policy.publish_ahead);
    }
  }
  draft.Touch(*key);
  RecordKey(draft, *key, "key.resumed", actor, now, {{"to", KeyStateName(to)}});
  return absl::OkStatus();
}

bool PrepareForCuts(IssuerDraft& draft, absl::Time now) {
  bool any = false;
  for (const DueAction& action : Preparations(draft)) {
    any = Prepare(draft, action, now) || any;
  }
  return any;
}

void MovePrepared(IssuerDraft& draft, absl::Time from,
                  std::optional<absl::Time> to) {
  for (Key& key : draft.keys) {
    if (key.kind != KeyKind::kManaged || key.state != KeyState::kPending ||
        key.activate_time != from) {
      continue;
    }
    const Key* active = draft.Find(key.algorithm, KeyState::kActive);
    if (!to && active == nullptr) continue;
    key.activate_time =
        to ? *to : *active->activate_time + draft.issuer.policy.rotation_period;
    draft.Touch(key);
  }
}

bool ApplyDue(IssuerDraft& draft, absl::Time now) {
  const Actor actor = SystemActor();
  bool any = false;
  for (const DueAction& due : DueActions(draft, now)) {
    switch (due.kind) {
      case DueKind::kRetire:
        Retire(draft, *draft.Find(due.key), now);
        any = true;
        break;
      case DueKind::kLeaseEnd: {
        Key& key = *draft.Find(due.key);
        if (key.state == KeyState::kPending) {
          Retire(draft, key, now);
        } else {
          StopSigning(draft, key, actor, now);
        }
        any = true;
        break;
      }
      case DueKind::kBegin:
        if (draft.Find(due.key)->state == KeyState::kPending) {
          Activate(draft, *draft.Find(due.key), actor, now);
          any = true;
        }
        break;
      case DueKind::kStage:
        if (Stage(draft, due.algorithm, now + draft.issuer.policy.publish_ahead,
                  actor, now)
                .ok()) {
          any = true;
        }
        break;
      case DueKind::kPrepare: any = Prepare(draft, due, now) || any; break;
      case DueKind::kActivate:
        if (Key* active = draft.Find(due.algorithm, KeyState::kActive)) {
          StopSigning(draft, *active, actor, now);
        }
        Activate(draft, *draft.Find(due.key), actor, now);
        any = true;
        break;
      case DueKind::kReplace: {
        const Key* active = draft.Find(due.algorithm, KeyState::kActive);
        if (active != nullptr) {
          if (draft.Find(due.algorithm, KeyState::kPending) == nullptr) {
            MakeRoom(draft, now);
          }
          StopSigning(draft, *draft.Find(due.algorithm, KeyState::kActive),
                      actor, now);
          any = true;
        } else if (draft.Find(due.algorithm, KeyState::kPending) == nullptr &&
                   draft.FindSpare(due.algorithm) == nullptr) {
          break;  // said when the signer was lost; the spare comes first
        }
        any = PromoteSuccessor(draft, due.algorithm, actor, now) != nullptr ||
              any;
        break;
      }
      case DueKind::kRefillSpare:
        break;  // the caller generates; see app/rotation_loop.h
    }
  }
  return any;
}

absl::Status ApplyPolicy(IssuerDraft& draft, const Actor& actor,
                         absl::Time now) {
  draft.changes.issuer = true;
  std::vector<KeyId> unused;
  for (Key& key : draft.keys) {
    if (key.kind == KeyKind::kHoney) continue;  // none of them signs
    if (!Listed(draft.issuer.policy, key.algorithm) ||
        !MayBeKept(draft.issuer, key)) {
      if (key.state == KeyState::kActive) {
        StopSigning(draft, key, actor, now);
      } else if (key.state == KeyState::kPending) {
        unused.push_back(key.id);
      }
    } else if (key.state == KeyState::kActive &&
               key.kind == KeyKind::kManaged) {
      ExposeSigners(draft, key, now);
    }
  }
  RevokeKeys(draft, unused, RevocationReason::kSuperseded, actor, now);
  int wanted = draft.PublishedCount();
  for (const Algorithm algorithm : draft.issuer.policy.algorithms) {
    const bool stands = draft.Find(algorithm, KeyState::kActive) != nullptr ||
                        draft.Find(algorithm, KeyState::kPending) != nullptr;
    wanted += stands ? 0 : 1;
  }
  return wanted > kMaxPublishedKeys ? TooMany(draft) : absl::OkStatus();
}

void Finish(IssuerDraft& draft, const std::vector<KeyId>& published_before,
            absl::Time now) {
  if (!draft.changes.any() && !draft.changes.issuer_is_new) return;
  draft.changes.issuer = true;
  if (draft.changes.issuer_is_new || PublishedKeys(draft) != published_before) {
    ++draft.issuer.revision;
    for (Key& key : draft.keys) {
      if (IsPublished(key.state) &&
          std::count(published_before.begin(), published_before.end(),
                     key.id) == 0) {
        key.publish_revision = draft.issuer.revision;
      }
    }
  }
  draft.issuer.update_time = now;
}

std::vector<KeyId> PublishedKeys(const IssuerDraft& draft) {
  std::vector<KeyId> ids;
  for (const Key& key : draft.keys) {
    if (IsPublished(key.state)) ids.push_back(key.id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace warder::domain
