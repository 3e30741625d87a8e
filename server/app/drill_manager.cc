#include "server/app/drill_manager.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "server/app/revocation_statement.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

constexpr int kMostKeys = 1000;
constexpr int kHistory = 12;

// "drill-20260102-030405.678".
std::string IdAt(absl::Time now) {
  return absl::FormatTime("drill-%Y%m%d-%H%M%E3S", now, absl::UTCTimeZone());
}

domain::Owner MadeUpOwner(const Change& change, absl::Time now) {
  domain::Owner owner;
  owner.id = OwnerId(IdAt(now));
  owner.display_name = "somebody who never lived: a drill";
  owner.contact = change.actor().principal;
  owner.create_time = owner.update_time = owner.confirm_time = now;
  owner.rev = 1;
  return owner;
}

// Says how to make one, for who drills for the first time.
absl::Status NoDrillIssuer(const IssuerId& issuer) {
  return Error(absl::StatusCode::kNotFound, Reason::kNotFound,
               absl::StrCat(IssuerName(issuer),
                            " does not exist; make it: warder issuer create ",
                            issuer.value(), " --drill --owner YOU --deputy ",
                            "OTHER, and add it to the gateways that trust it"));
}

absl::Status CheckIssuer(ReadTransaction& txn, const domain::Issuer& issuer) {
  const std::string name = IssuerName(issuer.id);
  if (!issuer.drill) {
    return Precondition(
        Reason::kWrongState,
        absl::StrCat(name,
                     " is not for drills, and a drill ends its keys; make one "
                     "that is: warder issuer create drill --drill --owner YOU "
                     "--deputy OTHER"));
  }
  ASSIGN_OR_RETURN(const auto gateways, txn.ListGatewaysOf(issuer.id));
  if (!gateways.empty()) return absl::OkStatus();
  return Precondition(
      Reason::kWrongState,
      absl::StrCat(
          "no gateway is registered for ", name,
          ": nobody could be measured; add it to the issuers of those that "
          "trust it, all of which have to be named: warder gateway "
          "update GATEWAY --issuer ITS-OTHER-ISSUER --issuer ",
          issuer.id.value()));
}

// Records that `leaver` had every key that signs in hand. Returns how many.
absl::StatusOr<int> ExposeToSigners(Transaction& txn,
                                    const domain::IssuerDraft& draft,
                                    const domain::Owner& leaver) {
  int signing = 0;
  for (const domain::Key& key : draft.keys) {
    if (key.state != domain::KeyState::kActive) continue;
    ++signing;
    domain::Exposure exposure;
    exposure.issuer = draft.issuer.id;
    exposure.key = key.id;
    exposure.person = leaver.id.value();
    exposure.kind = domain::ExposureKind::kHeld;
    exposure.from = key.create_time;
    exposure.declared_by = leaver.contact;
    exposure.note = "a drill";
    RETURN_IF_ERROR(txn.InsertDeclaredExposure(exposure));
  }
  if (signing > 0) return signing;
  return Precondition(
      Reason::kWrongState,
      absl::StrCat("nothing signs for ", IssuerName(draft.issuer.id),
                   "; there is no key to end. See: warder issuer show ",
                   draft.issuer.id.value()));
}

absl::StatusOr<DrillStatus> StatusOf(ReadTransaction& txn,
                                     domain::Drill drill) {
  DrillStatus status;
  ASSIGN_OR_RETURN(
      auto revocations,
      txn.ListRevocations({.leaver = drill.leaver},
                          {absl::InfiniteFuture(), ""}, kMostKeys));
  struct Standing {
    bool refuses = true, overdue = false;
  };
  std::map<GatewayId, Standing> gateways;
  absl::Duration slowest;
  for (domain::Revocation& revocation : revocations) {
    ASSIGN_OR_RETURN(auto confirmations, txn.ListConfirmations(revocation.key));
    for (const domain::Confirmation& confirmation : confirmations) {
      Standing& standing = gateways[confirmation.gateway];
      if (confirmation.state == domain::ConfirmationState::kOverdue) {
        standing.overdue = true;
      }
      if (confirmation.enforce_time) {
        slowest = std::max(slowest,
                           *confirmation.enforce_time - revocation.revoke_time);
      } else {
        standing.refuses = false;
      }
    }
    status.keys.push_back({.revocation = std::move(revocation),
                           .confirmations = std::move(confirmations)});
  }
  for (const auto& [id, standing] : gateways) {
    ++status.gateways;
    status.refused += standing.refuses ? 1 : 0;
    status.overdue += standing.overdue ? 1 : 0;
  }
  if (status.gateways > 0 && status.refused == status.gateways) {
    status.slowest = slowest;
  }
  status.drill = std::move(drill);
  return status;
}

absl::StatusOr<DrillStatus> GetDrill(ReadTransaction& txn, const DrillId& id) {
  ASSIGN_OR_RETURN(auto drill, txn.FindDrill(id));
  if (!drill) return NotFound(DrillName(id));
  return StatusOf(txn, *std::move(drill));
}

Json MillisecondsOf(const std::optional<absl::Duration>& duration) {
  return duration ? Json(absl::ToInt64Milliseconds(*duration)) : Json();
}

