#include "server/ledger/fuse_filter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace warder::ledger {
namespace {

std::vector<uint64_t> Digests(size_t count, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<uint64_t> digests(count);
  for (uint64_t& digest : digests) digest = random.Next();
  return digests;
}

template <typename Filter>
class FuseFilterTest : public testing::Test {
 protected:
  static Filter MustBuild(std::vector<uint64_t> digests, uint64_t seed = 1) {
    SeededRandom random(seed);
    auto filter = Filter::Build(std::move(digests), random);
    EXPECT_OK(filter.status());
    return *std::move(filter);
  }
};

using Filters = testing::Types<FuseFilter8, FuseFilter16>;
TYPED_TEST_SUITE(FuseFilterTest, Filters);

TYPED_TEST(FuseFilterTest, EveryMemberIsFound) {
  for (const size_t count :
       {1u, 2u, 3u, 4u, 5u, 10u, 63u, 100u, 1000u, 10'007u, 200'000u}) {
    const std::vector<uint64_t> digests = Digests(count, count);
    const TypeParam filter = this->MustBuild(digests);
    EXPECT_EQ(filter.count(), count);
    size_t missing = 0;
    for (const uint64_t digest : digests) missing += !filter.Contains(digest);
    EXPECT_EQ(missing, 0u) << count;
  }
}

TYPED_TEST(FuseFilterTest, NothingIsInAnEmptyOne) {
  for (const TypeParam& filter : {TypeParam(), this->MustBuild({})}) {
    EXPECT_EQ(filter.size_bytes(), 0u);
    for (const uint64_t digest : Digests(1000, 2)) {
      EXPECT_FALSE(filter.Contains(digest));
    }
  }
}

// Within six standard deviations of what the fingerprint's bits promise.
TYPED_TEST(FuseFilterTest, OthersAreFoundAsSeldomAsPromised) {
  const TypeParam filter = this->MustBuild(Digests(50'000, 3));
  const double asked = 1'000'000;
  double found = 0;
  for (const uint64_t digest : Digests(1'000'000, 4)) {
    found += filter.Contains(digest);
  }
  const double bits = 8.0 * static_cast<double>(filter.size_bytes()) /
                      static_cast<double>(filter.count());
  const double expected = asked / std::pow(2, bits > 12 ? 16 : 8);
  EXPECT_NEAR(found, expected, 6 * std::sqrt(expected));
}

TYPED_TEST(FuseFilterTest, DigestsThatRepeatCountOnce) {
  std::vector<uint64_t> digests = Digests(1000, 5);
  for (int i = 0; i < 3; ++i) {
    digests.insert(digests.end(), digests.begin(), digests.begin() + 500);
  }
  const TypeParam filter = this->MustBuild(digests);
  EXPECT_EQ(filter.count(), 1000u);
  for (const uint64_t digest : digests) EXPECT_TRUE(filter.Contains(digest));
  EXPECT_EQ(this->MustBuild(std::vector<uint64_t>(70'000, 7)).count(), 1u);
}

// Digests one beside the other, as nobody's HMAC makes them, are none the
// worse.
TYPED_TEST(FuseFilterTest, OrderInTheDigestsDoesNoHarm) {
  std::vector<uint64_t> digests(100'000);
  for (size_t i = 0; i < digests.size(); ++i) digests[i] = i << 40;
  const TypeParam filter = this->MustBuild(digests);
  for (const uint64_t digest : digests) ASSERT_TRUE(filter.Contains(digest));
}

TYPED_TEST(FuseFilterTest, AnotherSeedMakesAnotherMistake) {
  const std::vector<uint64_t> digests = Digests(10'000, 6);
  const TypeParam one = this->MustBuild(digests, 1);
  const TypeParam two = this->MustBuild(digests, 2);
  size_t in_one = 0, in_both = 0;
  for (const uint64_t digest : Digests(200'000, 7)) {
    in_one += one.Contains(digest);
    in_both += one.Contains(digest) && two.Contains(digest);
  }
  EXPECT_LT(in_both * 20, in_one + 20);
}

TYPED_TEST(FuseFilterTest, BytesThereAndBack) {
  for (const size_t count : {0u, 1u, 3u, 5000u}) {
    const std::vector<uint64_t> digests = Digests(count, 8);
    const std::string bytes = this->MustBuild(digests).Serialize();
    ASSERT_OK_AND_ASSIGN(const TypeParam read, TypeParam::Parse(bytes));
    EXPECT_EQ(read.count(), count);
    EXPECT_EQ(read.Serialize(), bytes);
    for (const uint64_t digest : digests) EXPECT_TRUE(read.Contains(digest));
  }
}

TYPED_TEST(FuseFilterTest, OtherBytesAreRefused) {
  const std::string good = this->MustBuild(Digests(100, 9)).Serialize();
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(TypeParam::Parse(good.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(TypeParam::Parse(good + "x").ok());
  // The magic, the bits, the count, a stretch and their number.
  for (const size_t at : {0, 4, 20, 21, 24, 25, 28}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x55);
    EXPECT_THAT(TypeParam::Parse(bad), FailsWith(Reason::kInvalidField)) << at;
  }
}

TEST(FuseFilterSizeTest, IsWhatTheTableSays) {
  for (const size_t count : {100'000u, 694'444u}) {
    SeededRandom random(1);
    ASSERT_OK_AND_ASSIGN(const FuseFilter8 filter,
                         FuseFilter8::Build(Digests(count, 1), random));
    EXPECT_LE(8.0 * static_cast<double>(filter.size_bytes()) /
                  static_cast<double>(count),
              count > 500'000 ? 9.2 : 9.6);
  }
}

}  // namespace
}  // namespace warder::ledger
