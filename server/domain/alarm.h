// What must not be, and what becomes of it. Pure.
//
//   OPEN ──> ACKNOWLEDGED ──> CLOSED        the next event opens another one
//     └───────────────────────^
//
// Events of one kind, issuer and key are one alarm until it is closed. The
// first opens a TICKET; three within ten minutes make it a PAGE. What no honest
// mistake can do (a decoy's token, or that of a key that has signed nothing) is a PAGE
// at once; a silent gateway never is one.
#ifndef WARDER_SERVER_DOMAIN_ALARM_H_
#define WARDER_SERVER_DOMAIN_ALARM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/domain/key.h"

namespace warder::domain {

enum class AlarmKind {
  kNeverIssued,         // a valid signature, and no record
  kUnknownKey,          // the issuer never had the key
  kDeadKey,             // the key has ended
  kOutsideSigningLife,  // `iat` is outside the time in which the key signed
  kLifetime,            // lives longer than the policy allows
  kAudience,            // never issued, and for another audience
  kFutureIat,           // `iat` is in the future
  kSilentKey,           // of a key that has signed nothing
  kExcess,              // more tokens of a key are seen than were issued
  kGatewaySilent,       // a gateway reports no more
  kHoneyKey,            // of a decoy: somebody was where it was planted
  kUnknownSubject,      // never issued, and it names nobody
};

enum class AlarmSeverity { kTicket, kPage };

enum class AlarmState { kOpen, kAcknowledged, kClosed };

// Each in upper case: "NEVER_ISSUED", "PAGE", "OPEN".
absl::string_view AlarmKindName(AlarmKind kind);
absl::string_view AlarmSeverityName(AlarmSeverity severity);
absl::string_view AlarmStateName(AlarmState state);
absl::StatusOr<AlarmKind> ParseAlarmKind(absl::string_view field,
                                         absl::string_view name);
absl::StatusOr<AlarmSeverity> ParseAlarmSeverity(absl::string_view field,
                                                 absl::string_view name);
absl::StatusOr<AlarmState> ParseAlarmState(absl::string_view field,
                                           absl::string_view name);

// That it happened, `count` times; 0: again, where it was counted before. It
// adds its evidence then, and opens an alarm only where the former one was
// closed.
struct AlarmEvent {
  AlarmKind kind = AlarmKind::kNeverIssued;
  IssuerId issuer;    // empty for kGatewaySilent
  std::string kid;    // a key of the issuer; empty where it is about none
  GatewayId gateway;  // that saw it, or is silent
  absl::Time time;
  std::optional<absl::Time> issue_time;  // `iat` of the token, to the minute
  std::string planted_at;                // of kHoneyKey: Key::place
  int64_t count = 1;
  std::string evidence;  // a JSON object, or ""
};

struct Alarm {
  int64_t number = 0;  // `alarms/{number}`
  AlarmKind kind = AlarmKind::kNeverIssued;
  AlarmSeverity severity = AlarmSeverity::kTicket;
  AlarmState state = AlarmState::kOpen;
  IssuerId issuer;
  std::string kid;
  GatewayId gateway;       // that saw it first
  std::string planted_at;  // of kHoneyKey
  // Of the first event that showed the token, else of the first that had any.
  std::string evidence;  // a JSON object
  int64_t count = 0;
  absl::Time first_time;
  absl::Time last_time;
  std::vector<absl::Time>
      recent;  // of the latest events, kEventsOfPage at most
  std::optional<absl::Time> page_time;
  std::string acknowledged_by;
  std::optional<absl::Time> acknowledge_time;
  std::string closed_by;
  std::optional<absl::Time> close_time;
  std::string note;
  // Grows with every write of the row; compare-and-set.
  int64_t rev = 0;

  friend bool operator==(const Alarm&, const Alarm&) = default;
};

inline constexpr size_t kEventsOfPage = 3;
inline constexpr absl::Duration kPageWithin = absl::Minutes(10);

// Returns what events must have in common to be one alarm.
std::string PlaceOf(const AlarmEvent& event);
std::string PlaceOf(const Alarm& alarm);

// Returns the alarm that the first event opens.
Alarm OpenAlarm(AlarmEvent event);
// Counts a further event. Returns whether the alarm became a PAGE by it.
bool CountEvent(const AlarmEvent& event, Alarm& alarm);

// Returns what happened, for people, and the command that ends it, filled in.
std::string SummaryOf(const Alarm& alarm);
std::string NextStepOf(const Alarm& alarm);
// Returns the command that ends it without logging anybody out, at gateways
// that can ask the ledger; "" where there is none.
std::string GentleStepOf(const Alarm& alarm);

// Makes the kind of `event`, which is about a token of the key, say what the
// key itself tells: a decoy, a key that has signed nothing, a time in which it
// did not sign. nullptr: a key that was published and never kept, a tombstone.
void Sharpen(const Key* key, absl::Duration clock_skew, AlarmEvent& event);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_ALARM_H_
