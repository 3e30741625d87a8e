// What the world sees of every issuer, in memory: immutable snapshots, swapped
// whole. The public door and the token signer read here and nowhere else, so a
// database that is gone stops neither.
//
// Promises (tests/app/publisher_test.cc):
//  - an older rev never replaces a newer one, however late it comes
//  - a published set is never empty: the tombstone stands in
//  - no member but kty, use, alg, kid and the numbers (tests/jose/jose_test.cc)
#ifndef WARDER_SERVER_APP_PUBLISHER_H_
#define WARDER_SERVER_APP_PUBLISHER_H_

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/app/vault.h"
#include "server/base/ids.h"
#include "server/base/mutex.h"
#include "server/domain/issuer.h"

namespace warder::app {

// A key that is no longer published, for the historical-keys document.
struct EndedKey {
  KeyId id;
  std::string public_jwk;
  absl::Time issued;   // `iat`: when it was made
  absl::Time expired;  // `exp`: when it stopped being valid
  bool revoked = false;
  domain::RevocationReason reason = domain::RevocationReason::kUnspecified;

  static EndedKey Of(const domain::Key& key);
};
using History = std::vector<std::shared_ptr<const EndedKey>>;

// An external key that signs, and who may say what it has signed.
struct ExternalSigner {
  KeyId id;
  std::string signer;
  domain::Algorithm algorithm;
  absl::Time sign_until;
};

struct IssuerSnapshot {
  IssuerId id;
  std::string issuer_uri;
  int64_t rev = 0;
  int64_t revision = 0;
  std::string key_set;  // the bytes of jwks.json
  std::string etag;     // strong, quoted
  // The same without EdDSA keys, for verifiers that know none; empty where
  // there are none to leave out.
  std::string classic_key_set;
  std::string classic_etag;
  absl::Duration max_age;
  // When the key set is next planned to change; caches must not pass it.
  absl::Time next_change;
  std::vector<SigningKey> signers;  // in the policy's order
  std::vector<ExternalSigner> external_signers;
  // Published keys by domain::LedgerNeedOf; sorted.
  std::vector<KeyId> ledger_asked, ledger_required;
  std::vector<domain::Algorithm> algorithms;
  absl::Duration max_token_lifetime;
  bool drill = false;       // domain::Issuer::drill
  bool legal_hold = false;  // domain::Issuer::legal_hold
  std::vector<domain::Grant> grants;
  History history;
};
using SnapshotPtr = std::shared_ptr<const IssuerSnapshot>;

// Returns what tells the set and its terms, as who watches it is sent them,
// from every other: revisions alone do not, since a restore uses them again.
std::string FingerprintOf(const IssuerSnapshot& snapshot, bool classic);

// Returns a strong, quoted ETag of `body` (RFC 9110 section 8.8.3): equal bytes
// have equal tags, also after a restart.
std::string EtagOfBytes(absl::string_view body, const Sha256& sha256);

// Returns the snapshot of a draft that holds every living key.
SnapshotPtr MakeSnapshot(const domain::IssuerDraft& draft,
                         const Sha256& sha256);

// Thread-safe. Find takes one short lock of one of kShards; nothing blocks on
// I/O.
class Publisher {
 public:
  // Calls `listener` with each issuer whose key set or its terms have changed,
  // after they did.
  // Set once, before other threads install.
  void SetListener(std::function<void(const IssuerId&)> listener) {
    listener_ = std::move(listener);
  }

  // Makes `snapshot` the one that is seen, unless one with the same or a newer
  // rev already is. Keeps what history the former one had.
  void Install(SnapshotPtr snapshot);

  // Adds ended keys to the history of an issuer that is installed already.
  void AddHistory(const IssuerId& issuer, const History& ended);

  // Returns the snapshot, or nullptr.
  SnapshotPtr Find(absl::string_view issuer) const;

  size_t size() const;

  // Returns when a key of any issuer last began to sign, of those that signed
  // at some time since the start; InfinitePast while none has been installed.
  absl::Time newest_activation() const;

 private:
  static constexpr size_t kShards = 64;
  struct Shard {
    mutable Mutex mu;
    absl::flat_hash_map<std::string, SnapshotPtr> snapshots ABSL_GUARDED_BY(mu);
  };
  // Returns whether the key set is another one now.
  bool Replace(SnapshotPtr snapshot);
  const Shard& ShardOf(absl::string_view issuer) const;

  std::function<void(const IssuerId&)> listener_;
  std::array<Shard, kShards> shards_;
  mutable Mutex newest_mu_;
  absl::Time newest_activation_ ABSL_GUARDED_BY(newest_mu_) =
      absl::InfinitePast();
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_PUBLISHER_H_
