#include "server/app/roster_manager.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/app/attestation_manager.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {
namespace {

using Kind = RosterFinding::Kind;
using Absences = std::map<OwnerId, absl::Time>;

constexpr int kScan = 10000;

// The people of a roster by the name that is compared. Of two rows of one name,
// the one that says more counts: left before leaving before active.
absl::flat_hash_map<std::string, const domain::User*> ByName(
    const Roster& roster, domain::MatchRule rule) {
  absl::flat_hash_map<std::string, const domain::User*> people;
  const auto weight = [](const domain::User& person) {
    return !person.active ? 2 : person.leave_time ? 1 : 0;
  };
  for (const domain::User& person : roster.people) {
    for (std::string& name : domain::MatchNames(person, rule)) {
      const domain::User*& known = people[std::move(name)];
      if (known == nullptr || weight(person) > weight(*known)) known = &person;
    }
  }
  return people;
}

// What the roster says of one owner; nullopt for nothing new.
std::optional<RosterFinding> Judge(const domain::Owner& owner,
                                   const domain::User* person, bool doubtful,
                                   std::optional<absl::Time> absent_since,
                                   absl::Duration grace, absl::Time now) {
  RosterFinding finding{
      .owner = owner.id, .kind = Kind::kAbsent, .since = now, .held = false};
  if (person != nullptr) {
    const absl::Time leaves = person->leave_time.value_or(
        person->active ? absl::InfiniteFuture() : now);
    if (!person->active || leaves <= now) {
      finding.kind = Kind::kLeft;
      finding.since = std::min(leaves, now);
    } else if (person->leave_time && owner.depart_time != person->leave_time) {
      finding.kind = Kind::kLeaves;
      finding.since = leaves;
    } else if (absent_since) {
      finding.kind = Kind::kReturned;
      finding.since = *absent_since;
    } else {
      return std::nullopt;
    }
    return finding;
  }
  if (doubtful) {
    finding.kind = Kind::kDoubtful;
    return finding;
  }
  if (absent_since) {
    finding.since = *absent_since;
    if (now - *absent_since >= grace) finding.kind = Kind::kAbsentLong;
  }
  return finding;
}

template <typename Visit>
absl::Status ForEachPerson(ReadTransaction& txn, Visit visit) {
  std::string after;
  while (true) {
    ASSIGN_OR_RETURN(const auto owners, txn.ListOwners(after, kScan));
    if (owners.empty()) return absl::OkStatus();
    for (const domain::Owner& owner : owners) {
      if (owner.state == domain::OwnerState::kActive &&
          owner.kind == domain::OwnerKind::kPerson) {
        visit(owner);
      }
    }
    after = owners.back().id.value();
  }
}

int64_t Count(const Reconciliation& result, Kind kind) {
  return std::count_if(result.findings.begin(), result.findings.end(),
                       [&](const auto& f) { return f.kind == kind; });
}

std::string DetailOf(const Reconciliation& result) {
  return WriteJson({{"people", result.people},
                    {"strangers", result.strangers},
                    {"owners", result.owners},
                    {"unreadable_rows", result.bad_count},
                    {"left", Count(result, Kind::kLeft)},
                    {"leave", Count(result, Kind::kLeaves)},
                    {"absent", Count(result, Kind::kAbsent)},
                    {"absent_too_long", Count(result, Kind::kAbsentLong)},
                    {"returned", Count(result, Kind::kReturned)},
                    {"doubtful", Count(result, Kind::kDoubtful)}});
}

}  // namespace

