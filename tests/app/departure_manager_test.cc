#include "server/app/departure_manager.h"

#include <functional>
#include <utility>

#include "tests/support/fake_vault.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

using domain::KeyState;
using testing::HasSubstr;
using testing::Not;

class DepartureManagerTest : public testing::Test {
 protected:
  void SetUp() override { app_.MustSetUp(); }
  absl::StatusOr<domain::Departure> Depart(
      const std::string& who, std::optional<absl::Time> at = std::nullopt) {
    return app_.Depart("hr/hook", who, at);
  }
  TestApp app_;
};

TEST_F(DepartureManagerTest, EverythingHappensBeforeTheAnswer) {
  const auto key = app_.MustFindKey("shop", KeyState::kActive);
  ASSERT_OK_AND_ASSIGN(const auto departure, Depart("alice"));
  EXPECT_TRUE(departure.done);
  EXPECT_THAT(app_.KeySet(), Not(HasSubstr(key.id.value())));
  const auto successor = app_.MustFindKey("shop", KeyState::kActive);
  EXPECT_EQ(successor.owner, OwnerId("bob"));
  ASSERT_OK_AND_ASSIGN(const auto alice,
                       app_.owners.Get(app_.As("hr/hook"), OwnerId("alice")));
  EXPECT_EQ(alice.state, domain::OwnerState::kDeparted);
}

TEST_F(DepartureManagerTest, ThePlanIsWhatThenHappens) {
  ASSERT_OK_AND_ASSIGN(
      const auto plan,
      app_.departures.Plan(app_.As("hr/hook"), OwnerId("alice"), std::nullopt));
  EXPECT_FALSE(plan.done);
  app_.MustFindKey("shop", KeyState::kActive);
  EXPECT_EQ(app_.Keys("shop").size(), 1u);  // nothing changed
  ASSERT_OK_AND_ASSIGN(const auto done, Depart("alice"));
  ASSERT_EQ(plan.issuers.size(), done.issuers.size());
  EXPECT_EQ(plan.issuers[0].successors, done.issuers[0].successors);
  EXPECT_EQ(plan.issuers[0].owner, done.issuers[0].owner);
  EXPECT_EQ(plan.issuers[0].keys[0].key, done.issuers[0].keys[0].key);
}

TEST_F(DepartureManagerTest, AFutureDepartureIsCarriedOutAtItsInstant) {
  const auto key = app_.MustFindKey("shop", KeyState::kActive);
  const absl::Time at = TestStart() + absl::Hours(5);
  ASSERT_OK_AND_ASSIGN(const auto departure, Depart("alice", at));
  EXPECT_FALSE(departure.done);
  app_.clock.AdvanceTime(absl::Hours(5) - absl::Microseconds(1));
  EXPECT_EQ(app_.loop.Tick(),
            at + absl::Milliseconds(1) - absl::Microseconds(1));
  EXPECT_THAT(app_.KeySet(), HasSubstr(key.id.value()));
  app_.clock.AdvanceTime(absl::Microseconds(1));
  app_.loop.Tick();
  EXPECT_THAT(app_.KeySet(), Not(HasSubstr(key.id.value())));
}

TEST_F(DepartureManagerTest, AScheduledDepartureWakesTheLoop) {
  int woken = 0;
  app_.runner.SetWaker([&] { ++woken; });
  ASSERT_OK(Depart("alice", TestStart() + absl::Seconds(5)));
  EXPECT_EQ(woken, 1);
}

TEST_F(DepartureManagerTest, ADepartureThatFailsHoldsUpNobody) {
  domain::Departure ghost;  // of somebody the store does not know
  ghost.owner = OwnerId("ghost");
  ghost.instant = TestStart() + absl::Hours(1);
  ASSERT_OK(app_.store.Mutate(
      [&](Transaction& txn) { return txn.PutDeparture(ghost); }));
  ASSERT_OK(Depart("alice", TestStart() + absl::Hours(2)));
  app_.clock.AdvanceTime(absl::Hours(2));
  EXPECT_THAT(app_.departures.RunDue(),
              FailsWith(Reason::kNotFound, "owners/ghost"));
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kActive).owner, OwnerId("bob"));
  // Until it is carried out, his certificates are refused all the same.
  EXPECT_THAT(app_.runner.RefuseUntrusted(app_.As("security/ghost").caller),
              FailsWith(Reason::kPermissionDenied));
}

TEST_F(DepartureManagerTest, AClockSetBackPutsOffNoDeparture) {
  const absl::Time at = TestStart() + absl::Hours(5);
  ASSERT_OK(Depart("alice", at));
  app_.clock.SetTime(TestStart() - absl::Hours(24 * 30));
  app_.clock.AdvanceTime(absl::Hours(5) - absl::Microseconds(1));
  app_.loop.Tick();
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kActive).owner,
            OwnerId("alice"));
  app_.clock.AdvanceTime(absl::Microseconds(1));
  app_.loop.Tick();
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kActive).owner, OwnerId("bob"));
}