Json ClaimsOf(const DrillStatus& status) {
  Json gateways = Json::array(), statements = Json::array();
  for (const DrillStatus::Ended& key : status.keys) {
    for (const domain::Confirmation& confirmation : key.confirmations) {
      gateways.push_back(ConfirmationJson(key.revocation, confirmation));
    }
    if (!key.revocation.statement.empty()) {
      statements.push_back(key.revocation.statement);
    }
  }
  const std::string name = DrillName(status.drill.id);
  return {{"sub", name},
          {"drill", name},
          {"issuer", IssuerName(status.drill.issuer)},
          {"leaver", OwnerName(status.drill.leaver)},
          {"started", TimeText(status.drill.start_time)},
          {"started_by", status.drill.started_by},
          {"known",
           absl::StrCat(status.refused, " of ", status.gateways, " refuse",
                        status.overdue == 0
                            ? ""
                            : absl::StrCat(", ", status.overdue, " overdue"))},
          {"slowest_ms", MillisecondsOf(status.slowest)},
          {"gateways", std::move(gateways)},
          {"statements", std::move(statements)}};
}

// The drills of the same issuer up to this one, the earliest first.
absl::StatusOr<Json> HistoryOf(ReadTransaction& txn,
                               const domain::Drill& last) {
  Json history = Json::array();
  std::pair<absl::Time, std::string> before = {
      last.start_time + absl::Microseconds(1), ""};
  while (history.size() < kHistory) {
    ASSIGN_OR_RETURN(const auto drills, txn.ListDrills(before, kHistory));
    for (const domain::Drill& drill : drills) {
      before = {drill.start_time, drill.id.value()};
      if (drill.issuer != last.issuer || history.size() == kHistory) continue;
      ASSIGN_OR_RETURN(const DrillStatus status, StatusOf(txn, drill));
      history.push_back({{"drill", DrillName(drill.id)},
                         {"started", TimeText(drill.start_time)},
                         {"gateways", status.gateways},
                         {"refused", status.refused},
                         {"slowest_ms", MillisecondsOf(status.slowest)}});
    }
    if (std::ssize(drills) < kHistory) break;
  }
  std::reverse(history.begin(), history.end());
  return history;
}

}  // namespace

absl::StatusOr<DrillStatus> DrillManager::Run(const Request& request,
                                              const IssuerId& issuer) {
  RETURN_IF_ERROR(
      runner_
          .Authorize(request, Permission::kManageGateways, IssuerName(issuer))
          .status());
  DrillStatus status;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) -> absl::Status {
        Transaction& txn = change.txn();
        ASSIGN_OR_RETURN(const auto found, txn.FindIssuer(issuer));
        if (!found) return NoDrillIssuer(issuer);
        RETURN_IF_ERROR(CheckIssuer(txn, *found));
        domain::Owner leaver = MadeUpOwner(change, change.now());
        domain::Drill drill{.id = DrillId(leaver.id.value()),
                            .issuer = issuer,
                            .leaver = leaver.id,
                            .started_by = request.caller.Principal(),
                            .start_time = change.now()};
        ASSIGN_OR_RETURN(const domain::IssuerDraft draft,
                         txn.LoadDraft(issuer, KeyScope::kLiving));
        RETURN_IF_ERROR(txn.InsertOwner(leaver));
        ASSIGN_OR_RETURN(const int signing,
                         ExposeToSigners(txn, draft, leaver));
        RETURN_IF_ERROR(txn.InsertDrill(drill));
        change.Record(
            "drill.run", DrillName(drill.id),
            WriteJson({{"issuer", issuer.value()}, {"keys", signing}}));
        ReportDepartureCommand departure;
        departure.owner = leaver.id;
        departure.source = "drill";
        RETURN_IF_ERROR(
            departures_.ReportIn(change, leaver, departure).status());
        change.SetResult(DrillName(drill.id));
        ASSIGN_OR_RETURN(status, StatusOf(txn, std::move(drill)));
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string& name) -> absl::Status {
        ASSIGN_OR_RETURN(const DrillId id, ParseDrillName("name", name));
        ASSIGN_OR_RETURN(status, GetDrill(txn, id));
        return absl::OkStatus();
      }));
  return status;
}

absl::StatusOr<DrillStatus> DrillManager::Get(const Request& request,
                                              const DrillId& id) {
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadGateways, DrillName(id)));
  // It is about all gateways.
  if (access == Access::kOwn) {
    return runner_.Denied(request, DrillName(id), NotFound(DrillName(id)));
  }
  DrillStatus status;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(status, GetDrill(txn, id));
    return absl::OkStatus();
  }));
  return status;
}

absl::StatusOr<Page<DrillStatus>> DrillManager::List(const Request& request,
                                                     const PageRequest& page) {
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadGateways, "drills"));
  ASSIGN_OR_RETURN(const int size, PageSize(page));
  ASSIGN_OR_RETURN(const std::string position,
                   ParsePageToken("drills", "", page.token));
  ASSIGN_OR_RETURN(const auto before, ParseTimePosition(position));
  Page<DrillStatus> result;
  if (access == Access::kOwn) return result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    result = {};
    ASSIGN_OR_RETURN(auto drills, txn.ListDrills(before, size + 1));
    if (static_cast<int>(drills.size()) > size) {
      drills.pop_back();
      result.next_token = MakePageToken(
          "drills", "",
          TimePosition(drills.back().start_time, drills.back().id.value()));
    }
    for (domain::Drill& drill : drills) {
      ASSIGN_OR_RETURN(auto status, StatusOf(txn, std::move(drill)));
      result.items.push_back(std::move(status));
    }
    return absl::OkStatus();
  }));
  return result;
}

absl::StatusOr<std::string> DrillManager::Report(const Request& request,
                                                 const DrillId& id) {
  ASSIGN_OR_RETURN(const DrillStatus status, Get(request, id));
  Json claims = ClaimsOf(status);
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(claims["history"], HistoryOf(txn, status.drill));
    return absl::OkStatus();
  }));
  claims["iss"] = service_;
  claims["iat"] = absl::ToUnixSeconds(runner_.clock_guard().Read().trusted);
  return signer_.SignStatement(kDrillReportType, WriteJson(claims));
}

}  // namespace warder::app
