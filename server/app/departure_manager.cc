#include "server/app/departure_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/touched_person.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/lifecycle.h"
#include "server/domain/succession.h"

namespace warder::app {
namespace {

absl::StatusOr<domain::Owner> GetPerson(ReadTransaction& txn,
                                        const OwnerId& id) {
  ASSIGN_OR_RETURN(auto owner, txn.FindOwner(id));
  if (!owner) return NotFound(OwnerName(id));
  if (owner->kind == domain::OwnerKind::kTeam) {
    return Precondition(Reason::kWrongState,
                        absl::StrCat(OwnerName(id),
                                     " is a team; people depart, and a team "
                                     "loses them with it"));
  }
  return *std::move(owner);
}

}  // namespace

void LogOrphans(const domain::Departure& departure) {
  if (!departure.done) return;
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

absl::StatusOr<domain::Departure> DepartureManager::ReportIn(
    Change& change, domain::Owner& owner,
    const ReportDepartureCommand& command) {
  ASSIGN_OR_RETURN(const auto earlier, change.txn().FindDeparture(owner.id));
  const absl::Time instant = command.instant.value_or(change.now());
  domain::Departure departure{
      .owner = owner.id,
      .instant = instant,
      .report_time = command.report_time.value_or(change.now()),
      .reported_by = command.reported_by.empty() ? change.actor().principal
                                                 : command.reported_by,
      .source = command.source,
      .time_zone = command.time_zone};
  if (!command.reported_by.empty()) {
    departure.released_by = change.actor().principal;
  }
  // Another day for what is to come is no newer news: the brake counts by it.
  if (earlier && !change.HasCome(instant)) {
    departure.report_time = earlier->report_time;
  }
  const bool plan_agreed = command.plan.has_value();
  if (plan_agreed) departure.issuers = *command.plan;
  if (change.HasCome(instant)) {
    if (!plan_agreed && earlier) departure.issuers = earlier->issuers;
    RETURN_IF_ERROR(effects_.CarryOut(change, owner, departure));
    return departure;
  }
  if (!plan_agreed) {
    ASSIGN_OR_RETURN(domain::Departure plan,
                     effects_.Plan(change.txn(), owner, instant, change.now(),
                                   change.actor()));
    departure.issuers = std::move(plan.issuers);
  }
  owner.depart_time = instant;
  owner.update_time = change.now();
  RETURN_IF_ERROR(change.txn().UpdateOwner(owner));
  RETURN_IF_ERROR(change.txn().PutDeparture(departure));
  RETURN_IF_ERROR(effects_.Prepare(change, departure, earlier));
  change.Record(earlier && instant > earlier->instant
                    ? "owner.departure_postponed"
                    : "owner.departure_scheduled",
                OwnerName(owner.id),
                WriteJson({{"instant", TimeText(instant)},
                           {"source", departure.source},
                           {"time_zone", departure.time_zone}}));
  return departure;
}

absl::StatusOr<domain::Departure> DepartureManager::Report(
    const Request& request, const ReportDepartureCommand& command) {
  const std::string name = OwnerName(command.owner);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReportDeparture, name).status());
  domain::Departure departure;
  const auto recorded = [&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(auto found, txn.FindDeparture(command.owner));
    if (!found) return NotFound(name);
    departure = *std::move(found);
    return absl::OkStatus();
  };
  absl::Status refused;
  const absl::Status reported = runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        RETURN_IF_ERROR(
            MakeOwnerIfTouched(change, command.owner.value()).status());
        ASSIGN_OR_RETURN(domain::Owner owner,
                         GetPerson(change.txn(), command.owner));
        change.SetResult(name);
        if (owner.state == domain::OwnerState::kDeparted) {
          return recorded(change.txn());
        }
        // News may make a departure earlier; making it later restores trust,
        // and that is not for the leaver.
        ASSIGN_OR_RETURN(const auto earlier,
                         change.txn().FindDeparture(owner.id));
        if (earlier &&
            command.instant.value_or(change.now()) > earlier->instant &&
            request.caller.name == owner.id.value()) {
          refused = Error(absl::StatusCode::kPermissionDenied,
                          Reason::kTwoPeopleRequired,
                          absl::StrCat(name,
                                       " does not postpone his own "
                                       "departure of ",
                                       TimeText(earlier->instant)));
          return refused;
        }
        ASSIGN_OR_RETURN(departure, ReportIn(change, owner, command));
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) { return recorded(txn); });
  if (!refused.ok()) return runner_.Denied(request, name, refused);
  RETURN_IF_ERROR(reported);
  if (!request.validate_only) LogOrphans(departure);
  return departure;
}

