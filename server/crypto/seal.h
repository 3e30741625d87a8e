// Sealing under the key-encryption key: AES-256-GCM (NIST SP 800-38D) with a
// random 96-bit nonce. One key-encryption key seals at most 2^32 times; a
// million keys a day for ten years stay below that.
//
// Sealed text is standard base64 of: version 0x01, nonce (12), ciphertext, tag
// (16).
#ifndef WARDER_SERVER_CRYPTO_SEAL_H_
#define WARDER_SERVER_CRYPTO_SEAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/secret_bytes.h"

namespace warder::crypto {

inline constexpr size_t kKeyEncryptionKeyBytes = 32;

// Reads a key-encryption key: base64url text of 32 bytes in a file of mode
// 0600 or 0400, owned by this user or root.
//
//   FAILED_PRECONDITION  KEY_ENCRYPTION_KEY: missing, unreadable, readable by
//                        others, or not 32 bytes; the message names the file
absl::StatusOr<SecretBytes> ReadKeyEncryptionKey(const std::string& path);

// Writes a new random key-encryption key to `path`, mode 0600. The file must
// not exist.
absl::Status WriteNewKeyEncryptionKey(const std::string& path);

// Immutable; thread-safe.
class Sealer {
 public:
  // `key` has kKeyEncryptionKeyBytes.
  explicit Sealer(SecretBytes key) : key_(std::move(key)) {}

  // Returns sealed text bound to `associated_data`.
  absl::StatusOr<std::string> Seal(std::span<const uint8_t> plain,
                                   absl::string_view associated_data) const;

  // Returns what was sealed. FAILED_PRECONDITION KEY_ENCRYPTION_KEY when the
  // text was changed, sealed under another key, or bound to other data.
  absl::StatusOr<SecretBytes> Unseal(absl::string_view sealed,
                                     absl::string_view associated_data) const;

 private:
  SecretBytes key_;
};

}  // namespace warder::crypto

#endif  // WARDER_SERVER_CRYPTO_SEAL_H_
