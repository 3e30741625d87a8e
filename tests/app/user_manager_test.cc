#include "server/app/user_manager.h"

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

using domain::OwnerState;
using testing::HasSubstr;

class UserManagerTest : public testing::Test {
 protected:
  void SetUp() override { app_.MustSetUp(); }

  domain::User MustCreate(const std::string& name) {
    domain::User user;
    user.user_name = user.external_id = name;
    user.document = "{}";
    auto made = app_.users.Create(app_.As("hr/okta"), user);
    EXPECT_OK(made.status());
    return made.value_or(domain::User());
  }
  absl::StatusOr<domain::User> SetActive(const domain::User& user,
                                         bool active) {
    return app_.users.Edit(
        app_.As("hr/okta"), user.id, std::nullopt,
        [&](const domain::User& before) -> absl::StatusOr<domain::User> {
          domain::User after = before;
          after.active = active;
          return after;
        });
  }
  OwnerState StateOf(const std::string& id) {
    const auto owner = app_.owners.Get(app_.As("hr/hook"), OwnerId(id));
    EXPECT_OK(owner.status());
    return owner->state;
  }
  // `count` owners with users, p0, p1, ...
  std::vector<domain::User> MustHire(int count) {
    std::vector<domain::User> users;
    for (int i = 0; i < count; ++i) {
      CreateOwnerCommand owner;
      owner.id = OwnerId("p" + std::to_string(i));
      EXPECT_OK(app_.owners.Create(app_.As("hr/hook"), owner));
      users.push_back(MustCreate(owner.id.value()));
    }
    return users;
  }
  std::vector<domain::HeldDeparture> Held() {
    return *app_.intake.ListHeld(app_.As("security/sam"));
  }

  TestApp app_;
};

TEST_F(UserManagerTest, AUserIsMatchedByTheRule) {
  EXPECT_EQ(MustCreate("ALICE").owner, OwnerId("alice"));
  EXPECT_EQ(MustCreate("nobody").owner, OwnerId());
  CreateOwnerCommand zoe;
  zoe.id = OwnerId("zoe");
  zoe.external_id = "E123";
  ASSERT_OK(app_.owners.Create(app_.As("hr/hook"), zoe));
  EXPECT_EQ(MustCreate("zoe").owner, OwnerId());  // she is E123 to HR
  EXPECT_EQ(MustCreate("e123").owner, OwnerId("zoe"));
  app_.hr_policy.match = domain::MatchRule::kEmail;
  domain::User mail;
  mail.user_name = "z";
  mail.emails = {"x@example", "E123"};
  ASSERT_OK_AND_ASSIGN(mail, app_.users.Create(app_.As("hr/okta"), mail));
  EXPECT_EQ(mail.owner, OwnerId("zoe"));
}

TEST_F(UserManagerTest, AMatchHoldsUnderAnotherName) {
  const domain::User user = MustCreate("alice");
  ASSERT_OK(app_.users.Edit(
      app_.As("hr/okta"), user.id, std::nullopt,
      [](const domain::User& before) -> absl::StatusOr<domain::User> {
        domain::User after = before;
        after.user_name = after.external_id = "alice.married";
        return after;
      }));
  ASSERT_OK(SetActive(user, false));
  EXPECT_EQ(StateOf("alice"), OwnerState::kDeparted);
}

TEST_F(UserManagerTest, ARepeatedReportWritesNothing) {
  const domain::User user = MustCreate("alice");
  ASSERT_OK(SetActive(user, false));
  const size_t events = app_.Events().size();
  ASSERT_OK(SetActive(user, false));
  EXPECT_EQ(app_.Events().size(), events);
}

TEST_F(UserManagerTest, TheBrakeHoldsWhatComesTooFast) {
  const auto users = MustHire(50);  // and alice, bob, carol: 5 % are three
  for (const domain::User& user : users) ASSERT_OK(SetActive(user, false));
  EXPECT_EQ(StateOf("p2"), OwnerState::kDeparted);
  EXPECT_EQ(StateOf("p3"), OwnerState::kActive);
  EXPECT_EQ(Held().size(), 47u);
  // Everything is released by one word.
  ASSERT_OK_AND_ASSIGN(const auto departed,
                       app_.intake.Release(app_.As("security/sam"), {}));
  EXPECT_EQ(departed.size(), 47u);
  EXPECT_EQ(StateOf("p49"), OwnerState::kDeparted);
  EXPECT_TRUE(Held().empty());
}

TEST_F(UserManagerTest, OneAtATimeNothingIsHeld) {
  for (const domain::User& user : MustHire(10)) {
    ASSERT_OK(SetActive(user, false));
    app_.clock.AdvanceTime(absl::Minutes(21));
  }
  EXPECT_TRUE(Held().empty());
}

