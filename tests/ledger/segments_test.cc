#include "server/ledger/segments.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "server/ledger/token_digest.h"
#include "tests/support/status_matchers.h"

namespace warder::ledger {
namespace {

constexpr uint32_t kMinute = 1000;

class SegmentsTest : public testing::Test {
 protected:
  // Puts a filter of `digests` in their place.
  void MustSeal(uint32_t minute, const std::vector<uint64_t>& digests) {
    ASSERT_OK_AND_ASSIGN(FuseFilter8 filter,
                         FuseFilter8::Build(digests, random_));
    segments_.Seal(
        minute,
        {.file = 1,
         .filter = std::make_shared<const FuseFilter8>(std::move(filter))},
        digests);
  }

  SeededRandom random_{1};
  Segments segments_;
};

TEST_F(SegmentsTest, ATokenIsLookedForInTheMinuteItNames) {
  segments_.Add(kMinute, 7);
  EXPECT_TRUE(segments_.Contains(kMinute, 7));
  EXPECT_FALSE(segments_.Contains(kMinute, 8));
  EXPECT_FALSE(segments_.Contains(kMinute + 1, 7));
  EXPECT_EQ(segments_.size(), 1u);
}

TEST_F(SegmentsTest, WhatIsForgottenStaysSo) {
  segments_.Add(kMinute, 7);
  segments_.Add(kMinute + 1, 7);
  segments_.ForgetBefore(kMinute + 1);
  segments_.ForgetBefore(kMinute);  // time does not run back
  segments_.Add(kMinute, 8);
  MustSeal(kMinute, {9});
  EXPECT_EQ(segments_.first(), kMinute + 1);
  for (const uint64_t digest : {7, 8, 9}) {
    EXPECT_FALSE(segments_.Contains(kMinute, digest));
  }
  EXPECT_TRUE(segments_.Contains(kMinute + 1, 7));
}

TEST_F(SegmentsTest, ASealedMinuteKnowsAllOfItAndTakesWhoComesLate) {
  std::vector<uint64_t> early, late;
  for (uint64_t i = 0; i < 10'000; ++i) {
    early.push_back(i);
    segments_.Add(kMinute, i);
  }
  MustSeal(kMinute, early);
  EXPECT_EQ(segments_.size(), 10'000u);
  for (uint64_t i = 1'000'000; i < 1'000'100; ++i) {
    late.push_back(i);
    segments_.Add(kMinute, i);
  }
  EXPECT_TRUE(segments_.Contains(kMinute, late[0]));
  MustSeal(kMinute, late);
  for (const auto& digests : {early, late}) {
    for (const uint64_t digest : digests) {
      ASSERT_TRUE(segments_.Contains(kMinute, digest));
    }
  }
  EXPECT_EQ(segments_.size(), 10'100u);
  // Of others about 1 in 256 is taken for one of them, for each filter.
  int mistaken = 0;
  for (uint64_t i = 2'000'000; i < 2'010'000; ++i) {
    mistaken += segments_.Contains(kMinute, i);
  }
  EXPECT_LT(mistaken, 160);
}

// Whatever is sealed when, nobody who was added is ever not found.
TEST_F(SegmentsTest, SealingGoesOnBesideAddingAndAsking) {
  constexpr uint64_t kEach = 20'000;
  std::atomic<uint64_t> added = 0;
  std::thread sealer([&] {
    uint64_t sealed = 0;
    while (sealed < kEach) {
      std::vector<uint64_t> digests;
      for (; sealed < added; ++sealed) digests.push_back(sealed);
      if (!digests.empty()) MustSeal(kMinute, digests);
    }
  });
  int missing = 0;
  for (uint64_t i = 0; i < kEach; ++i) {
    segments_.Add(kMinute, i);
    added = i + 1;
    missing +=
        !segments_.Contains(kMinute, i) || !segments_.Contains(kMinute, i / 2);
  }
  sealer.join();
  EXPECT_EQ(missing, 0);
  for (uint64_t i = 0; i < kEach; ++i) {
    ASSERT_TRUE(segments_.Contains(kMinute, i));
  }
}

TEST(TokenDigestTest, IsOfTheSigningInputUnderTheMinutesSecret) {
  const IssuerId shop("shop"), bank("bank");
  const std::string secret(32, 's');
  const HourSecret hour(secret, shop, 5);
  const MinuteSecret one = hour.Of(301), two = hour.Of(302);
  EXPECT_EQ(one.DigestOf("a.b"),
            HourSecret(hour.bytes()).Of(301).DigestOf("a.b"));
  EXPECT_EQ(one.DigestOf("a.b"), MinuteSecret(one.bytes()).DigestOf("a.b"));
  EXPECT_NE(one.DigestOf("a.b"), one.DigestOf("a.c"));
  EXPECT_NE(one.bytes(), two.bytes());
  EXPECT_NE(hour.bytes(), HourSecret(secret, bank, 5).bytes());
  EXPECT_NE(hour.bytes(), HourSecret(secret, shop, 6).bytes());
  EXPECT_NE(hour.bytes(), HourSecret(std::string(32, 't'), shop, 5).bytes());
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
  EXPECT_EQ(TimeOfMinute(30'000'000), absl::FromUnixSeconds(1'800'000'000));
}

}  // namespace
}  // namespace warder::ledger
