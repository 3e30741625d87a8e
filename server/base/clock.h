// Time as a constructor argument. Nothing but SystemClock reads the machine's
// clock; functions below `app` take `absl::Time now` instead.
#ifndef WARDER_SERVER_BASE_CLOCK_H_
#define WARDER_SERVER_BASE_CLOCK_H_

#include <condition_variable>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/base/mutex.h"

namespace warder {

class Clock {
 public:
  virtual ~Clock() = default;

  // Returns wall-clock time. May go backwards when somebody sets the clock.
  virtual absl::Time TimeNow() = 0;

  // Returns time since an arbitrary instant; never goes backwards, and counts
  // while the machine sleeps (CLOCK_BOOTTIME).
  virtual absl::Duration Uptime() = 0;

  // Blocks until `wake()` is true or `deadline` has passed; returns wake(). A
  // wall clock set back meanwhile does not prolong the wait: uptime ends it
  // too. `mu` is held on entry, on exit and whenever `wake` runs. Whoever makes
  // `wake` true calls Notify() afterwards.
  virtual bool AwaitWithDeadline(Mutex* mu, const std::function<bool()>& wake,
                                 absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) = 0;

  // Wakes every waiter to look at its condition again.
  virtual void Notify() = 0;
};

class SystemClock : public Clock {
 public:
  absl::Time TimeNow() override;
  absl::Duration Uptime() override;
  bool AwaitWithDeadline(Mutex* mu, const std::function<bool()>& wake,
                         absl::Time deadline) override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  void Notify() override;

 private:
  std::condition_variable_any changed_;
};

// A clock that tests drive. Waiters wake when AdvanceTime passes their
// deadline.
class SimulatedClock : public Clock {
 public:
  explicit SimulatedClock(absl::Time start) : now_(start) {}

  absl::Time TimeNow() override;
  absl::Duration Uptime() override;
  bool AwaitWithDeadline(Mutex* mu, const std::function<bool()>& wake,
                         absl::Time deadline) override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  void Notify() override;

  // Moves wall time and uptime by `by`, which is not negative.
  void AdvanceTime(absl::Duration by);

  // Sets the wall clock alone, as an operator or NTP would.
  void SetTime(absl::Time now);

 private:
  Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_);
  absl::Duration uptime_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
  std::condition_variable_any changed_;
};

}  // namespace warder

#endif  // WARDER_SERVER_BASE_CLOCK_H_
