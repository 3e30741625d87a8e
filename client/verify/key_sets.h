// The key sets a verifier checks by: immutable, replaced whole.
#ifndef WARDER_CLIENT_VERIFY_KEY_SETS_H_
#define WARDER_CLIENT_VERIFY_KEY_SETS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/verify/issuance.h"
#include "server/crypto/public_key.h"
#include "server/jose/jwk.h"

namespace warder::client {

// One issuer's key set as Warder published it.
struct PublishedSet {
  std::string issuer;      // "issuers/shop"
  std::string issuer_uri;  // the `iss` of its tokens
  int64_t revision = 0;
  std::string jwks;  // RFC 7517
  absl::Duration max_token_lifetime;
  // Sets with the same one say the same. Opaque.
  std::string fingerprint;
  // The issuer exists for drills: its tokens open nothing but a probe.
  bool drill = false;
  // Keys of which a token is good only if the ledger has it: drained ones.
  std::vector<std::string> ledger_required = {};
  // Keys that have signed nothing: kEnforce. Of the others `issuance_mode`.
  std::vector<std::string> ledger_asked = {};
  IssuanceMode issuance_mode = IssuanceMode::kObserve;

  friend bool operator==(const PublishedSet&, const PublishedSet&) = default;
};

// One key, and whose it is.
struct TrustedKey {
  std::string issuer;  // "issuers/shop"
  std::string kid;
  std::string alg;
  crypto::SignatureScheme scheme;
  std::shared_ptr<const jose::DeferredKey> key;
  std::string issuer_uri;
  absl::Duration max_token_lifetime;
  bool drill = false;
  bool ledger_required = false;
  IssuanceMode issuance_mode = IssuanceMode::kObserve;
};

class KeySets {
 public:
  // INVALID_ARGUMENT, naming the issuer, for a set that is no JWK Set, holds no
  // key of a kind that is known, or names a kid that another issuer's has. Keys
  // that `before` has are taken from there; no key's numbers are read yet.
  static absl::StatusOr<std::unique_ptr<const KeySets>> Make(
      std::map<std::string, PublishedSet> sets, const KeySets* before);

  // Returns the key, or nullptr.
  const TrustedKey* Find(absl::string_view kid) const;
  // Returns a key that stood in a set before, and does in none now; or nullptr.
  // The last kMostFormer are remembered, more or less.
  const TrustedKey* FindFormer(absl::string_view kid) const;

  const std::map<std::string, PublishedSet>& sets() const { return sets_; }
  // Tells one value of this class from every other in the process.
  uint64_t generation() const { return generation_; }

 private:
  static constexpr size_t kMostFormer = 1000;

  KeySets() = default;
  // Takes over what `before` has, and this has not.
  void RememberFormer(const KeySets& before);
  // Returns whether it is none of these keys, of an issuer that is here still.
  bool IsFormer(const std::string& kid, const TrustedKey& key) const;

  std::map<std::string, PublishedSet> sets_;  // by issuer
  absl::flat_hash_map<std::string, TrustedKey> keys_;
  absl::flat_hash_map<std::string, TrustedKey> former_;
  uint64_t generation_ = 0;
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_VERIFY_KEY_SETS_H_
