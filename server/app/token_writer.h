// How a token is put together.
#ifndef WARDER_SERVER_APP_TOKEN_WRITER_H_
#define WARDER_SERVER_APP_TOKEN_WRITER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/app/vault.h"
#include "server/base/ids.h"

namespace warder::app {

// Returns the compact JWS (RFC 7515 section 7.1) of `claims`, a JSON object, by
// `key` with the header alg, kid and typ. Errors as Vault::Sign.
absl::StatusOr<std::string> WriteToken(Vault& vault, const IssuerId& issuer,
                                       const SigningKey& key,
                                       absl::string_view type,
                                       absl::string_view claims);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_TOKEN_WRITER_H_
