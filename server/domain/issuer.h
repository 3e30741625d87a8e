// One token-issuing identity with its policy, and the working copy in which
// the lifecycle decides. Plain values.
#ifndef WARDER_SERVER_DOMAIN_ISSUER_H_
#define WARDER_SERVER_DOMAIN_ISSUER_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/domain/audit.h"
#include "server/domain/key.h"
#include "server/domain/owner.h"
#include "server/domain/policy.h"

namespace warder::domain {

// Reference: consumers of key sets cap and cache five (node jwks-rsa).
inline constexpr int kMaxPublishedKeys = 5;

enum class IssuerState {
  kActive,
  // Owner and deputies have all departed: only the tombstone is published and
  // nothing signs, until UpdateIssuer names a living owner and deputy.
  kOrphaned,
};

struct Issuer {
  IssuerId id;
  // The `iss` of every token, and the base of the discovery URL.
  std::string issuer_uri;
  std::string display_name;
  IssuerState state = IssuerState::kActive;
  OwnerId owner;
  std::vector<OwnerId> deputies;  // in order
  // The last deputy departed and nobody has been named since.
  bool deputy_vacant = false;
  Policy policy;
  std::vector<Grant> grants;
  // Its keys are made to be ended for practice; its tokens open nothing but
  // probes.
  bool drill = false;
  // No record of its tokens is deleted.
  bool legal_hold = false;
  // Until when an answer may be cached that named a longer max-age than the
  // policy does now.
  absl::Time cached_until = absl::UnixEpoch();
  // A public JWK whose private half never left the function that made it.
  std::string tombstone_jwk;
  // Number of the published key set; grows by one with every change of it.
  int64_t revision = 0;
  // Grows with every write of the row; compare-and-set, and the etag.
  int64_t rev = 0;
  absl::Time create_time;
  absl::Time update_time;

  friend bool operator==(const Issuer&, const Issuer&) = default;
};

// Returns the longest max-age that an answer of the doors may be cached by at
// `now`.
inline absl::Duration LongestMaxAge(const Issuer& issuer, absl::Time now) {
  return std::max(issuer.policy.cache_max_age, issuer.cached_until - now);
}

// A deputy as the store sees him at this instant.
struct Deputy {
  OwnerId id;
  bool active = false;
  // When he leaves, where that has been reported.
  std::optional<absl::Time> leaves = std::nullopt;
  // A team takes over through the first of its members who is there.
  bool team = false;
  std::vector<Deputy> members = {};
};

// A departure to come that ends keys of the issuer.
struct Cut {
  OwnerId leaver;
  absl::Time instant;
};

// A working copy of an issuer with its keys: lifecycle functions change it,
// storage writes what `changes` lists, all or nothing.
struct IssuerDraft {
  Issuer issuer;
  std::vector<Key> keys;
  std::vector<Spare> spares;
  std::vector<Exposure> exposures;  // of these keys and of ended ones
  std::vector<Deputy> deputies;     // of issuer.deputies, in order
  // The owner's deputy, that deputy's deputy, and so on; each once.
  std::vector<Deputy> stand_ins;
  std::optional<absl::Time> owner_leaves;
  // Scheduled departures of people exposed to these keys, soonest first.
  std::vector<Cut> cuts;
  // PENDING keys that gateways do not hold yet; they are not due before
  // `until`.
  struct Held {
    KeyId key;
    absl::Time until;
  };
  std::vector<Held> held;

  // A private half that this change destroys because its key is revoked.
  struct DestroyedHalf {
    KeyId key;
    Algorithm algorithm = Algorithm::kEs256;
    std::string sealed;
  };

  struct Changes {
    bool issuer_is_new = false;
    bool issuer = false;
    // issuer.deputies differ; only a new issuer's are written without it.
    bool deputies = false;
    // Living keys have a new owner; no key's owner changes without it.
    bool handed_over = false;
    std::vector<KeyId> inserted;
    std::vector<KeyId> updated;
    std::vector<KeyId> spent_spares;
    std::vector<Spare> new_spares;
    std::vector<Exposure> opened;
    // Every open exposure to these keys ends at this instant.
    std::vector<std::pair<KeyId, absl::Time>> ended;
    std::vector<DestroyedHalf> destroyed;
    std::vector<AuditEvent> events;

    bool any() const {
      return issuer || !inserted.empty() || !updated.empty() ||
             !spent_spares.empty() || !new_spares.empty();
    }
  } changes;

  // Returns the key, or nullptr.
  Key* Find(const KeyId& id);
  const Key* Find(const KeyId& id) const;
  // Returns the managed key of `algorithm` in `state`, or nullptr.
  Key* Find(Algorithm algorithm, KeyState state);
  const Key* Find(Algorithm algorithm, KeyState state) const;
  const Spare* FindSpare(Algorithm algorithm) const;

  // Returns how many keys stand in the key set.
  int PublishedCount() const;

  // Marks a key for writing (once).
  void Touch(const Key& key);

  // Adds an audit event about `resource`; `detail` is a JSON object or "".
  void Record(const Actor& actor, absl::string_view action,
              absl::string_view resource, absl::string_view detail,
              absl::Time now);
};

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_ISSUER_H_