TEST_F(UserManagerTest, ALargeHouseLetsMoreThrough) {
  app_.hr_policy.brake_percent = 50;
  for (const domain::User& user : MustHire(60)) {
    ASSERT_OK(SetActive(user, false));
  }
  EXPECT_EQ(Held().size(), 40u);  // the count of 20 is less than a half
}

TEST_F(UserManagerTest, WhatIsRejectedStaysUntilHrTakesItBack) {
  const auto users = MustHire(5);
  for (const domain::User& user : users) ASSERT_OK(SetActive(user, false));
  ASSERT_EQ(Held().size(), 2u);
  EXPECT_THAT(app_.intake.Reject(app_.As("hr/hook"), {OwnerId("p4")}),
              FailsWith(Reason::kPermissionDenied));
  ASSERT_OK(app_.intake.Reject(app_.As("security/sam"), {OwnerId("p4")}));
  EXPECT_THAT(app_.intake.Release(app_.As("security/sam"), {OwnerId("p4")}),
              FailsWith(Reason::kNotFound, "owners/p4"));
  app_.clock.AdvanceTime(absl::Hours(2));
  ASSERT_OK(SetActive(users[4], true));   // taken back
  ASSERT_OK(SetActive(users[4], false));  // and meant
  EXPECT_EQ(StateOf("p4"), OwnerState::kDeparted);
}

TEST_F(UserManagerTest, AFeedDoesNotCallOffWhatAPersonReported) {
  domain::User user = MustCreate("alice");
  ASSERT_OK(
      app_.Depart("security/sam", "alice", TestStart() + absl::Hours(24 * 40)));
  const auto leave_at = [&](std::optional<absl::Time> time) {
    return app_.users.Edit(
        app_.As("hr/okta"), user.id, std::nullopt,
        [&](const domain::User& before) -> absl::StatusOr<domain::User> {
          domain::User after = before;
          after.leave_time = time;
          return after;
        });
  };
  ASSERT_OK(leave_at(TestStart() + absl::Hours(24 * 50)));
  ASSERT_OK(leave_at(std::nullopt));
  ASSERT_OK_AND_ASSIGN(
      const auto departure,
      app_.departures.Get(app_.As("hr/hook"), OwnerId("alice")));
  EXPECT_EQ(departure.instant, TestStart() + absl::Hours(24 * 40));
}

TEST_F(UserManagerTest, AFailedCommitLeavesUserAndOwnerAsTheyWere) {
  const domain::User user = MustCreate("alice");
  app_.fake_store.FailWith(
      Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "disk"));
  EXPECT_THAT(SetActive(user, false), FailsWith(Reason::kStoreUnavailable));
  app_.fake_store.FailWith(absl::OkStatus());
  EXPECT_EQ(StateOf("alice"), OwnerState::kActive);
  EXPECT_TRUE(app_.users.Get(app_.As("hr/okta"), user.id)->active);
}

TEST_F(UserManagerTest, ARejectionIsAboutOneFeedsWord) {
  const auto users = MustHire(5);
  for (const domain::User& user : users) ASSERT_OK(SetActive(user, false));
  ASSERT_OK(app_.intake.Reject(app_.As("security/sam"), {OwnerId("p4")}));
  domain::User again;
  again.user_name = again.external_id = "p4";
  again.active = false;
  ASSERT_OK(app_.users.Create(app_.As("hr/entra"), again));
  EXPECT_EQ(StateOf("p4"), OwnerState::kDeparted);
}

// What okta says of alice's last day, and what another feed makes of it.
class TwoFeedsTest : public UserManagerTest {
 protected:
  absl::StatusOr<domain::User> Say(const std::string& feed,
                                   std::optional<absl::Time> leaves,
                                   bool active = true) {
    domain::User& user = users_[feed];
    if (user.id.empty()) {
      user.user_name = user.external_id = "alice";
      user.document = "{}";
      user.leave_time = leaves;
      user.active = active;
      auto made = app_.users.Create(app_.As("hr/" + feed), user);
      if (made.ok()) user = *made;
      return made;
    }
    return app_.users.Edit(
        app_.As("hr/" + feed), user.id, std::nullopt,
        [&](const domain::User& before) -> absl::StatusOr<domain::User> {
          domain::User after = before;
          after.leave_time = leaves;
          after.active = active;
          return after;
        });
  }
  std::optional<absl::Time> Leaves() {
    return app_.owners.Get(app_.As("hr/hook"), OwnerId("alice"))->depart_time;
  }
  const absl::Time soon_ = TestStart() + absl::Hours(24 * 40);
  const absl::Time later_ = TestStart() + absl::Hours(24 * 400);
  std::map<std::string, domain::User> users_;
};

