#include "server/domain/succession.h"

#include <set>
#include <utility>

#include "server/base/strict_json.h"
#include "server/domain/exposure.h"

namespace warder::domain {
namespace {

bool IsThere(const Deputy& person, absl::Time instant) {
  return person.active && (!person.leaves || *person.leaves > instant);
}

bool Stays(const Deputy& person, absl::Time instant) {
  return IsThere(person, instant) &&
         (!person.leaves || *person.leaves > instant + kSameDay);
}

// Calls `visit` with every person who may take over, in order; teams stand for
// their members. Stops when it returns true.
template <typename Visit>
void ForEachCandidate(const IssuerDraft& draft, Visit visit) {
  for (const auto* list : {&draft.deputies, &draft.stand_ins}) {
    for (const Deputy& deputy : *list) {
      if (!deputy.team) {
        if (visit(deputy)) return;
        continue;
      }
      for (const Deputy& member : deputy.members) {
        if (visit(member)) return;
      }
    }
  }
}

// The people of `draft.deputies`, each once.
int CountDeputies(const IssuerDraft& draft, const OwnerId& except,
                  absl::Time instant, bool staying) {
  std::set<OwnerId> people;
  const auto count = [&](const Deputy& person) {
    if (person.id == except || person.id == draft.issuer.owner) return;
    if (staying ? !person.leaves && person.active : IsThere(person, instant)) {
      people.insert(person.id);
    }
  };
  for (const Deputy& deputy : draft.deputies) {
    if (!deputy.team) count(deputy);
    for (const Deputy& member : deputy.members) count(member);
  }
  return static_cast<int>(people.size());
}

}  // namespace

OwnerId Heir(const IssuerDraft& draft, const OwnerId& leaver,
             absl::Time instant) {
  OwnerId heir, short_lived;
  ForEachCandidate(draft, [&](const Deputy& person) {
    if (person.id == leaver) return false;
    if (Stays(person, instant)) {
      heir = person.id;
      return true;
    }
    if (short_lived.empty() && IsThere(person, instant)) {
      short_lived = person.id;
    }
    return false;
  });
  return heir.empty() ? short_lived : heir;
}

bool HasDeputy(const IssuerDraft& draft, const OwnerId& leaver,
               absl::Time instant) {
  return CountDeputies(draft, leaver, instant, /*staying=*/false) > 0;
}

OwnerId AccountableFor(const IssuerDraft& draft) {
  for (const Cut& cut : draft.cuts) {
    if (cut.leaver != draft.issuer.owner) continue;
    OwnerId heir = Heir(draft, cut.leaver, cut.instant);
    if (!heir.empty()) return heir;
  }
  return draft.issuer.owner;
}

void HandOver(IssuerDraft& draft, const OwnerId& owner, const Actor& actor,
              absl::Time now) {
  const OwnerId from = std::exchange(draft.issuer.owner, owner);
  for (Key& key : draft.keys) {
    if (!IsLiving(key.state) || key.owner == owner) continue;
    key.owner = owner;
    draft.changes.issuer = true;
    draft.changes.handed_over = true;
    draft.Touch(key);
    Expose(draft, key, owner.value(), ExposureKind::kOwned, now);
  }
  if (from == owner) return;
  draft.changes.issuer = true;
  draft.Record(actor, "issuer.handed_over", IssuerName(draft.issuer.id),
               WriteJson({{"from", OwnerName(from)}, {"to", OwnerName(owner)}}),
               now);
}

absl::string_view RiskName(Risk risk) {
  switch (risk) {
    case Risk::kOrphaned: return "ORPHANED";
    case Risk::kOwnerLeaves: return "OWNER_LEAVES";
    case Risk::kDeputiesLeave: return "DEPUTIES_LEAVE";
    case Risk::kOneDeputy: return "ONE_DEPUTY";
  }
  return "";
}

std::vector<Risk> RisksOf(const IssuerDraft& draft, absl::Time now) {
  std::vector<Risk> risks;
  if (draft.issuer.state == IssuerState::kOrphaned) {
    return {Risk::kOrphaned};
  }
  if (draft.owner_leaves) risks.push_back(Risk::kOwnerLeaves);
  const int staying = CountDeputies(draft, OwnerId(), now, /*staying=*/true);
  if (staying == 0) risks.push_back(Risk::kDeputiesLeave);
  if (staying == 1) risks.push_back(Risk::kOneDeputy);
  return risks;
}

}  // namespace warder::domain
