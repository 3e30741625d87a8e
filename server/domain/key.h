// One asymmetric signing key, and who was ever exposed to it. Plain values.
#ifndef WARDER_SERVER_DOMAIN_KEY_H_
#define WARDER_SERVER_DOMAIN_KEY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/domain/algorithm.h"

namespace warder::domain {

// NIST SP 800-57 part 1 in the words of JOSE. lifecycle.h draws the life line.
enum class KeyState {
  kPending,    // published, does not sign yet
  kActive,     // published, signs; one managed one per issuer and algorithm
  kRetiring,   // published, private half destroyed
  kRetired,    // no longer published
  kSuspended,  // unpublished while someone looks; reversible
  kRevoked,    // unpublished for good
};

// Whose private half it is.
enum class KeyKind {
  kManaged,   // Warder's own: made and used by the service alone
  kExternal,  // a workload keeps its own, for as long as it renews its lease
  kHoney,     // a decoy: a real one, handed out once, that never signs
};

enum class RevocationReason {
  kUnspecified,
  kCompromised,
  kOwnerDeparted,
  kSuperseded,
  kCessation,
};

absl::string_view KeyKindName(KeyKind kind);
absl::StatusOr<KeyKind> ParseKeyKind(absl::string_view field,
                                     absl::string_view name);
absl::string_view KeyStateName(KeyState state);
absl::StatusOr<KeyState> ParseKeyState(absl::string_view field,
                                       absl::string_view name);
absl::string_view RevocationReasonName(RevocationReason reason);
absl::StatusOr<RevocationReason> ParseRevocationReason(absl::string_view field,
                                                       absl::string_view name);

struct Key {
  IssuerId issuer;
  KeyId id;
  Algorithm algorithm = Algorithm::kEs256;
  KeyKind kind = KeyKind::kManaged;
  KeyState state = KeyState::kPending;
  OwnerId owner;
  std::string signer;  // kExternal: the name of the certificate that registered
  std::string place;   // kHoney: where it was planted
  // kExternal: it retires then, unless the signer renews the lease.
  std::optional<absl::Time> lease_time;
  // Since when gateways take only those of its tokens that are in the ledger.
  std::optional<absl::Time> drain_time;

  // The published JWK, members sorted, exactly as it stands in the key set.
  std::string public_jwk;
  // The sealed private half; empty once it is destroyed, and of other kinds
  // than kManaged.
  std::string sealed;

  absl::Time create_time;
  // When the key entered the key set last.
  absl::Time publish_time;
  // The first revision of the key set with it since then.
  int64_t publish_revision = 0;
  // While PENDING: when it is to sign. Later: when it began to.
  std::optional<absl::Time> activate_time;
  std::optional<absl::Time> retire_time;
  // When a RETIRING key leaves the key set, or a RETIRED one left it.
  std::optional<absl::Time> until_time;

  std::optional<absl::Time> suspend_time;
  std::string suspended_by;  // the person, see Actor
  KeyState suspended_from = KeyState::kPending;

  std::optional<absl::Time> revoke_time;
  RevocationReason reason = RevocationReason::kUnspecified;
  std::string revoked_by;

  // Grows with every write of the row; compare-and-set.
  int64_t rev = 0;

  friend bool operator==(const Key&, const Key&) = default;
};

// Returns whether a key of `state` stands in the key set.
bool IsPublished(KeyState state);

// What a gateway that can ask the ledger does for tokens of a published key,
// whatever its mode.
enum class LedgerNeed {
  kNone,
  kAsked,     // of a key that has signed nothing: as by IssuanceMode::kEnforce
  kRequired,  // of one that is drained: only what the ledger has is good
};
LedgerNeed LedgerNeedOf(const Key& key);

// Returns whether a key of `state` may ever be published or sign again.
bool IsLiving(KeyState state);

// A key pair made ahead of need, sealed and unpublished: nobody has been
// exposed to it.
struct Spare {
  IssuerId issuer;
  KeyId id;
  Algorithm algorithm = Algorithm::kEs256;
  std::string public_jwk;
  std::string sealed;
  absl::Time create_time;

  friend bool operator==(const Spare&, const Spare&) = default;
};

enum class ExposureKind {
  kCreated,       // asked for the key to be made
  kCouldSign,     // held a grant while the key signed
  kCouldRestore,  // could copy or restore the store, where it lies sealed
  kOwned,         // was its accountable owner
  kCouldRead,     // held the key-encryption key
  kHeld,          // had the private half in hand, by somebody's word
};

absl::string_view ExposureKindName(ExposureKind kind);
// Returns the kind, or INVALID_ARGUMENT for `field`.
absl::StatusOr<ExposureKind> ParseExposureKind(absl::string_view field,
                                               absl::string_view name);

// Returns whether the person may have a copy of the private half.
bool CouldCopy(ExposureKind kind);

// A fact: `person` had to do with `key` in this way from `from` until `until`
// (half open; open-ended while it lasts).
struct Exposure {
  IssuerId issuer;
  KeyId key;
  std::string person;  // an owner's ID, or a client's name
  ExposureKind kind = ExposureKind::kOwned;
  absl::Time from;
  std::optional<absl::Time> until;
  // Whose word it is, and what he said; empty where the service saw it itself.
  std::string declared_by = {};
  std::string note = {};

  friend bool operator==(const Exposure&, const Exposure&) = default;
};

enum class CustodyKind {
  kStore,             // the database or a backup of it: sealed private halves
  kKeyEncryptionKey,  // what unseals them
};

absl::string_view CustodyKindName(CustodyKind kind);

// A fact about every key at once: `person` had this in hand.
struct Custody {
  std::string person;
  CustodyKind kind = CustodyKind::kStore;
  absl::Time from;
  std::optional<absl::Time> until;
  std::string declared_by = {};  // empty where the service saw it itself
  std::string note = {};

  friend bool operator==(const Custody&, const Custody&) = default;
};

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_KEY_H_
