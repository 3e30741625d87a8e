// The kinds of keys that Warder does not sign with itself.
//
// External: a workload keeps the private half, has shown that it has it, and
// renews a lease. Honey: a decoy that never signs. It is planted where a thief
// would look, one for each place; whoever signs by it has been there.
//
// clang-format off
//  registers        activates               lease ends             until
//     |---- pending ----|------- active -------|----- retiring -----|-- retired
//                          renews, renews ...
//
//  planted
//     |---- pending, until somebody revokes it ...
// clang-format on
#ifndef WARDER_SERVER_DOMAIN_KEY_KINDS_H_
#define WARDER_SERVER_DOMAIN_KEY_KINDS_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/domain/issuer.h"

namespace warder::domain {

// Of one issuer, decoys included, and of one signer: Warder's own keys have to
// have room to follow one another.
inline constexpr int kMostForeignKeys = kMaxPublishedKeys - 2;
inline constexpr int kMostKeysOfSigner = 2;

inline constexpr absl::Duration kShortestLease = absl::Minutes(1);
inline constexpr absl::Duration kLongestLease = absl::Hours(24 * 7);

struct ExternalKey {
  KeyId id;
  Algorithm algorithm = Algorithm::kEs256;
  std::string public_jwk;  // as Key::public_jwk
  std::string signer;      // who keeps the private half
  absl::Duration lease;
  bool immediate = false;  // it signs at once, published ahead or not
};

// Publishes the key. The caller has seen the proof of possession. It signs
// after policy.publish_ahead, and never for longer than policy.max_key_age.
//
// clang-format off
//   INVALID_ARGUMENT     lease: shorter or longer than the bounds; algorithm: the
//                        policy does not list it
//   ALREADY_EXISTS       a living key of this ID
//   FAILED_PRECONDITION  ISSUER_ORPHANED, TOO_MANY_PUBLISHED_KEYS
// clang-format on
absl::Status Register(IssuerDraft& draft, const ExternalKey& external,
                      const Actor& actor, absl::Time now);

// Lets the key live for `lease` from now on, but no longer than
// policy.max_key_age from when it began to sign.
//
//   NOT_FOUND            no such key, or none of `signer`
//   INVALID_ARGUMENT     lease
//   FAILED_PRECONDITION  WRONG_STATE: it is neither PENDING nor ACTIVE, or too
//                        old
absl::Status RenewLease(IssuerDraft& draft, const KeyId& key,
                        const std::string& signer, absl::Duration lease,
                        absl::Time now);

struct HoneyKey {
  KeyId id;
  Algorithm algorithm = Algorithm::kEs256;
  std::string public_jwk;  // as Key::public_jwk
  std::string place;       // 1 to kLongestPlace bytes, for people
};
inline constexpr size_t kLongestPlace = 128;

// Publishes the decoy: in the key set it looks as a key does that is to sign
// later.
//
//   INVALID_ARGUMENT     place; algorithm
//   ALREADY_EXISTS       a living key of this ID
//   FAILED_PRECONDITION  ISSUER_ORPHANED, TOO_MANY_PUBLISHED_KEYS
absl::Status Plant(IssuerDraft& draft, const HoneyKey& honey,
                   const Actor& actor, absl::Time now);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_KEY_KINDS_H_
