// JSON Web Tokens (RFC 7519) checked as RFC 8725 asks.
#ifndef WARDER_SERVER_JOSE_JWT_H_
#define WARDER_SERVER_JOSE_JWT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/jose/jws.h"

namespace warder::jose {

// What the verifier expects; an empty audience or type is not checked.
struct JwtExpectation {
  std::string issuer;
  std::string audience;
  std::string type;
  absl::Duration clock_skew = absl::Minutes(1);
};

// Returns the claims of `token` when it verifies against `keys` at `now`.
// `exp` is required; a token is valid for iat/nbf - skew <= now < exp + skew.
//
//   INVALID_ARGUMENT  not a JWT at all (see ParseJws)
//   UNAUTHENTICATED   refused; the message says why
absl::StatusOr<Json> VerifyJwt(absl::string_view token,
                               const std::vector<Jwk>& keys,
                               const JwtExpectation& expected, absl::Time now);

}  // namespace warder::jose

#endif  // WARDER_SERVER_JOSE_JWT_H_
