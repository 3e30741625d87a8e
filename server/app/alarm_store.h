// The part of the store that keeps alarms.
#ifndef WARDER_SERVER_APP_ALARM_STORE_H_
#define WARDER_SERVER_APP_ALARM_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/domain/alarm.h"

namespace warder::app {

class AlarmReads {
 public:
  virtual ~AlarmReads() = default;

  virtual absl::StatusOr<std::optional<domain::Alarm>> FindAlarm(
      int64_t number) = 0;
  // Returns the alarm of the place (domain::PlaceOf) that is not closed; there
  // is one at most.
  virtual absl::StatusOr<std::optional<domain::Alarm>> FindLivingAlarm(
      const std::string& place) = 0;
  // Returns at most `limit`, the newest first, of those with a number smaller
  // than `before`.
  virtual absl::StatusOr<std::vector<domain::Alarm>> ListAlarms(bool open_only,
                                                                int64_t before,
                                                                int limit) = 0;
};

class AlarmWrites {
 public:
  virtual ~AlarmWrites() = default;

  // Gives the alarm the next number. ALREADY_EXISTS: its place has a living
  // one.
  virtual absl::Status InsertAlarm(domain::Alarm& alarm) = 0;
  // Compare-and-set on alarm.rev; counts it up. ABORTED when it moved.
  virtual absl::Status UpdateAlarm(domain::Alarm& alarm) = 0;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ALARM_STORE_H_
