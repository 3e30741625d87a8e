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

absl::StatusOr<KeyType> ParseType(const Json& object) {
  ASSIGN_OR_RETURN(const std::string kty, JsonString(object, "kty"));
  if (kty == "RSA") return KeyType::kRsa2048;
  if (kty != "EC" && kty != "OKP") {
    return FieldError("kty", absl::StrCat("\"", kty.substr(0, 40),
                                          "\" is not EC, OKP or RSA"));
  }
  ASSIGN_OR_RETURN(const std::string crv, JsonString(object, "crv"));
  if (kty == "OKP" && crv == "Ed25519") return KeyType::kEd25519;
  for (const KeyType type : {KeyType::kP256, KeyType::kP384, KeyType::kP521}) {
    if (kty == "EC" && crv == CurveName(type)) return type;
  }
  return FieldError("crv", absl::StrCat("\"", crv.substr(0, 40),
                                        "\" is not P-256, P-384, P-521 or "
                                        "Ed25519"));
}

absl::StatusOr<PublicKey> ParseKey(const Json& object) {
  ASSIGN_OR_RETURN(const KeyType type, ParseType(object));
  if (type == KeyType::kRsa2048) {
    ASSIGN_OR_RETURN(const std::string n, Member(object, "n"));
    ASSIGN_OR_RETURN(const std::string e, Member(object, "e"));
    return PublicKey::FromRsa(n, e);
  }
  ASSIGN_OR_RETURN(const std::string x, Member(object, "x"));
  if (type == KeyType::kEd25519) return PublicKey::FromEd25519(x);
  ASSIGN_OR_RETURN(const std::string y, Member(object, "y"));
  return PublicKey::FromEc(type, x, y);
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

// Reads all but the key, whose kind must fit `alg`.
absl::StatusOr<DeferredJwk> ParseNames(const Json& object) {
  if (!object.is_object()) return FieldError("jwk", "is not an object");
  RETURN_IF_ERROR(RefusePrivate(object));
  DeferredJwk jwk;
  ASSIGN_OR_RETURN(jwk.kid, JsonString(object, "kid"));
  ASSIGN_OR_RETURN(jwk.alg, JsonString(object, "alg"));
  if (jwk.kid.empty()) return FieldError("kid", "is empty");
  if (object.contains("use") && object["use"] != "sig") {
    return FieldError("use", "is not \"sig\"");
  }
  ASSIGN_OR_RETURN(const crypto::SignatureScheme scheme, SchemeOf(jwk.alg));
  ASSIGN_OR_RETURN(const KeyType type, ParseType(object));
  if (crypto::TypeOf(scheme) != type) {
    return FieldError("alg",
                      absl::StrCat("\"", jwk.alg, "\" does not fit the key"));
  }
  return jwk;
}

// `parse` reads one key and may take its members; those that it refuses are
// left out.
template <typename Key, typename Parse>
absl::StatusOr<std::vector<Key>> ParseSet(absl::string_view text,
                                          const Parse& parse) {
  ASSIGN_OR_RETURN(Json set, ParseJsonObject(text));
  const auto keys = set.find("keys");
  if (keys == set.end() || !keys->is_array()) {
    return FieldError("keys", "is missing or not an array");
  }
  std::vector<Key> parsed;
  std::set<std::string> kids;
  for (Json& object : *keys) {
    if (object.is_object()) RETURN_IF_ERROR(RefusePrivate(object));
    absl::StatusOr<Key> key = parse(object);
    if (!key.ok()) continue;
    if (!kids.insert(key->kid).second) {
      return FieldError(
          "kid", absl::StrCat("\"", key->kid.substr(0, 64), "\" comes twice"));
    }
    parsed.push_back(*std::move(key));
  }
  return parsed;
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

absl::StatusOr<Jwk> ParseJwk(const Json& object) {
  ASSIGN_OR_RETURN(DeferredJwk names, ParseNames(object));
  ASSIGN_OR_RETURN(PublicKey key, ParseKey(object));
  return Jwk{.kid = std::move(names.kid),
             .alg = std::move(names.alg),
             .key = std::make_shared<const PublicKey>(std::move(key))};
}

absl::StatusOr<std::vector<Jwk>> ParseJwkSet(absl::string_view text) {
  return ParseSet<Jwk>(text, ParseJwk);
}

absl::StatusOr<std::vector<DeferredJwk>> ParseDeferredJwkSet(
    absl::string_view text) {
  return ParseSet<DeferredJwk>(
      text, [](Json& object) -> absl::StatusOr<DeferredJwk> {
        ASSIGN_OR_RETURN(DeferredJwk jwk, ParseNames(object));
        jwk.key = std::make_shared<const DeferredKey>(std::move(object));
        return jwk;
      });
}

absl::StatusOr<const PublicKey*> DeferredKey::Get() const {
  absl::call_once(once_, [this] { key_ = ParseKey(members_); });
  if (!key_.ok()) return key_.status();
  return &*key_;
}

}  // namespace warder::jose
