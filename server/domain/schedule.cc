#include "server/domain/schedule.h"

#include <algorithm>
#include <set>
#include <utility>

#include "server/domain/exposure.h"
#include "server/domain/succession.h"

namespace warder::domain {
namespace {

// When `algorithm` next needs a change of signer, and how.
DueAction NextOf(const IssuerDraft& draft, Algorithm algorithm) {
  const Policy& policy = draft.issuer.policy;
  const Key* active = draft.Find(algorithm, KeyState::kActive);
  const Key* pending = draft.Find(algorithm, KeyState::kPending);
  DueAction action{.kind = DueKind::kReplace,
                   .algorithm = algorithm,
                   .key = KeyId(),
                   .at = absl::InfinitePast()};
  if (active == nullptr) return action;  // at once
  const absl::Time end = *active->activate_time + policy.max_key_age;
  if (pending != nullptr) {
    action.kind = DueKind::kActivate;
    action.key = pending->id;
    action.at = *pending->activate_time;
    for (const IssuerDraft::Held& held : draft.held) {
      if (held.key == pending->id) action.at = std::max(action.at, held.until);
    }
  } else {
    action.kind = DueKind::kStage;
    action.at =
        *active->activate_time + policy.rotation_period - policy.publish_ahead;
  }
  if (end < action.at) {
    action = {.kind = DueKind::kReplace,
              .algorithm = algorithm,
              .key = KeyId(),
              .at = end};
  }
  return action;
}

// Whether he has every key that is made now in hand, too.
bool HasCustody(const IssuerDraft& draft, const OwnerId& person) {
  return std::any_of(draft.exposures.begin(), draft.exposures.end(),
                     [&](const Exposure& e) {
                       return e.person == person.value() && !e.until &&
                              (e.kind == ExposureKind::kCouldRead ||
                               e.kind == ExposureKind::kCouldRestore);
                     });
}

}  // namespace

std::vector<DueAction> Preparations(const IssuerDraft& draft) {
  std::vector<DueAction> actions;
  // Of each algorithm the soonest cut alone: what it stages signs before the
  // next one comes.
  std::set<Algorithm> decided;
  for (const Cut& cut : draft.cuts) {
    const auto closeness = ClosenessOf(draft, cut.leaver);
    const auto touched = [&](const Key* key) {
      return key != nullptr && closeness.contains(key->id);
    };
    for (const Algorithm algorithm : draft.issuer.policy.algorithms) {
      const Key* active = draft.Find(algorithm, KeyState::kActive);
      const Key* pending = draft.Find(algorithm, KeyState::kPending);
      if (!touched(active) || !decided.insert(algorithm).second) continue;
      if (pending != nullptr &&
          (!touched(pending) || pending->activate_time == cut.instant)) {
        continue;
      }
      // Where a key made now would be his as well, none is made.
      if (AccountableFor(draft) == cut.leaver ||
          HasCustody(draft, cut.leaver)) {
        continue;
      }
      actions.push_back({.kind = DueKind::kPrepare,
                         .algorithm = algorithm,
                         .key = pending == nullptr ? KeyId() : pending->id,
                         .at = cut.instant - draft.issuer.policy.publish_ahead,
                         .cut = cut.instant});
    }
  }
  return actions;
}

std::vector<DueAction> Schedule(const IssuerDraft& draft) {
  std::vector<DueAction> actions;
  for (const Key& key : draft.keys) {
    if (key.state == KeyState::kRetiring) {
      actions.push_back({.kind = DueKind::kRetire,
                         .algorithm = key.algorithm,
                         .key = key.id,
                         .at = *key.until_time});
    }
    if (key.kind != KeyKind::kExternal) continue;
    const bool pending = key.state == KeyState::kPending;
    if (pending) {
      actions.push_back({.kind = DueKind::kBegin,
                         .algorithm = key.algorithm,
                         .key = key.id,
                         .at = *key.activate_time});
    }
    if (pending || key.state == KeyState::kActive) {
      actions.push_back({.kind = DueKind::kLeaseEnd,
                         .algorithm = key.algorithm,
                         .key = key.id,
                         .at = *key.lease_time});
    }
  }
  if (draft.issuer.state == IssuerState::kActive) {
    for (const Algorithm algorithm : draft.issuer.policy.algorithms) {
      actions.push_back(NextOf(draft, algorithm));
      const Key* active = draft.Find(algorithm, KeyState::kActive);
      // A staged key that cannot be published for want of room must not hide
      // the hard end of the one that signs.
      if (active != nullptr && actions.back().kind == DueKind::kStage) {
        actions.push_back(
            {.kind = DueKind::kReplace,
             .algorithm = algorithm,
             .key = KeyId(),
             .at = *active->activate_time + draft.issuer.policy.max_key_age});
      }
    }
    for (const Algorithm algorithm : MissingSpares(draft)) {
      actions.push_back({.kind = DueKind::kRefillSpare,
                         .algorithm = algorithm,
                         .key = KeyId(),
                         .at = absl::InfinitePast()});
    }
    for (DueAction& action : Preparations(draft)) {
      actions.push_back(std::move(action));
    }
  }
  std::stable_sort(actions.begin(), actions.end(),
                   [](const DueAction& a, const DueAction& b) {
                     // Leaving keys make room for those that come.
                     if (a.kind != b.kind) return a.kind < b.kind;
                     return a.at < b.at;
                   });
  return actions;
}

std::vector<DueAction> DueActions(const IssuerDraft& draft, absl::Time now) {
  std::vector<DueAction> due = Schedule(draft);
  std::erase_if(due, [&](const DueAction& action) { return action.at > now; });
  // Where an algorithm is replaced, nothing else is due for it.
  for (const Algorithm algorithm : kAlgorithms) {
    const bool replaced =
        std::any_of(due.begin(), due.end(), [&](const DueAction& action) {
          return action.kind == DueKind::kReplace &&
                 action.algorithm == algorithm;
        });
    if (!replaced) continue;
    std::erase_if(due, [&](const DueAction& action) {
      return action.algorithm == algorithm &&
             (action.kind == DueKind::kActivate ||
              action.kind == DueKind::kStage);
    });
  }
  return due;
}

absl::Time NextWake(const IssuerDraft& draft) {
  absl::Time wake = absl::InfiniteFuture();
  for (const DueAction& action : Schedule(draft)) {
    wake = std::min(wake, action.at);
  }
  return wake;
}

std::vector<Algorithm> MissingSpares(const IssuerDraft& draft) {
  std::vector<Algorithm> missing;
  if (draft.issuer.state == IssuerState::kOrphaned) return missing;
  for (const Algorithm algorithm : draft.issuer.policy.algorithms) {
    if (draft.FindSpare(algorithm) == nullptr) missing.push_back(algorithm);
  }
  return missing;
}

}  // namespace warder::domain
