// What a corrected clock does to times recorded while it was wrong.
#ifndef WARDER_SERVER_DOMAIN_CLOCK_CORRECTION_H_
#define WARDER_SERVER_DOMAIN_CLOCK_CORRECTION_H_

#include "absl/time/time.h"
#include "server/domain/issuer.h"

namespace warder::domain {

// Dates the times of living keys that lie after `now` back: what has happened
// to `now`, what they wait for to the longest they could wait from `now`.
// Nothing signs or is published longer than the policy says. Returns whether
// anything changed. RETIRED and REVOKED keys, owners and the issuer keep
// theirs.
bool PullBack(IssuerDraft& draft, absl::Time now);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_CLOCK_CORRECTION_H_
