// The whole roster against the owners: who has left, who is missing.
#ifndef WARDER_SERVER_APP_ROSTER_MANAGER_H_
#define WARDER_SERVER_APP_ROSTER_MANAGER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/departure_intake.h"
#include "server/app/roster_file.h"

namespace warder::app {

// One owner whom the roster says something new of.
struct RosterFinding {
  enum class Kind {
    kLeft,    // the roster calls him inactive, or his last day is over
    kLeaves,  // his last day is to come
    kAbsent,  // the roster does not name him; departs when the grace is over
    kAbsentLong,  // the grace is over
    kReturned,    // was absent and is named again
    kDoubtful,    // is named by a row that cannot be read; left alone
  };
  OwnerId owner;
  Kind kind = Kind::kAbsent;
  absl::Time since;   // when he leaves or left, or has been absent since
  bool held = false;  // applied: the brake holds the departure
};

struct Reconciliation {
  int64_t people = 0;     // rows that could be read
  int64_t strangers = 0;  // of them, rows of nobody who is an owner
  int64_t owners = 0;     // ACTIVE people
  std::vector<BadRow> bad_rows;
  int64_t bad_count = 0;
  std::vector<RosterFinding> findings;  // by owner
  bool applied = false;
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists.
class RosterManager {
 public:
  // What the arguments refer to outlives this.
  RosterManager(ChangeRunner& runner, DepartureIntake& intake)
      : runner_(runner), intake_(intake) {}

  // Compares a roster with the owners. Where request.validate_only, changes
  // nothing; else departs who has left, schedules who leaves, and notes who is
  // absent, in one transaction, through the brake. Reads every owner: about a
  // second for 100,000. Errors as ReadRoster.
  absl::StatusOr<Reconciliation> Reconcile(const Request& request,
                                           absl::string_view text,
                                           const std::string& default_zone);

  // Departs owners who have been absent for longer than the grace. Returns how
  // many departed or are held.
  absl::StatusOr<int> RunDueAbsences();

 private:
  absl::Status Apply(Change& change, RosterFinding& finding,
                     const std::string& time_zone);

  ChangeRunner& runner_;
  DepartureIntake& intake_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ROSTER_MANAGER_H_
