// Columns of alarms, and the statements about them. See rows.h.
#ifndef WARDER_SERVER_STORAGE_ALARM_ROWS_H_
#define WARDER_SERVER_STORAGE_ALARM_ROWS_H_

#include <soci/soci.h>

#include <string>

#include "absl/status/statusor.h"
#include "server/domain/alarm.h"
#include "server/storage/statements.h"

namespace warder::storage {

struct AlarmRow {
  static constexpr char kFixed[] =
      "number, kind, place, issuer, kid, gateway, planted_at";
  static constexpr char kChanges[] =
      "severity, state, evidence, count, first_us, last_us, recent, page_us, "
      "acknowledged_by, acknowledge_us, closed_by, close_us, note, rev";
  std::string kind, place, issuer, kid, gateway, planted_at, severity, state,
      evidence, recent, acknowledged_by, closed_by, note;
  long long number = 0, count = 0, first_us = 0, last_us = 0, page_us = 0,
            acknowledge_us = 0, close_us = 0, rev = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(number), f(kind), f(place), f(issuer), f(kid), f(gateway), f(planted_at);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(severity), f(state), f(evidence), f(count), f(first_us), f(last_us),
        f(recent), f(page_us), f(acknowledged_by), f(acknowledge_us),
        f(closed_by), f(close_us), f(note), f(rev);
  }
  void From(const domain::Alarm& alarm);
  absl::StatusOr<domain::Alarm> To() const;
};

// As Statements.
struct AlarmStatements {
  explicit AlarmStatements(soci::session& sql)
      : find(sql, From<AlarmRow>("alarms WHERE number = :number")),
        find_living(sql, From<AlarmRow>("alarms WHERE place = :place AND "
                                        "state <> 'CLOSED'")),
        list(sql, From<AlarmRow>("alarms WHERE number < :before AND (state <> "
                                 "'CLOSED' OR :closed = 1) ORDER BY number "
                                 "DESC LIMIT :limit")),
        last(sql, "SELECT coalesce(max(number), 0) FROM alarms"),
        insert(sql, Into<AlarmRow>("alarms")),
        update(sql,
               Set<AlarmRow>("alarms", "number = :key AND rev = :old_rev")) {}

  Select<AlarmRow, long long> find;
  Select<AlarmRow, std::string> find_living;
  Select<AlarmRow, long long, long long, long long> list;
  Select<One<long long>> last;
  Write<AlarmRow> insert;
  Update<AlarmRow, long long, long long> update;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_ALARM_ROWS_H_
