#include "server/app/key_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/app/spares.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/domain/drain.h"
#include "server/domain/key_kinds.h"
#include "server/domain/lifecycle.h"

namespace warder::app {
namespace {

using domain::IssuerDraft;

absl::StatusOr<domain::Key> GetKey(ReadTransaction& txn, const IssuerId& issuer,
                                   const KeyId& id) {
  ASSIGN_OR_RETURN(auto key, txn.FindKey(issuer, id));
  if (!key) return NotFound(KeyName(issuer, id));
  return *std::move(key);
}

bool Owns(const Request& request, const domain::Key& key) {
  return key.owner.value() == request.caller.name;
}

// Nobody's key comes back while nobody says that he is here.
absl::Status RefuseWhileSuspended(ReadTransaction& txn,
                                  const IssuerDraft& draft, const KeyId& key) {
  for (const domain::Exposure& exposure : draft.exposures) {
    if (exposure.key != key || exposure.kind != domain::ExposureKind::kOwned) {
      continue;
    }
    ASSIGN_OR_RETURN(const auto owner, txn.FindOwner(OwnerId(exposure.person)));
    if (!owner || !owner->suspend_time) continue;
    return Precondition(
        Reason::kOwnerNotActive,
        absl::StrCat(OwnerName(owner->id), ", who answers or answered for ",
                     KeyName(draft.issuer.id, key),
                     ", is suspended; where he is here, first: warder owner "
                     "confirm ",
                     owner->id.value()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<domain::Key> KeyManager::Issue(
    const Request& request, const IssuerId& issuer,
    std::optional<domain::Algorithm> wanted) {
  const std::string name = IssuerName(issuer);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteKeys, name).status());
  ASSIGN_OR_RETURN(const auto spares, SparesFor(runner_, issuer));
  domain::Key result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(IssuerDraft draft,
                         change.txn().LoadDraft(issuer, KeyScope::kLiving));
        const auto before = domain::PublishedKeys(draft);
        const domain::Policy& policy = draft.issuer.policy;
        const domain::Algorithm algorithm =
            wanted.value_or(policy.algorithms.front());
        if (std::count(policy.algorithms.begin(), policy.algorithms.end(),
                       algorithm) == 0) {
          return FieldError("algorithm",
                            absl::StrCat(name, " does not sign with ",
                                         domain::AlgorithmName(algorithm)));
        }
        if (draft.issuer.deputy_vacant) {
          return Precondition(Reason::kDeputyRequired,
                              absl::StrCat(name,
                                           " has no living deputy; name "
                                           "one with UpdateIssuer first"));
        }
        AddMissingSpares(spares, draft, change.now());
        absl::Time activate = change.now() + policy.publish_ahead;
        if (const domain::Key* active =
                draft.Find(algorithm, domain::KeyState::kActive)) {
          activate = std::max(activate,
                              *active->activate_time + policy.rotation_period);
        }
        ASSIGN_OR_RETURN(const KeyId id,
                         domain::Stage(draft, algorithm, activate,
                                       change.actor(), change.now()));
        domain::Finish(draft, before, change.now());
        RETURN_IF_ERROR(change.Save(draft));
        change.SetResult(KeyName(issuer, id));
        result = *draft.Find(id);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string& key_name) {
        ASSIGN_OR_RETURN(const auto id, ParseKeyName("result", key_name));
        ASSIGN_OR_RETURN(result, GetKey(txn, id.first, id.second));
        return absl::OkStatus();
      }));
  return result;
}

absl::StatusOr<domain::Key> KeyManager::Get(const Request& request,
                                            const IssuerId& issuer,
                                            const KeyId& id) {
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadKeys, KeyName(issuer, id)));
  domain::Key key;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(key, GetKey(txn, issuer, id));
    return absl::OkStatus();
  }));
  if (access == Access::kOwn && !Owns(request, key)) {
    return runner_.Denied(request, KeyName(issuer, id),
                          NotFound(KeyName(issuer, id)));
  }
  return key;
}

absl::StatusOr<Page<domain::Key>> KeyManager::List(const Request& request,
                                                   KeyFilter filter,
                                                   const PageRequest& page) {
  ASSIGN_OR_RETURN(const Access access,
                   runner_.Authorize(request, Permission::kReadKeys, "keys"));
  if (access == Access::kOwn) {
    if (filter.owner && filter.owner->value() != request.caller.name) {
      return runner_.Denied(
          request, "keys",
          Error(absl::StatusCode::kPermissionDenied, Reason::kPermissionDenied,
                absl::StrCat(request.caller.Principal(),
                             " sees his own keys, not those of ",
                             OwnerName(*filter.owner))));
    }
    filter.owner = OwnerId(request.caller.name);
  }
  const std::string text =
      absl::StrCat(filter.issuer ? filter.issuer->value() : "", "|",
                   filter.state ? domain::KeyStateName(*filter.state) : "", "|",
                   filter.owner ? filter.owner->value() : "");
  ASSIGN_OR_RETURN(const int size, PageSize(page));
  ASSIGN_OR_RETURN(const std::string position,
                   ParsePageToken("keys", text, page.token));
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(position, absl::MaxSplits('/', 1));
  Page<domain::Key> result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(
        result.items,
        txn.ListKeys(filter, {IssuerId(parts.first), KeyId(parts.second)},
                     size + 1));
    return absl::OkStatus();
  }));
  if (static_cast<int>(result.items.size()) > size) {
    result.items.pop_back();
    const domain::Key& last = result.items.back();
    result.next_token = MakePageToken(
        "keys", text, absl::StrCat(last.issuer.value(), "/", last.id.value()));
  }
  return result;
}

