#include "server/ledger/segments.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "server/ledger/token_digest.h"
#include "tests/support/status_matchers.h"

namespace warder::ledger {
namespace {

constexpr uint32_t kFirst = 1000;

class SegmentsTest : public testing::Test {
 protected:
  Verdict Check(uint32_t minute, uint64_t digest) {
    return segments_.Check(minute, digest).verdict;
  }
  void MustSealBefore(uint32_t end) {
    ASSERT_OK(segments_.SealBefore(end, random_));
  }

  SeededRandom random_{1};
  Segments segments_{kFirst};
};

TEST_F(SegmentsTest, ATokenIsLookedForInTheMinuteItNames) {
  segments_.Add(kFirst, 7);
  EXPECT_EQ(Check(kFirst, 7), Verdict::kIssued);
  EXPECT_EQ(Check(kFirst, 8), Verdict::kNeverIssued);
  EXPECT_EQ(Check(kFirst + 1, 7), Verdict::kNeverIssued);
  EXPECT_EQ(segments_.size(), 1u);
}

TEST_F(SegmentsTest, WhatIsEarlierThanTheLedgerIsNotJudged) {
  segments_.Add(kFirst - 1, 7);  // nor taken
  const Answer answer = segments_.Check(kFirst - 1, 7);
  EXPECT_EQ(answer.verdict, Verdict::kIndeterminate);
  EXPECT_NE(answer.why, "");
  segments_.Add(kFirst, 7);
  segments_.Add(kFirst + 1, 7);
  segments_.ForgetBefore(kFirst + 1);
  EXPECT_EQ(Check(kFirst, 7), Verdict::kIndeterminate);
  EXPECT_EQ(Check(kFirst + 1, 7), Verdict::kIssued);
  segments_.ForgetBefore(kFirst);  // time does not run back
  EXPECT_EQ(Check(kFirst, 8), Verdict::kIndeterminate);
}

TEST_F(SegmentsTest, OfAMinuteThatMayLackSomeAbsenceProvesNothing) {
  segments_.Add(kFirst, 7);
  segments_.MarkIncomplete(kFirst);
  segments_.MarkIncomplete(kFirst + 1);
  for (int sealed = 0; sealed < 2; ++sealed) {
    EXPECT_EQ(Check(kFirst, 7), Verdict::kIssued);
    EXPECT_EQ(Check(kFirst, 1 << 20), Verdict::kIndeterminate);
    EXPECT_EQ(Check(kFirst + 1, 7), Verdict::kIndeterminate);
    MustSealBefore(kFirst + 2);
  }
}

TEST_F(SegmentsTest, ASealedMinuteKnowsAllOfItAndTakesWhoComesLate) {
  for (uint64_t i = 0; i < 10'000; ++i) segments_.Add(kFirst, i);
  MustSealBefore(kFirst + 1);
  segments_.Add(kFirst, 1'000'000);
  MustSealBefore(kFirst + 1);
  for (uint64_t i = 0; i < 10'000; ++i) {
    ASSERT_EQ(Check(kFirst, i), Verdict::kIssued);
  }
  EXPECT_EQ(Check(kFirst, 1'000'000), Verdict::kIssued);
  EXPECT_EQ(segments_.size(), 10'001u);
  // Of others about 1 in 256 is taken for one of them.
  int missed = 0;
  for (uint64_t i = 2'000'000; i < 2'010'000; ++i) {
    missed += Check(kFirst, i) == Verdict::kIssued;
  }
  EXPECT_LT(missed, 80);
}

// Whatever is sealed when, nobody who was added is ever not found.
TEST_F(SegmentsTest, SealingGoesOnBesideAddingAndAsking) {
  constexpr uint64_t kEach = 20'000;
  std::atomic<bool> over = false;
  std::thread sealer([&] {
    SeededRandom random(2);
    while (!over) {
      EXPECT_OK(segments_.SealBefore(kFirst + 4, random));
    }
  });
  std::vector<std::thread> adders;
  std::atomic<int> missing = 0;
  for (uint64_t t = 0; t < 2; ++t) {
    adders.emplace_back([&, t] {
      for (uint64_t i = 0; i < kEach; ++i) {
        const uint32_t minute = kFirst + static_cast<uint32_t>(i % 4);
        segments_.Add(minute, t << 32 | i);
        missing +=
            segments_.Check(minute, t << 32 | i).verdict != Verdict::kIssued;
      }
    });
  }
  for (std::thread& adder : adders) adder.join();
  over = true;
  sealer.join();
  EXPECT_EQ(missing, 0);
  for (uint64_t i = 0; i < kEach; ++i) {
    ASSERT_EQ(Check(kFirst + static_cast<uint32_t>(i % 4), i),
              Verdict::kIssued);
  }
}

TEST(TokenDigestTest, IsOfTheSigningInputUnderTheMinutesSecret) {
  const std::string secret(32, 's');
  const MinuteSecret one(secret, 1), two(secret, 2);
  EXPECT_EQ(one.DigestOf("a.b"), MinuteSecret(secret, 1).DigestOf("a.b"));
  EXPECT_EQ(one.DigestOf("a.b"), MinuteSecret(one.bytes()).DigestOf("a.b"));
  EXPECT_NE(one.DigestOf("a.b"), one.DigestOf("a.c"));
  EXPECT_NE(one.DigestOf("a.b"), two.DigestOf("a.b"));
  EXPECT_NE(one.bytes(), MinuteSecret(std::string(32, 't'), 1).bytes());
  // RFC 4231, test case 2.
  EXPECT_EQ(MinuteSecret("Jefe").DigestOf("what do ya want for nothing?"),
            0x4e7560bf46c1dc5b);
}

TEST(TokenDigestTest, MinutesAreCountedFrom1970AndDoNotWrap) {
  EXPECT_EQ(MinuteOf(absl::FromUnixSeconds(59)), 0u);
  EXPECT_EQ(MinuteOf(absl::FromUnixSeconds(60)), 1u);
  EXPECT_EQ(MinuteOf(absl::FromUnixSeconds(1'800'000'000)), 30'000'000u);
  EXPECT_EQ(MinuteOf(absl::InfinitePast()), 0u);
  EXPECT_EQ(MinuteOf(absl::InfiniteFuture()), ~uint32_t{0});
}

}  // namespace
}  // namespace warder::ledger
