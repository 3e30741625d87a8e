#include "server/base/clock.h"

#include <time.h>

#include <algorithm>
#include <chrono>

#include "absl/time/clock.h"

namespace warder {
namespace {

// A wait is cut into slices, so that a wall clock set while somebody waits is
// noticed within one slice.
constexpr absl::Duration kSlice = absl::Seconds(1);

}  // namespace

absl::Time SystemClock::TimeNow() { return absl::Now(); }

absl::Duration SystemClock::Uptime() {
  timespec ts{};
  clock_gettime(CLOCK_BOOTTIME, &ts);
  return absl::DurationFromTimespec(ts);
}

bool SystemClock::AwaitWithDeadline(Mutex* mu,
                                    const std::function<bool()>& wake,
                                    absl::Time deadline) {
  const absl::Duration last = Uptime() + (deadline - TimeNow());
  while (!wake()) {
    const absl::Duration left = std::min(deadline - TimeNow(), last - Uptime());
    if (left <= absl::ZeroDuration()) return false;
    changed_.wait_for(*mu, absl::ToChronoMicroseconds(std::min(left, kSlice) +
                                                      absl::Microseconds(1)));
  }
  return true;
}

void SystemClock::Notify() { changed_.notify_all(); }

absl::Time SimulatedClock::TimeNow() {
  MutexLock lock(&mu_);
  return now_;
}

absl::Duration SimulatedClock::Uptime() {
  MutexLock lock(&mu_);
  return uptime_;
}

bool SimulatedClock::AwaitWithDeadline(Mutex* mu,
                                       const std::function<bool()>& wake,
                                       absl::Time deadline) {
  const absl::Duration last = Uptime() + (deadline - TimeNow());
  while (!wake()) {
    if (TimeNow() >= deadline || Uptime() >= last) return false;
    // A short real wait covers an AdvanceTime between the look and the wait.
    changed_.wait_for(*mu, std::chrono::milliseconds(2));
  }
  return true;
}

void SimulatedClock::Notify() { changed_.notify_all(); }

void SimulatedClock::AdvanceTime(absl::Duration by) {
  {
    MutexLock lock(&mu_);
    now_ += by;
    uptime_ += by;
  }
  Notify();
}

void SimulatedClock::SetTime(absl::Time now) {
  {
    MutexLock lock(&mu_);
    now_ = now;
  }
  Notify();
}

}  // namespace warder
