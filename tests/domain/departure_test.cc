#include "server/domain/departure.h"

#include "tests/domain/draft_builder.h"

namespace warder::domain {

const OwnerId kAlice("alice");

TEST(DepartTest, OwnedKeysEndSuccessorsSignOwnershipPasses) {
  IssuerDraft draft = Shop();
  const IssuerOutcome outcome = Depart(draft, kAlice, kSam, kStart);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
  EXPECT_EQ(draft.Find(FakeKeyId(1))->reason, RevocationReason::kOwnerDeparted);
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
  EXPECT_EQ(draft.Find(FakeKeyId(2))->owner, OwnerId("bob"));
  EXPECT_EQ(draft.issuer.owner, OwnerId("bob"));
  EXPECT_EQ(draft.issuer.deputies, std::vector<OwnerId>{OwnerId("carol")});
  EXPECT_EQ(outcome.successors, std::vector<KeyId>{FakeKeyId(2)});
  EXPECT_FALSE(outcome.without_deputy);
}

TEST(DepartTest, ADeputyWhoHasLeftIsSkipped) {
  IssuerDraft draft = Shop();
  draft.deputies[0].active = false;
  Depart(draft, kAlice, kSam, kStart);
  EXPECT_EQ(draft.issuer.owner, OwnerId("carol"));
}

TEST(DepartTest, WithNobodyLeftItIsCarriedOutAndSaidLoudly) {
  IssuerDraft draft = Shop();
  draft.deputies.clear();
  draft.issuer.deputies.clear();
  const IssuerOutcome outcome = Depart(draft, kAlice, kSam, kStart);
  EXPECT_TRUE(outcome.orphaned);
  EXPECT_EQ(draft.issuer.state, IssuerState::kOrphaned);
  EXPECT_TRUE(PublishedKeys(draft).empty());
  EXPECT_TRUE(draft.spares.empty());
  EXPECT_TRUE(Recorded(draft, "issuer.orphaned"));
  EXPECT_EQ(NextWake(draft), absl::InfiniteFuture());
}

TEST(DepartTest, AKeyOnceOwnedIsRevokedEvenAfterAHandover) {
  IssuerDraft draft = Shop();
  HandOver(draft, OwnerId("bob"), kSam, kStart);
  draft.deputies = {{.id = OwnerId("carol"), .active = true}};
  const IssuerOutcome outcome = Depart(draft, kAlice, kSam, kStart);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
  EXPECT_EQ(draft.issuer.owner, OwnerId("bob"));
  EXPECT_EQ(outcome.keys.size(), 1u);
}

TEST(DepartTest, WhoCouldOnlyUseAKeyLeavesItsTokensAlive) {
  IssuerDraft draft = Shop();
  const IssuerOutcome outcome =
      Depart(draft, OwnerId("checkout"), kSam, kStart);
  EXPECT_EQ(outcome.keys[0].fate, KeyFate::kRotate);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetiring);
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
}

TEST(DepartTest, ARotationWithoutASpareBecomesARevocation) {
  IssuerDraft draft = Shop();
  draft.spares.clear();
  Depart(draft, OwnerId("checkout"), kSam, kStart);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
}

TEST(DepartTest, AStagedKeyOfTheLeaverDoesNotSucceedHim) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, Algorithm::kEs256, false, kSam, kStart));
  AddSpare(draft, 3);
  Depart(draft, kAlice, kSam, kStart);
  EXPECT_EQ(StateOf(draft, 2), KeyState::kRevoked);
  EXPECT_EQ(StateOf(draft, 3), KeyState::kActive);
}

TEST(DepartTest, ADeputyLeavingTakesNoKeyWithHim) {
  IssuerDraft draft = Shop();
  const IssuerOutcome outcome = Depart(draft, OwnerId("bob"), kSam, kStart);
  EXPECT_TRUE(outcome.keys.empty());
  EXPECT_EQ(draft.issuer.deputies, std::vector<OwnerId>{OwnerId("carol")});
  EXPECT_EQ(StateOf(draft, 1), KeyState::kActive);
}

