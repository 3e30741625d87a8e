// Which time a change is recorded with, and which deadlines have passed, when
// somebody set the clock.
//
// The guard keeps the latest time it ever believed, moved on by uptime. Wall
// time ahead of that by more than ten minutes is not believed for an hour:
// changes go on, dated with the time that uptime says it is, and rotation
// waits. Nothing is then recorded in a future that a corrected clock has yet to
// reach. Wall time behind it dates changes, but puts off nothing that ends
// trust. See adr/0005.
#ifndef WARDER_SERVER_APP_CLOCK_GUARD_H_
#define WARDER_SERVER_APP_CLOCK_GUARD_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/store.h"
#include "server/app/vault.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace warder::app {

// A clock this much behind the last event is taken for ordinary jitter.
inline constexpr absl::Duration kClockTolerance = absl::Seconds(5);

// Thread-safe.
class ClockGuard {
 public:
  struct Reading {
    absl::Time wall;     // what the machine says
    absl::Time trusted;  // what changes are dated with; never after `wall`
    absl::Time latest;   // believed once, moved on by uptime; never goes back
    bool held = false;   // the wall clock jumped forward, see above

    // Returns whether `instant` has passed by any of them: for what ends trust,
    // where early is safe and late is not.
    bool HasCome(absl::Time instant) const {
      return instant <= wall || instant <= latest;
    }
  };

  // `clock` outlives this. Its present time is believed.
  explicit ClockGuard(Clock& clock);

  // Reads the clock once; notices, logs and ends a jump. All times are whole
  // microseconds: what the store keeps.
  Reading Read();

 private:
  Clock& clock_;
  Mutex mu_;
  // `latest`, and when it was that.
  absl::Time anchor_ ABSL_GUARDED_BY(mu_);
  absl::Duration anchor_uptime_ ABSL_GUARDED_BY(mu_);
  // Of the jump that is not believed yet.
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration held_by_ ABSL_GUARDED_BY(mu_);
  absl::Duration held_since_ ABSL_GUARDED_BY(mu_);  // uptime
};

// Says for good that `now` is right although changes are recorded for later
// times: appends an event that changes may follow, and dates what living keys
// wait for back to what they would wait for from `now`. Returns the time of
// the last event before; the same as `now` or earlier means that nothing was
// wrong and nothing was changed. Loads every issuer in one transaction; for a
// warderd that does not serve. Errors as store.h.
absl::StatusOr<absl::Time> AcceptClock(Store& store, absl::Time now,
                                       const Sha256& sha256);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_CLOCK_GUARD_H_
