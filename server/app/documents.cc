#include "server/app/documents.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {
namespace {

const char* FederationReason(domain::RevocationReason reason) {
  switch (reason) {
    case domain::RevocationReason::kCompromised: return "compromised";
    case domain::RevocationReason::kSuperseded: return "superseded";
    case domain::RevocationReason::kOwnerDeparted: return "owner-departed";
    case domain::RevocationReason::kCessation: return "cessation-of-operation";
    case domain::RevocationReason::kUnspecified: return "unspecified";
  }
  return "unspecified";
}

// Nothing ended later than `now`, whatever a wrong clock had recorded: a
// verifier would trust the key until then.
Json EntryOf(const EndedKey& ended, absl::Time now) {
  const int64_t end = absl::ToUnixSeconds(std::min(ended.expired, now));
  Json jwk = Json::parse(ended.public_jwk, nullptr, /*allow_exceptions=*/false);
  if (!jwk.is_object()) jwk = Json{{"kid", ended.id.value()}};
  jwk["iat"] = absl::ToUnixSeconds(ended.issued);
  jwk["exp"] = end;
  if (ended.revoked) {
    jwk["revoked"] = {{"revoked_at", end},
                      {"reason", FederationReason(ended.reason)}};
  }
  return jwk;
}

}  // namespace

Document Documents::Finished(std::string body) const {
  std::string etag = EtagOfBytes(body, sha256_);
  return {.body = std::move(body), .etag = std::move(etag)};
}

Document Documents::Discovery(const IssuerSnapshot& snapshot) const {
  return DiscoveryWith(
      absl::StrCat(public_base_url_, "/issuers/", snapshot.id.value(),
                   "/.well-known/jwks.json"),
      snapshot);
}

Document Documents::DiscoveryFor(absl::string_view gateway,
                                 const IssuerSnapshot& snapshot) const {
  return DiscoveryWith(absl::StrCat(public_base_url_, "/gateways/", gateway,
                                    "/", snapshot.id.value(), "/jwks.json"),
                       snapshot);
}

Document Documents::DiscoveryWith(const std::string& jwks_uri,
                                  const IssuerSnapshot& snapshot) const {
  Json algorithms = Json::array();
  for (const domain::Algorithm algorithm : snapshot.algorithms) {
    algorithms.push_back(domain::AlgorithmName(algorithm));
  }
  const std::string base =
      absl::StrCat(public_base_url_, "/issuers/", snapshot.id.value());
  return Finished(WriteJson(
      {{"issuer", snapshot.issuer_uri},
       {"jwks_uri", jwks_uri},
       {"federation_historical_keys_endpoint",
        base + "/.well-known/historical-keys"},
       {"response_types_supported", {"none"}},
       {"subject_types_supported", {"public"}},
       {"id_token_signing_alg_values_supported", std::move(algorithms)}}));
}

absl::StatusOr<Document> Documents::HistoricalKeys(
    const IssuerSnapshot& snapshot) {
  if (!history_complete_) {
    return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                 "the history of keys is still being read");
  }
  {
    MutexLock lock(&mu_);
    const auto it = cache_.find(snapshot.id.value());
    if (it != cache_.end() && it->second.rev == snapshot.rev &&
        it->second.history == snapshot.history.size()) {
      return it->second.document;
    }
  }
  const absl::Time now = clock_.TimeNow();
  if (snapshot.signers.empty() || now >= snapshot.signers[0].sign_until) {
    return Precondition(Reason::kNoSigningKey,
                        absl::StrCat("nothing signs for ",
                                     IssuerName(snapshot.id), " at present"));
  }
  const SigningKey& key = snapshot.signers[0];
  Json keys = Json::array();
  for (const auto& ended : snapshot.history) {
    keys.push_back(EntryOf(*ended, now));
  }
  std::string jws =
      Base64UrlEncode(WriteJson({{"alg", domain::AlgorithmName(key.algorithm)},
                                 {"kid", key.id.value()},
                                 {"typ", "jwk-set+jwt"}}));
  jws.push_back('.');
  Base64UrlAppend(WriteJson({{"iss", snapshot.issuer_uri},
                             {"iat", absl::ToUnixSeconds(now)},
                             {"keys", std::move(keys)}}),
                  &jws);
  ASSIGN_OR_RETURN(const std::string signature,
                   vault_.Sign(snapshot.id, key, jws));
  jws.push_back('.');
  Base64UrlAppend(signature, &jws);
  Document document = Finished(std::move(jws));
  MutexLock lock(&mu_);
  cache_[snapshot.id.value()] = {snapshot.rev, snapshot.history.size(),
                                 document};
  return document;
}

}  // namespace warder::app
