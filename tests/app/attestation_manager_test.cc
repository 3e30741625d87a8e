#include "server/app/attestation_manager.h"

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

using domain::KeyState;

class AttestationTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.MustSetUp();
    app_.hr_policy.attestation_lease = absl::Hours(24 * 30);
    app_.hr_policy.attestation_grace = absl::Hours(24 * 7);
  }

  domain::Owner Get(const std::string& id) {
    return *app_.owners.Get(app_.As("hr/hook"), OwnerId(id));
  }
  void Days(int days) {
    for (int i = 0; i < days; ++i) {
      app_.clock.AdvanceTime(absl::Hours(24));
      app_.loop.Tick();
    }
  }
  void Confirm(const std::string& id) {
    EXPECT_OK(app_.attestations.Confirm(app_.As("hr/hook"), OwnerId(id)));
  }
  int CountEvents(absl::string_view action) {
    const auto events = app_.Events();
    return static_cast<int>(
        std::count_if(events.begin(), events.end(),
                      [&](const auto& e) { return e.action == action; }));
  }

  TestApp app_;
};

TEST_F(AttestationTest, WhoIsConfirmedByNobodyIsWarnedOfAndThenSuspended) {
  Days(29);
  Confirm("bob"), Confirm("carol");
  Days(2);
  EXPECT_TRUE(Get("alice").overdue_time);
  EXPECT_FALSE(Get("alice").suspend_time);
  EXPECT_EQ(CountEvents("owner.overdue"), 1);
  const domain::Key hers = app_.MustFindKey("shop", KeyState::kActive);
  ASSERT_EQ(hers.owner.value(), "alice");

  Days(7);
  EXPECT_TRUE(Get("alice").suspend_time);
  EXPECT_EQ(Get("alice").state, domain::OwnerState::kActive);
  const domain::Key successor = app_.MustFindKey("shop", KeyState::kActive);
  EXPECT_NE(successor.id, hers.id);
  EXPECT_EQ(successor.owner.value(), "bob");
  EXPECT_EQ(app_.KeySet().find(hers.id.value()), std::string::npos);
  EXPECT_NE(app_.KeySet().find(successor.id.value()), std::string::npos);
  EXPECT_EQ(
      (*app_.issuers.Get(app_.As("security/sam"), IssuerId("shop"))).owner,
      OwnerId("bob"));
}

TEST_F(AttestationTest, AWordInTimeKeepsTheKeysAndALateOneBringsNoneBack) {
  Days(31);
  EXPECT_TRUE(Get("alice").overdue_time);
  for (const char* id : {"alice", "bob", "carol"}) Confirm(id);
  EXPECT_FALSE(Get("alice").overdue_time);
  Days(25);
  EXPECT_EQ(CountEvents("owner.suspended"), 0);

  ASSERT_OK(
      app_.attestations.Suspend(app_.As("security/sam"), OwnerId("alice")));
  ASSERT_OK(
      app_.attestations.Suspend(app_.As("security/sam"), OwnerId("alice")));
  EXPECT_EQ(CountEvents("owner.suspended"), 1);
  const std::string keys = app_.KeySet();
  Confirm("alice");
  EXPECT_FALSE(Get("alice").suspend_time);
  EXPECT_EQ(app_.KeySet(), keys);
}

TEST_F(AttestationTest, NobodyConfirmsHimselfOrSomebodyWhoLeft) {
  EXPECT_THAT(app_.attestations.Confirm(app_.As("hr/alice"), OwnerId("alice")),
              FailsWith(Reason::kTwoPeopleRequired, "does not confirm"));
  EXPECT_THAT(app_.attestations.Suspend(app_.As("hr/hook"), OwnerId("alice")),
              FailsWith(Reason::kPermissionDenied, "keys.write"));
  ASSERT_OK(app_.Depart("hr/hook", "alice"));
  EXPECT_THAT(app_.attestations.Confirm(app_.As("hr/hook"), OwnerId("alice")),
              FailsWith(Reason::kWrongState, "has departed"));
  EXPECT_THAT(app_.attestations.Confirm(app_.As("hr/hook"), OwnerId("nobody")),
              FailsWith(Reason::kNotFound, "owners/nobody"));
}

TEST_F(AttestationTest, NoWayOfHisOwnConfirmsHim) {
  Days(31);
  ASSERT_TRUE(Get("alice").overdue_time);
  ASSERT_OK(app_.rosters.Reconcile(app_.As("hr/alice"), "external_id\nalice\n",
                                   "UTC"));
  EXPECT_TRUE(Get("alice").overdue_time);
  domain::User user;
  user.user_name = user.external_id = "alice";
  user.document = "{}";
  ASSERT_OK(app_.users.Create(app_.As("hr/alice"), user));
  EXPECT_TRUE(Get("alice").overdue_time);
  ASSERT_OK(
      app_.attestations.Suspend(app_.As("security/sam"), OwnerId("alice")));
  EXPECT_THAT(app_.rosters.Reconcile(app_.As("hr/alice"),
                                     "external_id\nalice\n", "UTC"),
              FailsWith(Reason::kPermissionDenied, "owner confirm alice"));
}

TEST_F(AttestationTest, WhoWasSuspendedByHandComesBackByAPersonsWordAlone) {
  ASSERT_OK(app_.attestations.Suspend(app_.As("security/sam"), OwnerId("bob")));
  ASSERT_OK(
      app_.rosters.Reconcile(app_.As("hr/hook"), "external_id\nbob\n", "UTC"));
  EXPECT_TRUE(Get("bob").suspend_time);
  Confirm("bob");
  EXPECT_FALSE(Get("bob").suspend_time);
}

