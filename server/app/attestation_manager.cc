#include "server/app/attestation_manager.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/attestation.h"

namespace warder::app {
namespace {

constexpr int kBatch = 1000;
constexpr absl::Duration kAlarmEvery = absl::Hours(24);

absl::StatusOr<domain::Owner> GetActive(ReadTransaction& txn,
                                        const OwnerId& id) {
  ASSIGN_OR_RETURN(auto owner, txn.FindOwner(id));
  if (!owner) return NotFound(OwnerName(id));
  if (owner->kind == domain::OwnerKind::kTeam) {
    return Precondition(
        Reason::kWrongState,
        absl::StrCat(OwnerName(id), " is a team; people are confirmed"));
  }
  if (owner->state == domain::OwnerState::kDeparted) {
    return Precondition(Reason::kWrongState,
                        absl::StrCat(OwnerName(id),
                                     " has departed; should the person be "
                                     "back, add an owner under another ID"));
  }
  return *std::move(owner);
}

absl::Status MarkConfirmed(Change& change, domain::Owner& owner) {
  if (owner.suspend_time) change.SetSuspended(owner.id, false);
  owner.confirm_time = change.now();
  owner.overdue_time.reset();
  owner.suspend_time.reset();
  owner.suspended_by.clear();
  owner.update_time = change.now();
  return change.txn().UpdateOwner(owner);
}

absl::Status SuspendIn(Change& change, domain::Owner& owner) {
  ASSIGN_OR_RETURN(const auto touched,
                   change.txn().ListIssuersTouchedBy(owner.id));
  int keys = 0;
  for (const IssuerId& id : touched) {
    ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                     change.txn().LoadDraft(id, KeyScope::kLiving));
    const bool his = draft.issuer.owner == owner.id ||
                     std::any_of(draft.keys.begin(), draft.keys.end(),
                                 [&](const domain::Key& key) {
                                   return key.owner == owner.id;
                                 });
    if (!his) continue;
    keys +=
        domain::SuspendKeysOf(draft, owner.id, change.actor(), change.now());
    if (draft.issuer.owner == owner.id) {
      Log(LogLevel::kError, "issuer.owner_suspended",
          {{"issuer", IssuerName(id)},
           {"owner", OwnerName(owner.id)},
           {"next",
            "no deputy could take over; name a living owner and deputy with: "
            "warder issuer update"}});
    }
    RETURN_IF_ERROR(change.Save(draft));
  }
  owner.suspend_time = change.now();
  owner.suspended_by = change.actor().principal;
  change.SetSuspended(owner.id, true);
  owner.overdue_time = owner.overdue_time.value_or(change.now());
  owner.update_time = change.now();
  RETURN_IF_ERROR(change.txn().UpdateOwner(owner));
  change.Record("owner.suspended", OwnerName(owner.id),
                WriteJson({{"confirmed", TimeText(owner.confirm_time)},
                           {"keys_suspended", keys}}));
  return absl::OkStatus();
}

}  // namespace

bool NeedsConfirming(const HrPolicy& policy, const domain::Owner& owner,
                     absl::Time now) {
  return policy.attestation_lease > absl::ZeroDuration() &&
         (owner.overdue_time ||
          now - owner.confirm_time >
              std::min(policy.attestation_lease / 4, absl::Hours(24)));
}

absl::Status ConfirmIn(Change& change, domain::Owner& owner) {
  if (owner.kind == domain::OwnerKind::kTeam ||
      owner.state == domain::OwnerState::kDeparted ||
      domain::SuspendedByHand(owner) ||
      change.actor().person == owner.id.value()) {
    return absl::OkStatus();
  }
  if (owner.overdue_time) {
    change.Record("owner.confirmed", OwnerName(owner.id), "");
  }
  return MarkConfirmed(change, owner);
}

absl::StatusOr<domain::Owner> AttestationManager::Confirm(
    const Request& request, const OwnerId& id) {
  const std::string name = OwnerName(id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteOwners, name).status());
  if (request.caller.name == id.value() && !request.caller.is_feed) {
    return runner_.Denied(
        request, name,
        Error(absl::StatusCode::kPermissionDenied, Reason::kTwoPeopleRequired,
              absl::StrCat(name,
                           " does not confirm himself; somebody else of "
                           "role hr or security does")));
  }
  domain::Owner owner;
  const auto find = [&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(owner, GetActive(txn, id));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        RETURN_IF_ERROR(find(change.txn()));
        RETURN_IF_ERROR(MarkConfirmed(change, owner));
        change.Record("owner.confirmed", name, "");
        change.SetResult(name);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) { return find(txn); }));
  return owner;
}

absl::StatusOr<domain::Owner> AttestationManager::Suspend(
    const Request& request, const OwnerId& id) {
  const std::string name = OwnerName(id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteKeys, name).status());
  domain::Owner owner;
  const auto find = [&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(owner, GetActive(txn, id));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        RETURN_IF_ERROR(find(change.txn()));
        change.SetResult(name);
        if (owner.suspend_time) return absl::OkStatus();
        return SuspendIn(change, owner);
      },
      [&](ReadTransaction& txn, const std::string&) { return find(txn); }));
  return owner;
}