TEST_F(TwoFeedsTest, NobodyPostponesOrCallsOffWhatAnotherReported) {
  ASSERT_OK(Say("okta", soon_));
  ASSERT_OK(Say("entra", later_));
  EXPECT_EQ(Leaves(), soon_);
  ASSERT_OK(Say("entra", std::nullopt));
  EXPECT_EQ(Leaves(), soon_);
  ASSERT_OK(Say("entra", soon_ - absl::Hours(24)));  // earlier is believed
  EXPECT_EQ(Leaves(), soon_ - absl::Hours(24));
}

TEST_F(TwoFeedsTest, AFeedMovesAndTakesBackItsOwnWord) {
  ASSERT_OK(Say("okta", soon_));
  ASSERT_OK(Say("okta", later_));
  EXPECT_EQ(Leaves(), later_);
  ASSERT_OK(Say("okta", std::nullopt));
  EXPECT_EQ(Leaves(), std::nullopt);
}

TEST_F(TwoFeedsTest, AnEarlierDayOfHrOutweighsAPersonsLaterOne) {
  ASSERT_OK(app_.Depart("security/sam", "alice", later_));
  ASSERT_OK(Say("okta", soon_));
  EXPECT_EQ(Leaves(), soon_);
}

TEST_F(TwoFeedsTest, NobodyCallsOffHisOwnByACertificateOfHr) {
  ASSERT_OK(Say("alice", soon_));
  EXPECT_THAT(Say("alice", later_), FailsWith(Reason::kTwoPeopleRequired));
  EXPECT_THAT(Say("alice", std::nullopt),
              FailsWith(Reason::kTwoPeopleRequired));
  EXPECT_EQ(Leaves(), soon_);
}

TEST_F(UserManagerTest, AnEndOfEmploymentThatHasComeIsALeaving) {
  domain::User user;
  user.user_name = user.external_id = "zed";
  user.leave_time = TestStart() - absl::Hours(1);
  ASSERT_OK(app_.users.Create(app_.As("hr/okta"), user));
  CreateOwnerCommand zed;
  zed.id = OwnerId("zed");
  EXPECT_THAT(app_.owners.Create(app_.As("hr/hook"), zed),
              FailsWith(Reason::kOwnerNotActive, "has left"));
}

TEST_F(UserManagerTest, AnOwnerMadeLaterLeavesWhenHrSaidSo) {
  domain::User user;
  user.user_name = user.external_id = "zed";
  user.leave_time = TestStart() + absl::Hours(24 * 9);
  ASSERT_OK(app_.users.Create(app_.As("hr/okta"), user));
  CreateOwnerCommand zed;
  zed.id = OwnerId("zed");
  ASSERT_OK(app_.owners.Create(app_.As("hr/hook"), zed));
  ASSERT_OK_AND_ASSIGN(const auto leaving,
                       app_.departures.Get(app_.As("hr/hook"), OwnerId("zed")));
  EXPECT_EQ(leaving.instant, user.leave_time);
}

TEST_F(UserManagerTest, WhatIsHeldKeepsTheEarliestInstant) {
  const auto users = MustHire(4);
  for (int i = 0; i < 3; ++i) ASSERT_OK(SetActive(users[i], false));
  ASSERT_OK(app_.users.Edit(
      app_.As("hr/okta"), users[3].id, std::nullopt,
      [](const domain::User& before) -> absl::StatusOr<domain::User> {
        domain::User after = before;
        after.leave_time = TestStart() + absl::Hours(24 * 900);
        return after;
      }));
  ASSERT_EQ(Held().size(), 1u);
  ASSERT_OK(SetActive(users[3], false));
  ASSERT_OK(app_.intake.Release(app_.As("security/sam"), {OwnerId("p3")}));
  EXPECT_EQ(StateOf("p3"), OwnerState::kDeparted);
}

TEST_F(UserManagerTest, ManyPlannedForLaterAreStillBrakedWhenTheyAreMeantNow) {
  const auto users = MustHire(9);
  for (const domain::User& user : users) {
    ASSERT_OK(app_.users.Edit(
        app_.As("hr/okta"), user.id, std::nullopt,
        [](const domain::User& before) -> absl::StatusOr<domain::User> {
          domain::User after = before;
          after.leave_time = TestStart() + absl::Hours(24 * 900);
          return after;
        }));
    app_.clock.AdvanceTime(absl::Minutes(30));
  }
  ASSERT_TRUE(Held().empty());
  app_.clock.AdvanceTime(absl::Hours(5));
  for (const domain::User& user : users) ASSERT_OK(SetActive(user, false));
  EXPECT_EQ(Held().size(), 6u);
}

