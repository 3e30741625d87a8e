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
  kActive,    // may own keys, unless suspended
  kDeparted,  // owns nothing, for good
};

enum class OwnerKind {
  kPerson,
  // Several people; it may be a deputy and hands on to the first of them who is
  // there. It owns nothing and never departs.
  kTeam,
};

struct Owner {
  OwnerId id;
  OwnerKind kind = OwnerKind::kPerson;
  std::vector<OwnerId> members;  // of a team, in order
  std::string display_name;
  // How to reach the person: an e-mail address, as a rule.
  std::string contact;
  // What HR's systems call the person, see user.h. May be empty.
  std::string external_id;
  // Takes over where an issuer names no deputy of its own. May be empty.
  OwnerId deputy;
  OwnerState state = OwnerState::kActive;
  absl::Time create_time;
  absl::Time update_time;
  // When the person leaves or left; may lie in the future while ACTIVE.
  std::optional<absl::Time> depart_time;
  // When somebody last said that the person is here.
  absl::Time confirm_time;
  // Since when that is too long ago; unset while it is not.
  std::optional<absl::Time> overdue_time;
  // When his keys were suspended, because he stayed overdue or by hand. Nothing
  // is bound to him until he is confirmed.
  std::optional<absl::Time> suspend_time;
  // Who suspended him, see Actor::principal; "system": the lapse of his lease.
  std::string suspended_by = {};
  int64_t rev = 0;

  friend bool operator==(const Owner&, const Owner&) = default;
};

// What a departure did to one key.
enum class KeyFate { kRevoke, kRotate, kNone };

struct KeyOutcome {
  IssuerId issuer;
  KeyId key;
  KeyFate fate = KeyFate::kNone;
  std::string why;       // for people: "owned by alice"
  KeyId successor = {};  // signs in its place; empty where none has to or can
  // When the last token it can have signed expires; unset for a key that never
  // signed, or whose tokens have all expired.
  std::optional<absl::Time> tokens_until = std::nullopt;
  // Tokens that had not expired, as far as this process signed them; and whether
  // there may be more: an earlier process signed some, or the instant is to come.
  int64_t live_tokens = 0;
  bool more_live_tokens = false;

  friend bool operator==(const KeyOutcome&, const KeyOutcome&) = default;
};

struct IssuerOutcome {
  IssuerId issuer;
  OwnerId owner;          // who owns the issuer afterwards; empty when orphaned
  bool orphaned = false;  // no living owner is left: nothing signs any more
  bool without_deputy = false;
  // When the last verifier that keeps to the issuer's policy has noticed; unset
  // when the key set stays as it is.
  std::optional<absl::Time> noticed_by = std::nullopt;
  // A successor first appears in the key set with the departure: verifiers
  // that fetch late refuse its tokens until then.
  bool successor_unannounced = false;
  std::vector<KeyOutcome> keys = {};
  std::vector<KeyId> successors = {};  // keys that sign from this instant on
};

// What a leaver did after the instant, before the news came.
struct LateAct {
  int64_t sequence = 0;  // of the audit event
  absl::Time time;
  std::string action;
  std::string resource;
};

// A departure that was planned, scheduled or carried out.
struct Departure {
  OwnerId owner;
  absl::Time instant;      // when the person leaves
  absl::Time report_time;  // when the news came
  std::string reported_by;
  // How the news came: "rpc", "scim", "roster", "security-event".
  std::string source = "rpc";
  // The zone in whose calendar the last day ends; empty for a given instant.
  std::string time_zone = {};
  // Who released it, where the brake had held it.
  std::string released_by = {};
  bool done = false;
  std::optional<absl::Time> effect_time = std::nullopt;
  // Done: what happened. Scheduled: what was planned when the news came.
  std::vector<IssuerOutcome> issuers = {};
  // How what happened differs from what was planned, for people.
  std::vector<std::string> changes = {};
  // The first of what the leaver did after the instant, and how much it was.
  std::vector<LateAct> late = {};
  int64_t late_count = 0;
};

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_OWNER_H_
