#include "server/app/owner_manager.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/etag.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/departure.h"

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

// What the audit log keeps of an owner.
std::string DetailOf(const domain::Owner& owner) {
  const JsonMember members[] = {{"contact", owner.contact},
                                {"deputy", owner.deputy.value()},
                                {"display_name", owner.display_name}};
  return WriteJsonMembers(members);
}

// Says in the log which issuers nobody answers for any more.
void LogOrphans(const domain::Departure& departure) {
  for (const domain::IssuerOutcome& issuer : departure.issuers) {
    if (!issuer.orphaned) continue;
    Log(LogLevel::kError, "issuer.orphaned",
        {{"issuer", IssuerName(issuer.issuer)},
         {"departed", OwnerName(departure.owner)},
         {"next",
          "nothing signs for it; name a living owner and deputy with: warder "
          "issuer update"}});
  }
}

}  // namespace

absl::StatusOr<domain::Owner> OwnerManager::Create(
    const Request& request, const CreateOwnerCommand& command) {
  const std::string name = OwnerName(command.id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteOwners, name).status());
  RETURN_IF_ERROR(CheckText("display_name", command.display_name));
  RETURN_IF_ERROR(CheckText("contact", command.contact));
  domain::Owner result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        result = {.id = command.id,
                  .display_name = command.display_name,
                  .contact = command.contact,
                  .deputy = command.deputy,
                  .state = domain::OwnerState::kActive,
                  .create_time = change.now(),
                  .update_time = change.now(),
                  .depart_time = std::nullopt,
                  .rev = 1};
        RETURN_IF_ERROR(CheckDeputy(change.txn(), result));
        RETURN_IF_ERROR(change.txn().InsertOwner(result));
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
        if (command.deputy) result.deputy = *command.deputy;
        RETURN_IF_ERROR(CheckText("display_name", result.display_name));
        RETURN_IF_ERROR(CheckText("contact", result.contact));
        if (command.deputy) {
          RETURN_IF_ERROR(CheckDeputy(change.txn(), result));
        }
        result.update_time = change.now();
        RETURN_IF_ERROR(change.txn().UpdateOwner(result));
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

absl::Status OwnerManager::CarryOut(Change& change, domain::Owner& owner,
                                    domain::Departure& departure) {
  departure.issuers.clear();
  ASSIGN_OR_RETURN(const std::vector<IssuerId> touched,
                   change.txn().ListIssuersTouchedBy(owner.id));
  int revoked = 0;
  for (const IssuerId& id : touched) {
    ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                     change.txn().LoadDraft(id, KeyScope::kNotRevoked));
    departure.issuers.push_back(
        domain::Depart(draft, owner.id, change.actor(), change.now()));
    for (const auto& key : departure.issuers.back().keys) {
      revoked += key.fate == domain::KeyFate::kRevoke ? 1 : 0;
    }
    RETURN_IF_ERROR(change.Save(draft));
  }
  departure.done = true;
  departure.effect_time = change.now();
  change.Depart(owner.id);
  owner.state = domain::OwnerState::kDeparted;
  owner.depart_time = departure.instant;
  owner.update_time = change.now();
  RETURN_IF_ERROR(change.txn().UpdateOwner(owner));
  RETURN_IF_ERROR(change.txn().PutDeparture(departure));
  change.Record("owner.departed", OwnerName(owner.id),
                WriteJson({{"instant", TimeText(departure.instant)},
                           {"issuers", touched.size()},
                           {"keys_revoked", revoked}}));
  return absl::OkStatus();
}

