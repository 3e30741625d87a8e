#include "server/app/clock_guard.h"

#include "server/crypto/digest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

CreateOwnerCommand Owner(const std::string& id) {
  CreateOwnerCommand command;
  command.id = OwnerId(id);
  return command;
}

}  // namespace

TEST(ClockGuardTest, TrustsWallTimeUpToTenMinutesAhead) {
  SimulatedClock clock(TestStart());
  ClockGuard guard(clock);
  clock.SetTime(TestStart() + absl::Minutes(10));
  EXPECT_FALSE(guard.Read().held);
  EXPECT_EQ(guard.Read().trusted, TestStart() + absl::Minutes(10));
  clock.SetTime(TestStart() + absl::Minutes(20) + absl::Microseconds(1));
  EXPECT_TRUE(guard.Read().held);
  EXPECT_EQ(guard.Read().trusted, TestStart() + absl::Minutes(10));
  clock.AdvanceTime(absl::Seconds(7));
  EXPECT_EQ(guard.Read().trusted,
            TestStart() + absl::Minutes(10) + absl::Seconds(7));
}

TEST(ClockGuardTest, BelievesAJumpThatHasBeenSteadyForAnHour) {
  SimulatedClock clock(TestStart());
  ClockGuard guard(clock);
  const absl::Time jumped = TestStart() + absl::Hours(10);
  clock.SetTime(jumped);
  EXPECT_TRUE(guard.Read().held);
  clock.AdvanceTime(absl::Hours(1) - absl::Microseconds(1));
  EXPECT_TRUE(guard.Read().held);
  clock.AdvanceTime(absl::Microseconds(1));
  EXPECT_FALSE(guard.Read().held);
  EXPECT_EQ(guard.Read().trusted, jumped + absl::Hours(1));
}

TEST(ClockGuardTest, ASecondJumpStartsTheHourAgain) {
  SimulatedClock clock(TestStart());
  ClockGuard guard(clock);
  clock.SetTime(TestStart() + absl::Hours(10));
  EXPECT_TRUE(guard.Read().held);
  clock.AdvanceTime(absl::Minutes(40));
  clock.SetTime(TestStart() + absl::Hours(20));
  EXPECT_TRUE(guard.Read().held);
  clock.AdvanceTime(absl::Minutes(59));
  EXPECT_TRUE(guard.Read().held);
  EXPECT_EQ(guard.Read().trusted, TestStart() + absl::Minutes(99));
  clock.AdvanceTime(absl::Minutes(1));
  EXPECT_FALSE(guard.Read().held);
}

TEST(ClockGuardTest, ABackwardGlitchThatIsCorrectedIsNoJump) {
  SimulatedClock clock(TestStart());
  ClockGuard guard(clock);
  clock.SetTime(TestStart() - absl::Hours(24));
  EXPECT_EQ(guard.Read().trusted, TestStart() - absl::Hours(24));
  EXPECT_EQ(guard.Read().latest, TestStart());
  EXPECT_TRUE(guard.Read().HasCome(TestStart()));
  clock.AdvanceTime(absl::Minutes(1));
  clock.SetTime(TestStart() + absl::Minutes(1));
  EXPECT_FALSE(guard.Read().held);
  EXPECT_EQ(guard.Read().trusted, TestStart() + absl::Minutes(1));
}

TEST(ClockGuardTest, SmallStepsDoNotAddUpToAJump) {
  SimulatedClock clock(TestStart());
  ClockGuard guard(clock);
  for (int i = 1; i <= 5; ++i) {
    clock.SetTime(TestStart() + i * absl::Minutes(9));
    EXPECT_FALSE(guard.Read().held);
  }
}

TEST(ClockGuardTest, ACorrectedJumpLeavesNothingBehind) {
  TestApp app;
  app.MustSetUp();
  app.clock.SetTime(TestStart() + absl::Hours(24 * 365));
  // A change, a denial and a revocation while the clock is wrong.
  EXPECT_OK(app.owners.Create(app.As("hr/hook"), Owner("dora")));
  EXPECT_THAT(app.owners.Create(app.As("signer/x"), Owner("emil")),
              FailsWith(Reason::kPermissionDenied));
  const auto key = app.MustFindKey("shop", domain::KeyState::kActive);
  EXPECT_OK(app.keys.Revoke(app.As("security/sam"),
                            {.issuer = IssuerId("shop"), .key = key.id}));
  for (const domain::AuditEvent& event : app.Events()) {
    EXPECT_EQ(event.time, TestStart()) << event.action;
  }
  app.clock.SetTime(TestStart() + absl::Seconds(1));
  EXPECT_OK(app.owners.Create(app.As("hr/hook"), Owner("frida")));
  EXPECT_EQ(app.MustFindKey("shop", domain::KeyState::kActive).activate_time,
            TestStart());
}

TEST(ClockGuardTest, ADepartureReportedDuringAJumpIsNotPutOff) {
  TestApp app;
  app.MustSetUp();
  app.clock.SetTime(TestStart() + absl::Hours(8));  // a machine that was paused
  ASSERT_OK_AND_ASSIGN(
      const auto departure,
      app.Depart("hr/hook", "alice", TestStart() + absl::Hours(8)));
  EXPECT_TRUE(departure.done);
}

TEST(AcceptClockTest, LetsChangesFollowEventsOfTheFuture) {
  TestApp app;
  app.MustSetUp();
  const auto key = app.MustFindKey("shop", domain::KeyState::kActive);
  app.clock.SetTime(TestStart() - absl::Hours(24 * 365));
  EXPECT_THAT(app.owners.Create(app.As("hr/hook"), Owner("dora")),
              FailsWith(Reason::kClockWentBackwards, "warderd accept-clock"));
  EXPECT_THAT(AcceptClock(app.store, app.clock.TimeNow(), crypto::Sha256),
              IsOkAndHolds(TestStart()));
  EXPECT_EQ(app.Events().back().action, "clock.accepted");
  EXPECT_OK(app.owners.Create(app.As("hr/hook"), Owner("dora")));
  // The key that signs is dated back, and so ends a year earlier.
  const auto now = app.MustFindKey("shop", domain::KeyState::kActive);
  EXPECT_EQ(now.id, key.id);
  EXPECT_EQ(now.activate_time, app.clock.TimeNow());
  app.clock.AdvanceTime(absl::Hours(24 * 29));
  app.loop.Tick();
  EXPECT_EQ(app.Keys("shop").size(), 2u);
  ChainChecker checker(crypto::Sha256);
  for (const auto& event : app.Events()) EXPECT_OK(checker.Check(event));
}

TEST(AcceptClockTest, ChangesNothingWhereNothingIsWrong) {
  TestApp app;
  app.MustSetUp();
  const size_t events = app.Events().size();
  EXPECT_THAT(AcceptClock(app.store, TestStart(), crypto::Sha256),
              IsOkAndHolds(TestStart()));
  EXPECT_EQ(app.Events().size(), events);
}

}  // namespace warder::app