TEST(DepartTest, RetiredKeysOfTheLeaverAreRevokedToo) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, Algorithm::kEs256, true, kSam, kStart));
  ApplyDue(draft, kStart + absl::Hours(3));
  ASSERT_EQ(StateOf(draft, 1), KeyState::kRetired);
  Depart(draft, kAlice, kSam, kStart + absl::Hours(4));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
}

TEST(DepartTest, ThePolicyMayLetTokensOfOwnedKeysLive) {
  IssuerDraft draft = Shop();
  draft.issuer.policy.owned_key_departure = DepartureAction::kRotate;
  const IssuerOutcome outcome = Depart(draft, kAlice, kSam, kStart);
  EXPECT_EQ(outcome.keys[0].fate, KeyFate::kRotate);
  EXPECT_EQ(outcome.keys[0].successor, FakeKeyId(2));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetiring);
  // What still verifies has somebody who answers for it.
  EXPECT_EQ(draft.Find(FakeKeyId(1))->owner, OwnerId("bob"));
  EXPECT_TRUE(draft.changes.handed_over);
}

TEST(DepartTest, ThePolicyMayEndKeysThatWereOnlyUsed) {
  IssuerDraft draft = Shop();
  draft.issuer.policy.used_key_departure = DepartureAction::kRevoke;
  Depart(draft, OwnerId("checkout"), kSam, kStart);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
}

TEST(DepartTest, NoPolicySparesAKeyTheLeaverMayHaveACopyOf) {
  for (const ExposureKind kind :
       {ExposureKind::kHeld, ExposureKind::kCouldRead}) {
    IssuerDraft draft = Shop();
    draft.issuer.policy.owned_key_departure = DepartureAction::kRotate;
    draft.exposures.push_back({.issuer = draft.issuer.id,
                               .key = FakeKeyId(1),
                               .person = "checkout",
                               .kind = kind,
                               .from = kStart,
                               .until = kStart + absl::Seconds(1)});
    const IssuerOutcome outcome =
        Depart(draft, OwnerId("checkout"), kSam, kStart);
    EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
    EXPECT_THAT(outcome.keys[0].why, testing::HasSubstr("copy"));
  }
}

TEST(DepartTest, TheOutcomeSaysWhoNoticesWhenAndHowLongTokensLive) {
  IssuerDraft draft = Shop();
  const IssuerOutcome outcome = Depart(draft, kAlice, kSam, kStart);
  EXPECT_EQ(outcome.noticed_by, kStart + absl::Minutes(61));
  EXPECT_TRUE(outcome.successor_unannounced);
  EXPECT_EQ(outcome.keys[0].tokens_until, kStart + absl::Hours(1));
  EXPECT_EQ(outcome.keys[0].successor, FakeKeyId(2));
}

TEST(PrepareTest, ASuccessorOfTheHeirIsPublishedAheadOfTheCut) {
  IssuerDraft draft = Shop();
  const absl::Time cut = kStart + absl::Hours(24 * 10);
  draft.cuts = {{kAlice, cut}};
  EXPECT_EQ(NextWake(draft), cut - absl::Hours(24));
  ASSERT_FALSE(ApplyDue(draft, cut - absl::Hours(24) - absl::Seconds(1)));
  ASSERT_TRUE(ApplyDue(draft, cut - absl::Hours(24)));
  ASSERT_EQ(StateOf(draft, 2), KeyState::kPending);
  EXPECT_EQ(draft.Find(FakeKeyId(2))->owner, OwnerId("bob"));
  AddSpare(draft, 3);
  const IssuerOutcome outcome = Depart(draft, kAlice, kSam, cut);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
  EXPECT_FALSE(outcome.successor_unannounced);
  EXPECT_EQ(outcome.keys.size(), 1u);  // the successor was never his
}

