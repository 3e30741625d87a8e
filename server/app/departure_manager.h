// Departures: planned, reported, scheduled, called off, carried out.
#ifndef WARDER_SERVER_APP_DEPARTURE_MANAGER_H_
#define WARDER_SERVER_APP_DEPARTURE_MANAGER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/departure_effects.h"
#include "server/domain/owner.h"

namespace warder::app {

struct ReportDepartureCommand {
  OwnerId owner;
  std::optional<absl::Time> instant;  // nullopt: now
  std::string source = "rpc";         // see domain::Departure
  std::string time_zone;
  // Of one that waited for a word: when the news came, and by whom.
  std::optional<absl::Time> report_time = std::nullopt;
  std::string reported_by = {};
  // What the reporter was shown; what happens is compared with it.
  std::optional<std::vector<domain::IssuerOutcome>> plan;
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists.
class DepartureManager {
 public:
  explicit DepartureManager(ChangeRunner& runner)
      : runner_(runner), effects_(runner) {}

  // Records that an owner leaves. An instant not in the future takes effect in
  // this call: all the leaver's keys are ended in the transaction that records
  // it, successors sign, ownership passes on. A future one is carried out by
  // the rotation loop at that instant, and may be moved by reporting again;
  // until then its successors are published ahead of it.
  //
  // Idempotent: for an owner already departed, returns what was done then.
  // Blocks for one store transaction; where the leaver held the key-encryption
  // key, also for the making of one key for each issuer and algorithm.
  //
  // Somebody who is no owner, but had to do with keys, becomes one first.
  //
  //   NOT_FOUND            no such owner, and nobody who had to do with keys
  //   FAILED_PRECONDITION  WRONG_STATE: a team does not depart
  //   PERMISSION_DENIED    TWO_PEOPLE_REQUIRED: nobody postpones his own
  absl::StatusOr<domain::Departure> Report(
      const Request& request, const ReportDepartureCommand& command);

  // Returns what a departure at `instant` (default: the one reported, else now)
  // would do to the keys as they stand now; changes nothing. Errors as Report.
  absl::StatusOr<domain::Departure> Plan(const Request& request,
                                         const OwnerId& owner,
                                         std::optional<absl::Time> instant);

  // Returns the departure of `owner`: scheduled or carried out. An owner sees
  // his own only.
  //
  //   NOT_FOUND            none is reported
  //   FAILED_PRECONDITION  WRONG_STATE: the brake holds it
  absl::StatusOr<domain::Departure> Get(const Request& request,
                                        const OwnerId& owner);

  // Calls a scheduled departure off; keys made for the heir come back to the
  // owner. Returns the owner.
  //
  //   NOT_FOUND            no such owner
  //   FAILED_PRECONDITION  WRONG_STATE: none is scheduled, or it took effect
  //   PERMISSION_DENIED    TWO_PEOPLE_REQUIRED: nobody calls off his own
  absl::StatusOr<domain::Owner> Cancel(const Request& request,
                                       const OwnerId& owner);

  // Carries out scheduled departures whose instant has come. Returns how many.
  // Of one that fails, the person's certificates are refused from now on; the
  // others are carried out, and then the first error is returned.
  absl::StatusOr<int> RunDue();

  // As Report and Cancel, inside a change of another use case that has checked
  // who may. `owner` is a person the store knows, in state ACTIVE.
  absl::StatusOr<domain::Departure> ReportIn(
      Change& change, domain::Owner& owner,
      const ReportDepartureCommand& command);
  absl::Status CancelIn(Change& change, domain::Owner& owner);

  // Ends what a departed person turns out to have been exposed to, as his
  // departure would have, and adds it to the record of it.
  absl::Status ReachFurtherIn(Change& change, const domain::Owner& departed);

 private:
  // Returns whether there was something to do.
  absl::StatusOr<bool> CarryOutScheduled(const OwnerId& id);

  ChangeRunner& runner_;
  DepartureEffects effects_;
};

// Says in the log which issuers nobody answers for any more.
void LogOrphans(const domain::Departure& departure);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_DEPARTURE_MANAGER_H_
