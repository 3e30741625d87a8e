#include "server/domain/attestation.h"

#include <vector>

#include "server/domain/lifecycle.h"
#include "server/domain/succession.h"

namespace warder::domain {

bool SuspendedByHand(const Owner& owner) {
  return owner.suspend_time && owner.suspended_by != SystemActor().principal;
}

int SuspendKeysOf(IssuerDraft& draft, const OwnerId& owner, const Actor& actor,
                  absl::Time now) {
  const auto before = PublishedKeys(draft);
  const std::vector<Cut> cuts = draft.cuts;
  // From here on he leaves now: successors are bound to his heir.
  std::erase_if(draft.cuts, [&](const Cut& c) { return c.leaver == owner; });
  draft.cuts.insert(draft.cuts.begin(), {owner, now});
  int suspended = 0;
  // PENDING ones first: none of his keys follows another.
  for (const KeyState state :
       {KeyState::kPending, KeyState::kRetiring, KeyState::kActive}) {
    std::vector<KeyId> his;
    for (const Key& key : draft.keys) {
      if (key.state == state && key.owner == owner) his.push_back(key.id);
    }
    for (const KeyId& id : his) {
      if (Suspend(draft, id, actor, now).ok()) ++suspended;
    }
  }
  const OwnerId heir = Heir(draft, owner, now);
  if (draft.issuer.owner == owner && !heir.empty()) {
    std::erase_if(draft.deputies,
                  [&](const Deputy& d) { return d.id == heir; });
    if (std::erase(draft.issuer.deputies, heir) > 0) {
      draft.changes.deputies = true;
    }
    HandOver(draft, heir, actor, now);
    if (!HasDeputy(draft, owner, now) && !draft.issuer.deputy_vacant) {
      draft.issuer.deputy_vacant = true;
      draft.Record(actor, "issuer.without_deputy", IssuerName(draft.issuer.id),
                   "", now);
    }
  }
  draft.cuts = cuts;
  draft.changes.issuer = true;
  Finish(draft, before, now);
  return suspended;
}

}  // namespace warder::domain
