#include "server/app/owner_manager.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/etag.h"
#include "server/app/user_manager.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {
namespace {

absl::StatusOr<domain::Owner> GetOwner(ReadTransaction& txn,
                                       const OwnerId& id) {
  ASSIGN_OR_RETURN(auto owner, txn.FindOwner(id));
  if (!owner) return NotFound(OwnerName(id));
  return *std::move(owner);
}

absl::Status CheckText(absl::string_view field, absl::string_view text) {
  if (text.size() <= 256) return absl::OkStatus();
  return FieldError(field, absl::StrCat(text.size(), " bytes; at most 256"));
}

absl::Status CheckDeputy(ReadTransaction& txn, const domain::Owner& owner) {
  if (owner.deputy.empty()) return absl::OkStatus();
  if (owner.deputy == owner.id) {
    return FieldError("deputy", "an owner is not his own deputy");
  }
  ASSIGN_OR_RETURN(const auto deputy, txn.FindOwner(owner.deputy));
  if (!deputy) {
    return FieldError("deputy", absl::StrCat("\"", OwnerName(owner.deputy),
                                             "\" does not exist"));
  }
  if (deputy->state != domain::OwnerState::kActive) {
    return Precondition(
        Reason::kOwnerNotActive,
        absl::StrCat("deputy: ", OwnerName(owner.deputy), " has departed"));
  }
  return absl::OkStatus();
}

constexpr size_t kLargestTeam = 50;

absl::Status CheckMembers(ReadTransaction& txn, const domain::Owner& owner) {
  if (owner.kind == domain::OwnerKind::kPerson) {
    if (owner.members.empty()) return absl::OkStatus();
    return FieldError("members", "a person has none; teams do");
  }
  if (owner.members.empty() || owner.members.size() > kLargestTeam) {
    return FieldError("members",
                      absl::StrCat(owner.members.size(),
                                   " named; a team has 1 to ", kLargestTeam));
  }
  std::set<OwnerId> seen;
  for (size_t i = 0; i < owner.members.size(); ++i) {
    const std::string field = absl::StrCat("members[", i, "]");
    const OwnerId& id = owner.members[i];
    ASSIGN_OR_RETURN(const auto member, txn.FindOwner(id));
    if (!member || member->kind == domain::OwnerKind::kTeam) {
      return FieldError(field, absl::StrCat("\"", OwnerName(id),
                                            "\" is not a person known here"));
    }
    if (!seen.insert(id).second) {
      return FieldError(field, absl::StrCat(OwnerName(id), " is named twice"));
    }
    if (member->state != domain::OwnerState::kActive) {
      return Precondition(
          Reason::kOwnerNotActive,
          absl::StrCat(field, ": ", OwnerName(id), " has departed"));
    }
  }
  return absl::OkStatus();
}

// What the audit log keeps of an owner.
std::string DetailOf(const domain::Owner& owner) {
  Json detail = {{"contact", owner.contact},
                 {"deputy", owner.deputy.value()},
                 {"display_name", owner.display_name},
                 {"external_id", owner.external_id}};
  for (const OwnerId& member : owner.members) {
    detail["members"].push_back(OwnerName(member));
  }
  return WriteJson(detail);
}

}  // namespace

absl::Status OwnerManager::Meet(Change& change, domain::Owner& owner) {
  if (owner.kind == domain::OwnerKind::kTeam) return absl::OkStatus();
  const domain::MatchRule rule = users_.match();
  const std::string name = domain::MatchName(owner, rule);
  ASSIGN_OR_RETURN(const auto namesakes,
                   change.txn().CountActiveByName(rule, name));
  if (namesakes > 1) {
    return Precondition(
        Reason::kWrongState,
        absl::StrCat(OwnerName(owner.id), ": another owner goes by \"", name,
                     "\" with HR's feeds, which could not tell them apart; "
                     "give each an external_id of his own"));
  }
  RETURN_IF_ERROR(RefuseWhoHasLeft(change.txn(), owner, rule, change.now()));
  return users_.Adopt(change, owner);
}

