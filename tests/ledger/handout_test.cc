// What a refusal is by: filters of 16 bits, here and at gateways.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/ledger.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_sealer.h"

namespace warder::ledger {
namespace {

constexpr uint32_t kMinute = 29'000'000;
const absl::Time kStart = TimeOfMinute(kMinute);

class HandoutTest : public testing::Test {
 protected:
  void SetUp() override { MustOpen(); }
  void MustOpen() {
    ledger_.reset();
    auto opened = Ledger::Open(path_, sealer_, random_, kStart);
    ASSERT_OK(opened.status());
    ledger_ = *std::move(opened);
    ledger_->Load();
  }
  static absl::Time At(int minute) { return kStart + absl::Minutes(minute); }
  void MustRecord(int minute, const std::vector<std::string>& inputs,
                  const IssuerId& issuer) {
    std::vector<Issuance> issued;
    for (const std::string& input : inputs) {
      issued.push_back({.issuer = issuer,
                        .key = key_,
                        .issue_time = At(minute),
                        .signing_input = input});
    }
    ASSERT_OK(ledger_->Record(issued));
  }
  void MustRecord(int minute, const std::vector<std::string>& inputs) {
    MustRecord(minute, inputs, shop_);
  }
  void MustTick(int minute) {
    ASSERT_OK(ledger_->Tick(At(minute), [](const IssuerId&) {
      return Retention{.longest_life = absl::Hours(1)};
    }));
  }
  Handout HandOut(const std::vector<uint64_t>& held = {},
                  size_t most_bytes = 1 << 20) {
    return ledger_->HandOut(shop_, {kMinute + 1, kMinute + 30}, held,
                            most_bytes);
  }
  static bool IsSettled(const Handout& handout, int minute) {
    return std::any_of(
        handout.settled.begin(), handout.settled.end(),
        [&](const MinuteRange& range) {
          return range.Contains(kMinute + static_cast<uint32_t>(minute));
        });
  }
  uint64_t DigestOf(int minute, const std::string& input) {
    const uint32_t number = kMinute + static_cast<uint32_t>(minute);
    return ledger_->SecretOf(shop_, number / kMinutesOfHour)
        .Of(number)
        .DigestOf(input);
  }
  Verdict Check(int minute, const std::string& input) {
    return ledger_->Check(shop_, At(minute), input, absl::InfinitePast())
        .verdict;
  }
  // Returns one that was not recorded, and that filters of 8 bits take for one
  // that was.
  std::string MustFindMistaken(int minute) {
    for (int i = 0; i < 100'000; ++i) {
      const std::string input = absl::StrCat("forged ", i);
      if (ledger_
              ->CheckDigest(shop_, kMinute + static_cast<uint32_t>(minute),
                            DigestOf(minute, input), absl::InfinitePast())
              .verdict == Verdict::kIssued) {
        return input;
      }
    }
    ADD_FAILURE() << "filters of 8 bits make no mistake";
    return "";
  }
  void RemoveSegments() {
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.path().extension() == ".segments") {
        std::filesystem::remove(entry.path());
      }
    }
  }

  TempDir dir_;
  const std::string path_ = dir_.File("ledger");
  const crypto::Sealer sealer_ = MakeSealer();
  SeededRandom random_{1};
  const IssuerId shop_{"shop"}, bank_{"bank"};
  const KeyId key_{"K"};
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(HandoutTest, WhatTheSmallFilterTakesForIssuedTheLargeOneRefuses) {
  MustRecord(1, {"a", "b"});
  MustTick(10);
  const std::string forged = MustFindMistaken(1);
  EXPECT_EQ(Check(1, forged), Verdict::kNeverIssued);
  EXPECT_EQ(Check(1, "a"), Verdict::kIssued);
  EXPECT_EQ(Check(1, "b"), Verdict::kIssued);
}

TEST_F(HandoutTest, WhoCannotLookAccusesNobody) {
  MustRecord(1, {"a"});
  MustTick(10);
  RemoveSegments();
  EXPECT_EQ(Check(1, MustFindMistaken(1)), Verdict::kIssued);
  EXPECT_EQ(Check(1, "a"), Verdict::kIssued);
  const Handout handout = HandOut();
  EXPECT_TRUE(handout.segments.empty());
  EXPECT_FALSE(IsSettled(handout, 1));
}

TEST_F(HandoutTest, AGatewayKnowsByItWhatTheLedgerKnows) {
  MustRecord(1, {"a", "b"});
  MustRecord(1, {"of the bank"}, bank_);
  MustTick(20);
  MustRecord(20, {"open"});
  const Handout handout = HandOut();
  ASSERT_EQ(handout.segments.size(), 1u);
  EXPECT_EQ(handout.segments[0].minute, kMinute + 1);
  ASSERT_OK_AND_ASSIGN(const FuseFilter16 filter,
                       FuseFilter16::Parse(handout.segments[0].filter));
  EXPECT_EQ(filter.count(), 2u);
  EXPECT_TRUE(filter.Contains(DigestOf(1, "a")));
  EXPECT_FALSE(filter.Contains(DigestOf(1, "of the bank")));
  EXPECT_FALSE(handout.more);
  for (const int settled : {1, 2, 14}) EXPECT_TRUE(IsSettled(handout, settled));
  // What is appended to may take tokens of them yet.
  for (const int open : {15, 20}) EXPECT_FALSE(IsSettled(handout, open));
  EXPECT_TRUE(HandOut({handout.segments[0].file}).segments.empty());
}

TEST_F(HandoutTest, ItComesInPartsAndNothingIsSettledBeforeTheLast) {
  for (const int minute : {1, 10}) {
    MustRecord(minute, {absl::StrCat("in ", minute)});
    MustTick(minute + 5);
  }
  const Handout first = HandOut({}, 1);
  ASSERT_EQ(first.segments.size(), 1u);
  EXPECT_TRUE(first.more);
  EXPECT_TRUE(first.settled.empty());
  const Handout second = HandOut({first.segments[0].file}, 1);
  ASSERT_EQ(second.segments.size(), 1u);
  EXPECT_FALSE(second.more);
  EXPECT_TRUE(IsSettled(second, 1));
}

TEST_F(HandoutTest, OfWhatMayLackNothingIsSettled) {
  MustRecord(1, {"a"});
  MustTick(10);
  RemoveSegments();
  MustOpen();
  const Handout handout = HandOut();
  EXPECT_TRUE(handout.segments.empty());
  EXPECT_FALSE(IsSettled(handout, 1));
  EXPECT_TRUE(IsSettled(handout, 5));
}

TEST_F(HandoutTest, BeforeItIsReadNothingIsSettled) {
  MustRecord(1, {"a"});
  MustTick(10);
  ASSERT_OK_AND_ASSIGN(ledger_, Ledger::Open(path_, sealer_, random_, kStart));
  EXPECT_TRUE(HandOut().settled.empty());
}

TEST_F(HandoutTest, ALedgerIsToldFromAnotherAndStaysItself) {
  const uint64_t id = ledger_->id();
  MustOpen();
  EXPECT_EQ(ledger_->id(), id);
  ASSERT_OK_AND_ASSIGN(
      const auto other,
      Ledger::Open(dir_.File("other"), sealer_, random_, kStart));
  EXPECT_NE(other->id(), id);
}

}  // namespace
}  // namespace warder::ledger
