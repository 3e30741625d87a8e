#include "server/app/canary_signer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/app/token_writer.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {
namespace {

// The type that verifiers of the issuer expect.
std::string TypeOf(const std::vector<domain::Grant>& grants) {
  return grants.empty() || grants[0].token_types.empty()
             ? "JWT"
             : grants[0].token_types[0];
}

std::string ClaimsOf(const domain::Issuer& issuer, const std::string& audience,
                     const KeyId& key, const domain::CanaryWindow& window) {
  const int64_t issued = absl::ToUnixSeconds(window.issued);
  return WriteJson(
      {{"iss", issuer.issuer_uri},
       {"sub", domain::kCanarySubject},
       {"aud", audience},
       {"iat", issued},
       {"nbf", issued},
       {"exp", absl::ToUnixSeconds(window.until)},
       {"jti", absl::StrCat("canary-", key.value(), "-", issued)}});
}

struct Parts {
  std::string type;
  std::string claims;
};

// Of a token that was signed here.
absl::StatusOr<Parts> Read(const std::string& token) {
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3) return Internal("a canary that is no token");
  ASSIGN_OR_RETURN(const std::string text, Base64UrlDecode(parts[0]));
  ASSIGN_OR_RETURN(const Json header, ParseJsonObject(text));
  Parts read;
  ASSIGN_OR_RETURN(read.type, JsonString(header, "typ"));
  ASSIGN_OR_RETURN(read.claims, Base64UrlDecode(parts[1]));
  return read;
}

const SigningKey* ReadableSigner(const IssuerSnapshot& snapshot,
                                 const domain::Gateway& gateway) {
  for (const SigningKey& signer : snapshot.signers) {
    if (domain::Reads(gateway, signer.algorithm)) return &signer;
  }
  return nullptr;
}

}  // namespace

std::vector<domain::Canary> CanarySigner::Sign(
    const domain::Issuer& issuer,
    const domain::IssuerDraft::DestroyedHalf& half,
    const std::vector<domain::Gateway>& gateways, absl::Time now) {
  std::set<std::string> audiences;
  for (const domain::Gateway& gateway : gateways) {
    if (gateway.probe && domain::Reads(gateway, half.algorithm)) {
      audiences.insert(gateway.probe->audience);
    }
  }
  std::vector<domain::Canary> canaries;
  if (audiences.empty()) return canaries;
  const SigningKey key{.id = half.key,
                       .algorithm = half.algorithm,
                       .sealed = half.sealed,
                       .activate_time = now,
                       .sign_until = absl::InfiniteFuture()};
  const std::string type = TypeOf(issuer.grants);
  const int share = std::max(kOfOneKey / static_cast<int>(audiences.size()), 1);
  for (const std::string& audience : audiences) {
    for (const domain::CanaryWindow& window : domain::CanaryWindows(
             now, issuer.policy.max_token_lifetime, issuer.policy.clock_skew,
             std::min({left_, share, kOfOneAudience}))) {
      auto token = WriteToken(vault_, issuer.id, key, type,
                              ClaimsOf(issuer, audience, half.key, window));
      if (!token.ok()) {
        Log(LogLevel::kError, "canary.not_signed",
            {{"key", KeyName(issuer.id, half.key)},
             {"error", std::string(token.status().message())},
             {"next",
              "the key is revoked all the same; that gateways refuse it "
              "has to be known by other evidence"}});
        return canaries;
      }
      --left_;
      canaries.push_back({.key = half.key,
                          .audience = audience,
                          .window = window,
                          .token = *std::move(token)});
    }
  }
  return canaries;
}

absl::StatusOr<std::string> SignTwin(Vault& vault,
                                     const IssuerSnapshot& snapshot,
                                     const domain::Gateway& gateway,
                                     const std::string& canary) {
  const SigningKey* signer = ReadableSigner(snapshot, gateway);
  if (signer == nullptr) {
    return Precondition(
        Reason::kNoSigningKey,
        absl::StrCat("no key that ", gateway.consumer, " reads signs for ",
                     IssuerName(snapshot.id), " any more"));
  }
  ASSIGN_OR_RETURN(const Parts parts, Read(canary));
  return WriteToken(vault, snapshot.id, *signer, parts.type, parts.claims);
}

absl::StatusOr<std::string> SignStranger(Vault& vault,
                                         const IssuerSnapshot& snapshot,
                                         const domain::Gateway& gateway,
                                         const std::string& canary) {
  ASSIGN_OR_RETURN(const Parts parts, Read(canary));
  const SigningKey* signer = ReadableSigner(snapshot, gateway);
  const domain::Algorithm algorithm =
      signer == nullptr ? domain::Algorithm::kEs256 : signer->algorithm;
  ASSIGN_OR_RETURN(const GeneratedKey key,
                   vault.Generate(snapshot.id, algorithm));
  auto token = WriteToken(vault, snapshot.id,
                          {.id = key.id,
                           .algorithm = algorithm,
                           .sealed = key.sealed,
                           .activate_time = absl::InfinitePast(),
                           .sign_until = absl::InfiniteFuture()},
                          parts.type, parts.claims);
  vault.Forget(key.id);
  return token;
}

}  // namespace warder::app
