#include "server/domain/lifecycle.h"

#include "tests/domain/draft_builder.h"

namespace warder::domain {

constexpr auto kEs256 = Algorithm::kEs256;

TEST(RotateTest, SuccessorIsPublishedAheadBeforeItSigns) {
  IssuerDraft draft = Shop();
  ASSERT_OK_AND_ASSIGN(const KeyId id,
                       Rotate(draft, kEs256, false, kSam, kStart));
  EXPECT_EQ(StateOf(draft, 2), KeyState::kPending);
  EXPECT_EQ(draft.Find(id)->activate_time,
            kStart + draft.issuer.policy.publish_ahead);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kActive);
  const absl::Time ready = *draft.Find(id)->activate_time;
  EXPECT_FALSE(ApplyDue(draft, ready - absl::Nanoseconds(1)));
  EXPECT_TRUE(ApplyDue(draft, ready));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetiring);
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
}

TEST(RotateTest, RetiringKeyLosesItsPrivateHalfAndLeavesAfterTheGrace) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, kEs256, true, kSam, kStart));
  Key& old = *draft.Find(FakeKeyId(1));
  EXPECT_EQ(old.sealed, "");
  const absl::Time until = kStart + draft.issuer.policy.verify_grace;
  EXPECT_EQ(old.until_time, until);
  EXPECT_FALSE(ApplyDue(draft, until - absl::Nanoseconds(1)));
  EXPECT_TRUE(ApplyDue(draft, until));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetired);
}

TEST(RotateTest, TheHardAgeEndsAKeyEvenIfNothingWasStaged) {
  IssuerDraft draft = Shop();
  const absl::Time end = kStart + draft.issuer.policy.max_key_age;
  draft.spares.clear();
  ApplyDue(draft, end - absl::Nanoseconds(1));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kActive);
  ApplyDue(draft, end);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetiring);
  EXPECT_TRUE(Recorded(draft, "issuer.unable_to_sign"));
  AddSpare(draft, 3);
  EXPECT_TRUE(ApplyDue(draft, end));
  EXPECT_EQ(StateOf(draft, 3), KeyState::kActive);
}

TEST(StageTest, AtMostFiveKeysArePublished) {
  IssuerDraft draft = Shop();
  for (int i = 2; i <= 5; ++i) {
    if (i > 2) AddSpare(draft, i);
    ASSERT_OK(Rotate(draft, kEs256, true, kSam, kStart));
  }
  EXPECT_EQ(draft.PublishedCount(), kMaxPublishedKeys);
  AddSpare(draft, 6);
  EXPECT_THAT(Rotate(draft, kEs256, true, kSam, kStart),
              FailsWith(Reason::kTooManyPublishedKeys));
}

TEST(RevokeTest, TheSuccessorSignsInTheSameCall) {
  IssuerDraft draft = Shop();
  ASSERT_OK(
      Revoke(draft, FakeKeyId(1), RevocationReason::kSuperseded, kSam, kStart));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked);
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
  EXPECT_EQ(draft.Find(FakeKeyId(1))->sealed, "");
  EXPECT_EQ(PublishedKeys(draft), std::vector<KeyId>{FakeKeyId(2)});
}

TEST(RevokeTest, APublishedPendingKeyIsPromotedUnlessCompromised) {
  for (const auto reason :
       {RevocationReason::kSuperseded, RevocationReason::kCompromised}) {
    IssuerDraft draft = Shop();
    ASSERT_OK(Rotate(draft, kEs256, false, kSam, kStart));  // 2 is PENDING
    AddSpare(draft, 3);
    ASSERT_OK(Revoke(draft, FakeKeyId(1), reason, kSam, kStart));
    if (reason == RevocationReason::kSuperseded) {
      EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
    } else {
      // alice owned both: the staged key ends with the compromised one.
      EXPECT_EQ(StateOf(draft, 2), KeyState::kRevoked);
      EXPECT_EQ(StateOf(draft, 3), KeyState::kActive);
    }
  }
}

TEST(RevokeTest, APendingKeyNobodySharedSurvivesACompromise) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, kEs256, false, SystemActor(), kStart));
  std::erase_if(draft.exposures,
                [](const Exposure& e) { return e.key == FakeKeyId(2); });
  ASSERT_OK(Revoke(draft, FakeKeyId(1), RevocationReason::kCompromised, kSam,
                   kStart));
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
}

