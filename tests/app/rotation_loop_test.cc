#include "server/app/rotation_loop.h"

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

using domain::KeyState;

TEST(RotationLoopTest, RotatesByItselfForAYear) {
  TestApp app;
  app.MustSetUp();
  const absl::Time end = TestStart() + absl::Hours(24 * 365);
  int ticks = 0;
  while (app.clock.TimeNow() < end) {
    app.loop.Tick();
    app.clock.AdvanceTime(absl::Hours(1));
    ++ticks;
    EXPECT_NE(app.publisher.Find("shop")->signers.size(), 0u);
    if (testing::Test::HasFailure()) return;
  }
  int retired = 0;
  for (const auto& key : app.Keys("shop")) {
    retired += key.state == KeyState::kRetired ? 1 : 0;
  }
  EXPECT_NEAR(retired, 12, 1);
}

TEST(RotationLoopTest, OneBrokenIssuerDoesNotStopTheOthers) {
  TestApp app;
  app.MustSetUp("one");
  app.MustSetUp("two");
  app.fake_vault.SetBroken(true);
  app.clock.AdvanceTime(absl::Hours(24 * 29));
  app.loop.Tick();  // both stage from their spares, then miss new ones
  EXPECT_EQ(app.Keys("one").size(), 2u);
  EXPECT_EQ(app.Keys("two").size(), 2u);
  app.fake_vault.SetBroken(false);
  app.clock.AdvanceTime(absl::Hours(24));
  app.loop.Tick();
  EXPECT_EQ(app.MustFindKey("two", KeyState::kActive).activate_time,
            app.clock.TimeNow());
}

TEST(RotationLoopTest, AClockThatJumpsForwardHoldsRotationNotDepartures) {
  TestApp app;
  app.MustSetUp();
  app.loop.Tick();
  ASSERT_OK(app.Depart("hr/hook", "carol", TestStart() + absl::Hours(24)));
  const auto key = app.MustFindKey("shop", KeyState::kActive);
  app.clock.SetTime(TestStart() + absl::Hours(24 * 365));
  app.loop.Tick();
  EXPECT_TRUE(app.loop.held());
  EXPECT_EQ(app.MustFindKey("shop", KeyState::kActive).id, key.id);
  ASSERT_OK_AND_ASSIGN(const auto carol,
                       app.owners.Get(app.As("hr/hook"), OwnerId("carol")));
  EXPECT_EQ(carol.state, domain::OwnerState::kDeparted);
  // He departed by the jumped clock, on the day that is recorded.
  EXPECT_EQ(app.Events().back().action, "owner.departed");
  EXPECT_EQ(app.Events().back().time, TestStart());
  // Steady for an hour: the new time is believed.
  app.clock.AdvanceTime(absl::Hours(1));
  app.loop.Tick();
  EXPECT_FALSE(app.loop.held());
}

TEST(RotationLoopTest, AClockThatGoesBackDefersRotationUntilItHasCaughtUp) {
  TestApp app;
  app.MustSetUp();
  app.loop.Tick();
  const std::string published = app.KeySet();
  app.clock.SetTime(TestStart() - absl::Hours(24));
  app.loop.Tick();
  EXPECT_FALSE(app.loop.held());
  EXPECT_EQ(app.KeySet(), published);
  // Staged at day 29 of the wall clock, one day later by uptime.
  app.clock.AdvanceTime(absl::Hours(24 * 29));
  app.loop.Tick();
  EXPECT_EQ(app.Keys("shop").size(), 1u);
  app.clock.AdvanceTime(absl::Hours(24));
  app.loop.Tick();
  EXPECT_EQ(app.Keys("shop").size(), 2u);
}

TEST(RotationLoopTest, ARequestIsForgottenAfterAWeek) {
  TestApp app;
  app.MustSetUp();
  CreateOwnerCommand zoe;
  zoe.id = OwnerId("zoe");
  ASSERT_OK(app.owners.Create(app.As("hr/hook", "r-1"), zoe));
  app.clock.AdvanceTime(absl::Hours(24 * 7));
  app.loop.Tick();
  EXPECT_OK(app.owners.Create(app.As("hr/hook", "r-1"), zoe));
  app.clock.AdvanceTime(absl::Minutes(1));
  app.loop.Tick();
  EXPECT_THAT(app.owners.Create(app.As("hr/hook", "r-1"), zoe),
              FailsWith(Reason::kAlreadyExists));
}

TEST(RotationLoopTest, TheThreadWakesForAChangeAndStops) {
  TestApp app;
  app.runner.SetWaker([&] { app.loop.Wake(); });
  app.loop.Start();
  app.MustSetUp();
  const auto key = app.MustFindKey("shop", KeyState::kActive);
  ASSERT_OK(app.keys.Revoke(app.As("security/sam"),
                            {.issuer = IssuerId("shop"), .key = key.id}));
  // The loop refills the spare that was used; two were made at creation.
  while (app.fake_vault.generated() < 3) std::this_thread::yield();
  app.loop.Stop();
}

}  // namespace warder::app
