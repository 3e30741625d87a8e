#include "server/app/key_manager.h"

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

using domain::KeyState;
using testing::HasSubstr;
using testing::Not;

class KeyManagerTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.MustSetUp();
    key_ = app_.MustFindKey("shop", KeyState::kActive);
  }
  absl::StatusOr<domain::Key> Revoke(
      const Request& request, domain::RevocationReason reason =
                                  domain::RevocationReason::kCompromised) {
    return app_.keys.Revoke(
        request,
        {.issuer = IssuerId("shop"), .key = key_.id, .reason = reason});
  }
  TestApp app_;
  domain::Key key_;
};

TEST_F(KeyManagerTest, NoOkBeforeTheKeySetLacksTheKeyAndItsSuccessorSigns) {
  ASSERT_OK(Revoke(app_.As("security/sam")));
  EXPECT_THAT(app_.KeySet(), Not(HasSubstr(key_.id.value())));
  const auto successor = app_.MustFindKey("shop", KeyState::kActive);
  EXPECT_THAT(app_.KeySet(), HasSubstr(successor.id.value()));
  EXPECT_TRUE(app_.fake_vault.forgotten(key_.id));
}

TEST_F(KeyManagerTest, ASecondRevocationAnswersWithTheFirst) {
  ASSERT_OK_AND_ASSIGN(const auto first, Revoke(app_.As("security/sam")));
  app_.clock.AdvanceTime(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(
      const auto second,
      Revoke(app_.As("security/sue"), domain::RevocationReason::kSuperseded));
  EXPECT_EQ(first, second);
}

TEST_F(KeyManagerTest, RevocationNeverWaitsForTheVault) {
  app_.fake_vault.SetBroken(true);
  ASSERT_OK(Revoke(app_.As("security/sam")));
  EXPECT_THAT(app_.KeySet(), Not(HasSubstr(key_.id.value())));
  app_.MustFindKey("shop", KeyState::kActive);
}

TEST_F(KeyManagerTest, ASetWhoseLastKeyEndsShowsTheTombstone) {
  app_.fake_vault.SetBroken(true);
  ASSERT_OK(Revoke(app_.As("security/sam")));
  key_ = app_.MustFindKey("shop", KeyState::kActive);
  ASSERT_OK(Revoke(app_.As("security/sam")));
  EXPECT_EQ(app_.KeySet(), "{\"keys\":[{\"kid\":\"tombstone\"}]}");
  // The loop makes the issuer whole again once the vault is back.
  app_.fake_vault.SetBroken(false);
  app_.clock.AdvanceTime(absl::Minutes(1));
  app_.loop.Tick();
  app_.MustFindKey("shop", KeyState::kActive);
}

TEST_F(KeyManagerTest, AnOwnerSeesAndRevokesHisOwnKeysOnly) {
  EXPECT_OK(app_.keys.Get(app_.As("owner/alice"), IssuerId("shop"), key_.id));
  EXPECT_THAT(app_.keys.Get(app_.As("owner/bob"), IssuerId("shop"), key_.id),
              FailsWith(Reason::kNotFound));
  EXPECT_THAT(Revoke(app_.As("owner/bob")), FailsWith(Reason::kNotFound));
  EXPECT_TRUE(app_.Events().back().denied);
  EXPECT_OK(Revoke(app_.As("owner/alice")));
}

TEST_F(KeyManagerTest, ListingIsFilteredToTheOwner) {
  ASSERT_OK_AND_ASSIGN(const auto mine,
                       app_.keys.List(app_.As("owner/alice"), {}, {}));
  EXPECT_EQ(mine.items.size(), 1u);
  ASSERT_OK_AND_ASSIGN(const auto his,
                       app_.keys.List(app_.As("owner/bob"), {}, {}));
  EXPECT_TRUE(his.items.empty());
}

TEST_F(KeyManagerTest, PagesGoOnWhereTheLastEndedAndRefuseOthersTokens) {
  for (int i = 0; i < 4; ++i) {
    ASSERT_OK(app_.issuers.Rotate(
        app_.As("security/sam"),
        {.issuer = IssuerId("shop"), .algorithm = {}, .immediate = true}));
  }
  std::set<std::string> seen;
  PageRequest page{.size = 2, .token = ""};
  do {
    ASSERT_OK_AND_ASSIGN(const auto answer,
                         app_.keys.List(app_.As("auditor/ann"), {}, page));
    EXPECT_LE(answer.items.size(), 2u);
    for (const auto& key : answer.items) seen.insert(key.id.value());
    page.token = answer.next_token;
  } while (!page.token.empty());
  EXPECT_EQ(seen.size(), 5u);
  page.token = MakePageToken("keys", "other", "x/y");
  EXPECT_THAT(app_.keys.List(app_.As("auditor/ann"), {}, page),
              FailsWith(Reason::kInvalidField, "page_token"));
  page = {.size = -1, .token = ""};
  EXPECT_THAT(app_.keys.List(app_.As("auditor/ann"), {}, page),
              FailsWith(Reason::kInvalidField, "page_size"));
}

TEST_F(KeyManagerTest, IssueStagesAKeyForTheNextRotation) {
  ASSERT_OK_AND_ASSIGN(
      const auto key,
      app_.keys.Issue(app_.As("security/sam"), IssuerId("shop"), std::nullopt));
  EXPECT_EQ(key.state, KeyState::kPending);
  EXPECT_EQ(key.activate_time, TestStart() + domain::Policy().rotation_period);
  EXPECT_THAT(app_.KeySet(), HasSubstr(key.id.value()));
  EXPECT_THAT(app_.keys.Issue(app_.As("security/sam"), IssuerId("shop"), {}),
              FailsWith(Reason::kWrongState, "one PENDING"));
  EXPECT_THAT(app_.keys.Issue(app_.As("security/sam"), IssuerId("shop"),
                              domain::Algorithm::kRs256),
              FailsWith(Reason::kInvalidField, "RS256"));
}

TEST_F(KeyManagerTest, ResumeTakesAnotherPerson) {
  ASSERT_OK(
      app_.keys.Suspend(app_.As("security/sam"), IssuerId("shop"), key_.id));
  EXPECT_THAT(app_.KeySet(), Not(HasSubstr(key_.id.value())));
  EXPECT_THAT(
      app_.keys.Resume(app_.As("security/sam"), IssuerId("shop"), key_.id),
      FailsWith(Reason::kTwoPeopleRequired));
  EXPECT_TRUE(app_.Events().back().denied);
  EXPECT_OK(
      app_.keys.Resume(app_.As("security/sue"), IssuerId("shop"), key_.id));
  EXPECT_THAT(app_.KeySet(), HasSubstr(key_.id.value()));
}

TEST_F(KeyManagerTest, UnknownKeysAreNotFound) {
  key_.id = FakeKeyId(999);
  EXPECT_THAT(Revoke(app_.As("security/sam")),
              FailsWith(Reason::kNotFound, FakeKeyId(999).value()));
}

}  // namespace warder::app
