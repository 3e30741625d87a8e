// Verifier, where it has to do with the ledger: what it asks of it, and what it
// tells.
#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "client/verify/token_form.h"
#include "client/verify/verifier.h"

namespace warder::client {
namespace {

SeenToken SeenOf(const TrustedKey& key, const Json& claims,
                 const TokenParts& parts, absl::Time issued) {
  SeenToken seen{.issuer = key.issuer,
                 .kid = key.kid,
                 .issue_time = issued,
                 .signing_input = parts.signing_input,
                 .audience = {},
                 .source = parts.source};
  seen.audience = FirstAudience(claims);
  seen.ledger_required = key.ledger_required;
  return seen;
}

// A token without a subject names nobody.
std::string SubjectOf(const Json& claims) {
  const auto subject = JsonString(claims, "sub");
  return subject.ok() ? *subject : "";
}

}  // namespace

std::optional<Verdict> Verifier::CheckIssuance(const TrustedKey& key,
                                               const TokenParts& parts,
                                               absl::Time now,
                                               VerifiedToken& fresh) const {
  const bool names_nobody =
      options_.subjects != nullptr &&
      options_.subjects->IsUnknown(key.issuer, SubjectOf(fresh.claims));
  if (!key.ledger_required && !names_nobody &&
      key.issuance_mode == IssuanceMode::kObserve) {
    return std::nullopt;
  }
  const auto audience = fresh.claims.find("aud");
  if (audience != fresh.claims.end() && IsForProbes(*audience)) {
    return std::nullopt;
  }
  const Issuance issuance =
      options_.issuance == nullptr
          ? Issuance::kIndeterminate
          : options_.issuance->Check(SeenOf(key, fresh.claims, parts,
                                            *TimeClaim(fresh.claims, "iat")));
  fresh.issuance = issuance;
  if (issuance == Issuance::kNeverIssued && names_nobody) {
    TellOf(key, fresh.claims, parts, now, TokenViolation::kUnknownSubject);
    return Refuse(Refusal::kNeverIssued,
                  "its signature is valid, it names nobody, and it was never "
                  "issued");
  }
  if (issuance == Issuance::kNeverIssued &&
      (key.ledger_required || key.issuance_mode == IssuanceMode::kEnforce)) {
    return Refuse(Refusal::kNeverIssued,
                  "its signature is valid, and it was never issued");
  }
  if (issuance == Issuance::kIndeterminate && key.ledger_required) {
    return Refuse(Refusal::kIssuanceUnknown,
                  "tokens of its key are good only where the ledger has them, "
                  "and it could not say");
  }
  return std::nullopt;
}

void Verifier::TellOf(const TrustedKey& key, const Json& claims,
                      const TokenParts& parts, absl::Time now,
                      std::optional<TokenViolation> violation) const {
  if (options_.observer == nullptr) return;
  const auto issued = TimeClaim(claims, "iat");
  const auto expires = TimeClaim(claims, "exp");
  // What has expired opens nothing, and its record may be gone.
  if (!issued || !expires || now >= *expires + options_.clock_skew) return;
  const auto audience = claims.find("aud");
  if (audience != claims.end() && IsForProbes(*audience)) return;
  const SeenToken seen = SeenOf(key, claims, parts, *issued);
  if (violation) {
    options_.observer->Refused(seen, *violation);
  } else {
    options_.observer->Accepted(seen);
  }
}

void Verifier::TellOfDeadKey(const KeySets& sets, const TokenParts& parts,
                             absl::Time now) const {
  Json header, claims;
  if (ReadObject("the header", parts.header, header) ||
      ReadObject("the payload", parts.payload, claims)) {
    return;
  }
  const auto kid = JsonString(header, "kid");
  const TrustedKey* key = kid.ok() ? sets.FindFormer(*kid) : nullptr;
  // A signature that anybody can make is no news.
  if (key == nullptr ||
      CheckSignature(*key, parts.signing_input, parts.signature)) {
    return;
  }
  TellOf(*key, claims, parts, now, TokenViolation::kDeadKey);
}

}  // namespace warder::client
