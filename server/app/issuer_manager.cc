#include "server/app/issuer_manager.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/app/activation_hold.h"
#include "server/app/etag.h"
#include "server/app/spares.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/lifecycle.h"
#include "server/domain/succession.h"

namespace warder::app {
namespace {

using domain::IssuerDraft;

absl::Status RequireActive(ReadTransaction& txn, absl::string_view field,
                           const OwnerId& id, bool team_allowed) {
  ASSIGN_OR_RETURN(const auto owner, txn.FindOwner(id));
  if (!owner) {
    return FieldError(field, absl::StrCat("\"", OwnerName(id),
                                          "\" does not exist; create it with "
                                          "CreateOwner first"));
  }
  if (owner->state != domain::OwnerState::kActive) {
    return Precondition(Reason::kOwnerNotActive,
                        absl::StrCat(field, ": ", OwnerName(id),
                                     " has departed; name somebody who is "
                                     "there"));
  }
  if (owner->suspend_time) {
    return Precondition(
        Reason::kOwnerNotActive,
        absl::StrCat(field, ": ", OwnerName(id),
                     " is suspended, since nobody said that he is here; name "
                     "somebody else, or say so with: warder owner confirm ",
                     id.value()));
  }
  if (owner->kind == domain::OwnerKind::kTeam && !team_allowed) {
    return FieldError(field, absl::StrCat(OwnerName(id),
                                          " is a team; a person answers for an "
                                          "issuer, and a team may be deputy"));
  }
  return absl::OkStatus();
}

// Fills in and checks who answers for the issuer.
absl::Status CheckPeople(ReadTransaction& txn, IssuerDraft& draft) {
  domain::Issuer& issuer = draft.issuer;
  RETURN_IF_ERROR(RequireActive(txn, "owner", issuer.owner,
                                /*team_allowed=*/false));
  if (issuer.deputies.empty()) {
    ASSIGN_OR_RETURN(const auto owner, txn.FindOwner(issuer.owner));
    if (!owner->deputy.empty()) issuer.deputies = {owner->deputy};
  }
  if (issuer.deputies.empty()) {
    return Precondition(
        Reason::kDeputyRequired,
        absl::StrCat(
            IssuerName(issuer.id),
            " needs a deputy who takes over "
            "when ",
            OwnerName(issuer.owner),
            " leaves; name one in deputies, or in the owner's deputy"));
  }
  if (issuer.deputies.size() > 20) {
    return FieldError("deputies", "more than 20");
  }
  std::set<OwnerId> seen = {issuer.owner};
  for (size_t i = 0; i < issuer.deputies.size(); ++i) {
    const std::string field = absl::StrCat("deputies[", i, "]");
    if (!seen.insert(issuer.deputies[i]).second) {
      return FieldError(field, absl::StrCat(OwnerName(issuer.deputies[i]),
                                            " is named twice, or is the owner "
                                            "himself"));
    }
    RETURN_IF_ERROR(RequireActive(txn, field, issuer.deputies[i],
                                  /*team_allowed=*/true));
  }
  RETURN_IF_ERROR(txn.LoadPeople(draft));
  if (!domain::HasDeputy(draft, OwnerId(), absl::InfinitePast())) {
    return Precondition(
        Reason::kDeputyRequired,
        absl::StrCat(IssuerName(issuer.id),
                     ": its deputies are teams without anybody but the owner; "
                     "name a person, or add members to a team"));
  }
  issuer.deputy_vacant = false;
  return absl::OkStatus();
}

absl::Status CheckText(absl::string_view field, absl::string_view text,
                       size_t most) {
  if (text.size() <= most) return absl::OkStatus();
  return FieldError(field, absl::StrCat(text.size(), " bytes; at most ", most));
}

absl::Status CheckIssuerUri(absl::string_view uri) {
  RETURN_IF_ERROR(CheckText("issuer_uri", uri, 512));
  const bool scheme =
      absl::StartsWith(uri, "https://") || absl::StartsWith(uri, "http://");
  bool good = scheme && !absl::EndsWith(uri, "/");
  for (const char c : uri) {
    good = good && c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '"' &&
           c != '\\';
  }
  if (good) return absl::OkStatus();
  return FieldError("issuer_uri",
                    "is not an http(s) URL without query, fragment and slash "
                    "at its end (OpenID Connect Discovery section 3)");
}

// What the audit log keeps of an issuer, so that the difference of two events
// is what changed.
Json SummaryOf(const domain::Issuer& issuer) {
  Json detail = {{"owner", OwnerName(issuer.owner)},
                 {"deputies", Json::array()}};
  for (const OwnerId& deputy : issuer.deputies) {
    detail["deputies"].push_back(OwnerName(deputy));
  }
  const domain::Policy& policy = issuer.policy;
  Json& times = detail["policy"];
  times["algorithms"] = Json::array();
  for (const domain::Algorithm algorithm : policy.algorithms) {
    times["algorithms"].push_back(domain::AlgorithmName(algorithm));
  }
  times["rotation_period"] = DurationText(policy.rotation_period);
  times["max_key_age"] = DurationText(policy.max_key_age);
  times["publish_ahead"] = DurationText(policy.publish_ahead);
  times["verify_grace"] = DurationText(policy.verify_grace);
  times["verifier_cache"] = DurationText(policy.verifier_cache);
  times["cache_max_age"] = DurationText(policy.cache_max_age);
  times["max_token_lifetime"] = DurationText(policy.max_token_lifetime);
  times["clock_skew"] = DurationText(policy.clock_skew);
  times["max_revocation_exposure"] =
      DurationText(policy.max_revocation_exposure);
  times["owned_key_departure"] =
      domain::DepartureActionName(policy.owned_key_departure);
  times["used_key_departure"] =
      domain::DepartureActionName(policy.used_key_departure);
  Json& grants = detail["grants"] = Json::array();
  for (const domain::Grant& grant : issuer.grants) {
    grants.push_back({{"signer", grant.signer},
                      {"audiences", grant.audiences},
                      {"token_types", grant.token_types},
                      {"max_lifetime", DurationText(grant.max_lifetime)},
                      {"subject_pattern", grant.subject_pattern}});
  }
  return detail;
}

absl::StatusOr<domain::Issuer> GetIssuer(ReadTransaction& txn,
                                         const IssuerId& id) {
  ASSIGN_OR_RETURN(auto issuer, txn.FindIssuer(id));
  if (!issuer) return NotFound(IssuerName(id));
  return *std::move(issuer);
}

}  // namespace

absl::StatusOr<domain::Issuer> IssuerManager::Create(
    const Request& request, const CreateIssuerCommand& command) {
  const std::string name = IssuerName(command.id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteIssuers, name).status());
  RETURN_IF_ERROR(domain::ValidatePolicy(command.policy));
  std::vector<domain::Grant> grants = command.grants;
  domain::SetDefaultLifetimes(grants, command.policy);
  RETURN_IF_ERROR(domain::ValidateGrants(grants, command.policy));
  RETURN_IF_ERROR(CheckText("display_name", command.display_name, 256));
  IssuerDraft fresh;
  fresh.issuer.id = command.id;
  fresh.issuer.issuer_uri =
      command.issuer_uri.empty()
          ? absl::StrCat(public_base_url_, "/issuers/", command.id.value())
          : command.issuer_uri;
  RETURN_IF_ERROR(CheckIssuerUri(fresh.issuer.issuer_uri));
  fresh.issuer.display_name = command.display_name;
  fresh.issuer.owner = command.owner;
  fresh.issuer.deputies = command.deputies;
  fresh.issuer.policy = command.policy;
  fresh.issuer.drill = command.drill;
  fresh.issuer.grants = std::move(grants);

