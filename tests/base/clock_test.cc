#include "server/base/clock.h"

#include <thread>

#include "tests/support/status_matchers.h"

namespace warder {

TEST(SimulatedClockTest, AdvanceWakesAWaiterAtItsDeadline) {
  SimulatedClock clock(absl::UnixEpoch());
  Mutex mu;
  std::thread waiter([&] {
    MutexLock lock(&mu);
    EXPECT_FALSE(clock.AwaitWithDeadline(
        &mu, [] { return false; }, absl::UnixEpoch() + absl::Hours(1)));
  });
  clock.AdvanceTime(absl::Hours(1));
  waiter.join();
}

TEST(SimulatedClockTest, SettingTheWallClockLeavesUptime) {
  SimulatedClock clock(absl::UnixEpoch());
  clock.AdvanceTime(absl::Seconds(5));
  clock.SetTime(absl::UnixEpoch() - absl::Hours(1));
  EXPECT_EQ(clock.TimeNow(), absl::UnixEpoch() - absl::Hours(1));
  EXPECT_EQ(clock.Uptime(), absl::Seconds(5));
}

TEST(SimulatedClockTest, AClockSetBackDoesNotProlongAWait) {
  SimulatedClock clock(absl::UnixEpoch());
  Mutex mu;
  bool waiting = false;
  std::thread waiter([&] {
    MutexLock lock(&mu);
    // The condition is asked after the wait has begun.
    EXPECT_FALSE(clock.AwaitWithDeadline(
        &mu,
        [&] {
          waiting = true;
          return false;
        },
        absl::UnixEpoch() + absl::Minutes(1)));
  });
  while (true) {
    MutexLock lock(&mu);
    if (waiting) break;
  }
  clock.SetTime(absl::UnixEpoch() - absl::Hours(24 * 365));
  clock.AdvanceTime(absl::Minutes(1));
  waiter.join();
}

TEST(SystemClockTest, NotifyWakesAWaiterWhoseConditionHolds) {
  SystemClock clock;
  Mutex mu;
  bool flag = false;
  std::thread setter([&] {
    {
      MutexLock lock(&mu);
      flag = true;
    }
    clock.Notify();
  });
  {
    MutexLock lock(&mu);
    EXPECT_TRUE(clock.AwaitWithDeadline(
        &mu, [&] { return flag; }, clock.TimeNow() + absl::Minutes(1)));
  }
  setter.join();
}

}  // namespace warder
