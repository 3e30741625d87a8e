// JWS compact serialization (RFC 7515), read and verified strictly.
#ifndef WARDER_SERVER_JOSE_JWS_H_
#define WARDER_SERVER_JOSE_JWS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/strict_json.h"
#include "server/jose/jwk.h"

namespace warder::jose {

inline constexpr size_t kMaxTokenBytes = 16 * 1024;

struct Jws {
  Json header;
  std::string alg;
  std::string kid;            // empty when absent
  std::string typ;            // empty when absent
  std::string payload;        // decoded
  std::string signing_input;  // header.payload as they came
  std::string signature;      // decoded
};

// Reads a compact JWS without checking its signature. INVALID_ARGUMENT for
// anything but three base64url parts, a header that is not a strict JSON
// object or lacks `alg`, a `crit` or `b64` member (nothing critical is
// understood here), `jwk`, `jku`, `x5u` or `x5c` (keys do not come with the
// token, RFC 8725 section 3.10), or a token past `max_bytes`.
absl::StatusOr<Jws> ParseJws(absl::string_view token,
                             size_t max_bytes = kMaxTokenBytes);

// Returns OK when `jws` is signed by the key of `keys` that its `kid` names and
// with exactly that key's `alg` (RFC 8725 section 3.1).
//
//   UNAUTHENTICATED  no kid, a kid not in the set, another alg, or a signature
//                    that does not verify; the message says which
absl::Status VerifyJws(const Jws& jws, const std::vector<Jwk>& keys);

}  // namespace warder::jose

#endif  // WARDER_SERVER_JOSE_JWS_H_
