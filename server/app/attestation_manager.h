// Attestation leases: an owner stays one while somebody says that he is still
// here. HR may forget to report a departure; nobody forgets for ever this way.
//
//   confirmed --lease--> overdue: warned --grace--> suspended: his keys leave
//                                                   the key sets, heirs sign,
//                                                   his certificates are
//                                                   refused
//
// A roster that names him, a feed that reports him active, and `warder owner
// confirm` confirm him. An option: HrPolicy::attestation_lease.
#ifndef WARDER_SERVER_APP_ATTESTATION_MANAGER_H_
#define WARDER_SERVER_APP_ATTESTATION_MANAGER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/departure_intake.h"
#include "server/domain/owner.h"

namespace warder::app {

// Returns whether a roster's or feed's word that `owner` is here is worth
// writing down: leases are in use, and he is overdue, or was last confirmed
// more than a day, or a quarter of a shorter lease, ago.
bool NeedsConfirming(const HrPolicy& policy, const domain::Owner& owner,
                     absl::Time now);

// Notes, inside `change`, that a feed or roster says that `owner` is here. Keys
// that were suspended stay so. Does nothing for a team or a departed owner, for
// one who was suspended by hand, and where he says it himself.
absl::Status ConfirmIn(Change& change, domain::Owner& owner);

// Thread-safe, but for RunDue. Errors common to all: PERMISSION_DENIED; what
// ChangeRunner::Run lists.
class AttestationManager {
 public:
  // Both outlive this.
  AttestationManager(ChangeRunner& runner, const HrPolicy& policy)
      : runner_(runner), policy_(policy) {}

  // Somebody answers for it that the person is here. Returns the owner.
  //
  //   NOT_FOUND            no such owner
  //   FAILED_PRECONDITION  WRONG_STATE: a team, or he has departed
  //   PERMISSION_DENIED    TWO_PEOPLE_REQUIRED: nobody confirms himself
  absl::StatusOr<domain::Owner> Confirm(const Request& request,
                                        const OwnerId& id);

  // Suspends his keys now, without waiting for a lease; heirs sign, and no
  // certificate of his name is accepted until somebody confirms him.
  // Idempotent. Blocks for one store transaction. Errors as Confirm but the
  // last.
  absl::StatusOr<domain::Owner> Suspend(const Request& request,
                                        const OwnerId& id);

  // Warns of who is overdue, and suspends who has been so for longer than the
  // grace. Of people who were last confirmed at the same time, and are more
  // than the brake allows in its window, suspends none and raises an alarm,
  // every day: a feed is broken. Returns how many were suspended; of failures
  // the first, after the others were carried out. The rotation loop's thread
  // calls it.
  absl::StatusOr<int> RunDue();

 private:
  absl::Status WarnDue(absl::Time now);
  absl::StatusOr<std::vector<domain::Owner>> SuspensionsDue(absl::Time now);
  absl::Status RaiseAlarm(int64_t held, absl::Time now);

  ChangeRunner& runner_;
  const HrPolicy& policy_;
  absl::Time last_alarm_ = absl::InfinitePast();  // used by RunDue alone
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ATTESTATION_MANAGER_H_
