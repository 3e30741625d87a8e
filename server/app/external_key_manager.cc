#include "server/app/external_key_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/app/grants.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/domain/key_kinds.h"
#include "server/domain/lifecycle.h"

namespace warder::app {
namespace {

constexpr size_t kRandomBytes = 32;

// What every challenge of the caller for the issuer begins with: a signature of
// it is one of nothing else.
std::string Preamble(const IssuerId& issuer, const Caller& caller) {
  return absl::StrCat("warder key possession\n", IssuerName(issuer), "\n",
                      caller.Principal(), "\n");
}

}  // namespace

absl::Status ExternalKeyManager::Admit(const Request& request,
                                       const IssuerId& issuer) {
  const std::string name = IssuerName(issuer);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kSignTokens, name).status());
  const SnapshotPtr snapshot = runner_.publisher().Find(issuer.value());
  if (snapshot == nullptr) return NotFound(name);
  const absl::Status granted =
      CheckMayRegisterKeys(*snapshot, request.caller.name);
  return granted.ok() ? granted : runner_.Denied(request, name, granted);
}

absl::StatusOr<KeyChallenge> ExternalKeyManager::CreateChallenge(
    const Request& request, const IssuerId& issuer) {
  RETURN_IF_ERROR(Admit(request, issuer));
  Open open{.text = absl::StrCat(Preamble(issuer, request.caller),
                                 RandomToken(random_, kRandomBytes)),
            .until = runner_.clock().Uptime() + kChallengeLife};
  KeyChallenge challenge{
      .text = open.text,
      .expire_time = runner_.clock_guard().Read().wall + kChallengeLife,
      .issuer_uri = runner_.publisher().Find(issuer.value())->issuer_uri};
  MutexLock lock(&mu_);
  std::vector<Open>& his = challenges_[request.caller.name];
  if (his.size() >= kMostChallenges) his.erase(his.begin());
  his.push_back(std::move(open));
  return challenge;
}

absl::Status ExternalKeyManager::Spend(const Request& request,
                                       const RegisterKeyCommand& command) {
  const absl::Duration now = runner_.clock().Uptime();
  MutexLock lock(&mu_);
  std::vector<Open>& his = challenges_[request.caller.name];
  std::erase_if(his, [&](const Open& open) { return open.until <= now; });
  const auto it = std::find_if(his.begin(), his.end(), [&](const Open& open) {
    return open.text == command.challenge;
  });
  if (it == his.end() ||
      !absl::StartsWith(it->text, Preamble(command.issuer, request.caller))) {
    return Precondition(
        Reason::kWrongState,
        absl::StrCat("challenge: none of ", request.caller.Principal(), " for ",
                     IssuerName(command.issuer),
                     " that is open; each is good once, for five minutes: ask "
                     "for another with CreateKeyChallenge"));
  }
  his.erase(it);
  return absl::OkStatus();
}

absl::StatusOr<domain::Key> ExternalKeyManager::Register(
    const Request& request, const RegisterKeyCommand& command) {
  RETURN_IF_ERROR(Admit(request, command.issuer));
  RETURN_IF_ERROR(Spend(request, command));
  auto proven =
      verifier_.Verify(command.public_jwk, command.challenge, command.proof);
  if (absl::IsPermissionDenied(proven.status())) {
    return runner_.Denied(request, IssuerName(command.issuer), proven.status());
  }
  RETURN_IF_ERROR(proven.status());
  domain::Key result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) -> absl::Status {
        ASSIGN_OR_RETURN(
            domain::IssuerDraft draft,
            change.txn().LoadDraft(command.issuer, KeyScope::kLiving));
        if (draft.issuer.deputy_vacant) {
          return Precondition(Reason::kDeputyRequired,
                              absl::StrCat(IssuerName(command.issuer),
                                           " has no living deputy; name one "
                                           "with UpdateIssuer first"));
        }
        const auto before = domain::PublishedKeys(draft);
        RETURN_IF_ERROR(domain::Register(draft,
                                         {.id = proven->id,
                                          .algorithm = proven->algorithm,
                                          .public_jwk = proven->public_jwk,
                                          .signer = request.caller.name,
                                          .lease = command.lease,
                                          .immediate = command.immediate},
                                         change.actor(), change.now()));
        domain::Finish(draft, before, change.now());
        RETURN_IF_ERROR(change.Save(draft));
        RETURN_IF_ERROR(change.txn().InsertDeclaredExposure(
            {.issuer = command.issuer,
             .key = proven->id,
             .person = request.caller.name,
             .kind = domain::ExposureKind::kHeld,
             .from = change.now(),
             .until = std::nullopt,
             .declared_by = request.caller.Principal(),
             .note = "registered it, with proof of possession"}));
        change.SetResult(KeyName(command.issuer, proven->id));
        result = *draft.Find(proven->id);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string& name) -> absl::Status {
        ASSIGN_OR_RETURN(const auto id, ParseKeyName("result", name));
        ASSIGN_OR_RETURN(const auto key, txn.FindKey(id.first, id.second));
        if (!key) return NotFound(name);
        result = *key;
        return absl::OkStatus();
      }));
  return result;
}

absl::StatusOr<domain::Key> ExternalKeyManager::Renew(const Request& request,
                                                      const IssuerId& issuer,
                                                      const KeyId& id,
                                                      absl::Duration lease) {
  RETURN_IF_ERROR(Admit(request, issuer));
  domain::Key result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) -> absl::Status {
        ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                         change.txn().LoadDraft(issuer, KeyScope::kLiving));
        if (draft.Find(id) == nullptr) {  // it has ended, if it is there at all
          ASSIGN_OR_RETURN(const auto ended, change.txn().FindKey(issuer, id));
          if (ended) draft.keys.push_back(*ended);
        }
        const auto before = domain::PublishedKeys(draft);
        RETURN_IF_ERROR(domain::RenewLease(draft, id, request.caller.name,
                                           lease, change.now()));
        domain::Finish(draft, before, change.now());
        RETURN_IF_ERROR(change.Save(draft));
        change.SetResult(KeyName(issuer, id));
        result = *draft.Find(id);
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return result;
}

}  // namespace warder::app
