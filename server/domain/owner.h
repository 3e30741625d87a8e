// The accountable person behind a key. Plain values.
#ifndef WARDER_SERVER_DOMAIN_OWNER_H_
#define WARDER_SERVER_DOMAIN_OWNER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/base/ids.h"

namespace warder::domain {

enum class OwnerState {
  kActive,    // may own keys
  kDeparted,  // owns nothing, for good
};

struct Owner {
  OwnerId id;
  std::string display_name;
  // How to reach the person: an e-mail address, as a rule.
  std::string contact;
  // Takes over where an issuer names no deputy of its own. May be empty.
  OwnerId deputy;
  OwnerState state = OwnerState::kActive;
  absl::Time create_time;
  absl::Time update_time;
  // When the person leaves or left; may lie in the future while ACTIVE.
  std::optional<absl::Time> depart_time;
  int64_t rev = 0;

  friend bool operator==(const Owner&, const Owner&) = default;
};

// What a departure did to one key.
enum class KeyFate { kRevoke, kRotate, kNone };

struct KeyOutcome {
  IssuerId issuer;
  KeyId key;
  KeyFate fate = KeyFate::kNone;
  std::string why;  // for people: "owned by alice"
};

struct IssuerOutcome {
  IssuerId issuer;
  OwnerId owner;          // who owns the issuer afterwards; empty when orphaned
  bool orphaned = false;  // no living owner is left: nothing signs any more
  bool without_deputy = false;
  std::vector<KeyOutcome> keys;
  std::vector<KeyId> successors;  // keys that sign from this instant on
};

// A departure that was planned, scheduled or carried out.
struct Departure {
  OwnerId owner;
  absl::Time instant;      // when the person leaves
  absl::Time report_time;  // when the news came
  std::string reported_by;
  bool done = false;
  std::optional<absl::Time> effect_time;  // when it was carried out
  std::vector<IssuerOutcome> issuers;
};

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_OWNER_H_
