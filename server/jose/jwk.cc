#include "server/jose/jwk.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/crypto/digest.h"
#include "server/jose/algorithm.h"

namespace warder::jose {
namespace {

using crypto::KeyType;
using crypto::PublicKey;

absl::string_view CurveName(KeyType type) {
  switch (type) {
    case KeyType::kP256: return "P-256";
    case KeyType::kP384: return "P-384";
    case KeyType::kP521: return "P-521";
    case KeyType::kEd25519: return "Ed25519";
    case KeyType::kRsa2048: return "";
  }
  return "";
}

// The members RFC 7638 hashes, which are also those that make the key.
absl::StatusOr<Json> RequiredMembers(const PublicKey& key) {
  ASSIGN_OR_RETURN(const PublicKey::Numbers numbers, key.GetNumbers());
  if (key.type() == KeyType::kRsa2048) {
    return Json{{"kty", "RSA"},
                {"n", Base64UrlEncode(numbers.n)},
                {"e", Base64UrlEncode(numbers.e)}};
  }
  Json members = {{"kty", key.type() == KeyType::kEd25519 ? "OKP" : "EC"},
                  {"crv", CurveName(key.type())},
                  {"x", Base64UrlEncode(numbers.x)}};
  if (!numbers.y.empty()) members["y"] = Base64UrlEncode(numbers.y);
  return members;
}

absl::StatusOr<std::string> Member(const Json& object, const char* name) {
  ASSIGN_OR_RETURN(const std::string text, JsonString(object, name));
  auto bytes = Base64UrlDecode(text);
  if (!bytes.ok()) return WithContext(bytes.status(), name);
  return bytes;
}

absl::StatusOr<PublicKey> ParseKey(const Json& object) {
  ASSIGN_OR_RETURN(const std::string kty, JsonString(object, "kty"));
  if (kty == "RSA") {
    ASSIGN_OR_RETURN(const std::string n, Member(object, "n"));
    ASSIGN_OR_RETURN(const std::string e, Member(object, "e"));
    return PublicKey::FromRsa(n, e);
  }
  if (kty != "EC" && kty != "OKP") {
    return FieldError("kty", absl::StrCat("\"", kty.substr(0, 40),
                                          "\" is not EC, OKP or RSA"));
  }
  ASSIGN_OR_RETURN(const std::string crv, JsonString(object, "crv"));
  ASSIGN_OR_RETURN(const std::string x, Member(object, "x"));
  if (kty == "OKP" && crv == "Ed25519") return PublicKey::FromEd25519(x);
  for (const KeyType type : {KeyType::kP256, KeyType::kP384, KeyType::kP521}) {
    if (kty == "EC" && crv == CurveName(type)) {
      ASSIGN_OR_RETURN(const std::string y, Member(object, "y"));
      return PublicKey::FromEc(type, x, y);
    }
  }
  return FieldError("crv", absl::StrCat("\"", crv.substr(0, 40),
                                        "\" is not P-256, P-384, P-521 or "
                                        "Ed25519"));
}

absl::Status RefusePrivate(const Json& object) {
  for (const char* name : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    if (object.contains(name)) {
      return FieldError(name,
                        "is a private member; a key set holds public "
                        "keys only");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> Thumbprint(const PublicKey& key) {
  ASSIGN_OR_RETURN(const Json members, RequiredMembers(key));
  return Base64UrlEncode(crypto::Sha256(WriteJson(members)));
}

absl::StatusOr<std::string> WriteJwk(const PublicKey& key,
                                     absl::string_view alg) {
  ASSIGN_OR_RETURN(Json members, RequiredMembers(key));
  ASSIGN_OR_RETURN(members["kid"], Thumbprint(key));
  members["alg"] = std::string(alg);
  members["use"] = "sig";
  return WriteJson(members);
}

absl::StatusOr<Jwk> ParseJwk(const Json& object, const KnownKey& known) {
  if (!object.is_object()) return FieldError("jwk", "is not an object");
  RETURN_IF_ERROR(RefusePrivate(object));
  Jwk jwk;
  ASSIGN_OR_RETURN(jwk.kid, JsonString(object, "kid"));
  ASSIGN_OR_RETURN(jwk.alg, JsonString(object, "alg"));
  if (jwk.kid.empty()) return FieldError("kid", "is empty");
  if (object.contains("use") && object["use"] != "sig") {
    return FieldError("use", "is not \"sig\"");
  }
  ASSIGN_OR_RETURN(const crypto::SignatureScheme scheme, SchemeOf(jwk.alg));
  jwk.text = WriteJson(object);
  if (known) jwk.key = known(jwk.text);
  if (jwk.key == nullptr) {
    ASSIGN_OR_RETURN(PublicKey key, ParseKey(object));
    jwk.key = std::make_shared<const PublicKey>(std::move(key));
  }
  if (crypto::TypeOf(scheme) != jwk.key->type()) {
    return FieldError("alg",
                      absl::StrCat("\"", jwk.alg, "\" does not fit the key"));
  }
  return jwk;
}

absl::StatusOr<std::vector<Jwk>> ParseJwkSet(absl::string_view text,
                                             const KnownKey& known) {
  ASSIGN_OR_RETURN(const Json set, ParseJsonObject(text));
  const auto keys = set.find("keys");
  if (keys == set.end() || !keys->is_array()) {
    return FieldError("keys", "is missing or not an array");
  }
  std::vector<Jwk> jwks;
  std::set<std::string> kids;
  for (const Json& object : *keys) {
    if (object.is_object()) RETURN_IF_ERROR(RefusePrivate(object));
    auto jwk = ParseJwk(object, known);
    if (!jwk.ok()) continue;
    if (!kids.insert(jwk->kid).second) {
      return FieldError(
          "kid", absl::StrCat("\"", jwk->kid.substr(0, 64), "\" comes twice"));
    }
    jwks.push_back(*std::move(jwk));
  }
  return jwks;
}

}  // namespace warder::jose
