// Ports: custody of private halves, the private CA, and hashing. `vault`
// implements them by `crypto`; an HSM would be a sibling.
#ifndef WARDER_SERVER_APP_VAULT_H_
#define WARDER_SERVER_APP_VAULT_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/domain/algorithm.h"

namespace warder::app {

// Returns the 32 bytes of SHA-256.
using Sha256 = std::function<std::string(absl::string_view)>;

struct GeneratedKey {
  KeyId id;                // RFC 7638 thumbprint
  std::string public_jwk;  // as it will stand in the key set
  std::string sealed;      // bound to the issuer and the ID
};

// A key pair whose private half leaves the service.
struct ExposedKeyPair {
  KeyId id;                 // RFC 7638 thumbprint
  std::string public_jwk;   // as it will stand in the key set
  std::string private_pem;  // PKCS #8 (RFC 7468)
};

// A public key that somebody has shown to have the private half of.
struct ProvenKey {
  KeyId id;  // RFC 7638 thumbprint
  domain::Algorithm algorithm = domain::Algorithm::kEs256;
  std::string public_jwk;  // as it will stand in the key set
};

// What signing needs to know of a key.
struct SigningKey {
  KeyId id;
  domain::Algorithm algorithm = domain::Algorithm::kEs256;
  std::string sealed;
  absl::Time activate_time;
  absl::Time sign_until;  // exclusive: the hard maximum age
};

// Thread-safe.
class Vault {
 public:
  virtual ~Vault() = default;

  // Makes a key pair for `issuer`. Blocks for key generation.
  // UNAVAILABLE VAULT_UNAVAILABLE.
  virtual absl::StatusOr<GeneratedKey> Generate(
      const IssuerId& issuer, domain::Algorithm algorithm) = 0;

  // Makes a key pair that is kept nowhere. Blocks as Generate. UNAVAILABLE
  // VAULT_UNAVAILABLE.
  virtual absl::StatusOr<ExposedKeyPair> GenerateExposed(
      domain::Algorithm algorithm) = 0;

  // Makes a public JWK (ES256) whose private half is gone when this returns.
  virtual absl::StatusOr<std::string> GenerateTombstone() = 0;

  // Returns the JOSE signature of `input` by the sealed key. Unsealed keys are
  // kept, up to a bound, until Forget.
  //
  //   FAILED_PRECONDITION  KEY_ENCRYPTION_KEY: the sealed text does not open
  //   UNAVAILABLE          VAULT_UNAVAILABLE
  virtual absl::StatusOr<std::string> Sign(const IssuerId& issuer,
                                           const SigningKey& key,
                                           absl::string_view input) = 0;

  // Overwrites what memory holds of the key. Never fails.
  virtual void Forget(const KeyId& id) = 0;
};

// Thread-safe.
class PossessionVerifier {
 public:
  virtual ~PossessionVerifier() = default;

  // Returns the key of `public_jwk` (RFC 7517, with `alg`), whose private half
  // has signed `text`: `proof` is the signature in JOSE form. One signature
  // verification.
  //
  //   INVALID_ARGUMENT   public_jwk: no public key of a kind that is taken
  //   PERMISSION_DENIED  the proof is not by that key
  virtual absl::StatusOr<ProvenKey> Verify(absl::string_view public_jwk,
                                           absl::string_view text,
                                           absl::string_view proof) const = 0;
};

// Thread-safe.
class ClientCertificateAuthority {
 public:
  virtual ~ClientCertificateAuthority() = default;

  // Returns a client certificate (PEM) naming `uri`. INVALID_ARGUMENT for a
  // bad request.
  virtual absl::StatusOr<std::string> Issue(absl::string_view request_pem,
                                            absl::string_view uri,
                                            absl::Duration lifetime,
                                            absl::Time now) = 0;
  // Returns the CA certificate (PEM).
  virtual std::string AuthorityPem() const = 0;
};

// Signs what the service itself states. Thread-safe.
class StatementSigner {
 public:
  virtual ~StatementSigner() = default;

  // Returns a compact JWS, ES256, of `payload` with this header `typ`. Anybody
  // with the CA certificate can verify it.
  virtual absl::StatusOr<std::string> SignStatement(
      absl::string_view type, absl::string_view payload) = 0;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_VAULT_H_
