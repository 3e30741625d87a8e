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
  draft.deputies = {{OwnerId("carol"), true}};
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

}  // namespace warder::domain
