// The private half of a key. The type stays in the rooms `crypto` and `vault`
// (and in client tools that make their own TLS keys); elsewhere keys are
// sealed text.
#ifndef WARDER_SERVER_CRYPTO_PRIVATE_KEY_H_
#define WARDER_SERVER_CRYPTO_PRIVATE_KEY_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/secret_bytes.h"
#include "server/crypto/ossl.h"
#include "server/crypto/public_key.h"

namespace warder::crypto {

// Room for 60,000 keys on elliptic curves or 6,000 of RSA, and a quarter more.
inline constexpr size_t kSecureHeapBytes = 8 << 20;

// Sets `bytes` of locked memory, a power of two, aside for private numbers.
// Call once, before any key is made. Returns false where the system refuses to
// lock it; keys then lie in ordinary memory that is still overwritten after
// use.
bool InitSecureHeap(size_t bytes = kSecureHeapBytes);

// Returns whether more than a quarter of that memory is free; true without it.
// Past its end OpenSSL reads and makes no key.
bool SecureHeapHasRoom();

// Immutable; thread-safe. Destruction overwrites the private numbers.
class PrivateKey {
 public:
  PrivateKey(PrivateKey&& other) noexcept;
  PrivateKey& operator=(PrivateKey&& other) noexcept;
  ~PrivateKey();

  // Makes a new key pair. Microseconds for elliptic curves, a large part of a
  // second for RSA.
  static absl::StatusOr<PrivateKey> Generate(KeyType type);

  // Reads PKCS#8 DER (RFC 5208); INVALID_ARGUMENT unless it holds a key of
  // `type`.
  static absl::StatusOr<PrivateKey> FromPkcs8(std::span<const uint8_t> der,
                                              KeyType type);

  // Reads PKCS#8 in PEM (RFC 7468), of any type that is known.
  // INVALID_ARGUMENT.
  static absl::StatusOr<PrivateKey> FromPem(absl::string_view pem);

  KeyType type() const { return type_; }

  // Returns PKCS#8 DER, for the sealer.
  absl::StatusOr<SecretBytes> ToPkcs8() const;

  absl::StatusOr<PublicKey> Public() const;

  // Returns the signature of `message` in JOSE form (ECDSA as R || S).
  // INVALID_ARGUMENT where the scheme does not fit the key.
  absl::StatusOr<std::string> Sign(SignatureScheme scheme,
                                   absl::string_view message) const;

  EVP_PKEY* get() const { return pkey_.get(); }  // borrowed

 private:
  // As Sign, by Ed25519, which takes no digest.
  absl::StatusOr<std::string> SignWhole(absl::string_view message) const;

  // Contexts that are ready to sign, one for each thread that does so at a
  // time: they go with the key, and are not made anew for each signature.
  class Contexts;

  PrivateKey(OwnedPkey pkey, KeyType type);

  OwnedPkey pkey_;
  KeyType type_;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace warder::crypto

#endif  // WARDER_SERVER_CRYPTO_PRIVATE_KEY_H_
