#include "server/domain/departure.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/strict_json.h"
#include "server/domain/lifecycle.h"

namespace warder::domain {
namespace {

// Passes the issuer on, or marks it orphaned.
void Succeed(IssuerDraft& draft, const OwnerId& leaver, const Actor& actor,
             absl::Time now, IssuerOutcome& outcome) {
  std::erase_if(draft.deputies,
                [&](const Deputy& d) { return d.id == leaver; });
  std::erase(draft.issuer.deputies, leaver);
  // Before anything is promoted: no successor is his to sign with.
  std::erase_if(draft.issuer.grants, [&](const Grant& grant) {
    return grant.signer == leaver.value();
  });
  draft.changes.issuer = true;
  draft.changes.deputies = true;
  if (draft.issuer.owner == leaver &&
      draft.issuer.state == IssuerState::kActive) {
    const auto heir =
        std::find_if(draft.deputies.begin(), draft.deputies.end(),
                     [](const Deputy& deputy) { return deputy.active; });
    if (heir == draft.deputies.end()) {
      draft.issuer.state = IssuerState::kOrphaned;
      outcome.orphaned = true;
      draft.Record(actor, "issuer.orphaned", IssuerName(draft.issuer.id),
                   WriteJson({{"last_owner", OwnerName(leaver)}}), now);
    } else {
      const OwnerId owner = heir->id;
      draft.deputies.erase(heir);
      std::erase(draft.issuer.deputies, owner);
      draft.issuer.owner = owner;
      draft.Record(
          actor, "issuer.handed_over", IssuerName(draft.issuer.id),
          WriteJson({{"from", OwnerName(leaver)}, {"to", OwnerName(owner)}}),
          now);
    }
  }
  const bool has_deputy =
      std::any_of(draft.deputies.begin(), draft.deputies.end(),
                  [](const Deputy& deputy) { return deputy.active; });
  if (!has_deputy && !draft.issuer.deputy_vacant) {
    draft.issuer.deputy_vacant = true;
    draft.Record(actor, "issuer.without_deputy", IssuerName(draft.issuer.id),
                 "", now);
  }
  outcome.without_deputy = !has_deputy;
  if (draft.issuer.state == IssuerState::kActive) {
    outcome.owner = draft.issuer.owner;
  }
}

}  // namespace

IssuerOutcome Depart(IssuerDraft& draft, const OwnerId& leaver,
                     const Actor& actor, absl::Time now) {
  IssuerOutcome outcome;
  outcome.issuer = draft.issuer.id;
  const std::vector<KeyId> before = PublishedKeys(draft);

  std::vector<KeyId> revoked;
  std::vector<Algorithm> rotated;
  for (const Key& key : draft.keys) {
    if (key.state == KeyState::kRevoked) continue;
    bool owned = key.owner == leaver;
    bool touched = false;
    for (const Exposure& e : draft.exposures) {
      if (e.key != key.id || e.person != leaver.value()) continue;
      touched = true;
      owned = owned || e.kind == ExposureKind::kOwned;
    }
    if (!owned && !touched) continue;
    KeyOutcome fate{
        .issuer = key.issuer, .key = key.id, .fate = KeyFate::kNone, .why = ""};
    if (owned) {
      fate.fate = KeyFate::kRevoke;
      fate.why = absl::StrCat("owned by ", leaver.value());
    } else if (key.state == KeyState::kActive) {
      fate.fate = KeyFate::kRotate;
      fate.why = absl::StrCat(leaver.value(),
                              " could use it through the service only");
    } else if (key.state == KeyState::kPending ||
               key.state == KeyState::kSuspended) {
      fate.fate = KeyFate::kRevoke;
      fate.why = absl::StrCat(leaver.value(),
                              " asked for it; no token of it "
                              "is alive");
    } else {
      fate.why = "its private half is destroyed and he never held it";
    }
    if (fate.fate == KeyFate::kRevoke) revoked.push_back(key.id);
    if (fate.fate == KeyFate::kRotate) rotated.push_back(key.algorithm);
    outcome.keys.push_back(std::move(fate));
  }

  Succeed(draft, leaver, actor, now, outcome);
  RevokeKeys(draft, revoked, RevocationReason::kOwnerDeparted, actor, now);
  for (const Algorithm algorithm : rotated) {
    const Key* active = draft.Find(algorithm, KeyState::kActive);
    if (active == nullptr) continue;
    const KeyId id = active->id;
    // Where no successor can stand beside the old key, the old key ends.
    if (!Rotate(draft, algorithm, /*immediate=*/true, SystemActor(), now)
             .ok()) {
      RevokeKeys(draft, {id}, RevocationReason::kOwnerDeparted, actor, now);
    }
  }
  if (draft.issuer.state == IssuerState::kOrphaned) {
    for (const Spare& spare : draft.spares) {
      draft.changes.spent_spares.push_back(spare.id);
    }
    draft.spares.clear();
    // Keys of former owners' successors would be left without an owner too.
    std::vector<KeyId> living;
    for (const Key& key : draft.keys) {
      if (IsLiving(key.state)) living.push_back(key.id);
    }
    RevokeKeys(draft, living, RevocationReason::kOwnerDeparted, actor, now);
  }
  for (const Key& key : draft.keys) {
    if (key.state == KeyState::kActive && key.activate_time == now) {
      outcome.successors.push_back(key.id);
    }
  }
  Finish(draft, before, now);
  return outcome;
}

}  // namespace warder::domain
