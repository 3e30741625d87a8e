#include "server/app/issuance_reporter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/app/grants.h"
#include "server/app/token_reader.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

// Returns the caller's key, that signs at `now`.
absl::StatusOr<const ExternalSigner*> FindSigner(const IssuerSnapshot& snapshot,
                                                 const KeyId& id,
                                                 const std::string& caller,
                                                 absl::Time now) {
  for (const ExternalSigner& signer : snapshot.external_signers) {
    if (signer.id != id || signer.signer != caller) continue;
    if (now < signer.sign_until) return &signer;
    return Precondition(
        Reason::kNoSigningKey,
        absl::StrCat("the lease of ", KeyName(snapshot.id, id), " ended at ",
                     TimeText(signer.sign_until), "; register a new key"));
  }
  return Precondition(
      Reason::kNoSigningKey,
      absl::StrCat(
          KeyName(snapshot.id, id),
          " is no ACTIVE key that this caller has registered: one that "
          "is PENDING signs after the policy's publish_ahead, for one "
          "that has ended register another"));
}

absl::StatusOr<std::string> TextIn(absl::string_view field, const Json& object,
                                   const char* name, const char* absent) {
  const auto it = object.find(name);
  if (it == object.end()) return std::string(absent);
  if (it->is_string()) return it->get<std::string>();
  return FieldError(field, absl::StrCat("its ", name, " is no text"));
}

absl::Status CheckEqual(absl::string_view field, absl::string_view what,
                        absl::string_view seen, absl::string_view wanted) {
  if (seen == wanted) return absl::OkStatus();
  return FieldError(
      field, absl::StrCat("its ", what, " is \"", seen.substr(0, 120), "\"; \"",
                          wanted, "\" is wanted"));
}

// What of a token no grant says: its form, and whose it is.
absl::Status CheckToken(absl::string_view field, const ReadToken& token,
                        const IssuerSnapshot& snapshot,
                        const ExternalSigner& signer, absl::Time now) {
  RETURN_IF_ERROR(CheckEqual(field, "kid", token.kid, signer.id.value()));
  ASSIGN_OR_RETURN(const std::string alg,
                   TextIn(field, token.header, "alg", ""));
  RETURN_IF_ERROR(
      CheckEqual(field, "alg", alg, domain::AlgorithmName(signer.algorithm)));
  ASSIGN_OR_RETURN(const std::string issuer,
                   TextIn(field, token.claims, "iss", ""));
  RETURN_IF_ERROR(CheckEqual(field, "iss", issuer, snapshot.issuer_uri));
  if (token.audiences.empty()) return FieldError(field, "it names no aud");
  if (!token.expire_time || *token.expire_time <= token.issue_time) {
    return FieldError(field, "its exp is missing, or not after its iat");
  }
  const absl::Duration off = token.issue_time - now;
  if (absl::AbsDuration(off) > IssuanceReporter::kTolerance) {
    return FieldError(
        field, absl::StrCat("its iat is ", TimeText(token.issue_time),
                            ", and it is ", TimeText(now),
                            " here; tokens are reported when they are signed"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status IssuanceReporter::Report(
    const Request& request, const IssuerId& issuer, const KeyId& key,
    std::span<const std::string> signing_inputs) {
  const std::string name = KeyName(issuer, key);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kSignTokens, name).status());
  if (signing_inputs.empty() || signing_inputs.size() > kMostOfOneReport) {
    return FieldError("signing_inputs",
                      absl::StrCat(signing_inputs.size(), " of them; 1 to ",
                                   kMostOfOneReport, " are taken"));
  }
  const SnapshotPtr snapshot = runner_.publisher().Find(issuer.value());
  if (snapshot == nullptr) return NotFound(IssuerName(issuer));
  if (const absl::Status may =
          CheckMayRegisterKeys(*snapshot, request.caller.name);
      !may.ok()) {
    return runner_.Denied(request, name, may);
  }
  const ClockGuard::Reading clock = runner_.clock_guard().Read();
  ASSIGN_OR_RETURN(
      const ExternalSigner* const signer,
      FindSigner(*snapshot, key, request.caller.name, clock.latest));

  std::vector<ReadToken> tokens;
  tokens.reserve(signing_inputs.size());
  for (size_t i = 0; i < signing_inputs.size(); ++i) {
    const std::string field = absl::StrCat("signing_inputs[", i, "]");
    ASSIGN_OR_RETURN(ReadToken token, ReadTokenText(field, signing_inputs[i]));
    RETURN_IF_ERROR(CheckToken(field, token, *snapshot, *signer, clock.wall));
    ASSIGN_OR_RETURN(const std::string subject,
                     TextIn(field, token.claims, "sub", ""));
    ASSIGN_OR_RETURN(std::string type,
                     TextIn(field, token.header, "typ", "JWT"));
    if (domain::IsReservedTokenType(type)) {
      return FieldError(field, "its typ is kept for Warder's own statements");
    }
    const auto grant =
        FindGrant(*snapshot, request.caller.name,
                  {.audiences = token.audiences,
                   .subject = subject,
                   .token_type = std::move(type),
                   .lifetime = *token.expire_time - token.issue_time});
    if (!grant.ok()) {
      return WithContext(runner_.Denied(request, name, grant.status()), field);
    }
    RETURN_IF_ERROR(usage_.Admit(issuer, request.caller.name,
                                 (*grant)->max_per_second,
                                 runner_.clock().Uptime()));
    tokens.push_back(std::move(token));
  }

  std::vector<ledger::Issuance> issued;
  issued.reserve(tokens.size());
  for (const ReadToken& token : tokens) {
    issued.push_back({.issuer = issuer,
                      .key = key,
                      .issue_time = token.issue_time,
                      .signing_input = token.signing_input});
  }
  RETURN_IF_ERROR(ledger_.Record(issued));
  for (const ReadToken& token : tokens) {
    runner_.live_tokens().Count(key, *token.expire_time);
    usage_.Count(key, request.caller.name);
  }
  return absl::OkStatus();
}

}  // namespace warder::app