absl::StatusOr<domain::Departure> DepartureManager::Plan(
    const Request& request, const OwnerId& id,
    std::optional<absl::Time> instant) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReportDeparture, OwnerName(id))
          .status());
  const absl::Time now = runner_.clock_guard().Read().trusted;
  domain::Departure plan;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    auto found = GetPerson(txn, id);
    if (absl::IsNotFound(found.status())) {
      ASSIGN_OR_RETURN(const bool touched, txn.HasTouchedKeys(id.value()));
      if (touched) {
        found = domain::Owner();  // he becomes one when he departs
        found->id = id;
      }
    }
    ASSIGN_OR_RETURN(const domain::Owner owner, std::move(found));
    ASSIGN_OR_RETURN(
        plan, effects_.Plan(txn, owner,
                            instant.value_or(owner.depart_time.value_or(now)),
                            now, request.caller.Actor()));
    return absl::OkStatus();
  }));
  return plan;
}

absl::StatusOr<domain::Departure> DepartureManager::Get(const Request& request,
                                                        const OwnerId& id) {
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadOwners, OwnerName(id)));
  if (access == Access::kOwn && id.value() != request.caller.name) {
    return runner_.Denied(request, OwnerName(id), NotFound(OwnerName(id)));
  }
  domain::Departure departure;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    RETURN_IF_ERROR(GetPerson(txn, id).status());
    ASSIGN_OR_RETURN(auto found, txn.FindDeparture(id));
    ASSIGN_OR_RETURN(const auto held, txn.FindHeld(id));
    if (!found && held && !held->rejected) {
      return Precondition(
          Reason::kWrongState,
          absl::StrCat("the departure of ", OwnerName(id),
                       " waits for a word, since too many came at once: warder "
                       "departure held, then warder departure release or "
                       "reject"));
    }
    if (!found) return NotFound(absl::StrCat(OwnerName(id), "/departure"));
    departure = *std::move(found);
    return absl::OkStatus();
  }));
  return departure;
}

absl::Status DepartureManager::CancelIn(Change& change, domain::Owner& owner) {
  const std::string name = OwnerName(owner.id);
  ASSIGN_OR_RETURN(const auto departure, change.txn().FindDeparture(owner.id));
  if (!departure) {
    return Precondition(
        Reason::kWrongState,
        absl::StrCat("no departure of ", name, " is scheduled"));
  }
  if (departure->done || change.HasCome(departure->instant)) {
    return Precondition(
        Reason::kWrongState,
        absl::StrCat("the departure of ", name, " took effect at ",
                     TimeText(departure->instant),
                     "; keys that have ended stay so. Should the person be "
                     "back, add an owner under another ID"));
  }
  RETURN_IF_ERROR(change.txn().DeleteDeparture(owner.id));
  owner.depart_time.reset();
  owner.update_time = change.now();
  RETURN_IF_ERROR(change.txn().UpdateOwner(owner));
  ASSIGN_OR_RETURN(const auto touched,
                   change.txn().ListIssuersTouchedBy(owner.id));
  for (const IssuerId& id : touched) {
    ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                     change.txn().LoadDraft(id, KeyScope::kLiving));
    const auto before = domain::PublishedKeys(draft);
    domain::MovePrepared(draft, departure->instant, std::nullopt);
    if (draft.issuer.owner == owner.id) {
      domain::HandOver(draft, owner.id, change.actor(), change.now());
    }
    draft.changes.issuer = true;
    domain::Finish(draft, before, change.now());
    RETURN_IF_ERROR(change.Save(draft));
  }
  change.Record("owner.departure_cancelled", name,
                WriteJson({{"instant", TimeText(departure->instant)}}));
  return absl::OkStatus();
}