  // Two of each: one signs from the start, one is the spare that lets even the
  // first revocation go without key generation.
  const auto& algorithms = command.policy.algorithms;
  Vault& vault = runner_.vault();
  const absl::Time made_at = runner_.clock_guard().Read().trusted;
  ASSIGN_OR_RETURN(fresh.issuer.tombstone_jwk, vault.GenerateTombstone());
  ASSIGN_OR_RETURN(const auto first,
                   GenerateSpares(vault, command.id, algorithms, made_at));
  ASSIGN_OR_RETURN(const auto second,
                   GenerateSpares(vault, command.id, algorithms, made_at));

  domain::Issuer result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        IssuerDraft draft = fresh;
        draft.changes.issuer_is_new = true;
        draft.issuer.create_time = change.now();
        RETURN_IF_ERROR(CheckPeople(change.txn(), draft));
        draft.Record(change.actor(), "issuer.created", name,
                     WriteJson(SummaryOf(draft.issuer)), change.now());
        AddMissingSpares(first, draft, change.now());
        for (const domain::Algorithm algorithm : algorithms) {
          RETURN_IF_ERROR(domain::Rotate(draft, algorithm, /*immediate=*/true,
                                         change.actor(), change.now())
                              .status());
        }
        AddMissingSpares(second, draft, change.now());
        domain::Finish(draft, {}, change.now());
        RETURN_IF_ERROR(change.Save(draft));
        change.SetResult(name);
        result = draft.issuer;
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) {
        ASSIGN_OR_RETURN(result, GetIssuer(txn, command.id));
        return absl::OkStatus();
      }));
  return result;
}

