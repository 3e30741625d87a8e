#include "server/jose/jwt.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"

namespace warder::jose {
namespace {

absl::Status Refused(absl::string_view why) {
  return Error(absl::StatusCode::kUnauthenticated, Reason::kUnauthenticated,
               why);
}

absl::StatusOr<std::optional<absl::Time>> NumericDate(const Json& claims,
                                                      const char* name) {
  const auto it = claims.find(name);
  if (it == claims.end()) return std::nullopt;
  if (!it->is_number()) return Refused(absl::StrCat(name, " is not a number"));
  const double seconds = it->get<double>();
  if (!(seconds >= 0 && seconds < 1e12)) {
    return Refused(absl::StrCat(name, " is out of range"));
  }
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

bool HasAudience(const Json& claims, const std::string& wanted) {
  const auto it = claims.find("aud");
  if (it == claims.end()) return false;
  if (it->is_string()) return it->get<std::string>() == wanted;
  return it->is_array() &&
         std::any_of(it->begin(), it->end(),
                     [&](const Json& aud) { return aud == wanted; });
}

}  // namespace

absl::StatusOr<Json> VerifyJwt(absl::string_view token,
                               const std::vector<Jwk>& keys,
                               const JwtExpectation& expected, absl::Time now) {
  ASSIGN_OR_RETURN(const Jws jws, ParseJws(token));
  RETURN_IF_ERROR(VerifyJws(jws, keys));
  if (!expected.type.empty() && jws.typ != expected.type) {
    return Refused(absl::StrCat("typ is \"", jws.typ.substr(0, 64),
                                "\", expected \"", expected.type, "\""));
  }
  ASSIGN_OR_RETURN(Json claims, ParseJsonObject(jws.payload));
  if (!expected.issuer.empty() &&
      claims.value("iss", Json()) != Json(expected.issuer)) {
    return Refused(absl::StrCat("iss is not \"", expected.issuer, "\""));
  }
  if (!expected.audience.empty() && !HasAudience(claims, expected.audience)) {
    return Refused(
        absl::StrCat("aud does not name \"", expected.audience, "\""));
  }
  ASSIGN_OR_RETURN(const auto exp, NumericDate(claims, "exp"));
  ASSIGN_OR_RETURN(const auto nbf, NumericDate(claims, "nbf"));
  ASSIGN_OR_RETURN(const auto iat, NumericDate(claims, "iat"));
  if (!exp) return Refused("exp is missing");
  if (now >= *exp + expected.clock_skew) {
    return Refused(absl::StrCat("expired at ", TimeText(*exp)));
  }
  for (const auto& from : {nbf, iat}) {
    if (from && now < *from - expected.clock_skew) {
      return Refused(absl::StrCat("not valid before ", TimeText(*from)));
    }
  }
  return claims;
}

}  // namespace warder::jose
