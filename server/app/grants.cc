#include "server/app/grants.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

absl::Status NotGranted(absl::string_view message) {
  return Error(absl::StatusCode::kPermissionDenied, Reason::kNotGranted,
               message);
}

bool Allows(const std::vector<std::string>& allowed, const std::string& value) {
  return std::any_of(allowed.begin(), allowed.end(), [&](const auto& entry) {
    return entry == "*" || entry == value;
  });
}

}  // namespace

absl::StatusOr<const domain::Grant*> FindGrant(const IssuerSnapshot& snapshot,
                                               const std::string& signer,
                                               const WantedToken& wanted) {
  absl::Status refusal = NotGranted(absl::StrCat(
      "signer \"", signer, "\" holds no grant for ", IssuerName(snapshot.id),
      "; role security adds one with UpdateIssuer"));
  for (const domain::Grant& grant : snapshot.grants) {
    if (grant.signer != signer) continue;
    std::string why;
    for (const std::string& audience : wanted.audiences) {
      if (!Allows(grant.audiences, audience)) {
        why = absl::StrCat("audience \"", audience.substr(0, 80), "\"");
      }
    }
    if (!domain::MatchesPattern(grant.subject_pattern, wanted.subject)) {
      why = absl::StrCat("subject \"", wanted.subject.substr(0, 80), "\"");
    }
    if (!wanted.token_type.empty() &&
        !Allows(grant.token_types, wanted.token_type)) {
      why = absl::StrCat("typ \"", wanted.token_type.substr(0, 80), "\"");
    }
    if (wanted.lifetime && *wanted.lifetime > grant.max_lifetime) {
      why = absl::StrCat("a lifetime of ", DurationText(*wanted.lifetime),
                         " (at most ", DurationText(grant.max_lifetime), ")");
    }
    if (why.empty()) return &grant;
    refusal = NotGranted(absl::StrCat("the grant of signer \"", signer,
                                      "\" on ", IssuerName(snapshot.id),
                                      " does not allow ", why));
  }
  return refusal;
}

absl::Status CheckMayRegisterKeys(const IssuerSnapshot& snapshot,
                                  const std::string& signer) {
  for (const domain::Grant& grant : snapshot.grants) {
    if (grant.signer == signer && grant.external_keys) return absl::OkStatus();
  }
  return NotGranted(absl::StrCat(
      "no grant of signer \"", signer, "\" on ", IssuerName(snapshot.id),
      " allows keys of its own; role security allows them with external=yes"));
}

}  // namespace warder::app