absl::StatusOr<domain::Owner> OwnerManager::Create(
    const Request& request, const CreateOwnerCommand& command) {
  const std::string name = OwnerName(command.id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteOwners, name).status());
  RETURN_IF_ERROR(CheckText("display_name", command.display_name));
  RETURN_IF_ERROR(CheckText("contact", command.contact));
  RETURN_IF_ERROR(CheckText("external_id", command.external_id));
  domain::Owner result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        result = {.id = command.id,
                  .kind = command.kind,
                  .members = command.members,
                  .display_name = command.display_name,
                  .contact = command.contact,
                  .external_id = command.external_id,
                  .deputy = command.deputy,
                  .state = domain::OwnerState::kActive,
                  .create_time = change.now(),
                  .update_time = change.now(),
                  .depart_time = std::nullopt,
                  .confirm_time = change.now(),
                  .overdue_time = std::nullopt,
                  .suspend_time = std::nullopt,
                  .rev = 1};
        RETURN_IF_ERROR(CheckDeputy(change.txn(), result));
        RETURN_IF_ERROR(CheckMembers(change.txn(), result));
        RETURN_IF_ERROR(change.txn().InsertOwner(result));
        RETURN_IF_ERROR(Meet(change, result));
        change.Record("owner.created", name, DetailOf(result));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) {
        ASSIGN_OR_RETURN(result, GetOwner(txn, command.id));
        return absl::OkStatus();
      }));
  return result;
}

absl::StatusOr<domain::Owner> OwnerManager::Get(const Request& request,
                                                const OwnerId& id) {
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadOwners, OwnerName(id)));
  if (access == Access::kOwn && id.value() != request.caller.name) {
    return runner_.Denied(request, OwnerName(id), NotFound(OwnerName(id)));
  }
  domain::Owner result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(result, GetOwner(txn, id));
    return absl::OkStatus();
  }));
  return result;
}

absl::StatusOr<Page<domain::Owner>> OwnerManager::List(
    const Request& request, const PageRequest& page) {
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadOwners, "owners"));
  ASSIGN_OR_RETURN(const int size, PageSize(page));
  ASSIGN_OR_RETURN(const std::string after,
                   ParsePageToken("owners", "", page.token));
  Page<domain::Owner> result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    if (access == Access::kOwn) {
      ASSIGN_OR_RETURN(auto self, txn.FindOwner(OwnerId(request.caller.name)));
      if (self) result.items.push_back(*std::move(self));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(result.items, txn.ListOwners(after, size + 1));
    return absl::OkStatus();
  }));
  if (static_cast<int>(result.items.size()) > size) {
    result.items.pop_back();
    result.next_token =
        MakePageToken("owners", "", result.items.back().id.value());
  }
  return result;
}

absl::StatusOr<domain::Owner> OwnerManager::Update(
    const Request& request, const UpdateOwnerCommand& command) {
  const std::string name = OwnerName(command.id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteOwners, name).status());
  domain::Owner result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(result, GetOwner(change.txn(), command.id));
        RETURN_IF_ERROR(CheckEtag(name, command.etag, result.rev));
        if (command.display_name) result.display_name = *command.display_name;
        if (command.contact) result.contact = *command.contact;
        if (command.external_id) result.external_id = *command.external_id;
        if (command.deputy) result.deputy = *command.deputy;
        RETURN_IF_ERROR(CheckText("display_name", result.display_name));
        RETURN_IF_ERROR(CheckText("contact", result.contact));
        RETURN_IF_ERROR(CheckText("external_id", result.external_id));
        if (command.deputy) {
          RETURN_IF_ERROR(CheckDeputy(change.txn(), result));
        }
        if (command.members) {
          result.members = *command.members;
          RETURN_IF_ERROR(CheckMembers(change.txn(), result));
        }
        result.update_time = change.now();
        RETURN_IF_ERROR(change.txn().UpdateOwner(result));
        if (result.state == domain::OwnerState::kActive &&
            (command.external_id || command.contact)) {
          RETURN_IF_ERROR(Meet(change, result));
        }
        change.Record("owner.updated", name, DetailOf(result));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) {
        ASSIGN_OR_RETURN(result, GetOwner(txn, command.id));
        return absl::OkStatus();
      }));
  return result;
}

}  // namespace warder::app