TEST_F(UserManagerTest, OneFeedsFloodHoldsUpNobodyElses) {
  for (const domain::User& user : MustHire(8)) {
    ASSERT_OK(SetActive(user, false));
  }
  EXPECT_EQ(Held().size(), 5u);
  domain::User alice;
  alice.user_name = alice.external_id = "alice";
  alice.active = false;
  ASSERT_OK(app_.users.Create(app_.As("hr/entra"), alice));
  EXPECT_EQ(StateOf("alice"), OwnerState::kDeparted);
}

TEST_F(UserManagerTest, TwoOwnersOfOneNameAreRefused) {
  CreateOwnerCommand decoy;
  decoy.id = OwnerId("0decoy");
  decoy.external_id = "Alice";
  EXPECT_THAT(app_.owners.Create(app_.As("hr/hook"), decoy),
              FailsWith(Reason::kWrongState, "another owner goes by"));
}

TEST_F(UserManagerTest, WhoLeavesTakesEveryOwnerOfHisNamesWithHim) {
  domain::User user = MustCreate("bob");
  ASSERT_EQ(user.owner, OwnerId("bob"));
  ASSERT_OK(app_.users.Edit(
      app_.As("hr/okta"), user.id, std::nullopt,
      [](const domain::User& before) -> absl::StatusOr<domain::User> {
        domain::User after = before;
        after.external_id = "alice";
        after.active = false;
        return after;
      }));
  EXPECT_EQ(StateOf("alice"), OwnerState::kDeparted);
  EXPECT_EQ(StateOf("bob"), OwnerState::kDeparted);
}

TEST_F(UserManagerTest, ADepartedOwnerOfAFeedsNameShutsNoFeedOut) {
  CreateOwnerCommand okta;
  okta.id = OwnerId("okta");
  ASSERT_OK(app_.owners.Create(app_.As("hr/hook"), okta));
  ASSERT_OK(app_.Depart("hr/hook", "okta"));
  Request request = app_.As("hr/okta");
  EXPECT_THAT(app_.users.Get(request, "x"),
              FailsWith(Reason::kPermissionDenied));
  request.caller.is_feed = true;  // by bearer token
  EXPECT_THAT(app_.users.Get(request, "x"), FailsWith(Reason::kNotFound));
}

class FeedAccessTest : public testing::Test {
 protected:
  TestApp app_;
};

TEST_F(FeedAccessTest, OnlyTheWholeSecretIsTaken) {
  ASSERT_OK_AND_ASSIGN(const NewFeedToken made,
                       app_.feeds.CreateToken(app_.As("security/sam"), "okta",
                                              absl::Hours(24), std::nullopt));
  ASSERT_OK_AND_ASSIGN(const Caller caller,
                       app_.feeds.Authenticate(made.secret));
  EXPECT_EQ(caller.Principal(), "hr/okta");
  for (std::string bad : {std::string(), std::string("whr_"), made.secret + "x",
                          made.secret.substr(0, made.secret.size() - 1),
                          "x" + made.secret, "whr_" + made.token.id + "_"}) {
    EXPECT_THAT(app_.feeds.Authenticate(bad),
                FailsWith(Reason::kUnauthenticated))
        << bad;
  }
  app_.clock.AdvanceTime(absl::Hours(24));
  EXPECT_THAT(app_.feeds.Authenticate(made.secret),
              FailsWith(Reason::kUnauthenticated));
}

TEST_F(FeedAccessTest, SilenceIsSaidOnceAndHeardAgain) {
  const auto count = [&](const std::string& action) {
    const auto events = app_.Events();
    return std::count_if(events.begin(), events.end(),
                         [&](const auto& e) { return e.action == action; });
  };
  app_.feeds.Heard("okta");
  ASSERT_OK(app_.feeds.Beat());
  app_.clock.AdvanceTime(absl::Hours(27));
  ASSERT_OK(app_.feeds.Beat());
  ASSERT_OK(app_.feeds.Beat());
  EXPECT_EQ(count("feed.silent"), 1);
  app_.feeds.Heard("okta");
  ASSERT_OK(app_.feeds.Beat());
  EXPECT_EQ(count("feed.heard"), 1);
  EXPECT_EQ(app_.feeds.ListFeeds(app_.As("hr/x"))->at(0).silent_since,
            std::nullopt);
}

}  // namespace warder::app
