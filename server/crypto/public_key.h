// The public half of a key: its numbers, and verification.
#ifndef WARDER_SERVER_CRYPTO_PUBLIC_KEY_H_
#define WARDER_SERVER_CRYPTO_PUBLIC_KEY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/crypto/ossl.h"

namespace warder::crypto {

enum class KeyType { kP256, kP384, kP521, kEd25519, kRsa2048 };

enum class SignatureScheme {
  kEcdsaSha256,     // P-256, R || S
  kEcdsaSha384,     // P-384, R || S
  kEcdsaSha512,     // P-521, R || S
  kEd25519,         // RFC 8032
  kRsaPkcs1Sha256,  // RFC 8017 section 8.2
  kRsaPssSha256,    // RFC 8017 section 8.1, salt as long as the digest
};

// Returns the key type a scheme signs with.
KeyType TypeOf(SignatureScheme scheme);

// Returns the width of one EC coordinate in bytes: 32, 48, 66; 0 for others.
size_t CoordinateWidth(KeyType type);

// Immutable; thread-safe.
class PublicKey {
 public:
  ~PublicKey();
  PublicKey(PublicKey&&) noexcept;
  PublicKey& operator=(PublicKey&&) noexcept;

  // From big-endian numbers. INVALID_ARGUMENT for a point not on the curve, a
  // coordinate not of full width, a modulus below 2048 bits or above 8192, an
  // exponent other than 3 or 65537 (what Envoy accepts).
  static absl::StatusOr<PublicKey> FromEc(KeyType curve, absl::string_view x,
                                          absl::string_view y);
  static absl::StatusOr<PublicKey> FromEd25519(absl::string_view x);
  static absl::StatusOr<PublicKey> FromRsa(absl::string_view n,
                                           absl::string_view e);

  // Takes the public half of `pkey` (a copy; `pkey` is borrowed).
  static absl::StatusOr<PublicKey> FromPkey(EVP_PKEY* pkey, KeyType type);

  KeyType type() const { return type_; }

  // The numbers, big-endian: x and y at full width for EC, x for Ed25519, n
  // and e without leading zeros for RSA. Others are empty.
  struct Numbers {
    std::string x, y, n, e;
  };
  absl::StatusOr<Numbers> GetNumbers() const;

  // Returns whether `signature` (JOSE form) over `message` is by this key.
  // INVALID_ARGUMENT where the scheme does not fit the key. One signature
  // verification.
  absl::StatusOr<bool> Verify(SignatureScheme scheme, absl::string_view message,
                              absl::string_view signature) const;

  // Returns SubjectPublicKeyInfo as PEM, what `openssl` reads.
  absl::StatusOr<std::string> ToPem() const;

  EVP_PKEY* get() const { return pkey_.get(); }  // borrowed

 private:
  class VerifyContexts;

  PublicKey(OwnedPkey pkey, KeyType type);
  absl::StatusOr<bool> VerifyDigest(SignatureScheme scheme,
                                    absl::string_view message,
                                    absl::string_view signature) const;

  OwnedPkey pkey_;
  KeyType type_;
  // Contexts that were set up for a verification and can be used again.
  std::unique_ptr<VerifyContexts> contexts_;
};

}  // namespace warder::crypto

#endif  // WARDER_SERVER_CRYPTO_PUBLIC_KEY_H_