absl::StatusOr<domain::Departure> OwnerManager::ReportDeparture(
    const Request& request, const OwnerId& id,
    std::optional<absl::Time> instant) {
  const std::string name = OwnerName(id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReportDeparture, name).status());
  domain::Departure departure;
  const auto recorded = [&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(auto found, txn.FindDeparture(id));
    if (!found) return NotFound(name);
    departure = *std::move(found);
    return absl::OkStatus();
  };
  absl::Status refused;
  const absl::Status reported = runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        ASSIGN_OR_RETURN(domain::Owner owner, GetOwner(change.txn(), id));
        change.SetResult(name);
        if (owner.state == domain::OwnerState::kDeparted) {
          return recorded(change.txn());
        }
        // News may make a departure earlier; making it later restores trust,
        // and that is not for the leaver.
        ASSIGN_OR_RETURN(const auto earlier, change.txn().FindDeparture(id));
        const bool postponed =
            earlier && instant.value_or(change.now()) > earlier->instant;
        if (postponed && request.caller.name == id.value()) {
          refused = Error(absl::StatusCode::kPermissionDenied,
                          Reason::kTwoPeopleRequired,
                          absl::StrCat(name,
                                       " does not postpone his own "
                                       "departure of ",
                                       TimeText(earlier->instant)));
          return refused;
        }
        departure = {.owner = id,
                     .instant = instant.value_or(change.now()),
                     .report_time = change.now(),
                     .reported_by = change.actor().principal,
                     .done = false,
                     .effect_time = std::nullopt,
                     .issuers = {}};
        if (change.HasCome(departure.instant)) {
          return CarryOut(change, owner, departure);
        }
        owner.depart_time = departure.instant;
        owner.update_time = change.now();
        RETURN_IF_ERROR(change.txn().UpdateOwner(owner));
        RETURN_IF_ERROR(change.txn().PutDeparture(departure));
        change.Record(postponed ? "owner.departure_postponed"
                                : "owner.departure_scheduled",
                      name,
                      WriteJson({{"instant", TimeText(departure.instant)}}));
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) { return recorded(txn); });
  if (!refused.ok()) return runner_.Denied(request, name, refused);
  RETURN_IF_ERROR(reported);
  if (!request.validate_only) LogOrphans(departure);
  return departure;
}

absl::StatusOr<domain::Departure> OwnerManager::PlanDeparture(
    const Request& request, const OwnerId& id,
    std::optional<absl::Time> instant) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReportDeparture, OwnerName(id))
          .status());
  const absl::Time now = runner_.clock_guard().Read().trusted;
  domain::Departure plan;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const domain::Owner owner, GetOwner(txn, id));
    plan.owner = id;
    plan.instant = instant.value_or(owner.depart_time.value_or(now));
    plan.report_time = now;
    plan.reported_by = request.caller.Principal();
    ASSIGN_OR_RETURN(const auto touched, txn.ListIssuersTouchedBy(id));
    for (const IssuerId& issuer : touched) {
      ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                       txn.LoadDraft(issuer, KeyScope::kNotRevoked));
      plan.issuers.push_back(
          domain::Depart(draft, id, request.caller.Actor(), now));
    }
    return absl::OkStatus();
  }));
  return plan;
}

absl::StatusOr<int> OwnerManager::RunDueDepartures() {
  std::vector<domain::Departure> scheduled;
  absl::Time recorded = absl::InfinitePast();
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(scheduled, txn.ListScheduledDepartures());
    ASSIGN_OR_RETURN(const auto last, txn.LastEvent());
    if (last) recorded = last->time;
    return absl::OkStatus();
  }));
  int carried_out = 0;
  absl::Status first_failure;
  for (const domain::Departure& due : scheduled) {
    const ClockGuard::Reading clock = runner_.clock_guard().Read();
    if (!clock.HasCome(due.instant) && due.instant > recorded) break;
    const absl::StatusOr<bool> done = CarryOutScheduled(due.owner);
    if (done.ok()) {
      carried_out += *done ? 1 : 0;
      continue;
    }
    // One that fails holds up nobody after it.
    runner_.RefuseFromNowOn(due.owner);
    first_failure.Update(WithContext(done.status(), OwnerName(due.owner)));
  }
  RETURN_IF_ERROR(first_failure);
  return carried_out;
}

absl::StatusOr<bool> OwnerManager::CarryOutScheduled(const OwnerId& id) {
  bool done = false;
  domain::Departure carried_out;
  RETURN_IF_ERROR(
      runner_.RunAsSystem(ChangeRunner::Urgency::kUrgent, [&](Change& change) {
        // Read again: the report may have been moved or carried out since.
        done = false;
        ASSIGN_OR_RETURN(auto departure, change.txn().FindDeparture(id));
        ASSIGN_OR_RETURN(domain::Owner owner, GetOwner(change.txn(), id));
        if (!departure || departure->done ||
            !change.HasCome(departure->instant) ||
            owner.state == domain::OwnerState::kDeparted) {
          return absl::OkStatus();
        }
        done = true;
        RETURN_IF_ERROR(CarryOut(change, owner, *departure));
        carried_out = *std::move(departure);
        return absl::OkStatus();
      }));
  if (done) LogOrphans(carried_out);
  return done;
}

}  // namespace warder::app
