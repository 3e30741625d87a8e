// JSON Web Keys (RFC 7517), public ones only, and their thumbprints.
#ifndef WARDER_SERVER_JOSE_JWK_H_
#define WARDER_SERVER_JOSE_JWK_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/strict_json.h"
#include "server/crypto/public_key.h"

namespace warder::jose {

// A public key as a key set carries it.
struct Jwk {
  std::string kid;
  std::string alg;
  std::shared_ptr<const crypto::PublicKey> key;
};

// A key whose numbers are read at its first use: that costs more than all else
// of a key set, and of most keys a verifier sees no token. Thread-safe.
class DeferredKey {
 public:
  // Of a JWK whose names are good.
  explicit DeferredKey(Json members) : members_(std::move(members)) {}

  // Returns the key, which lives as long as this. INVALID_ARGUMENT for numbers
  // that are no key. The first call reads them, others wait for it.
  absl::StatusOr<const crypto::PublicKey*> Get() const;

  // Whether it is of the same JWK, to the member.
  bool SameAs(const DeferredKey& other) const {
    return members_ == other.members_;
  }

 private:
  const Json members_;
  mutable absl::once_flag once_;
  mutable absl::StatusOr<crypto::PublicKey> key_;
};

// A JWK of which everything but the numbers has been read.
struct DeferredJwk {
  std::string kid;
  std::string alg;
  std::shared_ptr<const DeferredKey> key;
};

// Returns the RFC 7638 SHA-256 thumbprint: 43 base64url characters.
absl::StatusOr<std::string> Thumbprint(const crypto::PublicKey& key);

// Returns the JWK text of `key`: members sorted, all of them strings; `kid` is
// the thumbprint, `use` is "sig". Nothing else, so that no consumer chokes.
absl::StatusOr<std::string> WriteJwk(const crypto::PublicKey& key,
                                     absl::string_view alg);

// Reads one JWK. `kid` and `alg` must be there. INVALID_ARGUMENT, naming the
// member, for a private member (d, p, q, dp, dq, qi, oth, k), an unknown kty,
// crv or alg, an alg that does not fit the key, a use other than "sig", or
// numbers that are no key.
absl::StatusOr<Jwk> ParseJwk(const Json& object);

// Reads a JWK Set. Keys that ParseJwk refuses are left out (RFC 7517 section
// 5), a private member refuses the whole set. INVALID_ARGUMENT when `keys` is
// missing, a kid comes twice, or the text is past 64 KiB.
absl::StatusOr<std::vector<Jwk>> ParseJwkSet(absl::string_view text);
// As ParseJwkSet; keys whose numbers are none are not left out.
absl::StatusOr<std::vector<DeferredJwk>> ParseDeferredJwkSet(
    absl::string_view text);

}  // namespace warder::jose

#endif  // WARDER_SERVER_JOSE_JWK_H_
