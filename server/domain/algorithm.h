// The allow-list of signature algorithms. An unknown one is an error, never a
// default.
#ifndef WARDER_SERVER_DOMAIN_ALGORITHM_H_
#define WARDER_SERVER_DOMAIN_ALGORITHM_H_

#include <array>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace warder::domain {

enum class Algorithm {
  kEs256,  // ECDSA, P-256, SHA-256 (RFC 7518 section 3.4)
  kEs384,  // ECDSA, P-384, SHA-384
  kEs512,  // ECDSA, P-521, SHA-512
  kEdDsa,  // Ed25519 (RFC 8037); published as "EdDSA", which gateways know
  kRs256,  // RSASSA-PKCS1-v1_5, SHA-256, 2048 bits (RFC 7518 section 3.3)
  kPs256,  // RSASSA-PSS, SHA-256, salt 32 bytes, 2048 bits (section 3.5)
};

inline constexpr std::array<Algorithm, 6> kAlgorithms = {
    Algorithm::kEs256, Algorithm::kEs384, Algorithm::kEs512,
    Algorithm::kEdDsa, Algorithm::kRs256, Algorithm::kPs256};

// Returns the JOSE name (RFC 7518 section 3.1): "ES256".
absl::string_view AlgorithmName(Algorithm algorithm);

// Returns the algorithm of a JOSE name; INVALID_ARGUMENT naming `field`.
absl::StatusOr<Algorithm> ParseAlgorithm(absl::string_view field,
                                         absl::string_view name);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_ALGORITHM_H_
