#include "server/app/owner_manager.h"

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

class OwnerManagerTest : public testing::Test {
 protected:
  void SetUp() override { app_.MustSetUp(); }
  absl::StatusOr<domain::Departure> Depart(
      const std::string& who, std::optional<absl::Time> at = std::nullopt) {
    return app_.Depart("hr/hook", who, at);
  }
  TestApp app_;
};

TEST_F(OwnerManagerTest, UnknownPeopleAndDepartedDeputiesAreRefused) {
  EXPECT_THAT(Depart("zoe"), FailsWith(Reason::kNotFound, "owners/zoe"));
  ASSERT_OK(Depart("carol"));
  CreateOwnerCommand command;
  command.id = OwnerId("zoe");
  command.deputy = OwnerId("carol");
  EXPECT_THAT(app_.owners.Create(app_.As("hr/hook"), command),
              FailsWith(Reason::kOwnerNotActive, "carol"));
}

TEST_F(OwnerManagerTest, AnIssuerWithoutADeputyIsRefused) {
  CreateIssuerCommand command;
  command.id = IssuerId("other");
  command.owner = OwnerId("alice");
  EXPECT_THAT(app_.issuers.Create(app_.As("security/sam"), command),
              FailsWith(Reason::kDeputyRequired));
  command.deputies = {OwnerId("alice")};
  EXPECT_THAT(app_.issuers.Create(app_.As("security/sam"), command),
              FailsWith(Reason::kInvalidField, "deputies[0]"));
  command.deputies = {OwnerId("zoe")};
  EXPECT_THAT(app_.issuers.Create(app_.As("security/sam"), command),
              FailsWith(Reason::kInvalidField, "owners/zoe"));
}

TEST_F(OwnerManagerTest, AStaleEtagIsRefused) {
  UpdateIssuerCommand update;
  update.id = IssuerId("shop");
  update.etag = "\"99\"";
  update.display_name = "Shop";
  EXPECT_THAT(app_.issuers.Update(app_.As("security/sam"), update),
              FailsWith(Reason::kEtagMismatch, "\"99\""));
  update.etag = "\"1\"";
  EXPECT_OK(app_.issuers.Update(app_.As("security/sam"), update));
}

TEST_F(OwnerManagerTest, ATeamHasLivingPeopleAndOwnsNothing) {
  CreateOwnerCommand team;
  team.id = OwnerId("identity");
  team.kind = domain::OwnerKind::kTeam;
  EXPECT_THAT(app_.owners.Create(app_.As("hr/hook"), team),
              FailsWith(Reason::kInvalidField, "members"));
  team.members = {OwnerId("nobody")};
  EXPECT_THAT(app_.owners.Create(app_.As("hr/hook"), team),
              FailsWith(Reason::kInvalidField, "owners/nobody"));
  team.members = {OwnerId("carol"), OwnerId("bob")};
  ASSERT_OK_AND_ASSIGN(const auto made,
                       app_.owners.Create(app_.As("hr/hook"), team));
  EXPECT_EQ(made.members, team.members);
  CreateIssuerCommand issuer;
  issuer.id = IssuerId("other");
  issuer.owner = OwnerId("identity");
  issuer.deputies = {OwnerId("bob")};
  EXPECT_THAT(app_.issuers.Create(app_.As("security/sam"), issuer),
              FailsWith(Reason::kInvalidField, "is a team"));
  issuer.owner = OwnerId("alice");
  issuer.deputies = {OwnerId("identity")};
  ASSERT_OK(app_.issuers.Create(app_.As("security/sam"), issuer));
  EXPECT_THAT(Depart("identity"), FailsWith(Reason::kWrongState, "team"));
  ASSERT_OK(Depart("alice"));
  EXPECT_EQ(app_.MustFindKey("other", domain::KeyState::kActive).owner,
            OwnerId("carol"));
}

}  // namespace warder::app
