// SqlTransaction: alarms.
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/storage/alarm_rows.h"
#include "server/storage/columns.h"
#include "server/storage/sql_error.h"
#include "server/storage/sql_transaction.h"

namespace warder::storage {

void AlarmRow::From(const domain::Alarm& alarm) {
  number = alarm.number;
  kind = std::string(domain::AlarmKindName(alarm.kind));
  place = domain::PlaceOf(alarm);
  issuer = alarm.issuer.value();
  kid = alarm.kid;
  gateway = alarm.gateway.value();
  planted_at = alarm.planted_at;
  severity = std::string(domain::AlarmSeverityName(alarm.severity));
  state = std::string(domain::AlarmStateName(alarm.state));
  evidence = alarm.evidence;
  count = alarm.count;
  first_us = ToMicros(alarm.first_time);
  last_us = ToMicros(alarm.last_time);
  Json times = Json::array();
  for (const absl::Time time : alarm.recent) times.push_back(ToMicros(time));
  recent = WriteJson(times);
  page_us = OptionalMicros(alarm.page_time);
  acknowledged_by = alarm.acknowledged_by;
  acknowledge_us = OptionalMicros(alarm.acknowledge_time);
  closed_by = alarm.closed_by;
  close_us = OptionalMicros(alarm.close_time);
  note = alarm.note;
  rev = alarm.rev;
}

absl::StatusOr<domain::Alarm> AlarmRow::To() const {
  domain::Alarm alarm;
  alarm.number = number;
  ASSIGN_OR_RETURN(alarm.kind, domain::ParseAlarmKind("alarms.kind", kind));
  ASSIGN_OR_RETURN(alarm.severity,
                   domain::ParseAlarmSeverity("alarms.severity", severity));
  ASSIGN_OR_RETURN(alarm.state, domain::ParseAlarmState("alarms.state", state));
  alarm.issuer = IssuerId(issuer);
  alarm.kid = kid;
  alarm.gateway = GatewayId(gateway);
  alarm.planted_at = planted_at;
  alarm.evidence = evidence;
  alarm.count = count;
  alarm.first_time = FromMicros(first_us);
  alarm.last_time = FromMicros(last_us);
  ASSIGN_OR_RETURN(const Json times, ParseJson(recent));
  for (const Json& time : times) {
    if (time.is_number_integer()) {
      alarm.recent.push_back(FromMicros(time.get<int64_t>()));
    }
  }
  alarm.page_time = OptionalTime(page_us);
  alarm.acknowledged_by = acknowledged_by;
  alarm.acknowledge_time = OptionalTime(acknowledge_us);
  alarm.closed_by = closed_by;
  alarm.close_time = OptionalTime(close_us);
  alarm.note = note;
  alarm.rev = rev;
  return alarm;
}

absl::StatusOr<std::optional<domain::Alarm>> SqlTransaction::FindAlarm(
    int64_t number) {
  return Guard([&] { return alarms_->find.First(number); });
}

absl::StatusOr<std::optional<domain::Alarm>> SqlTransaction::FindLivingAlarm(
    const std::string& place) {
  return Guard([&] { return alarms_->find_living.First(place); });
}

absl::StatusOr<std::vector<domain::Alarm>> SqlTransaction::ListAlarms(
    bool open_only, int64_t before, int limit) {
  return Guard(
      [&] { return alarms_->list.All(before, open_only ? 0 : 1, limit); });
}

absl::Status SqlTransaction::InsertAlarm(domain::Alarm& alarm) {
  return Guard([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const auto living,
                     FindLivingAlarm(domain::PlaceOf(alarm)));
    if (living) {
      return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                   absl::StrCat(AlarmName(living->number), " stands for it"));
    }
    ASSIGN_OR_RETURN(const auto last, alarms_->last.First());
    alarms_->insert.row().From(alarm);
    alarms_->insert.row().number = last.value_or(0) + 1;
    alarms_->insert.Run();
    alarm.number = last.value_or(0) + 1;
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::UpdateAlarm(domain::Alarm& alarm) {
  return Guard([&]() -> absl::Status {
    auto& update = alarms_->update;
    update.row().From(alarm);
    ++update.row().rev;
    if (update.Run(alarm.number, alarm.rev) != 1) {
      return Conflict(AlarmName(alarm.number));
    }
    ++alarm.rev;
    return absl::OkStatus();
  });
}

}  // namespace warder::storage
