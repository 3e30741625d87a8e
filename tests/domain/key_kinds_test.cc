#include "server/domain/key_kinds.h"

#include "absl/strings/str_cat.h"
#include "server/domain/departure.h"
#include "server/domain/drain.h"
#include "server/domain/exposure.h"
#include "server/domain/lifecycle.h"
#include "server/domain/schedule.h"
#include "tests/domain/draft_builder.h"

namespace warder::domain {
namespace {

constexpr auto kEs256 = Algorithm::kEs256;
constexpr absl::Duration kHour = absl::Hours(1);

ExternalKey Checkouts(int number, bool immediate = true) {
  return {.id = FakeKeyId(number),
          .algorithm = kEs256,
          .public_jwk = "{}",
          .signer = "checkout",
          .lease = kHour,
          .immediate = immediate};
}

HoneyKey InTheWiki(int number) {
  return {.id = FakeKeyId(number),
          .algorithm = kEs256,
          .public_jwk = "{}",
          .place = "wiki"};
}

TEST(ExternalKeyTest, StandsBesideTheManagedOneAndEndsWithItsLease) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kActive);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kActive);
  EXPECT_EQ(draft.Find(kEs256, KeyState::kActive)->id, FakeKeyId(1));
  EXPECT_FALSE(ApplyDue(draft, kStart + kHour - absl::Nanoseconds(1)));
  EXPECT_TRUE(ApplyDue(draft, kStart + kHour));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kRetiring);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kActive);
  const absl::Time until = *draft.Find(FakeKeyId(7))->until_time;
  EXPECT_EQ(until, kStart + kHour + draft.issuer.policy.verify_grace);
  EXPECT_TRUE(ApplyDue(draft, until));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kRetired);
}

TEST(ExternalKeyTest, SignsOnceItWasPublishedAhead) {
  IssuerDraft draft = Shop();
  ExternalKey external = Checkouts(7, false);
  external.lease = kLongestLease;
  ASSERT_OK(Register(draft, external, kSam, kStart));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kPending);
  EXPECT_EQ(LedgerNeedOf(*draft.Find(FakeKeyId(7))), LedgerNeed::kAsked);
  ApplyDue(draft, kStart + draft.issuer.policy.publish_ahead);
  EXPECT_EQ(StateOf(draft, 7), KeyState::kActive);
  EXPECT_EQ(LedgerNeedOf(*draft.Find(FakeKeyId(7))), LedgerNeed::kNone);
}

TEST(ExternalKeyTest, ALeaseThatEndsBeforeItSignsEndsIt) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Register(draft, Checkouts(7, false), kSam, kStart));
  ApplyDue(draft, kStart + kHour);
  EXPECT_EQ(StateOf(draft, 7), KeyState::kRetired);
}

TEST(ExternalKeyTest, RenewalLastsAsLongAsThePolicyLetsKeysBe) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
  const absl::Time later = kStart + absl::Minutes(50);
  ASSERT_OK(RenewLease(draft, FakeKeyId(7), "checkout", kHour, later));
  EXPECT_EQ(draft.Find(FakeKeyId(7))->lease_time, later + kHour);
  const absl::Time end = kStart + draft.issuer.policy.max_key_age;
  ASSERT_OK(RenewLease(draft, FakeKeyId(7), "checkout", kHour,
                       end - absl::Minutes(1)));
  EXPECT_EQ(draft.Find(FakeKeyId(7))->lease_time, end);
  EXPECT_THAT(RenewLease(draft, FakeKeyId(7), "checkout", kHour, end),
              FailsWith(Reason::kWrongState, "as old as the policy"));
}

TEST(ExternalKeyTest, OthersRenewNothing) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
  EXPECT_THAT(RenewLease(draft, FakeKeyId(7), "billing", kHour, kStart),
              FailsWith(Reason::kNotFound));
  EXPECT_THAT(RenewLease(draft, FakeKeyId(1), "checkout", kHour, kStart),
              FailsWith(Reason::kNotFound));
  RevokeKeys(draft, {FakeKeyId(7)}, RevocationReason::kCompromised, kSam,
             kStart);
  EXPECT_THAT(RenewLease(draft, FakeKeyId(7), "checkout", kHour, kStart),
              FailsWith(Reason::kWrongState, "REVOKED"));
}

