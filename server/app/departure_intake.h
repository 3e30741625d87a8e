// Departures that feeds report, and the brake before them.
//
// A feed is a program: when it is wrong, it is wrong a thousand times in a
// minute. The first departures of a window go through at once, as every single
// one does. Past the bound the rest waits, alarmed and visible, until somebody
// of role `security` releases or rejects it; nothing is dropped.
#ifndef WARDER_SERVER_APP_DEPARTURE_INTAKE_H_
#define WARDER_SERVER_APP_DEPARTURE_INTAKE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/departure_manager.h"
#include "server/domain/user.h"

namespace warder::app {

// How the service believes what feeds say.
struct HrPolicy {
  domain::MatchRule match = domain::MatchRule::kExternalId;
  // At most this many departures, and at most these of a hundred people, within
  // the window; never fewer than kNeverHeld.
  int brake_count = 20;
  int brake_percent = 5;
  absl::Duration brake_window = absl::Hours(1);
  // A feed not heard of for this long is an alarm.
  absl::Duration silence = absl::Hours(26);
  // Whom rosters do not name for this long has left.
  absl::Duration absence_grace = absl::Hours(24 * 7);
  // Whom nobody has confirmed for this long is overdue; zero: nobody ever is.
  absl::Duration attestation_lease = absl::ZeroDuration();
  // Whoever stays overdue for this long has his keys suspended.
  absl::Duration attestation_grace = absl::Hours(24 * 14);

  friend bool operator==(const HrPolicy&, const HrPolicy&) = default;
};

inline constexpr int64_t kNeverHeld = 3;

// Returns how many of `people` may be lost within the window before a human is
// asked.
int64_t BrakeBound(const HrPolicy& policy, int64_t people);

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists.
class DepartureIntake {
 public:
  // What the arguments refer to outlives this.
  DepartureIntake(ChangeRunner& runner, DepartureManager& departures,
                  const HrPolicy& policy)
      : runner_(runner), departures_(departures), policy_(policy) {}

  // Departs `owner`, a person in state ACTIVE, inside `change`, or holds the
  // departure. Returns it where it was not held. What waits already keeps the
  // earliest instant; what was rejected is not reported again by the same feed.
  absl::StatusOr<std::optional<domain::Departure>> TakeIn(
      Change& change, domain::Owner& owner,
      const ReportDepartureCommand& command);

  // The feed took its report back: forgets a held or rejected departure of
  // `owner`, and calls off a scheduled one, where it was this feed's report.
  // PERMISSION_DENIED TWO_PEOPLE_REQUIRED: the feed carries the owner's name.
  absl::Status TakeBack(Change& change, const OwnerId& owner);

  // Returns what waits, oldest first.
  absl::StatusOr<std::vector<domain::HeldDeparture>> ListHeld(
      const Request& request);

  // Carries out what was held of `owners`, or, where it is empty, all that is
  // held. Returns the departures.
  //
  //   NOT_FOUND  nothing is held of one of them; nothing was released
  absl::StatusOr<std::vector<domain::Departure>> Release(
      const Request& request, const std::vector<OwnerId>& owners);
  // Says that the reports were wrong; the owners stay. Errors as Release.
  absl::StatusOr<std::vector<domain::HeldDeparture>> Reject(
      const Request& request, const std::vector<OwnerId>& owners);

  const HrPolicy& policy() const { return policy_; }

 private:
  absl::StatusOr<bool> BrakeHolds(Change& change);
  absl::StatusOr<std::vector<domain::HeldDeparture>> Held(
      ReadTransaction& txn, const std::vector<OwnerId>& owners);

  ChangeRunner& runner_;
  DepartureManager& departures_;
  const HrPolicy& policy_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_DEPARTURE_INTAKE_H_
