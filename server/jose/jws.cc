#include "server/jose/jws.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/jose/algorithm.h"

namespace warder::jose {
namespace {


absl::Status Refused(absl::string_view why) {
  return Error(absl::StatusCode::kUnauthenticated, Reason::kUnauthenticated,
               why);
}

absl::StatusOr<std::string> OptionalString(const Json& header,
                                           const char* name) {
  if (!header.contains(name)) return std::string();
  return JsonString(header, name);
}

}  // namespace

absl::StatusOr<Jws> ParseJws(absl::string_view token, size_t max_bytes) {
  if (token.size() > max_bytes) {
    return FieldError("token", absl::StrCat(token.size(), " bytes; at most ",
                                            max_bytes, " are read"));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3 || parts[0].empty() || parts[2].empty()) {
    return FieldError("token",
                      "is not three base64url parts with dots "
                      "between");
  }
  Jws jws;
  ASSIGN_OR_RETURN(const std::string header, Base64UrlDecode(parts[0]));
  ASSIGN_OR_RETURN(jws.payload, Base64UrlDecode(parts[1]));
  ASSIGN_OR_RETURN(jws.signature, Base64UrlDecode(parts[2]));
  ASSIGN_OR_RETURN(jws.header, ParseJsonObject(header));
  for (const char* name : {"crit", "b64", "jwk", "jku", "x5u", "x5c"}) {
    if (jws.header.contains(name)) {
      return FieldError(name, "is not accepted in a token's header");
    }
  }
  ASSIGN_OR_RETURN(jws.alg, JsonString(jws.header, "alg"));
  ASSIGN_OR_RETURN(jws.kid, OptionalString(jws.header, "kid"));
  ASSIGN_OR_RETURN(jws.typ, OptionalString(jws.header, "typ"));
  jws.signing_input = absl::StrCat(parts[0], ".", parts[1]);
  return jws;
}

absl::Status VerifyJws(const Jws& jws, const std::vector<Jwk>& keys) {
  if (jws.kid.empty()) return Refused("the token names no key (kid)");
  const Jwk* found = nullptr;
  for (const Jwk& jwk : keys) {
    if (jwk.kid == jws.kid) found = &jwk;
  }
  if (found == nullptr) {
    return Refused(absl::StrCat("key \"", jws.kid.substr(0, 64),
                                "\" is not in the key set"));
  }
  if (found->alg != jws.alg) {
    return Refused(absl::StrCat("the token says alg \"", jws.alg.substr(0, 40),
                                "\", its key is for ", found->alg));
  }
  ASSIGN_OR_RETURN(const auto scheme, SchemeOf(found->alg));
  ASSIGN_OR_RETURN(
      const bool good,
      found->key->Verify(scheme, jws.signing_input, jws.signature));
  return good ? absl::OkStatus() : Refused("the signature does not verify");
}

}  // namespace warder::jose
