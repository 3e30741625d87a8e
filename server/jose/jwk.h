// JSON Web Keys (RFC 7517), public ones only, and their thumbprints.
#ifndef WARDER_SERVER_JOSE_JWK_H_
#define WARDER_SERVER_JOSE_JWK_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

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
  std::string text = {};  // its members as they were, one text for one key
};

// Returns the key that was read from this text (Jwk::text) before, or nullptr.
using KnownKey =
    std::function<std::shared_ptr<const crypto::PublicKey>(const std::string&)>;

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
// What `known` has is not read again: numbers of keys cost more than all else.
absl::StatusOr<Jwk> ParseJwk(const Json& object, const KnownKey& known = {});

// Reads a JWK Set. Keys that ParseJwk refuses are left out (RFC 7517 section
// 5), a private member refuses the whole set. INVALID_ARGUMENT when `keys` is
// missing, a kid comes twice, or the text is past 64 KiB.
absl::StatusOr<std::vector<Jwk>> ParseJwkSet(absl::string_view text,
                                             const KnownKey& known = {});

}  // namespace warder::jose

#endif  // WARDER_SERVER_JOSE_JWK_H_
