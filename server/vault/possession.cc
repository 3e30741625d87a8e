#include "server/vault/possession.h"

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/jose/algorithm.h"
#include "server/jose/jwk.h"

namespace warder::vault {
namespace {

constexpr size_t kMostJwkBytes = 16 * 1024;
constexpr char kField[] = "public_jwk";

absl::Status NoKey(const absl::Status& why) {
  return FieldError(kField, absl::StrCat("no public key of a kind that is "
                                         "taken: ",
                                         why.message()));
}

}  // namespace

absl::StatusOr<app::ProvenKey> JosePossessionVerifier::Verify(
    absl::string_view public_jwk, absl::string_view text,
    absl::string_view proof) const {
  auto object = ParseJsonObject(public_jwk, {.max_bytes = kMostJwkBytes});
  if (!object.ok()) return NoKey(object.status());
  // The thumbprint names it, whatever it says itself.
  (*object)["kid"] = "to be replaced";
  const auto jwk = jose::ParseJwk(*object);
  if (!jwk.ok()) return NoKey(jwk.status());
  app::ProvenKey proven;
  ASSIGN_OR_RETURN(proven.algorithm, domain::ParseAlgorithm(kField, jwk->alg));
  ASSIGN_OR_RETURN(const auto scheme, jose::SchemeOf(jwk->alg));
  const auto good = jwk->key->Verify(scheme, text, proof);
  if (!good.ok() || !*good) {
    return Error(absl::StatusCode::kPermissionDenied, Reason::kPermissionDenied,
                 "the proof is no signature of the challenge by the private "
                 "half of public_jwk");
  }
  ASSIGN_OR_RETURN(const std::string kid, jose::Thumbprint(*jwk->key));
  proven.id = KeyId(kid);
  ASSIGN_OR_RETURN(proven.public_jwk, jose::WriteJwk(*jwk->key, jwk->alg));
  return proven;
}

}  // namespace warder::vault
