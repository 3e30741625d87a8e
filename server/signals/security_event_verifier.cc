#include "server/signals/security_event_verifier.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/jose/jws.h"

namespace warder::signals {
namespace {

using app::SecurityEventError;
using app::SecurityEventVerdict;

constexpr size_t kMaxSetBytes = 64 << 10;
// How far the transmitter's clock may be ahead.
constexpr absl::Duration kSkew = absl::Minutes(5);
// Nobody sends a SET for longer; who keeps one for years wants to mislead.
constexpr absl::Duration kOldest = absl::Hours(24 * 7);

SecurityEventVerdict Refuse(SecurityEventError error,
                            absl::string_view description) {
  return {
      .error = error, .description = std::string(description), .claims = {}};
}

bool HasType(const jose::Jws& jws) {
  std::string type = absl::AsciiStrToLower(jws.typ);
  if (type.rfind("application/", 0) == 0) type.erase(0, 12);
  return type == "secevent+jwt";
}

bool Names(const Json& audience, absl::string_view wanted) {
  if (audience.is_string()) return audience.get<std::string>() == wanted;
  return audience.is_array() &&
         std::any_of(audience.begin(), audience.end(), [&](const Json& entry) {
           return entry.is_string() && entry.get<std::string>() == wanted;
         });
}

// What is wrong with the claims; error kNone for nothing.
SecurityEventVerdict CheckClaims(const Json& claims, absl::string_view issuer,
                                 absl::string_view audience, absl::Time now) {
  const auto iss = JsonString(claims, "iss");
  if (!iss.ok())
    return Refuse(SecurityEventError::kInvalidRequest, "iss is missing");
  if (*iss != issuer) {
    return Refuse(SecurityEventError::kInvalidIssuer,
                  absl::StrCat("iss is \"", iss->substr(0, 200),
                               "\", not that of this transmitter"));
  }
  if (!claims.contains("aud") || !Names(claims["aud"], audience)) {
    return Refuse(SecurityEventError::kInvalidAudience,
                  absl::StrCat("aud does not name \"", audience, "\""));
  }
  const auto jti = JsonString(claims, "jti");
  if (!jti.ok() || jti->empty()) {
    return Refuse(SecurityEventError::kInvalidRequest, "jti is missing");
  }
  const auto iat = claims.find("iat");
  if (iat == claims.end() || !iat->is_number()) {
    return Refuse(SecurityEventError::kInvalidRequest, "iat is missing");
  }
  const double age =
      absl::ToDoubleSeconds(now - absl::UnixEpoch()) - iat->get<double>();
  if (age < -absl::ToDoubleSeconds(kSkew)) {
    return Refuse(SecurityEventError::kInvalidRequest,
                  "iat lies in the future");
  }
  if (!(age < absl::ToDoubleSeconds(kOldest))) {
    return Refuse(SecurityEventError::kInvalidRequest,
                  "iat is 7 days ago or more");
  }
  const auto events = claims.find("events");
  if (events == claims.end() || !events->is_object() || events->empty()) {
    return Refuse(SecurityEventError::kInvalidRequest,
                  "events is missing, no object, or empty");
  }
  return {};
}

// RFC 7517 lets a key leave its algorithm out. What then fits its type and is
// in common use is taken; never what the token's own header says.
void NameAlgorithm(Json& key) {
  if (!key.is_object() || key.contains("alg")) return;
  const std::string type = JsonString(key, "kty").value_or("");
  const std::string curve = JsonString(key, "crv").value_or("");
  if (type == "RSA") key["alg"] = "RS256";
  if (curve == "P-256") key["alg"] = "ES256";
  if (curve == "P-384") key["alg"] = "ES384";
  if (curve == "P-521") key["alg"] = "ES512";
  if (curve == "Ed25519") key["alg"] = "EdDSA";
}

absl::StatusOr<std::vector<jose::Jwk>> KeysOf(absl::string_view jwks) {
  ASSIGN_OR_RETURN(Json set, ParseJsonObject(jwks));
  const auto keys = set.find("keys");
  if (keys != set.end() && keys->is_array()) {
    for (Json& key : *keys) NameAlgorithm(key);
  }
  return jose::ParseJwkSet(WriteJson(set));
}

}  // namespace

SecurityEventVerdict JoseSecurityEventVerifier::Verify(
    absl::string_view set, absl::string_view jwks, absl::string_view issuer,
    absl::string_view audience, absl::Time now) {
  const auto jws = jose::ParseJws(set, kMaxSetBytes);
  if (!jws.ok()) {
    return Refuse(SecurityEventError::kInvalidRequest, jws.status().message());
  }
  if (!HasType(*jws)) {
    return Refuse(SecurityEventError::kInvalidRequest,
                  "typ is not secevent+jwt (RFC 8417 section 2.3)");
  }
  auto claims = ParseJsonObject(jws->payload);
  if (!claims.ok()) {
    return Refuse(SecurityEventError::kInvalidRequest,
                  claims.status().message());
  }
  SecurityEventVerdict verdict = CheckClaims(*claims, issuer, audience, now);
  if (verdict.error != SecurityEventError::kNone) return verdict;
  const auto keys = KeysOf(jwks);
  if (!keys.ok()) {
    return Refuse(SecurityEventError::kInvalidKey, keys.status().message());
  }
  const bool known =
      std::any_of(keys->begin(), keys->end(), [&](const jose::Jwk& key) {
        return !jws->kid.empty() && key.kid == jws->kid;
      });
  if (!known) {
    return Refuse(SecurityEventError::kInvalidKey,
                  absl::StrCat("kid \"", jws->kid.substr(0, 100),
                               "\" is not in the transmitter's key set"));
  }
  if (const absl::Status good = jose::VerifyJws(*jws, *keys); !good.ok()) {
    return Refuse(SecurityEventError::kAuthenticationFailed, good.message());
  }
  verdict.claims = *std::move(claims);
  return verdict;
}

absl::Status JoseSecurityEventVerifier::CheckKeySet(absl::string_view field,
                                                    absl::string_view jwks) {
  const auto keys = KeysOf(jwks);
  if (!keys.ok()) return FieldError(field, keys.status().message());
  if (!keys->empty()) return absl::OkStatus();
  return FieldError(field, "holds no key with a kid that verifies signatures");
}

}  // namespace warder::signals
