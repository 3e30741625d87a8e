#include "server/domain/clock_correction.h"

#include "tests/domain/draft_builder.h"

namespace warder::domain {

// Built at kStart; corrected a year earlier.
const absl::Time kCorrected = kStart - absl::Hours(24 * 365);

TEST(PullBackTest, KeysWaitNoLongerThanThePolicySays) {
  IssuerDraft draft = Shop();
  ASSERT_OK(Rotate(draft, Algorithm::kEs256, true, kSam, kStart));
  AddSpare(draft, 3);
  ASSERT_OK(Rotate(draft, Algorithm::kEs256, false, kSam, kStart));
  draft.changes = {};
  EXPECT_TRUE(PullBack(draft, kCorrected));
  EXPECT_EQ(draft.changes.updated.size(), 3u);
  const Policy& policy = draft.issuer.policy;
  const Key& retiring = *draft.Find(FakeKeyId(1));
  EXPECT_EQ(retiring.activate_time, kCorrected);
  EXPECT_EQ(retiring.until_time, kCorrected + policy.verify_grace);
  EXPECT_EQ(draft.Find(FakeKeyId(2))->activate_time, kCorrected);
  const Key& pending = *draft.Find(FakeKeyId(3));
  EXPECT_EQ(pending.publish_time, kCorrected);
  EXPECT_EQ(pending.activate_time, kCorrected + policy.rotation_period);
}

TEST(PullBackTest, LeavesThePastAndTheRevokedAlone) {
  IssuerDraft draft = Shop();
  EXPECT_FALSE(PullBack(draft, kStart));
  ASSERT_OK(Revoke(draft, FakeKeyId(1), RevocationReason::kCompromised, kSam,
                   kStart));
  draft.changes = {};
  EXPECT_TRUE(PullBack(draft, kCorrected));  // the successor
  EXPECT_EQ(draft.Find(FakeKeyId(1))->revoke_time, kStart);
}

}  // namespace warder::domain