TEST_F(DepartureManagerTest, AScheduledDepartureCanBeMovedAndPulledForward) {
  ASSERT_OK(Depart("alice", TestStart() + absl::Hours(5)));
  ASSERT_OK(Depart("alice", TestStart() + absl::Hours(9)));
  app_.clock.AdvanceTime(absl::Hours(6));
  app_.loop.Tick();
  app_.MustFindKey("shop", KeyState::kActive);
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kActive).owner,
            OwnerId("alice"));
  ASSERT_OK_AND_ASSIGN(const auto now, Depart("alice"));
  EXPECT_TRUE(now.done);
}

TEST_F(DepartureManagerTest, NobodyPostponesHisOwnDeparture) {
  ASSERT_OK(Depart("alice", TestStart() + absl::Hours(5)));
  EXPECT_THAT(app_.Depart("hr/alice", "alice", TestStart() + absl::Hours(9)),
              FailsWith(Reason::kTwoPeopleRequired, "postpone"));
  EXPECT_TRUE(app_.Events().back().denied);
  ASSERT_OK(Depart("alice", TestStart() + absl::Hours(9)));
  EXPECT_EQ(app_.Events().back().action, "owner.departure_postponed");
}

TEST_F(DepartureManagerTest, ReportedAgainItAnswersWithWhatWasDone) {
  ASSERT_OK_AND_ASSIGN(const auto first, Depart("alice"));
  app_.clock.AdvanceTime(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const auto second, Depart("alice"));
  EXPECT_EQ(first.effect_time, second.effect_time);
  EXPECT_EQ(first.issuers[0].successors, second.issuers[0].successors);
}

TEST_F(DepartureManagerTest, WithNobodyLeftTheDepartureIsStillCarriedOut) {
  ASSERT_OK(Depart("bob"));
  ASSERT_OK(Depart("carol"));
  ASSERT_OK_AND_ASSIGN(const auto departure, Depart("alice"));
  EXPECT_TRUE(departure.issuers[0].orphaned);
  EXPECT_EQ(app_.KeySet(), "{\"keys\":[{\"kid\":\"tombstone\"}]}");
  // A living owner and deputy bring it back.
  for (const char* id : {"dave", "erin"}) {
    CreateOwnerCommand command;
    command.id = OwnerId(id);
    ASSERT_OK(app_.owners.Create(app_.As("hr/hook"), command));
  }
  UpdateIssuerCommand update;
  update.id = IssuerId("shop");
  update.owner = OwnerId("dave");
  update.deputies = {OwnerId("erin")};
  ASSERT_OK(app_.issuers.Update(app_.As("security/sam"), update));
  app_.loop.Tick();
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kActive).owner, OwnerId("dave"));
}

TEST_F(DepartureManagerTest, AFailedCommitLeavesNothingHalfDone) {
  app_.fake_store.FailWith(
      Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "disk"));
  EXPECT_THAT(Depart("alice"), FailsWith(Reason::kStoreUnavailable));
  app_.fake_store.FailWith(absl::OkStatus());
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kActive).owner,
            OwnerId("alice"));
}

TEST_F(DepartureManagerTest, NoCertificateOfALeaverIsAcceptedAnyMore) {
  EXPECT_OK(app_.issuers.List(app_.As("security/alice"), {}));
  ASSERT_OK(Depart("alice"));
  EXPECT_THAT(app_.issuers.List(app_.As("security/alice"), {}),
              FailsWith(Reason::kPermissionDenied, "has departed"));
  EXPECT_TRUE(app_.Events().back().denied);
  SignJwtCommand sign;
  sign.issuer = IssuerId("shop");
  sign.audiences = {"api"};
  EXPECT_THAT(app_.signer.Sign(app_.As("signer/alice"), sign),
              FailsWith(Reason::kPermissionDenied, "has departed"));
  // Also after a restart.
  ChangeRunner again(app_.store, app_.clock, app_.vault, app_.publisher,
                     app_.metrics, app_.runner.sha256());
  ASSERT_OK(again.LoadUntrusted());
  EXPECT_THAT(again.RefuseUntrusted({Role::kSecurity, "alice"}),
              FailsWith(Reason::kPermissionDenied));
  EXPECT_OK(again.RefuseUntrusted({Role::kSecurity, "bob"}));
}

// Does something while keys are made, as if making them took long.
class SlowVault : public FakeVault {
 public:
  absl::StatusOr<app::GeneratedKey> Generate(
      const IssuerId& issuer, domain::Algorithm algorithm) override {
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    return FakeVault::Generate(issuer, algorithm);
  }
  std::function<void()> meanwhile;
};

TEST(DepartureRaceTest, NothingOfALeaverIsCommittedAfterHisDeparture) {
  SlowVault vault;
  TestApp app(nullptr, &vault);
  app.MustSetUp();
  vault.meanwhile = [&] { EXPECT_OK(app.Depart("hr/hook", "alice")); };
  CreateIssuerCommand evil;
  evil.id = IssuerId("evil");
  evil.owner = OwnerId("bob");
  evil.deputies = {OwnerId("carol")};
  EXPECT_THAT(app.issuers.Create(app.As("security/alice"), evil),
              FailsWith(Reason::kPermissionDenied, "has departed"));
  EXPECT_EQ(app.publisher.Find("evil"), nullptr);
  EXPECT_TRUE(app.Events().back().denied);
}