TEST(RevokeTest, SecondRevokeKeepsTheFirstReasonAndTime) {
  IssuerDraft draft = Shop();
  ASSERT_OK(
      Revoke(draft, FakeKeyId(1), RevocationReason::kSuperseded, kSam, kStart));
  const Key first = *draft.Find(FakeKeyId(1));
  draft.changes = {};
  ASSERT_OK(Revoke(draft, FakeKeyId(1), RevocationReason::kCompromised, kSue,
                   kStart + absl::Hours(1)));
  EXPECT_EQ(*draft.Find(FakeKeyId(1)), first);
  EXPECT_FALSE(draft.changes.any());
}

TEST(RevokeTest, EveryStateCanBeRevoked) {
  for (const auto state :
       {KeyState::kPending, KeyState::kActive, KeyState::kRetiring,
        KeyState::kRetired, KeyState::kSuspended}) {
    IssuerDraft draft = Shop();
    Key& key = *draft.Find(FakeKeyId(1));
    key.state = state;
    key.until_time = kStart;
    ASSERT_OK(
        Revoke(draft, key.id, RevocationReason::kCompromised, kSam, kStart));
    EXPECT_EQ(StateOf(draft, 1), KeyState::kRevoked) << KeyStateName(state);
  }
}

TEST(RevokeTest, WithoutASpareTheKeyEndsAllTheSameAndItIsSaid) {
  IssuerDraft draft = Shop();
  draft.spares.clear();
  ASSERT_OK(Revoke(draft, FakeKeyId(1), RevocationReason::kCompromised, kSam,
                   kStart));
  EXPECT_TRUE(PublishedKeys(draft).empty());
  EXPECT_TRUE(Recorded(draft, "issuer.unable_to_sign"));
  EXPECT_EQ(NextWake(draft), absl::InfinitePast());
}

TEST(SuspendTest, ASuspendedSignerIsReplacedAndComesBackForVerificationOnly) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Suspend(draft, FakeKeyId(1), kSam, kStart));
  EXPECT_EQ(StateOf(draft, 2), KeyState::kActive);
  EXPECT_EQ(draft.Find(FakeKeyId(1))->sealed, "");
  ASSERT_OK(Resume(draft, FakeKeyId(1), kSue, kStart + absl::Hours(1)));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetiring);
}

TEST(SuspendTest, WithoutASuccessorItSignsAgainAfterResume) {
  IssuerDraft draft = Shop();
  draft.spares.clear();
  ASSERT_OK(Suspend(draft, FakeKeyId(1), kSam, kStart));
  EXPECT_NE(draft.Find(FakeKeyId(1))->sealed, "");
  ASSERT_OK(Resume(draft, FakeKeyId(1), kSue, kStart + absl::Hours(1)));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kActive);
}

TEST(SuspendTest, AResumedKeyWhoseTimeHasPassedIsRetired) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Suspend(draft, FakeKeyId(1), kSam, kStart));
  ASSERT_OK(Resume(draft, FakeKeyId(1), kSue,
                   kStart + draft.issuer.policy.verify_grace));
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetired);
}

TEST(SuspendTest, APendingKeyIsPublishedAheadAnewAfterResume) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, kEs256, false, kSam, kStart));
  ASSERT_OK(Suspend(draft, FakeKeyId(2), kSam, kStart));
  const absl::Time later = kStart + absl::Hours(23);
  ASSERT_OK(Resume(draft, FakeKeyId(2), kSue, later));
  EXPECT_EQ(draft.Find(FakeKeyId(2))->activate_time,
            later + draft.issuer.policy.publish_ahead);
}

TEST(ResumeTest, RefusedToTheOwnerAndToWhoeverSuspended) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Suspend(draft, FakeKeyId(1), kSam, kStart));
  EXPECT_THAT(Resume(draft, FakeKeyId(1), kSam, kStart),
              FailsWith(Reason::kTwoPeopleRequired, "suspended"));
  EXPECT_THAT(Resume(draft, FakeKeyId(1), {"security/alice", "alice"}, kStart),
              FailsWith(Reason::kTwoPeopleRequired, "owns"));
  EXPECT_OK(Resume(draft, FakeKeyId(1), kSue, kStart));
}

TEST(ResumeTest, HandingOverFirstDoesNotHelpTheOwner) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Suspend(draft, FakeKeyId(1), kSam, kStart));
  HandOver(draft, OwnerId("carol"), {"security/alice", "alice"}, kStart);
  EXPECT_THAT(Resume(draft, FakeKeyId(1), {"security/alice", "alice"}, kStart),
              FailsWith(Reason::kTwoPeopleRequired, "owned"));
}

