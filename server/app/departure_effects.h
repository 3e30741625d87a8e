// What a departure does to issuers and their keys: foreseen, prepared, done.
#ifndef WARDER_SERVER_APP_DEPARTURE_EFFECTS_H_
#define WARDER_SERVER_APP_DEPARTURE_EFFECTS_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/domain/owner.h"

namespace warder::app {

// Checks nothing of who may: DepartureManager does. Thread-safe. Errors are the
// store's.
class DepartureEffects {
 public:
  explicit DepartureEffects(ChangeRunner& runner) : runner_(runner) {}

  // Returns what the departure of `owner` at `instant` would do as things
  // stand.
  absl::StatusOr<domain::Departure> Plan(ReadTransaction& txn,
                                         const domain::Owner& owner,
                                         absl::Time instant, absl::Time now,
                                         const domain::Actor& actor);

  // Stages successors that are due, moves those staged for an instant reported
  // `earlier`, and writes when the next one is due.
  absl::Status Prepare(Change& change, const domain::Departure& departure,
                       const std::optional<domain::Departure>& earlier);

  // Ends everything of the leaver inside `change` and records it. On entry
  // `departure.issuers` is what was planned, if anything was: then the record
  // tells what came otherwise.
  absl::Status CarryOut(Change& change, domain::Owner& owner,
                        domain::Departure& departure);

  // Takes the leaver out of everything he touches; or only out of that where a
  // key ends by it. Returns what was done to each issuer.
  absl::StatusOr<std::vector<domain::IssuerOutcome>> End(
      Change& change, const OwnerId& leaver, bool only_where_keys_end);

 private:
  // Replaces spares that `custodies` let somebody read.
  void ReplaceReadSpares(const std::vector<domain::Custody>& custodies,
                         domain::IssuerDraft& draft, absl::Time now);
  // `draft` as the departure leaves it.
  void CountTokens(const domain::IssuerDraft& draft,
                   domain::IssuerOutcome& outcome, absl::Time instant,
                   absl::Time now) const;

  ChangeRunner& runner_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_DEPARTURE_EFFECTS_H_