TEST(PrepareTest, APendingKeyOfTheLeaverMakesRoom) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, Algorithm::kEs256, false, kSam, kStart));
  AddSpare(draft, 3);
  draft.cuts = {{kAlice, kStart + absl::Hours(30)}};
  ApplyDue(draft, kStart + absl::Hours(6));
  EXPECT_EQ(StateOf(draft, 2), KeyState::kRevoked);
  EXPECT_EQ(StateOf(draft, 3), KeyState::kPending);
  EXPECT_EQ(draft.Find(FakeKeyId(3))->owner, OwnerId("bob"));
  // Once is enough.
  EXPECT_TRUE(Preparations(draft).empty());
}

TEST(PrepareTest, WhereEveryNewKeyWouldBeHisNoneIsMade) {
  IssuerDraft draft = Shop();
  const absl::Time cut = kStart + absl::Hours(1);
  draft.cuts = {{kAlice, cut}};
  draft.deputies = {{.id = OwnerId("bob"), .active = true, .leaves = cut}};
  EXPECT_TRUE(Preparations(draft).empty());  // nobody to answer for it
  draft.deputies = {{.id = OwnerId("bob"), .active = true}};
  EXPECT_EQ(Preparations(draft).size(), 1u);
  AddCustody(draft, {.person = "alice",
                     .kind = CustodyKind::kKeyEncryptionKey,
                     .from = kStart,
                     .until = std::nullopt});
  EXPECT_TRUE(Preparations(draft).empty());  // he reads that as well
}

TEST(PrepareTest, AnHeirWhoLeavesSoonAfterIsPreparedForInHisTurn) {
  IssuerDraft draft = Shop();
  draft.cuts = {{kAlice, kStart + absl::Hours(1)},
                {OwnerId("bob"), kStart + absl::Hours(30)}};
  draft.deputies[0].leaves = kStart + absl::Hours(30);
  draft.exposures.push_back({.issuer = draft.issuer.id,
                             .key = FakeKeyId(1),
                             .person = "bob",
                             .kind = ExposureKind::kCouldSign,
                             .from = kStart,
                             .until = std::nullopt});
  ApplyDue(draft, kStart);
  ASSERT_EQ(StateOf(draft, 2), KeyState::kPending);
  AddSpare(draft, 3);
  EXPECT_FALSE(ApplyDue(draft, kStart));  // and not again and again
  Depart(draft, kAlice, kSam, kStart + absl::Hours(1));
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
  EXPECT_TRUE(ApplyDue(draft, kStart + absl::Hours(7)));
  EXPECT_EQ(StateOf(draft, 3), KeyState::kPending);
  EXPECT_EQ(draft.Find(FakeKeyId(3))->owner, OwnerId("carol"));
}

TEST(PrepareTest, WhoTakesNoKeyWithHimNeedsNoSuccessor) {
  IssuerDraft draft = Shop();
  draft.cuts = {{OwnerId("bob"), kStart + absl::Hours(30)}};
  EXPECT_TRUE(Preparations(draft).empty());
}

TEST(DifferencesTest, OnlyWhatDiffersIsSaid) {
  IssuerDraft planned = Shop();
  const std::vector<IssuerOutcome> plan = {
      Depart(planned, kAlice, kSam, kStart)};
  IssuerDraft same = Shop();
  EXPECT_TRUE(
      DifferencesOf(plan, {Depart(same, kAlice, kSam, kStart)}).empty());
  IssuerDraft other = Shop();
  other.issuer.policy.owned_key_departure = DepartureAction::kRotate;
  other.deputies[0].active = false;
  const auto lines = DifferencesOf(plan, {Depart(other, kAlice, kSam, kStart)});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], testing::HasSubstr("owned by carol, not by bob"));
  EXPECT_THAT(lines[1], testing::HasSubstr("is rotated; the plan said it"));
  EXPECT_EQ(DifferencesOf({}, plan, 1).size(), 2u);  // "and N more"
}

}  // namespace warder::domain