absl::Status RosterManager::Apply(Change& change, RosterFinding& finding,
                                  const std::string& time_zone) {
  switch (finding.kind) {
    case Kind::kDoubtful: return absl::OkStatus();
    case Kind::kAbsent:
      return change.txn().PutAbsence(finding.owner, finding.since);
    case Kind::kReturned: return change.txn().DeleteAbsence(finding.owner);
    case Kind::kLeft:
    case Kind::kLeaves:
    case Kind::kAbsentLong: break;
  }
  ASSIGN_OR_RETURN(auto owner, change.txn().FindOwner(finding.owner));
  if (!owner || owner->state != domain::OwnerState::kActive) {
    return absl::OkStatus();
  }
  ReportDepartureCommand report{.owner = owner->id,
                                .instant = std::nullopt,
                                .source = "roster",
                                .time_zone = time_zone,
                                .plan = std::nullopt};
  // Nobody knows when he left whom the roster just forgets to name.
  if (finding.kind != Kind::kAbsentLong) report.instant = finding.since;
  if (finding.kind == Kind::kLeaves) {
    ASSIGN_OR_RETURN(const auto known, change.txn().FindDeparture(owner->id));
    if (known && known->source == "rpc") return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const auto departed, intake_.TakeIn(change, *owner, report));
  finding.held = !departed.has_value();
  return change.txn().DeleteAbsence(finding.owner);
}

absl::StatusOr<Reconciliation> RosterManager::Reconcile(
    const Request& request, absl::string_view text,
    const std::string& default_zone) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReportDeparture, "roster")
          .status());
  const domain::MatchRule rule = intake_.policy().match;
  ASSIGN_OR_RETURN(const Roster roster, ReadRoster(text, rule, default_zone));
  const auto people = ByName(roster, rule);
  Reconciliation result;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        result = {.people = static_cast<int64_t>(roster.people.size()),
                  .strangers = 0,
                  .owners = 0,
                  .bad_rows = roster.bad_rows,
                  .bad_count = roster.bad_count,
                  .findings = {},
                  .applied = !request.validate_only};
        ASSIGN_OR_RETURN(const Absences absences, change.txn().ListAbsences());
        absl::flat_hash_set<const domain::User*> owners_rows;
        absl::flat_hash_map<std::string, std::string> zones;
        std::vector<domain::Owner> confirmed;
        RETURN_IF_ERROR(
            ForEachPerson(change.txn(), [&](const domain::Owner& owner) {
              ++result.owners;
              const std::string name = domain::MatchName(owner, rule);
              const auto row = people.find(name);
              const domain::User* person =
                  row == people.end() ? nullptr : row->second;
              if (person != nullptr) owners_rows.insert(person);
              const auto absent = absences.find(owner.id);
              const auto finding = Judge(
                  owner, person, roster.doubtful.contains(name),
                  absent == absences.end() ? std::nullopt
                                           : std::optional(absent->second),
                  intake_.policy().absence_grace, change.now());
              const bool here = person != nullptr &&
                                (!finding || finding->kind != Kind::kLeft);
              if (here &&
                  NeedsConfirming(intake_.policy(), owner, change.now())) {
                confirmed.push_back(owner);
              }
              if (!finding) return;
              if (person != nullptr && person->leave_time) {
                zones[owner.id.value()] = person->time_zone;
              }
              result.findings.push_back(*finding);
            }));
        result.strangers =
            result.people - static_cast<int64_t>(owners_rows.size());
        if (request.validate_only) return absl::OkStatus();
        for (domain::Owner& owner : confirmed) {
          RETURN_IF_ERROR(ConfirmIn(change, owner));
        }
        for (RosterFinding& finding : result.findings) {
          RETURN_IF_ERROR(Apply(change, finding, zones[finding.owner.value()]));
        }
        change.Record("roster.reconciled", "roster", DetailOf(result));
        change.SetResult("roster");
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return result;
}

absl::StatusOr<int> RosterManager::RunDueAbsences() {
  Absences absences;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(absences, txn.ListAbsences());
    return absl::OkStatus();
  }));
  const absl::Time now = runner_.clock_guard().Read().trusted;
  std::erase_if(absences, [&](const auto& absence) {
    return now - absence.second < intake_.policy().absence_grace;
  });
  if (absences.empty()) return 0;
  int done = 0;
  RETURN_IF_ERROR(
      runner_.RunAsSystem(ChangeRunner::Urgency::kUrgent, [&](Change& change) {
        done = 0;
        for (const auto& [owner, since] : absences) {
          RosterFinding finding{.owner = owner,
                                .kind = Kind::kAbsentLong,
                                .since = since,
                                .held = false};
          RETURN_IF_ERROR(Apply(change, finding, ""));
          ++done;
        }
        return absl::OkStatus();
      }));
  return done;
}

}  // namespace warder::app