absl::StatusOr<domain::Issuer> IssuerManager::Get(const Request& request,
                                                  const IssuerId& id) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadIssuers, IssuerName(id))
          .status());
  domain::Issuer result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(result, GetIssuer(txn, id));
    return absl::OkStatus();
  }));
  return result;
}

absl::StatusOr<Page<IssuerStanding>> IssuerManager::List(
    const Request& request, const PageRequest& page, bool at_risk_only) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadIssuers, "issuers").status());
  ASSIGN_OR_RETURN(const int size, PageSize(page));
  const absl::string_view filter = at_risk_only ? "at_risk" : "";
  ASSIGN_OR_RETURN(std::string after,
                   ParsePageToken("issuers", filter, page.token));
  const absl::Time now = runner_.clock_guard().Read().trusted;
  Page<IssuerStanding> result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    // One more than the page, to know whether there is a next one.
    while (static_cast<int>(result.items.size()) <= size) {
      ASSIGN_OR_RETURN(const auto issuers, txn.ListIssuers(after, size + 1));
      for (const domain::Issuer& issuer : issuers) {
        IssuerDraft draft;
        draft.issuer = issuer;
        RETURN_IF_ERROR(txn.LoadPeople(draft));
        auto risks = domain::RisksOf(draft, now);
        if (at_risk_only && risks.empty()) continue;
        result.items.push_back({issuer, std::move(risks)});
      }
      if (static_cast<int>(issuers.size()) <= size) return absl::OkStatus();
      after = issuers.back().id.value();
    }
    return absl::OkStatus();
  }));
  if (static_cast<int>(result.items.size()) > size) {
    result.items.resize(static_cast<size_t>(size));
    result.next_token =
        MakePageToken("issuers", filter, result.items.back().issuer.id.value());
  }
  return result;
}

absl::StatusOr<domain::Issuer> IssuerManager::Update(
    const Request& request, const UpdateIssuerCommand& command) {
  const std::string name = IssuerName(command.id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteIssuers, name).status());
  if (command.display_name) {
    RETURN_IF_ERROR(CheckText("display_name", *command.display_name, 256));
  }
  // An algorithm that is new to the policy signs at once, so its keys are made
  // before the transaction.
  std::vector<domain::Spare> made;
  if (command.policy) {
    RETURN_IF_ERROR(domain::ValidatePolicy(*command.policy));
    std::vector<domain::Algorithm> fresh = command.policy->algorithms;
    RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
      ASSIGN_OR_RETURN(const domain::Issuer issuer, GetIssuer(txn, command.id));
      std::erase_if(fresh, [&](domain::Algorithm a) {
        return std::count(issuer.policy.algorithms.begin(),
                          issuer.policy.algorithms.end(), a) > 0;
      });
      return absl::OkStatus();
    }));
    ASSIGN_OR_RETURN(made,
                     GenerateSpares(runner_.vault(), command.id, fresh,
                                    runner_.clock_guard().Read().trusted));
  }
  domain::Issuer result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(IssuerDraft draft,
                         change.txn().LoadDraft(command.id, KeyScope::kLiving));
        RETURN_IF_ERROR(CheckEtag(name, command.etag, draft.issuer.rev));
        const auto before = domain::PublishedKeys(draft);
        domain::Issuer& issuer = draft.issuer;
        if (command.display_name) issuer.display_name = *command.display_name;
        if (command.legal_hold) issuer.legal_hold = *command.legal_hold;
        if (command.policy) {
          const absl::Duration former =
              domain::LongestMaxAge(issuer, change.now());
          issuer.policy = *command.policy;
          if (former > issuer.policy.cache_max_age) {
            issuer.cached_until = change.now() + former;
          }
        }
        if (command.grants) issuer.grants = *command.grants;
        domain::SetDefaultLifetimes(issuer.grants, issuer.policy);
        RETURN_IF_ERROR(domain::ValidateGrants(issuer.grants, issuer.policy));
        if (command.owner || command.deputies) {
          const OwnerId owner = command.owner.value_or(issuer.owner);
          const OwnerId former = issuer.owner;
          if (command.deputies) issuer.deputies = *command.deputies;
          draft.changes.deputies = true;
          std::erase(issuer.deputies, owner);
          issuer.owner = owner;
          RETURN_IF_ERROR(CheckPeople(change.txn(), draft));
          issuer.owner = former;
          issuer.state = domain::IssuerState::kActive;
          domain::HandOver(draft, owner, change.actor(), change.now());
        }
        draft.Record(change.actor(), "issuer.updated", name,
                     WriteJson(SummaryOf(issuer)), change.now());
        if (command.policy || command.grants) {
          AddMissingSpares(made, draft, change.now());
          RETURN_IF_ERROR(
              domain::ApplyPolicy(draft, change.actor(), change.now()));
          RETURN_IF_ERROR(HoldActivations(change.txn(), draft, change.now()));
          domain::ApplyDue(draft, change.now());
        }
        draft.changes.issuer = true;
        domain::Finish(draft, before, change.now());
        RETURN_IF_ERROR(change.Save(draft));
        change.SetResult(name);
        result = draft.issuer;
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) {
        ASSIGN_OR_RETURN(result, GetIssuer(txn, command.id));
        return absl::OkStatus();
      }));
  return result;
}

