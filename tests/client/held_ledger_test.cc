#include "client/held_ledger.h"

#include <gtest/gtest.h>

#include "client/held_subjects.h"
#include "server/ledger/ledger.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_sealer.h"

namespace warder::client {
namespace {

constexpr char kIssuer[] = "issuers/shop";
constexpr uint32_t kMinute = 29'000'000;
const absl::Time kStart = ledger::TimeOfMinute(kMinute);

class Server : public IssuanceChecker {
 public:
  Issuance Check(const SeenToken&) override {
    ++asked;
    return says;
  }
  Issuance says = Issuance::kIndeterminate;
  int asked = 0;
};

class Listener : public TokenObserver {
 public:
  void Accepted(const SeenToken&) override {}
  void Refused(const SeenToken& token, TokenViolation violation) override {
    refused.emplace_back(token.signing_input, violation);
  }
  std::vector<std::pair<std::string, TokenViolation>> refused;
};

class HeldLedgerTest : public testing::Test {
 protected:
  void SetUp() override { ledger_ = MustOpen("ledger"); }
  std::unique_ptr<ledger::Ledger> MustOpen(const std::string& name) {
    auto opened =
        ledger::Ledger::Open(dir_.File(name), sealer_, random_, kStart);
    EXPECT_OK(opened.status());
    (*opened)->Load();
    return *std::move(opened);
  }
  void MustRecord(int minute, const std::string& input) {
    const KeyId key("K");
    const ledger::Issuance issued[] = {{.issuer = shop_,
                                        .key = key,
                                        .issue_time = At(minute),
                                        .signing_input = input}};
    ASSERT_OK(ledger_->Record(issued));
  }
  void MustSeal(int minute) {
    ASSERT_OK(ledger_->Tick(At(minute), [](const IssuerId&) {
      return ledger::Retention{.longest_life = absl::Hours(2)};
    }));
  }
  // As the fetcher does.
  void MustFetch() {
    bool more = true;
    while (more) {
      const auto holding = held_.HoldingOf(kIssuer);
      const auto handout = ledger_->HandOut(shop_, {kMinute + 1, kMinute + 50},
                                            holding.ledger == ledger_->id()
                                                ? holding.files
                                                : std::vector<uint64_t>(),
                                            /*most_bytes=*/1);
      more = handout.more;
      ASSERT_OK(held_.Take(kIssuer, ledger_->id(), handout));
    }
    for (const uint32_t hour : held_.HoursLacking(kIssuer)) {
      held_.TakeSecret(kIssuer, hour, ledger_->SecretOf(shop_, hour));
    }
  }
  Issuance Check(int minute, const std::string& input, bool drained = false) {
    SeenToken token{};
    token.ledger_required = drained;
    token.issuer = kIssuer;
    token.issue_time = At(minute);
    token.signing_input = input;
    return held_.Check(token);
  }
  static absl::Time At(int minute) { return kStart + absl::Minutes(minute); }

