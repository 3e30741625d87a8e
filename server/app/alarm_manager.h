// Alarms: raised by what watches tokens, seen, acknowledged and closed by
// people.
#ifndef WARDER_SERVER_APP_ALARM_MANAGER_H_
#define WARDER_SERVER_APP_ALARM_MANAGER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/page_token.h"
#include "server/domain/alarm.h"

namespace warder::app {

struct AlarmCommand {
  int64_t number = 0;
  std::string note;
};

// Thread-safe. Errors common to what people call: PERMISSION_DENIED; what
// ChangeRunner::Run lists.
class AlarmManager {
 public:
  static constexpr size_t kLongestNote = 1000;

  // `runner` outlives this.
  explicit AlarmManager(ChangeRunner& runner) : runner_(runner) {}

  // Opens an alarm for each event, or counts it where one of its place lives;
  // logs, audits (and by that tells subscriptions of) what opens and what
  // becomes a page. One store transaction for all; nothing for none.
  //   what the store returns: none of them is recorded
  absl::Status Raise(std::span<const domain::AlarmEvent> events);

  // NOT_FOUND.
  absl::StatusOr<domain::Alarm> Get(const Request& request, int64_t number);
  // The newest first.
  absl::StatusOr<Page<domain::Alarm>> List(const Request& request,
                                           const PageRequest& page,
                                           bool open_only);
  //   NOT_FOUND
  //   INVALID_ARGUMENT     note: past kLongestNote
  //   FAILED_PRECONDITION  WRONG_STATE: it is closed
  // Again, it changes nothing: the first word stays.
  absl::StatusOr<domain::Alarm> Acknowledge(const Request& request,
                                            const AlarmCommand& command);
  // Closing again changes nothing.
  //   NOT_FOUND
  //   INVALID_ARGUMENT  note: none, or past kLongestNote
  absl::StatusOr<domain::Alarm> Close(const Request& request,
                                      const AlarmCommand& command);

 private:
  absl::StatusOr<domain::Alarm> Change(
      const Request& request, const AlarmCommand& command,
      absl::FunctionRef<absl::Status(domain::Alarm&, app::Change&)> change);

  ChangeRunner& runner_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ALARM_MANAGER_H_
