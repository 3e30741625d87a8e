// The part of SqlTransaction about people: owners and teams, what they were
// exposed to, and their departures.
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/domain/exposure.h"
#include "server/storage/columns.h"
#include "server/storage/rows.h"
#include "server/storage/sql_error.h"
#include "server/storage/sql_transaction.h"
#include "server/storage/statements.h"

namespace warder::storage {
namespace {

// A chain of deputies' deputies is followed this far.
constexpr int kLongestChain = 20;

}  // namespace

absl::Status SqlTransaction::LoadDeputies(domain::Issuer& issuer) {
  return statements_->deputies.Each(
      [&](const std::string& id) { issuer.deputies.push_back(OwnerId(id)); },
      issuer.id.value());
}

absl::StatusOr<std::optional<domain::Owner>> SqlTransaction::SeenOwner(
    const OwnerId& id) {
  const auto seen = seen_.owners.find(id);
  if (seen != seen_.owners.end()) return seen->second;
  ASSIGN_OR_RETURN(auto owner, FindOwner(id));
  seen_.owners[id] = owner;
  return owner;
}

absl::StatusOr<std::optional<domain::Deputy>> SqlTransaction::LoadDeputy(
    const OwnerId& id) {
  ASSIGN_OR_RETURN(const auto owner, SeenOwner(id));
  if (!owner) return std::nullopt;
  domain::Deputy deputy{.id = id,
                        .active = owner->state == domain::OwnerState::kActive &&
                                  !owner->suspend_time,
                        .leaves = owner->state == domain::OwnerState::kActive
                                      ? owner->depart_time
                                      : std::nullopt,
                        .team = owner->kind == domain::OwnerKind::kTeam};
  for (const OwnerId& member : owner->members) {
    ASSIGN_OR_RETURN(auto loaded, LoadDeputy(member));
    if (loaded) deputy.members.push_back(*std::move(loaded));
  }
  return deputy;
}

absl::Status SqlTransaction::LoadPeople(domain::IssuerDraft& draft) {
  return Guard([&]() -> absl::Status {
    draft.deputies.clear();
    draft.stand_ins.clear();
    draft.owner_leaves.reset();
    std::set<OwnerId> seen = {draft.issuer.owner};
    for (const OwnerId& id : draft.issuer.deputies) {
      seen.insert(id);
      ASSIGN_OR_RETURN(auto deputy, LoadDeputy(id));
      if (deputy) draft.deputies.push_back(*std::move(deputy));
    }
    ASSIGN_OR_RETURN(auto link, SeenOwner(draft.issuer.owner));
    if (link && link->state == domain::OwnerState::kActive) {
      draft.owner_leaves = link->depart_time;
    }
    for (int i = 0; link && !link->deputy.empty() && i < kLongestChain; ++i) {
      const OwnerId next = link->deputy;
      ASSIGN_OR_RETURN(link, SeenOwner(next));
      if (!seen.insert(next).second) continue;  // among the deputies already
      ASSIGN_OR_RETURN(auto stand_in, LoadDeputy(next));
      if (stand_in) draft.stand_ins.push_back(*std::move(stand_in));
    }
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::LoadCuts(domain::IssuerDraft& draft) {
  if (!seen_.any_scheduled) {
    ASSIGN_OR_RETURN(const auto any, statements_->any_scheduled.First());
    seen_.any_scheduled = any.value_or(0) > 0;
  }
  if (!*seen_.any_scheduled) return absl::OkStatus();
  std::set<std::string> people = {draft.issuer.owner.value()};
  for (const domain::Exposure& e : draft.exposures) people.insert(e.person);
  std::vector<std::string> custodians;
  RETURN_IF_ERROR(statements_->scheduled_custodians.Each(
      [&](std::string person) { custodians.push_back(std::move(person)); }));
  for (const std::string& person : custodians) {
    people.insert(person);
    ASSIGN_OR_RETURN(const auto custodies,
                     statements_->custodies_of.All(person));
    for (const domain::Custody& custody : custodies) {
      domain::AddCustody(draft, custody);
    }
  }
  for (const std::string& person : people) {
    ASSIGN_OR_RETURN(const auto instant,
                     statements_->scheduled_instant.First(person));
    if (instant) draft.cuts.push_back({OwnerId(person), FromMicros(*instant)});
  }
  std::sort(draft.cuts.begin(), draft.cuts.end(),
            [](const domain::Cut& a, const domain::Cut& b) {
              return a.instant < b.instant;
            });
  return absl::OkStatus();
}

absl::StatusOr<std::optional<domain::Owner>> SqlTransaction::FindOwner(
    const OwnerId& id) {
  return Guard([&]() -> absl::StatusOr<std::optional<domain::Owner>> {
    ASSIGN_OR_RETURN(auto owner, statements_->find_owner.First(id.value()));
    if (owner && owner->kind == domain::OwnerKind::kTeam) {
      RETURN_IF_ERROR(statements_->members.Each(
          [&](const std::string& member) {
            owner->members.push_back(OwnerId(member));
          },
          id.value()));
    }
    return owner;
  });
}

absl::StatusOr<std::vector<domain::Owner>> SqlTransaction::ListOwners(
    const std::string& after, int limit) {
  return Guard([&]() -> absl::StatusOr<std::vector<domain::Owner>> {
    ASSIGN_OR_RETURN(auto owners, statements_->list_owners.All(after, limit));
    for (domain::Owner& owner : owners) {
      if (owner.kind != domain::OwnerKind::kTeam) continue;
      ASSIGN_OR_RETURN(auto team, FindOwner(owner.id));
      if (team) owner.members = std::move(team->members);
    }
    return owners;
  });
}

absl::StatusOr<std::vector<IssuerId>> SqlTransaction::ListIssuersTouchedBy(
    const OwnerId& person) {
  return Guard([&]() -> absl::StatusOr<std::vector<IssuerId>> {
    const std::string& p = person.value();
    std::vector<IssuerId> ids;
    const auto add = [&](const std::string& id) {
      ids.push_back(IssuerId(id));
    };
    ASSIGN_OR_RETURN(const auto custody, statements_->custodies_of.First(p));
    if (custody) {
      RETURN_IF_ERROR(statements_->all_issuers.Each(add));
    } else {
      RETURN_IF_ERROR(statements_->touched.Each(add, p, p, p, p, p));
    }
    return ids;
  });
}

absl::StatusOr<std::vector<domain::Exposure>> SqlTransaction::ListExposures(
    const OwnerId& person) {
  return Guard([&]() -> absl::StatusOr<std::vector<domain::Exposure>> {
    ASSIGN_OR_RETURN(auto exposures,
                     statements_->exposures_of.All(person.value()));
    ASSIGN_OR_RETURN(auto declared,
                     statements_->declared_exposures_of.All(person.value()));
    for (auto& exposure : declared) exposures.push_back(std::move(exposure));
    return exposures;
  });
}

absl::StatusOr<std::vector<domain::Exposure>> SqlTransaction::ListKeyExposures(
    const IssuerId& issuer, const KeyId& key) {
  return Guard([&]() -> absl::StatusOr<std::vector<domain::Exposure>> {
    ASSIGN_OR_RETURN(auto exposures, statements_->key_exposures.All(
                                         issuer.value(), key.value()));
    ASSIGN_OR_RETURN(auto declared, statements_->declared_key_exposures.All(
                                        issuer.value(), key.value()));
    for (auto& exposure : declared) exposures.push_back(std::move(exposure));
    return exposures;
  });
}

absl::StatusOr<std::vector<domain::Custody>> SqlTransaction::ListCustodies(
    const std::string& person) {
  return Guard([&]() -> absl::StatusOr<std::vector<domain::Custody>> {
    if (person.empty()) return statements_->custodies.All();
    return statements_->custodies_of.All(person);
  });
}

absl::StatusOr<bool> SqlTransaction::HasTouchedKeys(const std::string& person) {
  return Guard([&]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const auto found, statements_->touched_keys.First(
                                           person, person, person, person));
    return found.value_or(0) > 0;
  });
}

absl::StatusOr<std::vector<domain::AuditEvent>> SqlTransaction::ListEventsAbout(
    const OwnerId& owner, int limit) {
  return Guard(
      [&] { return statements_->events_about.All(OwnerName(owner), limit); });
}

absl::StatusOr<std::optional<domain::Departure>> SqlTransaction::FindDeparture(
    const OwnerId& owner) {
  return Guard(
      [&] { return statements_->find_departure.First(owner.value()); });
}

absl::StatusOr<std::vector<domain::Cut>>
SqlTransaction::ListScheduledDepartures() {
  return Guard([&]() -> absl::StatusOr<std::vector<domain::Cut>> {
    std::vector<domain::Cut> cuts;
    RETURN_IF_ERROR(statements_->scheduled.Each(
        [&](const std::pair<std::string, int64_t>& row) {
          cuts.push_back({OwnerId(row.first), FromMicros(row.second)});
        }));
    return cuts;
  });
}

absl::Status SqlTransaction::SaveMembers(const domain::Owner& owner) {
  if (owner.kind != domain::OwnerKind::kTeam) return absl::OkStatus();
  const std::string& team = owner.id.value();
  for (size_t i = 0; i < owner.members.size(); ++i) {
    statements_->put_member.Run(team, static_cast<Number>(i),
                                owner.members[i].value());
  }
  auto after = static_cast<Number>(owner.members.size());
  while (statements_->delete_member.Run(team, after) > 0) ++after;
  return absl::OkStatus();
}

absl::Status SqlTransaction::InsertOwner(const domain::Owner& owner) {
  seen_.owners.clear();
  absl::Status status = Guard([&]() -> absl::Status {
    statements_->insert_owner.row().From(owner);
    statements_->insert_owner.Run();
    return SaveMembers(owner);
  });
  if (!absl::IsAlreadyExists(status)) return status;
  return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
               absl::StrCat(OwnerName(owner.id), " already exists"));
}

absl::Status SqlTransaction::UpdateOwner(domain::Owner& owner) {
  seen_.owners.clear();
  return Guard([&]() -> absl::Status {
    auto& update = statements_->update_owner;
    update.row().From(owner);
    update.row().rev = owner.rev + 1;
    if (update.Run(owner.id.value(), owner.rev) != 1) {
      return Conflict(OwnerName(owner.id));
    }
    ++owner.rev;
    return SaveMembers(owner);
  });
}

absl::Status SqlTransaction::PutDeparture(const domain::Departure& departure) {
  seen_.any_scheduled.reset();
  return Guard([&]() -> absl::Status {
    statements_->put_departure.row().From(departure);
    statements_->put_departure.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::DeleteDeparture(const OwnerId& owner) {
  seen_.any_scheduled.reset();
  return Guard([&]() -> absl::Status {
    statements_->delete_departure.Run(owner.value());
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::InsertDeclaredExposure(
    const domain::Exposure& exposure) {
  seen_.any_declared.reset();
  return Guard([&]() -> absl::Status {
    statements_->insert_declared_exposure.row().From(exposure);
    statements_->insert_declared_exposure.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::InsertCustody(const domain::Custody& custody) {
  return Guard([&]() -> absl::Status {
    statements_->insert_custody.row().From(custody);
    statements_->insert_custody.Run();
    return absl::OkStatus();
  });
}

}  // namespace warder::storage
