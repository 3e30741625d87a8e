#include "server/app/token_writer.h"

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/domain/algorithm.h"

namespace warder::app {

absl::StatusOr<std::string> WriteToken(Vault& vault, const IssuerId& issuer,
                                       const SigningKey& key,
                                       absl::string_view type,
                                       absl::string_view claims) {
  std::string token;
  token.reserve(claims.size() * 4 / 3 + 320);
  Base64UrlAppend(
      absl::StrCat("{\"alg\":\"", domain::AlgorithmName(key.algorithm),
                   "\",\"kid\":\"", key.id.value(),
                   "\",\"typ\":", JsonQuoted(type), "}"),
      &token);
  token.push_back('.');
  Base64UrlAppend(claims, &token);
  ASSIGN_OR_RETURN(const std::string signature, vault.Sign(issuer, key, token));
  token.push_back('.');
  Base64UrlAppend(signature, &token);
  return token;
}

}  // namespace warder::app