TEST_F(AttestationTest, ASuspendedPersonSignsNothingAndNoKeyOfHisComesBack) {
  UpdateIssuerCommand update;
  update.id = IssuerId("shop");
  update.grants = {{.signer = "alice",
                    .audiences = {"api"},
                    .max_lifetime = absl::Minutes(5)}};
  ASSERT_OK(app_.issuers.Update(app_.As("security/sam"), update));
  SignJwtCommand token;
  token.issuer = IssuerId("shop");
  token.audiences = {"api"};
  ASSERT_OK(app_.signer.Sign(app_.As("signer/alice"), token));
  const domain::Key hers = app_.MustFindKey("shop", KeyState::kActive);
  ASSERT_OK(
      app_.attestations.Suspend(app_.As("security/sam"), OwnerId("alice")));
  EXPECT_THAT(app_.signer.Sign(app_.As("signer/alice"), token),
              FailsWith(Reason::kPermissionDenied, "suspended"));
  EXPECT_THAT(
      app_.keys.Resume(app_.As("security/tom"), IssuerId("shop"), hers.id),
      FailsWith(Reason::kOwnerNotActive, "warder owner confirm alice"));
  Confirm("alice");
  ASSERT_OK(app_.signer.Sign(app_.As("signer/alice"), token));
  EXPECT_THAT(
      app_.keys.Resume(app_.As("security/sam"), IssuerId("shop"), hers.id),
      FailsWith(Reason::kTwoPeopleRequired, "suspended"));
  ASSERT_OK(
      app_.keys.Resume(app_.As("security/tom"), IssuerId("shop"), hers.id));
}

TEST_F(AttestationTest, WhoFallsOutAloneIsHeldUpByNoCrowd) {
  Days(10);
  for (int i = 0; i < 10; ++i) {
    CreateOwnerCommand ghost;
    ghost.id = OwnerId(absl::StrCat("ghost", i));
    ASSERT_OK(app_.owners.Create(app_.As("hr/hook"), ghost));
  }
  Confirm("bob"), Confirm("carol");
  Days(28);
  EXPECT_TRUE(Get("alice").suspend_time);
  Days(20);
  EXPECT_FALSE(Get("ghost1").suspend_time);
  EXPECT_GE(CountEvents("attestation.held"), 9);  // every day
}

TEST_F(AttestationTest, NothingIsBoundToASuspendedOwner) {
  ASSERT_OK(app_.attestations.Suspend(app_.As("security/sam"), OwnerId("bob")));
  CreateIssuerCommand issuer;
  issuer.id = IssuerId("other");
  issuer.owner = OwnerId("bob");
  issuer.deputies = {OwnerId("carol")};
  EXPECT_THAT(app_.issuers.Create(app_.As("security/sam"), issuer),
              FailsWith(Reason::kOwnerNotActive, "warder owner confirm bob"));
  // He is no heir either.
  ASSERT_OK(app_.Depart("hr/hook", "alice"));
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kActive).owner.value(), "carol");
}

TEST_F(AttestationTest, WithoutAnHeirTheIssuerStaysAndFreshKeysSign) {
  for (const char* id : {"bob", "carol"}) {
    ASSERT_OK(app_.attestations.Suspend(app_.As("security/sam"), OwnerId(id)));
  }
  const domain::Key hers = app_.MustFindKey("shop", KeyState::kActive);
  ASSERT_OK(
      app_.attestations.Suspend(app_.As("security/sam"), OwnerId("alice")));
  EXPECT_NE(app_.MustFindKey("shop", KeyState::kActive).id, hers.id);
  EXPECT_EQ(app_.KeySet().find(hers.id.value()), std::string::npos);
}

TEST_F(AttestationTest, ASilentFeedSuspendsNobody) {
  for (int i = 0; i < 40; ++i) {
    CreateOwnerCommand owner;
    owner.id = OwnerId(absl::StrCat("p", i));
    ASSERT_OK(app_.owners.Create(app_.As("hr/hook"), owner));
  }
  Days(45);
  EXPECT_EQ(CountEvents("owner.overdue"), 43);
  EXPECT_EQ(CountEvents("owner.suspended"), 0);
  EXPECT_GE(CountEvents("attestation.held"), 1);
  for (int i = 0; i < 40; ++i) Confirm(absl::StrCat("p", i));
  Days(1);
  EXPECT_EQ(CountEvents("owner.suspended"), 3);
}

TEST_F(AttestationTest, RostersAndFeedsConfirm) {
  domain::User user;
  user.user_name = "alice@example.com";
  user.external_id = "alice";
  user.document = "{}";
  ASSERT_OK_AND_ASSIGN(user, app_.users.Create(app_.As("hr/okta"), user));
  Days(20);
  ASSERT_OK(app_.rosters.Reconcile(app_.As("hr/hook"),
                                   "external_id\nbob\nalice\n", "UTC"));
  EXPECT_EQ(Get("bob").confirm_time, app_.clock.TimeNow());
  Days(20);
  // A PUT that changes nothing says that he is here all the same.
  ASSERT_OK(app_.users.Edit(
      app_.As("hr/okta"), user.id, std::nullopt,
      [](const domain::User& before) -> absl::StatusOr<domain::User> {
        return before;
      }));
  EXPECT_EQ(Get("alice").confirm_time, app_.clock.TimeNow());
  Days(11);
  EXPECT_FALSE(Get("alice").overdue_time);
  EXPECT_TRUE(Get("bob").overdue_time);
}

TEST_F(AttestationTest, WithoutALeaseNobodyIsEverOverdue) {
  app_.hr_policy.attestation_lease = absl::ZeroDuration();
  Days(400);
  EXPECT_EQ(CountEvents("owner.overdue"), 0);
}

}  // namespace warder::app