TEST_F(DepartureManagerTest, SuccessorsArePublishedAheadAndTakeOverAtTheCut) {
  const absl::Time at = TestStart() + absl::Hours(24 * 5);
  ASSERT_OK_AND_ASSIGN(
      const auto planned,
      app_.departures.Plan(app_.As("hr/hook"), OwnerId("alice"), at));
  ASSERT_OK(Depart("alice", at));
  app_.clock.AdvanceTime(absl::Hours(24 * 4));
  app_.loop.Tick();
  const auto pending = app_.MustFindKey("shop", KeyState::kPending);
  EXPECT_EQ(pending.owner, OwnerId("bob"));
  EXPECT_THAT(app_.KeySet(), HasSubstr(pending.id.value()));
  app_.clock.AdvanceTime(absl::Hours(24));
  app_.loop.Tick();
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kActive).id, pending.id);
  ASSERT_OK_AND_ASSIGN(const auto done, app_.departures.Get(app_.As("hr/hook"),
                                                            OwnerId("alice")));
  EXPECT_TRUE(done.done);
  EXPECT_TRUE(done.changes.empty()) << done.changes[0];
  EXPECT_FALSE(done.issuers[0].successor_unannounced);
  EXPECT_EQ(planned.issuers[0].successors, done.issuers[0].successors);
}

TEST_F(DepartureManagerTest, WhatChangedSinceThePlanIsSaid) {
  ASSERT_OK(Depart("alice", TestStart() + absl::Hours(24 * 5)));
  ASSERT_OK(Depart("bob"));
  app_.clock.AdvanceTime(absl::Hours(24 * 5));
  app_.loop.Tick();
  ASSERT_OK_AND_ASSIGN(const auto done, app_.departures.Get(app_.As("hr/hook"),
                                                            OwnerId("alice")));
  ASSERT_FALSE(done.changes.empty());
  EXPECT_THAT(done.changes[0], HasSubstr("owned by carol, not by bob"));
}

TEST_F(DepartureManagerTest, CalledOffTheKeysComeBack) {
  const absl::Time at = TestStart() + absl::Hours(20);
  ASSERT_OK(Depart("alice", at));  // within publish_ahead: staged at once
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kPending).owner, OwnerId("bob"));
  EXPECT_THAT(app_.departures.Cancel(app_.As("hr/alice"), OwnerId("alice")),
              FailsWith(Reason::kTwoPeopleRequired));
  ASSERT_OK_AND_ASSIGN(
      const auto alice,
      app_.departures.Cancel(app_.As("hr/hook"), OwnerId("alice")));
  EXPECT_EQ(alice.depart_time, std::nullopt);
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kPending).owner,
            OwnerId("alice"));
  EXPECT_THAT(app_.departures.Cancel(app_.As("hr/hook"), OwnerId("alice")),
              FailsWith(Reason::kWrongState, "no departure"));
  app_.clock.AdvanceTime(absl::Hours(21));
  app_.loop.Tick();
  // The successor waits for rotation to want it.
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kPending).activate_time,
            TestStart() + absl::Hours(24 * 30));
  ASSERT_OK(Depart("alice"));
  EXPECT_THAT(app_.departures.Cancel(app_.As("hr/hook"), OwnerId("alice")),
              FailsWith(Reason::kWrongState, "took effect"));
}

TEST_F(DepartureManagerTest, LateNewsListsWhatWasDoneSince) {
  const absl::Time left = TestStart() + absl::Hours(1);
  app_.clock.AdvanceTime(absl::Hours(2));
  ASSERT_OK(app_.issuers.Rotate(app_.As("security/alice"),
                                {.issuer = IssuerId("shop"),
                                 .algorithm = std::nullopt,
                                 .immediate = true}));
  app_.clock.AdvanceTime(absl::Hours(2));
  ASSERT_OK_AND_ASSIGN(const auto departure, Depart("alice", left));
  EXPECT_TRUE(departure.done);
  EXPECT_EQ(departure.instant, left);
  EXPECT_EQ(departure.effect_time, TestStart() + absl::Hours(4));
  EXPECT_EQ(departure.late_count, 3);  // retiring, activated; both by alice
  ASSERT_EQ(departure.late.size(), 3u);
  EXPECT_EQ(departure.late[0].time, TestStart() + absl::Hours(2));
}

TEST_F(DepartureManagerTest, LiveTokensAreCounted) {
  SignJwtCommand sign;
  sign.issuer = IssuerId("shop");
  sign.audiences = {"api"};
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(app_.signer.Sign(app_.As("signer/checkout"), sign));
  }
  ASSERT_OK_AND_ASSIGN(
      const auto plan,
      app_.departures.Plan(app_.As("hr/hook"), OwnerId("alice"), std::nullopt));
  EXPECT_EQ(plan.issuers[0].keys[0].live_tokens, 3);
  app_.clock.AdvanceTime(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const auto done, Depart("alice"));
  EXPECT_EQ(done.issuers[0].keys[0].live_tokens, 0);
}

}  // namespace warder::app