absl::Status AttestationManager::WarnDue(absl::Time now) {
  const absl::Time since = now - policy_.attestation_lease;
  std::vector<domain::Owner> unconfirmed, warned;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(unconfirmed, txn.ListLapsed(since, kBatch));
    return absl::OkStatus();
  }));
  if (unconfirmed.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(
      runner_.RunAsSystem(ChangeRunner::Urgency::kUrgent, [&](Change& change) {
        warned.clear();
        for (const domain::Owner& listed : unconfirmed) {
          ASSIGN_OR_RETURN(auto owner, change.txn().FindOwner(listed.id));
          // Confirmed or departed since it was listed.
          if (!owner || owner->rev != listed.rev) continue;
          owner->overdue_time = change.now();
          owner->update_time = change.now();
          RETURN_IF_ERROR(change.txn().UpdateOwner(*owner));
          warned.push_back(*owner);
          change.Record("owner.overdue", OwnerName(owner->id),
                        WriteJson({{"confirmed", TimeText(owner->confirm_time)},
                                   {"suspended_at",
                                    TimeText(change.now() +
                                             policy_.attestation_grace)}}));
        }
        return absl::OkStatus();
      }));
  for (const domain::Owner& owner : warned) {
    Log(LogLevel::kWarning, "owner.overdue",
        {{"owner", OwnerName(owner.id)},
         {"confirmed", TimeText(owner.confirm_time)},
         {"next",
          absl::StrCat("his keys are suspended in ",
                       DurationText(policy_.attestation_grace),
                       " unless somebody says that he is here: warder owner "
                       "confirm ",
                       owner.id.value())}});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<domain::Owner>> AttestationManager::SuspensionsDue(
    absl::Time now) {
  std::vector<domain::Owner> due;
  int64_t recent = 0, people = 0;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(due,
                     txn.ListOverdue(now - policy_.attestation_grace, kBatch));
    ASSIGN_OR_RETURN(recent,
                     txn.CountSuspendedSince(now - policy_.brake_window));
    ASSIGN_OR_RETURN(people, txn.CountActivePeople());
    return absl::OkStatus();
  }));
  std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
    return a.confirm_time < b.confirm_time;
  });
  // Who was last confirmed at about the same time as many others fell out with
  // them; who fell out alone is held up by nobody.
  std::vector<domain::Owner> released;
  int64_t held = 0;
  for (auto first = due.begin(); first != due.end();) {
    auto end = std::next(first);
    while (end != due.end() &&
           end->confirm_time - std::prev(end)->confirm_time <=
               policy_.brake_window) {
      ++end;
    }
    if (end - first + recent > BrakeBound(policy_, people)) {
      held += end - first;
    } else {
      released.insert(released.end(), first, end);
    }
    first = end;
  }
  runner_.metrics().SetHeldSuspensions(held);
  if (held > 0) RETURN_IF_ERROR(RaiseAlarm(held, now));
  return released;
}

absl::Status AttestationManager::RaiseAlarm(int64_t held, absl::Time now) {
  if (now - last_alarm_ < kAlarmEvery && now >= last_alarm_) {
    return absl::OkStatus();
  }
  Log(LogLevel::kError, "attestation.held",
      {{"owners", absl::StrCat(held)},
       {"next",
        "too many owners were last confirmed at the same time, so none of them "
        "is suspended: reconcile a roster, or decide with: warder owner list "
        "--overdue, then warder owner confirm or suspend"}});
  RETURN_IF_ERROR(
      runner_.RunAsSystem(ChangeRunner::Urgency::kUrgent, [&](Change& change) {
        change.Record("attestation.held", "owners",
                      WriteJson({{"owners", held}}));
        return absl::OkStatus();
      }));
  last_alarm_ = now;
  return absl::OkStatus();
}

absl::StatusOr<int> AttestationManager::RunDue() {
  if (policy_.attestation_lease <= absl::ZeroDuration()) return 0;
  const absl::Time now = runner_.clock_guard().Read().trusted;
  absl::Status first = WarnDue(now);
  ASSIGN_OR_RETURN(const auto due, SuspensionsDue(now));
  int suspended = 0;
  for (const domain::Owner& listed : due) {
    bool done = false;
    const absl::Status status = runner_.RunAsSystem(
        ChangeRunner::Urgency::kUrgent, [&](Change& change) {
          done = false;
          ASSIGN_OR_RETURN(auto owner, change.txn().FindOwner(listed.id));
          if (!owner || owner->rev != listed.rev) return absl::OkStatus();
          done = true;
          return SuspendIn(change, *owner);
        });
    first.Update(status);
    if (!status.ok() || !done) continue;  // one that fails holds up no other
    ++suspended;
    Log(LogLevel::kError, "owner.suspended",
        {{"owner", OwnerName(listed.id)},
         {"confirmed", TimeText(listed.confirm_time)},
         {"next",
          "his keys are out of the key sets; where he is here, say so with: "
          "warder owner confirm, and look at: warder key list"}});
  }
  RETURN_IF_ERROR(first);
  return suspended;
}

}  // namespace warder::app
