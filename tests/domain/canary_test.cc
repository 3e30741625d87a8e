#include "server/domain/canary.h"

#include <gtest/gtest.h>

namespace warder::domain {
namespace {

const absl::Time kRevoked = absl::FromUnixSeconds(1'800'000'000);

bool OneIsFor(const std::vector<CanaryWindow>& windows, absl::Duration after) {
  for (const CanaryWindow& window : windows) {
    const absl::Time now = kRevoked + after;
    if (window.from <= now && now + kCanaryMargin < window.until) return true;
  }
  return false;
}

TEST(CanaryTest, ThereIsOneAtEveryInstantOfTheFirstMinutes) {
  for (const auto lifetime :
       {absl::Hours(1), absl::Minutes(5), absl::Minutes(2)}) {
    const auto windows =
        CanaryWindows(kRevoked, lifetime, absl::Minutes(1), 60);
    for (absl::Duration after; after < absl::Minutes(10);
         after += absl::Seconds(1)) {
      ASSERT_TRUE(OneIsFor(windows, after)) << lifetime << " " << after;
    }
  }
}

TEST(CanaryTest, ThenEveryNowAndThenForADay) {
  for (const auto lifetime : {absl::Hours(1), absl::Minutes(5)}) {
    const auto windows =
        CanaryWindows(kRevoked, lifetime, absl::Minutes(1), 60);
    const auto one_in = [&](absl::Duration from, absl::Duration to) {
      for (absl::Duration at = from; at < to; at += absl::Seconds(30)) {
        if (OneIsFor(windows, at)) return true;
      }
      return false;
    };
    EXPECT_TRUE(one_in(absl::Minutes(20), absl::Minutes(25))) << lifetime;
    EXPECT_TRUE(one_in(absl::Hours(3), absl::Minutes(195))) << lifetime;
    EXPECT_TRUE(one_in(absl::Hours(23), absl::Hours(24))) << lifetime;
    EXPECT_FALSE(OneIsFor(windows, absl::Hours(26))) << lifetime;
  }
}

TEST(CanaryTest, NoneLivesLongerThanATokenMayOrIsTooNewForASlowClock) {
  for (const CanaryWindow& window :
       CanaryWindows(kRevoked, absl::Minutes(5), absl::Minutes(1), 60)) {
    EXPECT_LE(window.until - window.issued, absl::Minutes(5));
    EXPECT_EQ(window.from - window.issued, absl::Minutes(1));
  }
}

TEST(CanaryTest, ThereAreNoMoreThanAskedFor) {
  EXPECT_EQ(
      CanaryWindows(kRevoked, absl::Minutes(5), absl::Minutes(1), 7).size(), 7);
  EXPECT_LE(
      CanaryWindows(kRevoked, absl::Seconds(20), absl::Minutes(1), 60).size(),
      60);
}

}  // namespace
}  // namespace warder::domain