namespace {

// A successor that would sign now, and that gateways are not known to hold,
// does not.
absl::Status RefuseWhileWaiting(Change& change, const IssuerDraft& draft,
                                domain::Algorithm algorithm) {
  const domain::Key* successor =
      draft.Find(algorithm, domain::KeyState::kPending);
  if (successor == nullptr ||
      change.now() <
          successor->publish_time + draft.issuer.policy.publish_ahead) {
    return absl::OkStatus();  // it will not sign yet
  }
  ASSIGN_OR_RETURN(const auto waiting,
                   WaitingFor(change.txn(), draft, *successor, change.now()));
  if (waiting.empty()) return absl::OkStatus();
  return Precondition(
      Reason::kGatewaysBehind,
      absl::StrCat(KeyName(successor->issuer, successor->id),
                   " is not known to be held by ", NamesOf(waiting),
                   ": its tokens would be refused there. Let them fetch the "
                   "key set (warder gateway show ID), or force it: --force"));
}

// Puts on record who refuses tokens of a key that signs all the same.
absl::Status RecordForced(Change& change, const IssuerDraft& draft,
                          const domain::Key& key) {
  if (key.state != domain::KeyState::kActive) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto waiting,
                   WaitingFor(change.txn(), draft, key, change.now()));
  if (waiting.empty()) return absl::OkStatus();
  change.Record("key.activation_forced", KeyName(key.issuer, key.id),
                WriteJson({{"not_held_by", NamesOf(waiting)}}));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<domain::Key> IssuerManager::Rotate(
    const Request& request, const RotateKeyCommand& command) {
  const std::string name = IssuerName(command.issuer);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteIssuers, name).status());
  ASSIGN_OR_RETURN(const auto spares, SparesFor(runner_, command.issuer));
  domain::Key result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(
            IssuerDraft draft,
            change.txn().LoadDraft(command.issuer, KeyScope::kLiving));
        const auto before = domain::PublishedKeys(draft);
        const auto& listed = draft.issuer.policy.algorithms;
        const domain::Algorithm algorithm =
            command.algorithm.value_or(listed.front());
        if (std::count(listed.begin(), listed.end(), algorithm) == 0) {
          return FieldError("algorithm",
                            absl::StrCat(name, " does not sign with ",
                                         domain::AlgorithmName(algorithm)));
        }
        AddMissingSpares(spares, draft, change.now());
        if (!command.immediate) {
          RETURN_IF_ERROR(RefuseWhileWaiting(change, draft, algorithm));
        }
        ASSIGN_OR_RETURN(const KeyId id,
                         domain::Rotate(draft, algorithm, command.immediate,
                                        change.actor(), change.now()));
        domain::Finish(draft, before, change.now());
        RETURN_IF_ERROR(RecordForced(change, draft, *draft.Find(id)));
        RETURN_IF_ERROR(change.Save(draft));
        change.SetResult(KeyName(command.issuer, id));
        result = *draft.Find(id);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string& key_name) {
        ASSIGN_OR_RETURN(const auto id, ParseKeyName("result", key_name));
        ASSIGN_OR_RETURN(auto key, txn.FindKey(id.first, id.second));
        if (!key) return NotFound(key_name);
        result = *std::move(key);
        return absl::OkStatus();
      }));
  return result;
}

}  // namespace warder::app
