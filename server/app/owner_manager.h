// Use cases on owners: the roster, and departures.
#ifndef WARDER_SERVER_APP_OWNER_MANAGER_H_
#define WARDER_SERVER_APP_OWNER_MANAGER_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/page_token.h"
#include "server/domain/owner.h"

namespace warder::app {

struct CreateOwnerCommand {
  OwnerId id;
  std::string display_name;
  std::string contact;
  OwnerId deputy;  // may be empty
};

struct UpdateOwnerCommand {
  OwnerId id;
  std::string etag;
  std::optional<std::string> display_name;
  std::optional<std::string> contact;
  std::optional<OwnerId> deputy;
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists.
class OwnerManager {
 public:
  explicit OwnerManager(ChangeRunner& runner) : runner_(runner) {}

  // ALREADY_EXISTS; FAILED_PRECONDITION OWNER_NOT_ACTIVE: the deputy.
  absl::StatusOr<domain::Owner> Create(const Request& request,
                                       const CreateOwnerCommand& command);
  // NOT_FOUND. An owner sees himself only.
  absl::StatusOr<domain::Owner> Get(const Request& request, const OwnerId& id);
  absl::StatusOr<Page<domain::Owner>> List(const Request& request,
                                           const PageRequest& page);
  // NOT_FOUND; ABORTED ETAG_MISMATCH; FAILED_PRECONDITION OWNER_NOT_ACTIVE.
  absl::StatusOr<domain::Owner> Update(const Request& request,
                                       const UpdateOwnerCommand& command);

  // Records that `owner` leaves at `instant` (nullopt: now). An instant not in
  // the future takes effect in this call: all the leaver's keys are ended in
  // the transaction that records it, successors sign, ownership passes on. A
  // future one is carried out by the rotation loop at that instant, and may be
  // moved by reporting again.
  //
  // Idempotent: for an owner already departed, returns what was done then.
  // Blocks for one store transaction.
  //
  //   NOT_FOUND          no such owner
  //   PERMISSION_DENIED  TWO_PEOPLE_REQUIRED: nobody postpones his own
  //   departure
  absl::StatusOr<domain::Departure> ReportDeparture(
      const Request& request, const OwnerId& owner,
      std::optional<absl::Time> instant);

  // Returns what a departure at `instant` (default: the one reported, else now)
  // would do to the keys as they stand now; changes nothing.
  //
  //   NOT_FOUND  no such owner
  absl::StatusOr<domain::Departure> PlanDeparture(
      const Request& request, const OwnerId& owner,
      std::optional<absl::Time> instant);

  // Carries out scheduled departures whose instant has come. Returns how many.
  // Of one that fails, the person's certificates are refused from now on; the
  // others are carried out, and then the first error is returned.
  absl::StatusOr<int> RunDueDepartures();

 private:
  // Ends everything of the leaver inside `change`.
  absl::Status CarryOut(Change& change, domain::Owner& owner,
                        domain::Departure& departure);

  // Returns whether there was something to do.
  absl::StatusOr<bool> CarryOutScheduled(const OwnerId& id);

  ChangeRunner& runner_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_OWNER_MANAGER_H_
