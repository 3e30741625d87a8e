// How an issuer's keys live, and what its signers may ask for.
//
//  issued          activates          retires                    until
//    |---- pending ----|----- active -----|------- retiring -------|-- retired
//    |<-publish_ahead->|<-rotation_period>|<---- verify_grace ---->|
//
// Three inequalities, checked when a policy is written (ValidatePolicy):
//
//  (1) publish_ahead >= verifier_cache + cache_max_age
//      else tokens of a fresh key meet verifiers that have not heard of it.
//  (2) verify_grace >= max_token_lifetime + clock_skew
//      else good tokens die before they expire.
//  (3) verifier_cache + cache_max_age <= max_revocation_exposure
//      the longest time a revoked key may still be accepted by a verifier that
//      honours what this policy says of it: the number an organisation sells.
//
// With the defaults: a key issued on 1 January 00:00 is published at once,
// signs from 2 January 00:00, has its successor published on 31 January 00:00,
// retires on 1 February 00:00 and leaves the key set at 02:00.
#ifndef WARDER_SERVER_DOMAIN_POLICY_H_
#define WARDER_SERVER_DOMAIN_POLICY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/domain/algorithm.h"

namespace warder::domain {

// What a departure does to a key that the leaver never had a copy of. One he
// could copy is revoked, whatever the policy says.
enum class DepartureAction {
  kRevoke,  // refused at once; its live tokens die with it
  kRotate,  // its successor signs at once; its live tokens live out their time
};

absl::string_view DepartureActionName(DepartureAction action);

struct Policy {
  // One or two; the first signs when a caller names none.
  std::vector<Algorithm> algorithms = {Algorithm::kEs256};

  // How long a key signs before its successor takes over.
  absl::Duration rotation_period = absl::Hours(24 * 30);
  // After this long a key never signs again, whatever went wrong.
  absl::Duration max_key_age = absl::Hours(24 * 45);
  // How long a key is published before it signs.
  absl::Duration publish_ahead = absl::Hours(24);
  // How long a key stays published after it stopped signing.
  absl::Duration verify_grace = absl::Hours(2);
  // The longest time any verifier of this issuer keeps a fetched key set.
  absl::Duration verifier_cache = absl::Hours(1);
  // The max-age of Cache-Control on the key set.
  absl::Duration cache_max_age = absl::Minutes(1);
  // No token lives longer.
  absl::Duration max_token_lifetime = absl::Hours(1);
  // How far clocks of verifiers may be off.
  absl::Duration clock_skew = absl::Minutes(1);
  // The bound that (3) holds.
  absl::Duration max_revocation_exposure = absl::Hours(2);
  // Keys the leaver answers or answered for.
  DepartureAction owned_key_departure = DepartureAction::kRevoke;
  // Keys he could only use, or ask for, through the service.
  DepartureAction used_key_departure = DepartureAction::kRotate;

  friend bool operator==(const Policy&, const Policy&) = default;
};

// Returns OK, or INVALID_ARGUMENT for a value out of range (field
// `policy.<name>`), or FAILED_PRECONDITION POLICY_BREAKS_TIMING that shows the
// inequality with its numbers.
absl::Status ValidatePolicy(const Policy& policy);

// Who may sign for the issuer, and what.
struct Grant {
  // The name of the client certificate (role `signer`).
  std::string signer;
  // Audiences a token may name; every one of a token must be listed. "*"
  // allows any.
  std::vector<std::string> audiences;
  // Values of the header `typ` a token may carry; the first is the default.
  std::vector<std::string> token_types = {"JWT"};
  // Longest life of a token; at most the policy's max_token_lifetime. Zero
  // until SetDefaultLifetimes.
  absl::Duration max_lifetime;
  // The subject must match; "*" stands for any run of characters.
  std::string subject_pattern = "*";
  // Tokens a second, and at most so many at once; 0 for any number.
  int max_per_second = 0;
  // It may register keys whose private half it keeps.
  bool external_keys = false;

  friend bool operator==(const Grant&, const Grant&) = default;
};

// Gives grants that name no max_lifetime the default: 15 minutes, or the
// policy's bound where that is shorter.
void SetDefaultLifetimes(std::vector<Grant>& grants, const Policy& policy);

// Returns OK, or INVALID_ARGUMENT naming `grants[i].<field>`.
absl::Status ValidateGrants(const std::vector<Grant>& grants,
                            const Policy& policy);

// Returns whether a header `typ` is kept for Warder's own statements: compared
// without case and without "application/" (RFC 7515 section 4.1.9).
bool IsReservedTokenType(absl::string_view type);

// Returns whether `text` matches `pattern`, in which "*" stands for any run of
// characters, the empty one included. Linear in both.
bool MatchesPattern(absl::string_view pattern, absl::string_view text);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_POLICY_H_