absl::StatusOr<domain::Key> KeyManager::ChangeKey(
    const Request& request, ChangeRunner::Urgency urgency, bool own_only,
    const IssuerId& issuer, const KeyId& id,
    absl::FunctionRef<absl::Status(IssuerDraft&, Change&)> decide) {
  domain::Key result;
  const auto answer = [&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(result, GetKey(txn, issuer, id));
    return absl::OkStatus();
  };
  bool hidden = false;
  const absl::Status status = runner_.Run(
      request, urgency,
      [&](Change& change) {
        RETURN_IF_ERROR(answer(change.txn()));
        change.SetResult(KeyName(issuer, id));
        hidden = own_only && !Owns(request, result);
        if (hidden) return NotFound(KeyName(issuer, id));
        ASSIGN_OR_RETURN(IssuerDraft draft,
                         change.txn().LoadDraft(issuer, KeyScope::kLiving));
        // Ended keys are not part of a living draft; they are revoked too.
        if (draft.Find(id) == nullptr) draft.keys.push_back(result);
        const auto before = domain::PublishedKeys(draft);
        RETURN_IF_ERROR(decide(draft, change));
        if (!draft.changes.any()) return absl::OkStatus();
        domain::Finish(draft, before, change.now());
        RETURN_IF_ERROR(change.Save(draft));
        result = *draft.Find(id);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) { return answer(txn); });
  if (hidden || absl::IsPermissionDenied(status)) {
    return runner_.Denied(request, KeyName(issuer, id), status);
  }
  RETURN_IF_ERROR(status);
  return result;
}

absl::StatusOr<domain::Key> KeyManager::Revoke(const Request& request,
                                               const RevokeCommand& command) {
  ASSIGN_OR_RETURN(const Access access,
                   runner_.Authorize(request, Permission::kRevokeKeys,
                                     KeyName(command.issuer, command.key)));
  return ChangeKey(request, ChangeRunner::Urgency::kUrgent,
                   access == Access::kOwn, command.issuer, command.key,
                   [&](IssuerDraft& draft, Change& change) {
                     return domain::Revoke(draft, command.key, command.reason,
                                           change.actor(), change.now());
                   });
}

absl::StatusOr<domain::Key> KeyManager::Suspend(const Request& request,
                                                const IssuerId& issuer,
                                                const KeyId& key) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteKeys, KeyName(issuer, key))
          .status());
  return ChangeKey(request, ChangeRunner::Urgency::kUrgent, false, issuer, key,
                   [&](IssuerDraft& draft, Change& change) {
                     return domain::Suspend(draft, key, change.actor(),
                                            change.now());
                   });
}

absl::StatusOr<domain::Key> KeyManager::Resume(const Request& request,
                                               const IssuerId& issuer,
                                               const KeyId& key) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteKeys, KeyName(issuer, key))
          .status());
  return ChangeKey(
      request, ChangeRunner::Urgency::kNormal, false, issuer, key,
      [&](IssuerDraft& draft, Change& change) -> absl::Status {
        RETURN_IF_ERROR(RefuseWhileSuspended(change.txn(), draft, key));
        return domain::Resume(draft, key, change.actor(), change.now());
      });
}

absl::StatusOr<domain::Key> KeyManager::Drain(const Request& request,
                                              const IssuerId& issuer,
                                              const KeyId& key) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteKeys, KeyName(issuer, key))
          .status());
  const LiveTokens& live = runner_.live_tokens();
  return ChangeKey(
      request, ChangeRunner::Urgency::kUrgent, false, issuer, key,
      [&](IssuerDraft& draft, Change& change) {
        // What an earlier process signed expires by then.
        const absl::Time last =
            std::max(live.LastExpiry(key),
                     live.since() + draft.issuer.policy.max_token_lifetime);
        return domain::Drain(draft, key, last, change.actor(), change.now());
      });
}

absl::StatusOr<HoneyKeyMade> KeyManager::CreateHoney(
    const Request& request, const IssuerId& issuer, const std::string& place,
    std::optional<domain::Algorithm> algorithm) {
  const std::string name = IssuerName(issuer);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteKeys, name).status());
  const SnapshotPtr snapshot = runner_.publisher().Find(issuer.value());
  if (snapshot == nullptr) return NotFound(name);
  const domain::Algorithm chosen =
      algorithm.value_or(snapshot->algorithms.front());
  ASSIGN_OR_RETURN(ExposedKeyPair pair,
                   runner_.vault().GenerateExposed(chosen));
  HoneyKeyMade made;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) -> absl::Status {
        ASSIGN_OR_RETURN(IssuerDraft draft,
                         change.txn().LoadDraft(issuer, KeyScope::kLiving));
        const auto before = domain::PublishedKeys(draft);
        RETURN_IF_ERROR(domain::Plant(draft,
                                      {.id = pair.id,
                                       .algorithm = chosen,
                                       .public_jwk = pair.public_jwk,
                                       .place = place},
                                      change.actor(), change.now()));
        domain::Finish(draft, before, change.now());
        RETURN_IF_ERROR(change.Save(draft));
        RETURN_IF_ERROR(change.txn().InsertDeclaredExposure(
            {.issuer = issuer,
             .key = pair.id,
             .person = request.caller.name,
             .kind = domain::ExposureKind::kHeld,
             .from = change.now(),
             .until = std::nullopt,
             .declared_by = request.caller.Principal(),
             .note = "a decoy that was handed out once"}));
        made.key = *draft.Find(pair.id);
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  if (!request.validate_only) made.private_pem = std::move(pair.private_pem);
  return made;
}

}  // namespace warder::app