TEST(ExternalKeyTest, IsRefusedOutsideItsBounds) {
  IssuerDraft draft = Shop();
  ExternalKey external = Checkouts(7);
  external.lease = absl::Seconds(59);
  EXPECT_THAT(Register(draft, external, kSam, kStart),
              FailsWith(Reason::kInvalidField, "lease"));
  external = Checkouts(7);
  external.algorithm = Algorithm::kRs256;
  EXPECT_THAT(Register(draft, external, kSam, kStart),
              FailsWith(Reason::kInvalidField, "RS256"));
  ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
  EXPECT_THAT(Register(draft, Checkouts(7), kSam, kStart),
              FailsWith(Reason::kAlreadyExists));
  // Two of a signer, three of all; Warder's own have room beside them.
  ASSERT_OK(Register(draft, Checkouts(8), kSam, kStart));
  EXPECT_THAT(Register(draft, Checkouts(9), kSam, kStart),
              FailsWith(Reason::kTooManyPublishedKeys, "checkout"));
  ExternalKey another = Checkouts(9);
  another.signer = "another";
  ASSERT_OK(Register(draft, another, kSam, kStart));
  EXPECT_THAT(Plant(draft, InTheWiki(10), kSam, kStart),
              FailsWith(Reason::kTooManyPublishedKeys));
  ASSERT_OK(Rotate(draft, kEs256, false, kSam, kStart));
}

TEST(ExternalKeyTest, ItsOwnersDepartureEndsItWhateverThePolicySays) {
  IssuerDraft draft = Shop();
  draft.issuer.policy.owned_key_departure = DepartureAction::kRotate;
  ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
  Depart(draft, draft.issuer.owner, kSam, kStart);
  EXPECT_EQ(StateOf(draft, 7), KeyState::kRevoked);
}

TEST(ExternalKeyTest, RevocationOfOneLetsNoManagedKeySign) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
  ASSERT_OK(Rotate(draft, kEs256, false, kSam, kStart));  // 2 is PENDING
  ASSERT_OK(Revoke(draft, FakeKeyId(7), RevocationReason::kCompromised, kSam,
                   kStart));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kActive);
  EXPECT_EQ(StateOf(draft, 2), KeyState::kPending);
}

TEST(ExternalKeyTest, ResumesWhileItsLeaseLasts) {
  for (const absl::Duration after : {kHour / 2, 2 * kHour, 5 * kHour}) {
    IssuerDraft draft = Shop();
    ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
    ASSERT_OK(Suspend(draft, FakeKeyId(7), kSam, kStart + absl::Minutes(1)));
    EXPECT_EQ(StateOf(draft, 1), KeyState::kActive);
    const Actor other{.principal = "security/eve", .person = "eve"};
    ASSERT_OK(Resume(draft, FakeKeyId(7), other, kStart + after));
    EXPECT_EQ(StateOf(draft, 7), after < kHour        ? KeyState::kActive
                                 : after <= 2 * kHour ? KeyState::kRetiring
                                                      : KeyState::kRetired)
        << after;
  }
}

TEST(HoneyKeyTest, LooksAsAKeyThatWillSignAndNeverDoes) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Plant(draft, InTheWiki(7), kSam, kStart));
  EXPECT_EQ(draft.PublishedCount(), 2);
  EXPECT_EQ(LedgerNeedOf(*draft.Find(FakeKeyId(7))), LedgerNeed::kAsked);
  for (int day = 1; day < 400; ++day) {
    const absl::Time now = kStart + day * absl::Hours(24);
    while (draft.spares.empty()) AddSpare(draft, 100 + day);
    ApplyDue(draft, now);
  }
  EXPECT_EQ(StateOf(draft, 7), KeyState::kPending);
  ASSERT_OK(Revoke(draft, FakeKeyId(7), RevocationReason::kCompromised, kSam,
                   kStart));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kRevoked);
}

TEST(HoneyKeyTest, NothingElseEndsItOrIsEndedByIt) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Plant(draft, InTheWiki(7), kSam, kStart));
  ASSERT_OK(Rotate(draft, kEs256, false, kSam, kStart));  // 2 is PENDING
  ASSERT_OK(Revoke(draft, FakeKeyId(1), RevocationReason::kCompromised, kSam,
                   kStart));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kPending);
  ASSERT_OK(Suspend(draft, FakeKeyId(7), kSam, kStart));
  const Actor other{.principal = "security/eve", .person = "eve"};
  ASSERT_OK(Resume(draft, FakeKeyId(7), other, kStart));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kPending);
}

TEST(HoneyKeyTest, NamesItsPlace) {
  IssuerDraft draft = Shop();
  HoneyKey honey = InTheWiki(7);
  honey.place = "";
  EXPECT_THAT(Plant(draft, honey, kSam, kStart),
              FailsWith(Reason::kInvalidField, "place"));
  honey.place = std::string(kLongestPlace + 1, 'x');
  EXPECT_THAT(Plant(draft, honey, kSam, kStart),
              FailsWith(Reason::kInvalidField, "place"));
}

