// ECDSA signatures: OpenSSL speaks DER, JOSE speaks R || S, each zero-padded
// big-endian to the width of the curve's order (RFC 7518 section 3.4).
#ifndef WARDER_SERVER_CRYPTO_ECDSA_RAW_H_
#define WARDER_SERVER_CRYPTO_ECDSA_RAW_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace warder::crypto {

// Returns R || S, 2 * `width` bytes, of a DER ECDSA-Sig-Value.
absl::StatusOr<std::string> EcdsaDerToRaw(absl::string_view der, size_t width);

// Returns the DER form of `raw`; INVALID_ARGUMENT unless 2 * `width` bytes.
absl::StatusOr<std::string> EcdsaRawToDer(absl::string_view raw, size_t width);

}  // namespace warder::crypto

#endif  // WARDER_SERVER_CRYPTO_ECDSA_RAW_H_
