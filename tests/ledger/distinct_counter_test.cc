#include "server/ledger/distinct_counter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "server/base/random.h"

namespace warder::ledger {
namespace {

TEST(DistinctCounterTest, FewAreCountedExactly) {
  DistinctCounter counter;
  EXPECT_EQ(counter.Estimate(), 0);
  for (int round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < DistinctCounter::kMostExact; ++i) counter.Add(i);
  }
  EXPECT_TRUE(counter.exact());
  EXPECT_EQ(counter.Estimate(), DistinctCounter::kMostExact);
  counter.Add(DistinctCounter::kMostExact);
  EXPECT_FALSE(counter.exact());
}

// Within four standard errors, whatever their number, also where it crosses
// from one way of counting to the other.
TEST(DistinctCounterTest, ManyAreCountedAsWellAsItSays) {
  SeededRandom random(1);
  DistinctCounter counter;
  double added = 0;
  for (const double until : {2e3, 1e4, 3e4, 4e4, 1e5, 1e6, 3e6}) {
    for (; added < until; ++added) {
      const uint64_t digest = random.Next();
      counter.Add(digest);
      if (std::fmod(added, 3) == 0) counter.Add(digest);  // again
    }
    EXPECT_NEAR(counter.Estimate(), until,
                4 * DistinctCounter::kStandardError * until)
        << until;
  }
}

TEST(DistinctCounterTest, DigestsThatDifferLittleCountAsWell) {
  DistinctCounter counter;
  for (uint64_t i = 0; i < 100'000; ++i) counter.Add(i << 40);
  EXPECT_NEAR(counter.Estimate(), 1e5,
              4 * DistinctCounter::kStandardError * 1e5);
}

}  // namespace
}  // namespace warder::ledger