absl::StatusOr<domain::Owner> DepartureManager::Cancel(const Request& request,
                                                       const OwnerId& id) {
  const std::string name = OwnerName(id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReportDeparture, name).status());
  if (request.caller.name == id.value()) {
    return runner_.Denied(
        request, name,
        Error(absl::StatusCode::kPermissionDenied, Reason::kTwoPeopleRequired,
              absl::StrCat(name, " does not call off his own departure")));
  }
  domain::Owner owner;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(owner, GetPerson(change.txn(), id));
        RETURN_IF_ERROR(CancelIn(change, owner));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) {
        ASSIGN_OR_RETURN(owner, GetPerson(txn, id));
        return absl::OkStatus();
      }));
  return owner;
}

absl::Status DepartureManager::ReachFurtherIn(Change& change,
                                              const domain::Owner& departed) {
  ASSIGN_OR_RETURN(
      const auto outcomes,
      effects_.End(change, departed.id, /*only_where_keys_end=*/true));
  ASSIGN_OR_RETURN(auto departure, change.txn().FindDeparture(departed.id));
  if (outcomes.empty() || !departure) return absl::OkStatus();
  for (const domain::IssuerOutcome& outcome : outcomes) {
    const auto known = std::find_if(
        departure->issuers.begin(), departure->issuers.end(),
        [&](const auto& issuer) { return issuer.issuer == outcome.issuer; });
    if (known == departure->issuers.end()) {
      departure->issuers.push_back(outcome);
      continue;
    }
    known->keys.insert(known->keys.end(), outcome.keys.begin(),
                       outcome.keys.end());
    known->successors.insert(known->successors.end(),
                             outcome.successors.begin(),
                             outcome.successors.end());
  }
  return change.txn().PutDeparture(*departure);
}

absl::StatusOr<int> DepartureManager::RunDue() {
  std::vector<domain::Cut> scheduled;
  absl::Time recorded = absl::InfinitePast();
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(scheduled, txn.ListScheduledDepartures());
    ASSIGN_OR_RETURN(const auto last, txn.LastEvent());
    if (last) recorded = last->time;
    return absl::OkStatus();
  }));
  int carried_out = 0;
  absl::Status first_failure;
  for (const domain::Cut& due : scheduled) {
    const ClockGuard::Reading clock = runner_.clock_guard().Read();
    if (!clock.HasCome(due.instant) && due.instant > recorded) break;
    const absl::StatusOr<bool> done = CarryOutScheduled(due.leaver);
    if (done.ok()) {
      carried_out += *done ? 1 : 0;
      continue;
    }
    // One that fails holds up nobody after it.
    runner_.RefuseFromNowOn(due.leaver);
    first_failure.Update(WithContext(done.status(), OwnerName(due.leaver)));
  }
  RETURN_IF_ERROR(first_failure);
  return carried_out;
}

absl::StatusOr<bool> DepartureManager::CarryOutScheduled(const OwnerId& id) {
  bool done = false;
  domain::Departure carried_out;
  RETURN_IF_ERROR(
      runner_.RunAsSystem(ChangeRunner::Urgency::kUrgent, [&](Change& change) {
        // Read again: the report may have been moved or carried out since.
        done = false;
        ASSIGN_OR_RETURN(auto departure, change.txn().FindDeparture(id));
        ASSIGN_OR_RETURN(domain::Owner owner, GetPerson(change.txn(), id));
        if (!departure || departure->done ||
            !change.HasCome(departure->instant) ||
            owner.state == domain::OwnerState::kDeparted) {
          return absl::OkStatus();
        }
        done = true;
        RETURN_IF_ERROR(effects_.CarryOut(change, owner, *departure));
        carried_out = *std::move(departure);
        return absl::OkStatus();
      }));
  if (done) LogOrphans(carried_out);
  return done;
}

}  // namespace warder::app