  TempDir dir_;
  const crypto::Sealer sealer_ = MakeSealer();
  SeededRandom random_{1};
  const IssuerId shop_{"shop"};
  std::unique_ptr<ledger::Ledger> ledger_;
  Server server_;
  Listener listener_;
  HeldLedger held_{server_, &listener_};
};

TEST_F(HeldLedgerTest, WhatIsHeldIsAnsweredAndTheRestIsAsked) {
  MustRecord(1, "a");
  MustSeal(10);
  MustRecord(10, "open");
  MustFetch();
  EXPECT_EQ(Check(1, "a"), Issuance::kIssued);
  EXPECT_EQ(server_.asked, 0);
  server_.says = Issuance::kIssued;
  EXPECT_EQ(Check(10, "open"), Issuance::kIssued);
  server_.says = Issuance::kNeverIssued;
  EXPECT_EQ(Check(1, "forged"), Issuance::kNeverIssued);
  EXPECT_EQ(Check(10, "forged"), Issuance::kNeverIssued);
  EXPECT_EQ(server_.asked, 3);
  EXPECT_TRUE(listener_.refused.empty());  // the server knows
  EXPECT_EQ(held_.status().answered, 1);
  EXPECT_EQ(held_.status().asked, 3);
  EXPECT_EQ(held_.status().segments, 1u);
}

TEST_F(HeldLedgerTest, CutOffAForgeryIsKnownWhereAllOfItsMinuteIsHeld) {
  MustRecord(1, "a");
  MustSeal(20);
  MustRecord(20, "open");
  MustFetch();
  EXPECT_EQ(Check(1, "forged"), Issuance::kNeverIssued);
  EXPECT_EQ(Check(2, "forged"), Issuance::kNeverIssued);  // nothing was signed
  EXPECT_EQ(Check(20, "forged"), Issuance::kIndeterminate);
  EXPECT_EQ(Check(20, "open"), Issuance::kIndeterminate);
  EXPECT_EQ(Check(-5, "forged"), Issuance::kIndeterminate);
  EXPECT_EQ(Check(55, "forged"), Issuance::kIndeterminate);
  // Once the server can be told, it is.
  ASSERT_EQ(listener_.refused.size(), 2u);
  EXPECT_EQ(listener_.refused[0].second, TokenViolation::kNeverIssued);
}

// By a copy of the key, and what one gateway holds, a token can be made that
// every gateway takes for one that was issued.
TEST_F(HeldLedgerTest, OfADrainedKeyTheServerIsAskedFirst) {
  MustRecord(1, "a");
  MustSeal(20);
  MustFetch();
  server_.says = Issuance::kNeverIssued;
  EXPECT_EQ(Check(1, "a", /*drained=*/true), Issuance::kNeverIssued);
  server_.says = Issuance::kIndeterminate;  // nobody is logged out
  EXPECT_EQ(Check(1, "a", /*drained=*/true), Issuance::kIssued);
  EXPECT_EQ(Check(1, "forged", /*drained=*/true), Issuance::kNeverIssued);
}

// A clock that was ahead makes nobody's token a forgery.
TEST_F(HeldLedgerTest, WhatWasForgottenIsFetchedAgainOrNotJudged) {
  MustRecord(1, "a");
  MustSeal(20);
  MustFetch();
  held_.ForgetBefore(kIssuer, kMinute + 3);
  MustFetch();  // the file's number is known still
  EXPECT_EQ(Check(1, "a"), Issuance::kIndeterminate);
  held_.ForgetBefore(kIssuer, kMinute + 40);
  held_.ForgetBefore(kIssuer, kMinute);
  MustFetch();
  EXPECT_EQ(Check(1, "a"), Issuance::kIssued);
  EXPECT_EQ(Check(2, "forged"), Issuance::kNeverIssued);
}

TEST_F(HeldLedgerTest, WithoutItsSecretNothingIsKnown) {
  MustRecord(1, "a");
  MustSeal(10);
  const auto handout =
      ledger_->HandOut(shop_, {kMinute + 1, kMinute + 5}, {}, 1 << 20);
  ASSERT_OK(held_.Take(kIssuer, ledger_->id(), handout));
  EXPECT_EQ(held_.HoursLacking(kIssuer),
            std::vector<uint32_t>{kMinute / ledger::kMinutesOfHour});
  EXPECT_EQ(Check(1, "forged"), Issuance::kIndeterminate);
}

TEST_F(HeldLedgerTest, AnotherLedgerTakesThePlaceOfTheFirst) {
  MustRecord(1, "a");
  MustSeal(10);
  MustFetch();
  ledger_ = MustOpen("other");  // its files have the same numbers
  MustRecord(1, "b");
  MustSeal(10);
  MustFetch();
  EXPECT_EQ(held_.status().segments, 1u);
  EXPECT_EQ(Check(1, "b"), Issuance::kIssued);
  EXPECT_EQ(Check(1, "a"), Issuance::kNeverIssued);
}

TEST_F(HeldLedgerTest, WhatHasExpiredIsForgottenAndNotFetchedAgain) {
  MustRecord(1, "a");
  MustSeal(10);
  MustFetch();
  held_.ForgetBefore(kIssuer, kMinute + 2);
  EXPECT_EQ(held_.status().segments, 0u);
  EXPECT_EQ(held_.status().bytes, 0u);
  EXPECT_EQ(Check(1, "a"), Issuance::kIndeterminate);
  EXPECT_EQ(held_.HoldingOf(kIssuer).files.size(), 1u);
  held_.ForgetBefore(kIssuer, kMinute + 100);
  EXPECT_TRUE(held_.HoldingOf(kIssuer).files.empty());
}

TEST_F(HeldLedgerTest, AnIssuerThatNeedsNoneIsForgotten) {
  MustRecord(1, "a");
  MustSeal(10);
  MustFetch();
  held_.Keep({"issuers/bank"});
  EXPECT_EQ(held_.status().bytes, 0u);
  EXPECT_EQ(Check(1, "a"), Issuance::kIndeterminate);
}

TEST_F(HeldLedgerTest, WhatComesTwiceCountsOnceAndWhatIsNoneIsRefused) {
  MustRecord(1, "a");
  MustSeal(10);
  auto handout = ledger_->HandOut(shop_, {kMinute + 1, kMinute + 5}, {}, 1);
  ASSERT_OK(held_.Take(kIssuer, ledger_->id(), handout));
  ASSERT_OK(held_.Take(kIssuer, ledger_->id(), handout));
  EXPECT_EQ(held_.status().segments, 1u);
  auto damaged = handout;
  damaged.segments[0].file = 99;
  damaged.segments.push_back(
      {.file = 99, .minute = kMinute + 2, .filter = "no filter"});
  EXPECT_THAT(held_.Take(kIssuer, ledger_->id(), damaged),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(held_.status().segments, 1u);
}

TEST_F(HeldLedgerTest, WhereThereIsNoRoomWhatIsHeldStays) {
  MustRecord(1, "a");
  MustSeal(10);
  auto handout = ledger_->HandOut(shop_, {kMinute + 1, kMinute + 5}, {}, 1);
  ASSERT_OK_AND_ASSIGN(const auto filter,
                       ledger::FuseFilter16::Parse(handout.segments[0].filter));
  HeldLedger small(server_, nullptr, filter.size_bytes());
  ASSERT_OK(small.Take(kIssuer, ledger_->id(), handout));
  ASSERT_OK(small.Take(kIssuer, ledger_->id(), handout));  // it came again
  handout.segments[0].file = 99;
  EXPECT_THAT(small.Take(kIssuer, ledger_->id(), handout),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(small.IsFull(kIssuer));
  EXPECT_FALSE(small.IsFull("issuers/bank"));  // a little may fit in still
  EXPECT_EQ(small.status().segments, 1u);
  EXPECT_EQ(small.status().bytes, filter.size_bytes());
  small.ForgetBefore(kIssuer, kMinute + 2);
  EXPECT_FALSE(small.IsFull(kIssuer));
}

TEST(HeldSubjectsTest, OfAnIssuerThatFeedsThemEverybodyElseIsUnknown) {
  SeededRandom random(1);
  const ledger::SubjectSecret secret(std::string(32, 's'));
  ASSERT_OK_AND_ASSIGN(
      auto set, ledger::SubjectSet::Build({secret.DigestOf("u1")}, random));
  HeldSubjects subjects;
  EXPECT_FALSE(subjects.IsUnknown(kIssuer, "nobody"));
  EXPECT_EQ(subjects.LoadOf(kIssuer), 0u);
  const uint64_t load = set.load();
  subjects.Take(kIssuer, secret, std::move(set));
  EXPECT_EQ(subjects.LoadOf(kIssuer), load);
  EXPECT_EQ(subjects.size(), 1u);
  EXPECT_FALSE(subjects.IsUnknown(kIssuer, "u1"));
  EXPECT_TRUE(subjects.IsUnknown(kIssuer, "nobody"));
  EXPECT_TRUE(subjects.IsUnknown(kIssuer, ""));
  EXPECT_FALSE(subjects.IsUnknown("issuers/bank", "nobody"));
  subjects.Keep({"issuers/bank"});
  EXPECT_FALSE(subjects.IsUnknown(kIssuer, "nobody"));
}

}  // namespace
}  // namespace warder::client
