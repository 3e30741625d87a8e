#include "server/domain/departure.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "server/base/strict_json.h"
#include "server/domain/lifecycle.h"
#include "server/domain/succession.h"

namespace warder::domain {
namespace {

// Passes the issuer on, or marks it orphaned.
void Succeed(IssuerDraft& draft, const OwnerId& leaver, const Actor& actor,
             absl::Time now, IssuerOutcome& outcome) {
  const OwnerId heir = Heir(draft, leaver, now);
  const auto drop = [&](const OwnerId& id) {
    std::erase_if(draft.deputies, [&](const Deputy& d) { return d.id == id; });
    std::erase(draft.issuer.deputies, id);
  };
  drop(leaver);
  for (Deputy& deputy : draft.deputies) {
    std::erase_if(deputy.members,
                  [&](const Deputy& d) { return d.id == leaver; });
  }
  // Before anything is promoted: no successor is his to sign with.
  std::erase_if(draft.issuer.grants, [&](const Grant& grant) {
    return grant.signer == leaver.value();
  });
  draft.changes.issuer = true;
  draft.changes.deputies = true;
  if (draft.issuer.owner == leaver &&
      draft.issuer.state == IssuerState::kActive) {
    if (heir.empty()) {
      draft.issuer.state = IssuerState::kOrphaned;
      outcome.orphaned = true;
      draft.Record(actor, "issuer.orphaned", IssuerName(draft.issuer.id),
                   WriteJson({{"last_owner", OwnerName(leaver)}}), now);
    } else {
      drop(heir);
      draft.issuer.owner = heir;
      draft.Record(
          actor, "issuer.handed_over", IssuerName(draft.issuer.id),
          WriteJson({{"from", OwnerName(leaver)}, {"to", OwnerName(heir)}}),
          now);
    }
  }
  const bool has_deputy = HasDeputy(draft, leaver, now);
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

// Why a key has its fate. What follows for its tokens is told by the fate.
std::string Explain(Closeness closeness, const std::string& leaver) {
  switch (closeness) {
    case Closeness::kCopied:
      return absl::StrCat(leaver, " may have a copy of it");
    case Closeness::kOwned: return absl::StrCat("owned by ", leaver);
    default:
      return absl::StrCat(leaver, " could use it through the service only");
  }
}

// When the last token that `key` can have signed expires.
std::optional<absl::Time> TokensUntil(const Policy& policy, const Key& key,
                                      absl::Time now) {
  const bool signed_once = key.state == KeyState::kActive ||
                           key.state == KeyState::kRetiring ||
                           (key.state == KeyState::kSuspended &&
                            key.suspended_from != KeyState::kPending);
  if (!signed_once) return std::nullopt;
  const absl::Time last_signature =
      key.state == KeyState::kActive
          ? now
          : key.retire_time.value_or(key.suspend_time.value_or(now));
  const absl::Time until =
      std::min(last_signature, now) + policy.max_token_lifetime;
  if (until <= now) return std::nullopt;
  return until;
}

void RotateAway(IssuerDraft& draft, const OwnerId& leaver,
                const std::vector<Algorithm>& algorithms, const Actor& actor,
                absl::Time now) {
  for (const Algorithm algorithm : algorithms) {
    const Key* active = draft.Find(algorithm, KeyState::kActive);
    if (active == nullptr) continue;
    const KeyId id = active->id;
    // Where no successor can stand beside the old key, the old key ends.
    if (!Rotate(draft, algorithm, /*immediate=*/true, SystemActor(), now)
             .ok()) {
      RevokeKeys(draft, {id}, RevocationReason::kOwnerDeparted, actor, now);
    }
  }
  // What he answered for and still verifies has another owner from now on.
  if (draft.issuer.state != IssuerState::kActive) return;
  for (Key& key : draft.keys) {
    if (!IsLiving(key.state) || key.owner != leaver) continue;
    key.owner = draft.issuer.owner;
    draft.Touch(key);
    draft.changes.handed_over = true;
    Expose(draft, key, key.owner.value(), ExposureKind::kOwned, now);
  }
}

void EndOrphan(IssuerDraft& draft, const Actor& actor, absl::Time now) {
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

// Names the keys that sign from `now` on in place of `signers`, and says what
// became of keys that were to be rotated and could not.
void NameSuccessors(const IssuerDraft& draft,
                    const std::map<KeyId, Algorithm>& signers, absl::Time now,
                    IssuerOutcome& outcome) {
  std::map<Algorithm, KeyId> successors;
  for (const Key& key : draft.keys) {
    if (key.state != KeyState::kActive || key.kind != KeyKind::kManaged ||
        key.activate_time != now) {
      continue;
    }
    outcome.successors.push_back(key.id);
    successors[key.algorithm] = key.id;
    if (now - key.publish_time < draft.issuer.policy.publish_ahead) {
      outcome.successor_unannounced = true;
    }
  }
  for (KeyOutcome& ended : outcome.keys) {
    const auto signer = signers.find(ended.key);
    if (signer == signers.end()) continue;
    const auto successor = successors.find(signer->second);
    if (successor != successors.end()) ended.successor = successor->second;
    if (ended.fate == KeyFate::kRotate &&
        draft.Find(ended.key)->state == KeyState::kRevoked) {
      ended.fate = KeyFate::kRevoke;
      ended.why += ", but no successor can sign, so it is revoked";
    }
  }
}

std::vector<KeyId> Sorted(std::vector<KeyId> keys) {
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

KeyFate FateOf(const Policy& policy, const Key& key, Closeness closeness) {
  if (key.state == KeyState::kRevoked || closeness == Closeness::kNone) {
    return KeyFate::kNone;
  }
  if (closeness == Closeness::kCopied) return KeyFate::kRevoke;
  // There is nothing here to rotate it with.
  if (key.kind != KeyKind::kManaged) return KeyFate::kRevoke;
  const DepartureAction action = closeness == Closeness::kOwned
                                     ? policy.owned_key_departure
                                     : policy.used_key_departure;
  if (action == DepartureAction::kRevoke) return KeyFate::kRevoke;
  switch (key.state) {
    case KeyState::kActive: return KeyFate::kRotate;
    // No token of it is alive.
    case KeyState::kPending:
    case KeyState::kSuspended: return KeyFate::kRevoke;
    default: return KeyFate::kNone;
  }
}

IssuerOutcome Depart(IssuerDraft& draft, const OwnerId& leaver,
                     const Actor& actor, absl::Time now) {
  IssuerOutcome outcome;
  outcome.issuer = draft.issuer.id;
  const Policy& policy = draft.issuer.policy;
  const std::vector<KeyId> before = PublishedKeys(draft);
  const auto closeness = ClosenessOf(draft, leaver);

  std::vector<KeyId> revoked;
  std::vector<Algorithm> rotated;
  std::map<KeyId, Algorithm> signers;
  for (const Key& key : draft.keys) {
    if (key.state == KeyState::kActive && key.kind == KeyKind::kManaged) {
      signers[key.id] = key.algorithm;
    }
    const auto close = closeness.find(key.id);
    if (close == closeness.end() || key.state == KeyState::kRevoked) continue;
    KeyOutcome ended{.issuer = key.issuer,
                     .key = key.id,
                     .fate = FateOf(policy, key, close->second),
                     .why = "",
                     .successor = KeyId(),
                     .tokens_until = TokensUntil(policy, key, now)};
    ended.why = Explain(close->second, leaver.value());
    if (ended.fate == KeyFate::kRevoke) revoked.push_back(key.id);
    if (ended.fate == KeyFate::kRotate) rotated.push_back(key.algorithm);
    outcome.keys.push_back(std::move(ended));
  }

  Succeed(draft, leaver, actor, now, outcome);
  RevokeKeys(draft, revoked, RevocationReason::kOwnerDeparted, actor, now);
  RotateAway(draft, leaver, rotated, actor, now);
  if (draft.issuer.state == IssuerState::kOrphaned) {
    EndOrphan(draft, actor, now);
  }
  NameSuccessors(draft, signers, now, outcome);
  if (PublishedKeys(draft) != before) {
    outcome.noticed_by = now + policy.verifier_cache + policy.cache_max_age;
  }
  std::erase_if(draft.cuts, [&](const Cut& c) { return c.leaver == leaver; });
  Finish(draft, before, now);
  return outcome;
}

std::vector<std::string> DifferencesOf(
    const std::vector<IssuerOutcome>& planned,
    const std::vector<IssuerOutcome>& done, size_t most) {
  std::vector<std::string> lines;
  size_t total = 0;
  const auto say = [&](std::string line) {
    if (++total <= most) lines.push_back(std::move(line));
  };
  const auto name_of = [](KeyFate fate) {
    return fate == KeyFate::kRevoke   ? "is revoked"
           : fate == KeyFate::kRotate ? "is rotated"
                                      : "stays as it is";
  };
  const auto owner_of = [](const IssuerOutcome& issuer) {
    return issuer.owner.empty() ? std::string("nobody") : issuer.owner.value();
  };
  std::map<IssuerId, const IssuerOutcome*> plans;
  for (const IssuerOutcome& plan : planned) plans[plan.issuer] = &plan;
  for (const IssuerOutcome& issuer : done) {
    const auto plan = plans.find(issuer.issuer);
    const std::string name = IssuerName(issuer.issuer);
    std::map<KeyId, KeyFate> fates;
    if (plan == plans.end()) {
      say(absl::StrCat(name, ": was not in the plan"));
    } else {
      if (plan->second->owner != issuer.owner) {
        say(absl::StrCat(name, ": owned by ", owner_of(issuer), ", not by ",
                         owner_of(*plan->second)));
      }
      // Where the plan names none, they are made at the instant.
      if (!plan->second->successors.empty() &&
          Sorted(plan->second->successors) != Sorted(issuer.successors)) {
        say(absl::StrCat(name, ": other keys sign from now on than planned"));
      }
      for (const KeyOutcome& key : plan->second->keys) {
        fates[key.key] = key.fate;
      }
    }
    for (const KeyOutcome& key : issuer.keys) {
      const auto fate = fates.find(key.key);
      if (fate == fates.end()) {
        say(absl::StrCat(KeyName(key.issuer, key.key), ": ", name_of(key.fate),
                         "; it was not in the plan"));
      } else if (fate->second != key.fate) {
        say(absl::StrCat(KeyName(key.issuer, key.key), ": ", name_of(key.fate),
                         "; the plan said it ", name_of(fate->second)));
      }
      fates.erase(key.key);
    }
    for (const auto& [key, fate] : fates) {
      say(absl::StrCat(KeyName(issuer.issuer, key),
                       ": had ended before the instant"));
    }
    if (plan != plans.end()) plans.erase(plan);
  }
  for (const auto& [id, plan] : plans) {
    say(absl::StrCat(IssuerName(id), ": nothing was left to do"));
  }
  if (total > most) {
    lines.push_back(absl::StrCat("and ", total - most, " more"));
  }
  return lines;
}

}  // namespace warder::domain