TEST(DrainTest, TheSuccessorSignsAndTheKeyEndsWithItsLastToken) {
  IssuerDraft draft = Shop();
  const absl::Time expiry = kStart + absl::Minutes(15);
  ASSERT_OK(Drain(draft, FakeKeyId(1), expiry, kSam, kStart));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetiring);
  EXPECT_EQ(draft.Find(FakeKeyId(1))->sealed, "");
  EXPECT_EQ(LedgerNeedOf(*draft.Find(FakeKeyId(1))), LedgerNeed::kRequired);
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
  EXPECT_EQ(LedgerNeedOf(*draft.Find(FakeKeyId(2))), LedgerNeed::kNone);
  const absl::Time end = expiry + draft.issuer.policy.clock_skew;
  EXPECT_FALSE(ApplyDue(draft, end - absl::Nanoseconds(1)));
  EXPECT_TRUE(ApplyDue(draft, end));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
  EXPECT_EQ(draft.Find(FakeKeyId(1))->reason, RevocationReason::kCompromised);
}

TEST(DrainTest, WhereTheSetIsFullItGoesLastAndRevoked) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Drain(draft, FakeKeyId(1), kStart + kHour, kSam, kStart));
  for (const int number : {20, 21, 22}) {
    ExternalKey external = Checkouts(number);
    external.signer = absl::StrCat("s", number);
    ASSERT_OK(Register(draft, external, kSam, kStart));
  }
  AddSpare(draft, 3);
  EXPECT_EQ(draft.PublishedCount(), kMaxPublishedKeys);
  // The hard end of the one that signs: it goes before the drained one does.
  const absl::Time end = kStart + draft.issuer.policy.max_key_age;
  draft.Find(FakeKeyId(1))->until_time = end + kHour;
  ApplyDue(draft, end);
  EXPECT_EQ(StateOf(draft, 3), KeyState::kActive);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetiring);
  ApplyDue(draft, end + kHour);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
}

TEST(ExternalKeyTest, WhoseGrantIsTakenAwayHasNoKeys) {
  IssuerDraft draft = Shop();
  draft.issuer.grants[0].external_keys = true;
  ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
  ASSERT_OK(Register(draft, Checkouts(8, false), kSam, kStart));
  ASSERT_OK(ApplyPolicy(draft, kSam, kStart));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kActive);
  draft.issuer.grants[0].external_keys = false;
  ASSERT_OK(ApplyPolicy(draft, kSam, kStart));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kRetiring);
  EXPECT_EQ(StateOf(draft, 8), KeyState::kRevoked);
}

// Who had the store or the key-encryption key in hand never had those.
TEST(ExternalKeyTest, CustodiansHadNothingToDoWithIt) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
  ASSERT_OK(Plant(draft, InTheWiki(8), kSam, kStart));
  AddCustody(draft, {.person = "dora",
                     .kind = CustodyKind::kKeyEncryptionKey,
                     .from = kStart,
                     .until = std::nullopt});
  Depart(draft, OwnerId("dora"), kSam, kStart + kHour / 2);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
  EXPECT_EQ(StateOf(draft, 7), KeyState::kActive);
  EXPECT_EQ(StateOf(draft, 8), KeyState::kPending);
}

TEST(DrainTest, NoKeyThatTheThiefMayHaveIsTheSuccessor) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, kEs256, false, kSam, kStart));  // 2 is PENDING
  AddSpare(draft, 3);
  ASSERT_OK(Drain(draft, FakeKeyId(1), kStart + kHour, kSam, kStart));
  EXPECT_EQ(StateOf(draft, 2), KeyState::kRevoked);
  EXPECT_EQ(StateOf(draft, 3), KeyState::kActive);
}

TEST(DrainTest, ARetiringKeyGoesNoLaterThanItWould) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, kEs256, true, kSam, kStart));
  const absl::Time until = *draft.Find(FakeKeyId(1))->until_time;
  ASSERT_OK(Drain(draft, FakeKeyId(1), until + kHour, kSam, kStart));
  EXPECT_EQ(draft.Find(FakeKeyId(1))->until_time, until);
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
  // Again: nothing.
  ASSERT_OK(
      Drain(draft, FakeKeyId(1), kStart, kSam, kStart + absl::Minutes(1)));
  EXPECT_EQ(draft.Find(FakeKeyId(1))->drain_time, kStart);
  EXPECT_EQ(draft.Find(FakeKeyId(1))->until_time, until);
}

TEST(DrainTest, AnExternalKeyDrainsAlone) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Register(draft, Checkouts(7), kSam, kStart));
  ASSERT_OK(Drain(draft, FakeKeyId(7), kStart + kHour, kSam, kStart));
  EXPECT_EQ(StateOf(draft, 7), KeyState::kRetiring);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kActive);
}

TEST(DrainTest, WhatHasNoHonestTokensIsRevokedInstead) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, kEs256, false, kSam, kStart));
  EXPECT_THAT(Drain(draft, FakeKeyId(2), kStart, kSam, kStart),
              FailsWith(Reason::kWrongState, "revoke it"));
  EXPECT_THAT(Drain(draft, FakeKeyId(9), kStart, kSam, kStart),
              FailsWith(Reason::kNotFound));
}

}  // namespace
}  // namespace warder::domain
