// JOSE names (RFC 7518 section 3.1, RFC 8037) and what they mean to `crypto`.
#ifndef WARDER_SERVER_JOSE_ALGORITHM_H_
#define WARDER_SERVER_JOSE_ALGORITHM_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/crypto/public_key.h"

namespace warder::jose {

// Returns the scheme of a JOSE `alg`. INVALID_ARGUMENT for anything else than
// ES256, ES384, ES512, EdDSA, RS256, PS256: `none` and HMAC included.
absl::StatusOr<crypto::SignatureScheme> SchemeOf(absl::string_view alg);

}  // namespace warder::jose

#endif  // WARDER_SERVER_JOSE_ALGORITHM_H_