TEST(ResumeTest, AKeyWhoseAlgorithmLeftThePolicyDoesNotComeBack) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, kEs256, false, kSam, kStart));
  ASSERT_OK(Suspend(draft, FakeKeyId(2), kSam, kStart));
  draft.issuer.policy.algorithms = {Algorithm::kEdDsa};
  EXPECT_THAT(Resume(draft, FakeKeyId(2), kSue, kStart),
              FailsWith(Reason::kWrongState, "left the policy"));
}

TEST(ResumeTest, OnlySuspendedKeysResume) {
  IssuerDraft draft = Shop();
  EXPECT_THAT(Resume(draft, FakeKeyId(1), kSue, kStart),
              FailsWith(Reason::kWrongState, "is ACTIVE since"));
}

TEST(PolicyChangeTest, AnAlgorithmThatLeavesThePolicyStopsSigning) {
  IssuerDraft draft = Shop();
  draft.issuer.policy.algorithms = {Algorithm::kEdDsa};
  AddSpare(draft, 5, Algorithm::kEdDsa);
  ASSERT_OK(ApplyPolicy(draft, kSam, kStart));
  ApplyDue(draft, kStart);
  EXPECT_EQ(StateOf(draft, 1), KeyState::kRetiring);
  EXPECT_EQ(StateOf(draft, 5), KeyState::kActive);
}

TEST(PolicyChangeTest, NoPolicyPublishesMoreThanFiveKeys) {
  IssuerDraft draft = Shop();
  const Algorithm rounds[] = {Algorithm::kEdDsa, Algorithm::kEs384,
                              Algorithm::kEs512, Algorithm::kRs256};
  int number = 10;
  for (const Algorithm algorithm : rounds) {
    draft.issuer.policy.algorithms = {algorithm};
    AddSpare(draft, ++number, algorithm);
    ASSERT_OK(ApplyPolicy(draft, kSam, kStart));
    ApplyDue(draft, kStart);
  }
  EXPECT_EQ(draft.PublishedCount(), 5);
  draft.issuer.policy.algorithms = {Algorithm::kPs256};
  AddSpare(draft, ++number, Algorithm::kPs256);
  EXPECT_THAT(ApplyPolicy(draft, kSam, kStart),
              FailsWith(Reason::kTooManyPublishedKeys));
}

TEST(RevokeTest, ACompromiseEndsPendingKeysOfEveryAlgorithmThatSharedExposure) {
  IssuerDraft draft = Shop();
  draft.issuer.policy.algorithms.push_back(Algorithm::kEdDsa);
  AddSpare(draft, 11, Algorithm::kEdDsa);
  ASSERT_OK(
      Stage(draft, Algorithm::kEdDsa, kStart + absl::Hours(24), kSam, kStart));
  ASSERT_EQ(StateOf(draft, 11), KeyState::kPending);
  ASSERT_OK(Revoke(draft, FakeKeyId(1), RevocationReason::kCompromised, kSue,
                   kStart));
  EXPECT_EQ(StateOf(draft, 11), KeyState::kRevoked);
}

TEST(ExposureTest, CreatedOwnedAndCouldSignAreRecordedWithTimes) {
  const IssuerDraft draft = Shop();
  std::map<ExposureKind, Exposure> seen;
  for (const Exposure& e : draft.exposures) seen[e.kind] = e;
  EXPECT_EQ(seen[ExposureKind::kOwned].person, "alice");
  EXPECT_EQ(seen[ExposureKind::kOwned].until, std::nullopt);
  EXPECT_EQ(seen[ExposureKind::kCreated].person, "sam");
  EXPECT_EQ(seen[ExposureKind::kCreated].until, kStart);
  EXPECT_EQ(seen[ExposureKind::kCouldSign].person, "checkout");
  EXPECT_EQ(seen[ExposureKind::kCouldSign].from, kStart);
}

TEST(FinishTest, TheRevisionGrowsByOneOnlyWhenTheSetChanges) {
  IssuerDraft draft = Shop();
  const auto before = PublishedKeys(draft);
  draft.Touch(draft.keys[0]);
  Finish(draft, before, kStart);
  EXPECT_EQ(draft.issuer.revision, 0);
  ASSERT_OK(
      Revoke(draft, FakeKeyId(1), RevocationReason::kSuperseded, kSam, kStart));
  Finish(draft, before, kStart);
  EXPECT_EQ(draft.issuer.revision, 1);
}

}  // namespace warder::domain
