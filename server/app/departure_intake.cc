#include "server/app/departure_intake.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

std::string DetailOf(const domain::HeldDeparture& held) {
  return WriteJson({{"source", held.source},
                    {"reported_by", held.reported_by},
                    {"reported", TimeText(held.report_time)}});
}

}  // namespace

int64_t BrakeBound(const HrPolicy& policy, int64_t people) {
  const int64_t share = (people * policy.brake_percent + 99) / 100;  // up
  return std::max(kNeverHeld, std::min<int64_t>(policy.brake_count, share));
}

absl::StatusOr<bool> DepartureIntake::BrakeHolds(Change& change) {
  ASSIGN_OR_RETURN(
      const int64_t recent,
      change.txn().CountFeedDepartures(change.now() - policy_.brake_window,
                                       change.actor().principal));
  if (recent < kNeverHeld) return false;
  ASSIGN_OR_RETURN(const int64_t people, change.txn().CountActivePeople());
  // Those who have left in the window were people, too.
  return recent >= BrakeBound(policy_, people + recent);
}

absl::StatusOr<std::optional<domain::Departure>> DepartureIntake::TakeIn(
    Change& change, domain::Owner& owner,
    const ReportDepartureCommand& command) {
  ASSIGN_OR_RETURN(auto held, change.txn().FindHeld(owner.id));
  if (held && !held->rejected) {
    // The word that it waits for is given to the earliest of the reports.
    const absl::Time instant = command.instant.value_or(change.now());
    if (instant < held->instant.value_or(held->report_time)) {
      held->instant = instant;
      held->time_zone = command.time_zone;
      RETURN_IF_ERROR(change.txn().PutHeld(*held));
    }
    return std::nullopt;
  }
  // A rejection is about what this feed said, not about the person.
  if (held && held->reported_by == change.actor().principal) {
    return std::nullopt;
  }
  if (held) RETURN_IF_ERROR(change.txn().DeleteHeld(owner.id));
  // Another day for a departure that is to come is no new one; that it is to be
  // now is.
  ASSIGN_OR_RETURN(const auto known, change.txn().FindDeparture(owner.id));
  bool holds = false;
  if (!known || change.HasCome(command.instant.value_or(change.now()))) {
    ASSIGN_OR_RETURN(holds, BrakeHolds(change));
  }
  if (!holds) {
    ASSIGN_OR_RETURN(domain::Departure departure,
                     departures_.ReportIn(change, owner, command));
    return departure;
  }
  const domain::HeldDeparture waiting{.owner = owner.id,
                                      .instant = command.instant,
                                      .report_time = change.now(),
                                      .reported_by = change.actor().principal,
                                      .source = command.source,
                                      .time_zone = command.time_zone,
                                      .rejected = false};
  RETURN_IF_ERROR(change.txn().PutHeld(waiting));
  change.Record("departure.held", OwnerName(owner.id), DetailOf(waiting));
  runner_.metrics().CountHeldDeparture();
  Log(LogLevel::kError, "departure.held",
      {{"owner", OwnerName(owner.id)},
       {"feed", waiting.reported_by},
       {"next",
        "too many departures at once wait for a word of role security: warder "
        "departure held, then warder departure release or reject"}});
  return std::nullopt;
}

absl::Status DepartureIntake::TakeBack(Change& change, const OwnerId& id) {
  const std::string& feed = change.actor().principal;
  ASSIGN_OR_RETURN(const auto held, change.txn().FindHeld(id));
  if (held && held->reported_by == feed) {
    RETURN_IF_ERROR(change.txn().DeleteHeld(id));
    change.Record("departure.taken_back", OwnerName(id), DetailOf(*held));
  }
  ASSIGN_OR_RETURN(auto owner, change.txn().FindOwner(id));
  ASSIGN_OR_RETURN(const auto departure, change.txn().FindDeparture(id));
  const bool scheduled = owner && departure && !departure->done &&
                         !change.HasCome(departure->instant);
  // A feed calls off what it reported, and nobody else's word.
  if (!scheduled || departure->source == "rpc" ||
      departure->reported_by != feed) {
    return absl::OkStatus();
  }
  if (change.actor().person == id.value()) {
    return Error(
        absl::StatusCode::kPermissionDenied, Reason::kTwoPeopleRequired,
        absl::StrCat(OwnerName(id), " does not call off his own departure"));
  }
  return departures_.CancelIn(change, *owner);
}

absl::StatusOr<std::vector<domain::HeldDeparture>> DepartureIntake::Held(
    ReadTransaction& txn, const std::vector<OwnerId>& owners) {
  if (owners.empty()) return txn.ListHeld();
  std::vector<domain::HeldDeparture> found;
  for (const OwnerId& id : owners) {
    ASSIGN_OR_RETURN(const auto held, txn.FindHeld(id));
    if (!held || held->rejected) {
      return NotFound(absl::StrCat(OwnerName(id), "/heldDeparture"));
    }
    found.push_back(*held);
  }
  return found;
}

absl::StatusOr<std::vector<domain::HeldDeparture>> DepartureIntake::ListHeld(
    const Request& request) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadOwners, "departures")
          .status());
  std::vector<domain::HeldDeparture> held;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(held, txn.ListHeld());
    return absl::OkStatus();
  }));
  return held;
}

absl::StatusOr<std::vector<domain::Departure>> DepartureIntake::Release(
    const Request& request, const std::vector<OwnerId>& owners) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageFeeds, "departures")
          .status());
  std::vector<domain::Departure> departures;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        departures.clear();
        ASSIGN_OR_RETURN(const auto held, Held(change.txn(), owners));
        for (const domain::HeldDeparture& waiting : held) {
          RETURN_IF_ERROR(change.txn().DeleteHeld(waiting.owner));
          change.Record("departure.released", OwnerName(waiting.owner),
                        DetailOf(waiting));
          ASSIGN_OR_RETURN(auto owner, change.txn().FindOwner(waiting.owner));
          if (!owner || owner->state == domain::OwnerState::kDeparted) continue;
          // As if it had gone through when it was reported; never later than
          // what is known besides.
          ASSIGN_OR_RETURN(const auto known,
                           change.txn().FindDeparture(waiting.owner));
          absl::Time instant = waiting.instant.value_or(waiting.report_time);
          const bool earlier = known && known->instant <= instant;
          if (earlier) instant = known->instant;
          ASSIGN_OR_RETURN(
              domain::Departure departure,
              departures_.ReportIn(
                  change, *owner,
                  {.owner = waiting.owner,
                   .instant = instant,
                   .source = earlier ? known->source : waiting.source,
                   .time_zone = earlier ? known->time_zone : waiting.time_zone,
                   .report_time = waiting.report_time,
                   .reported_by = waiting.reported_by,
                   .plan = std::nullopt}));
          departures.push_back(std::move(departure));
        }
        change.SetResult("departures");
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  if (!request.validate_only) {
    for (const domain::Departure& departure : departures) LogOrphans(departure);
  }
  return departures;
}

absl::StatusOr<std::vector<domain::HeldDeparture>> DepartureIntake::Reject(
    const Request& request, const std::vector<OwnerId>& owners) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageFeeds, "departures")
          .status());
  std::vector<domain::HeldDeparture> rejected;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(rejected, Held(change.txn(), owners));
        for (domain::HeldDeparture& waiting : rejected) {
          waiting.rejected = true;
          RETURN_IF_ERROR(change.txn().PutHeld(waiting));
          change.Record("departure.rejected", OwnerName(waiting.owner),
                        DetailOf(waiting));
        }
        change.SetResult("departures");
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return rejected;
}

}  // namespace warder::app
