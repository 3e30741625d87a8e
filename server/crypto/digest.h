// SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104).
#ifndef WARDER_SERVER_CRYPTO_DIGEST_H_
#define WARDER_SERVER_CRYPTO_DIGEST_H_

#include <string>

#include "absl/strings/string_view.h"

namespace warder::crypto {

// Returns the 32 bytes of SHA-256 of `data`. Thread-safe.
std::string Sha256(absl::string_view data);

// Returns the 32 bytes of HMAC-SHA256 of `message`. Thread-safe.
std::string HmacSha256(absl::string_view key, absl::string_view message);

// Compares in time that depends on the lengths only.
bool ConstantTimeEquals(absl::string_view a, absl::string_view b);

}  // namespace warder::crypto

#endif  // WARDER_SERVER_CRYPTO_DIGEST_H_
