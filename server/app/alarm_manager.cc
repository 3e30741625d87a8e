#include "server/app/alarm_manager.h"

#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/app/ledger_loop.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {
namespace {

using domain::Alarm;
using domain::AlarmState;

// What subscriptions are told. The token's own words stay in the alarm.
std::string DetailOf(const Alarm& alarm) {
  return WriteJson(
      {{"kind", domain::AlarmKindName(alarm.kind)},
       {"severity", domain::AlarmSeverityName(alarm.severity)},
       {"issuer", alarm.issuer.empty() ? "" : IssuerName(alarm.issuer)},
       {"kid", alarm.kid},
       {"gateway", alarm.gateway.empty() ? "" : GatewayName(alarm.gateway)},
       {"summary", domain::SummaryOf(alarm)},
       {"next_step", domain::NextStepOf(alarm)},
       {"gentle_step", domain::GentleStepOf(alarm)},
       {"note", alarm.note},
       {"count", alarm.count}});
}

absl::StatusOr<Alarm> GetAlarm(ReadTransaction& txn, int64_t number) {
  ASSIGN_OR_RETURN(const auto alarm, txn.FindAlarm(number));
  if (!alarm) return NotFound(AlarmName(number));
  return *alarm;
}

absl::Status SharpenByKey(ReadTransaction& txn, domain::AlarmEvent& event) {
  if (event.kid.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto key, txn.FindKey(event.issuer, KeyId(event.kid)));
  domain::Sharpen(key ? &*key : nullptr, kLongestSkew, event);
  return absl::OkStatus();
}

absl::Status CheckNote(const std::string& note) {
  if (note.size() <= AlarmManager::kLongestNote) return absl::OkStatus();
  return FieldError("note", absl::StrCat(note.size(), " bytes; at most ",
                                         AlarmManager::kLongestNote));
}

}  // namespace

absl::Status AlarmManager::Raise(std::span<const domain::AlarmEvent> events) {
  if (events.empty()) return absl::OkStatus();
  struct News {
    Alarm alarm;
    absl::string_view action;
  };
  std::vector<News> news;
  RETURN_IF_ERROR(runner_.RunAsSystem(
      ChangeRunner::Urgency::kUrgent, [&](app::Change& change) -> absl::Status {
        news.clear();
        for (domain::AlarmEvent event : events) {
          RETURN_IF_ERROR(SharpenByKey(change.txn(), event));
          ASSIGN_OR_RETURN(
              auto alarm, change.txn().FindLivingAlarm(domain::PlaceOf(event)));
          absl::string_view action;
          if (!alarm) {
            alarm = domain::OpenAlarm(event);
            RETURN_IF_ERROR(change.txn().InsertAlarm(*alarm));
            action = "alarm.raised";
          } else {
            if (domain::CountEvent(event, *alarm)) action = "alarm.paged";
            RETURN_IF_ERROR(change.txn().UpdateAlarm(*alarm));
          }
          if (action.empty()) continue;
          change.Record(action, AlarmName(alarm->number), DetailOf(*alarm));
          news.push_back({*alarm, action});
        }
        return absl::OkStatus();
      }));
  for (const auto& [alarm, action] : news) {
    Log(LogLevel::kError, action,
        {{"alarm", AlarmName(alarm.number)},
         {"kind", std::string(domain::AlarmKindName(alarm.kind))},
         {"severity", std::string(domain::AlarmSeverityName(alarm.severity))},
         {"what", domain::SummaryOf(alarm)},
         {"next", domain::NextStepOf(alarm)}});
    runner_.metrics().CountAlarm(domain::AlarmKindName(alarm.kind),
                                 domain::AlarmSeverityName(alarm.severity));
  }
  return absl::OkStatus();
}

absl::StatusOr<Alarm> AlarmManager::Get(const Request& request,
                                        int64_t number) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadAlarms, AlarmName(number))
          .status());
  Alarm alarm;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(alarm, GetAlarm(txn, number));
    return absl::OkStatus();
  }));
  return alarm;
}

absl::StatusOr<Page<Alarm>> AlarmManager::List(const Request& request,
                                               const PageRequest& page,
                                               bool open_only) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadAlarms, "alarms").status());
  ASSIGN_OR_RETURN(const int size, PageSize(page));
  const absl::string_view filter = open_only ? "open" : "";
  ASSIGN_OR_RETURN(const std::string before,
                   ParsePageToken("alarms", filter, page.token));
  int64_t number = std::numeric_limits<int64_t>::max();
  if (!before.empty() && !absl::SimpleAtoi(before, &number)) {
    return FieldError("page_token", "is none of this list");
  }
  Page<Alarm> result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(result.items, txn.ListAlarms(open_only, number, size + 1));
    return absl::OkStatus();
  }));
  if (static_cast<int>(result.items.size()) > size) {
    result.items.resize(static_cast<size_t>(size));
    result.next_token = MakePageToken("alarms", filter,
                                      absl::StrCat(result.items.back().number));
  }
  return result;
}

absl::StatusOr<Alarm> AlarmManager::Change(
    const Request& request, const AlarmCommand& command,
    absl::FunctionRef<absl::Status(Alarm&, app::Change&)> change_alarm) {
  const std::string name = AlarmName(command.number);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageAlarms, name).status());
  RETURN_IF_ERROR(CheckNote(command.note));
  Alarm alarm;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](app::Change& change) -> absl::Status {
        ASSIGN_OR_RETURN(alarm, GetAlarm(change.txn(), command.number));
        RETURN_IF_ERROR(change_alarm(alarm, change));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) -> absl::Status {
        ASSIGN_OR_RETURN(alarm, GetAlarm(txn, command.number));
        return absl::OkStatus();
      }));
  return alarm;
}

absl::StatusOr<Alarm> AlarmManager::Acknowledge(const Request& request,
                                                const AlarmCommand& command) {
  return Change(request, command,
                [&](Alarm& alarm, app::Change& change) -> absl::Status {
                  if (alarm.state == AlarmState::kClosed) {
                    return Precondition(
                        Reason::kWrongState,
                        absl::StrCat(AlarmName(alarm.number), " was closed by ",
                                     alarm.closed_by, ": ", alarm.note));
                  }
                  if (alarm.state == AlarmState::kAcknowledged) {
                    return absl::OkStatus();
                  }
                  alarm.state = AlarmState::kAcknowledged;
                  alarm.acknowledged_by = request.caller.name;
                  alarm.acknowledge_time = change.now();
                  alarm.note = command.note;
                  RETURN_IF_ERROR(change.txn().UpdateAlarm(alarm));
                  change.Record("alarm.acknowledged", AlarmName(alarm.number),
                                DetailOf(alarm));
                  return absl::OkStatus();
                });
}

absl::StatusOr<Alarm> AlarmManager::Close(const Request& request,
                                          const AlarmCommand& command) {
  return Change(
      request, command, [&](Alarm& alarm, app::Change& change) -> absl::Status {
        if (command.note.empty()) {
          return FieldError("note", "is empty; say why it is over");
        }
        if (alarm.state == AlarmState::kClosed) return absl::OkStatus();
        alarm.state = AlarmState::kClosed;
        alarm.closed_by = request.caller.name;
        alarm.close_time = change.now();
        alarm.note = command.note;
        RETURN_IF_ERROR(change.txn().UpdateAlarm(alarm));
        change.Record("alarm.closed", AlarmName(alarm.number), DetailOf(alarm));
        return absl::OkStatus();
      });
}

}  // namespace warder::app
