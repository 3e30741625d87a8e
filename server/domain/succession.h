// Who takes over an issuer when its owner leaves, and which issuers would be in
// trouble if somebody did. Pure.
#ifndef WARDER_SERVER_DOMAIN_SUCCESSION_H_
#define WARDER_SERVER_DOMAIN_SUCCESSION_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/domain/issuer.h"

namespace warder::domain {

// Who leaves within this long of the owner takes nothing over.
inline constexpr absl::Duration kSameDay = absl::Hours(24);

// Returns who takes over at `instant` from `leaver`, or an empty ID when nobody
// is left. In this order:
//
//   1. the deputies, as the issuer lists them; of a team, its first member who
//      is there. Who has left, or leaves within kSameDay, is skipped
//   2. the owner's own deputy, that deputy's deputy, and so on
//   3. those of 1 and 2 who leave within kSameDay but have not left yet: one
//      day with an owner is better than none
OwnerId Heir(const IssuerDraft& draft, const OwnerId& leaver,
             absl::Time instant);

// Returns whether anyone but `leaver` is a living deputy at `instant`.
bool HasDeputy(const IssuerDraft& draft, const OwnerId& leaver,
               absl::Time instant);

// Returns who answers for a key made now: the owner, or, once he is known to
// leave, his heir, so that the key outlives the departure.
OwnerId AccountableFor(const IssuerDraft& draft);

// Makes `owner` accountable for the issuer and its living keys. Call it with
// the present owner, too, when his departure was called off: keys made for his
// heir come back to him.
void HandOver(IssuerDraft& draft, const OwnerId& owner, const Actor& actor,
              absl::Time now);

enum class Risk {
  kOrphaned,       // nobody answers for it
  kOwnerLeaves,    // its owner's departure is scheduled
  kDeputiesLeave,  // all its deputies leave, or have left
  kOneDeputy,      // one person stands between it and being orphaned
};

absl::string_view RiskName(Risk risk);

// Returns what is wrong with the people behind the issuer, worst first; empty
// when nothing is.
std::vector<Risk> RisksOf(const IssuerDraft& draft, absl::Time now);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_SUCCESSION_H_
