#include "server/app/drill_manager.h"

#include "server/app/confirmation_loop.h"
#include "server/app/gateway_manager.h"
#include "tests/support/fake_vault.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

using testing::HasSubstr;

class DrillManagerTest : public testing::Test {
 protected:
  DrillManagerTest() { app_.MustSetUp(); }

  void MustMakeDrillIssuer() {
    CreateIssuerCommand command;
    command.id = IssuerId("drill");
    command.owner = OwnerId("alice");
    command.deputies = {OwnerId("bob")};
    command.drill = true;
    ASSERT_OK(app_.issuers.Create(app_.As("security/sam"), command).status());
  }
  void MustAdd(const char* issuer) {
    domain::Gateway gateway;
    gateway.id = GatewayId("pods");
    gateway.consumer = "libwarder";
    gateway.reach = domain::Reach::kStream;
    gateway.issuers = {IssuerId(issuer)};
    ASSERT_OK(gateways_.Create(app_.As("security/sam"), gateway).status());
  }
  void Acknowledges() {
    loop_.Note({.gateway = GatewayId("pods"),
                .issuer = IssuerId("drill"),
                .revision = app_.publisher.Find("drill")->revision,
                .time = app_.clock.TimeNow() + absl::Milliseconds(30),
                .source = "pod-1",
                .acknowledged = true,
                .heard_time = app_.clock.TimeNow()});
    loop_.Tick();
  }
  absl::StatusOr<DrillStatus> Run(const char* issuer,
                                  const std::string& request_id = "") {
    return drills_.Run(app_.As("security/sam", request_id), IssuerId(issuer));
  }

  TestApp app_;
  FakeStatementSigner signer_;
  GatewayDirectory directory_;
  GatewayManager gateways_{app_.runner, directory_};
  ConfirmationLoop loop_{app_.runner, signer_, "https://warder.test"};
  DrillManager drills_{app_.runner, app_.departures, signer_,
                       "https://warder.test"};
};

TEST_F(DrillManagerTest, SomebodyLeavesAndItIsMeasuredWhoRefuses) {
  MustMakeDrillIssuer();
  MustAdd("drill");
  const domain::Key before =
      app_.MustFindKey("drill", domain::KeyState::kActive);
  ASSERT_OK_AND_ASSIGN(const DrillStatus drill, Run("drill"));
  ASSERT_EQ(drill.keys.size(), 1);
  EXPECT_EQ(drill.keys[0].revocation.key, before.id);
  EXPECT_EQ(drill.keys[0].revocation.reason,
            domain::RevocationReason::kOwnerDeparted);
  EXPECT_EQ(drill.gateways, 1);
  EXPECT_EQ(drill.refused, 0);
  EXPECT_FALSE(drill.slowest.has_value());
  // A successor signs at once, and who answers for the issuer is the same.
  EXPECT_NE(app_.MustFindKey("drill", domain::KeyState::kActive).id, before.id);
  ASSERT_OK_AND_ASSIGN(
      const domain::Issuer issuer,
      app_.issuers.Get(app_.As("security/sam"), IssuerId("drill")));
  EXPECT_EQ(issuer.owner, OwnerId("alice"));
  // Keys of others are as they were.
  EXPECT_EQ(app_.Keys("shop").size(), 1);
  Acknowledges();
  ASSERT_OK_AND_ASSIGN(const DrillStatus done,
                       drills_.Get(app_.As("auditor/a"), drill.drill.id));
  EXPECT_EQ(done.refused, 1);
  EXPECT_EQ(done.slowest, absl::Milliseconds(30));
}

TEST_F(DrillManagerTest, TheReportHasWhatEachDidAndTheDrillsBefore) {
  MustMakeDrillIssuer();
  MustAdd("drill");
  ASSERT_OK(Run("drill").status());
  Acknowledges();
  app_.clock.AdvanceTime(absl::Hours(24 * 30));
  ASSERT_OK_AND_ASSIGN(const DrillStatus second, Run("drill"));
  ASSERT_OK_AND_ASSIGN(const std::string report,
                       drills_.Report(app_.As("auditor/a"), second.drill.id));
  ASSERT_THAT(report, testing::StartsWith("drill-report+jwt {"));
  ASSERT_OK_AND_ASSIGN(const Json claims,
                       ParseJsonObject(report.substr(report.find('{'))));
  EXPECT_EQ(claims["known"], "0 of 1 refuse");
  EXPECT_TRUE(claims["slowest_ms"].is_null());
  ASSERT_EQ(claims["history"].size(), 2);
  EXPECT_EQ(claims["history"][0]["slowest_ms"], 30);
  EXPECT_TRUE(claims["history"][1]["slowest_ms"].is_null());
  ASSERT_OK_AND_ASSIGN(const auto page, drills_.List(app_.As("auditor/a"),
                                                     {.size = 1, .token = ""}));
  ASSERT_EQ(page.items.size(), 1);
  EXPECT_EQ(page.items[0].drill, second.drill);
  ASSERT_OK_AND_ASSIGN(const auto rest,
                       drills_.List(app_.As("auditor/a"),
                                    {.size = 1, .token = page.next_token}));
  ASSERT_EQ(rest.items.size(), 1);
  EXPECT_EQ(rest.next_token, "");
}

TEST_F(DrillManagerTest, NoIssuerButOneForDrillsLosesItsKeys) {
  MustAdd("shop");
  EXPECT_THAT(Run("shop"), FailsWith(Reason::kWrongState, "not for drills"));
  EXPECT_THAT(Run("nobody"), FailsWith(Reason::kNotFound));
  MustMakeDrillIssuer();
  EXPECT_THAT(Run("drill"), FailsWith(Reason::kWrongState, "no gateway"));
  EXPECT_EQ(app_.Keys("shop").size(), 1);
}

TEST_F(DrillManagerTest, ARepeatedCallEndsNoSecondKey) {
  MustMakeDrillIssuer();
  MustAdd("drill");
  const char id[] = "11111111-2222-4333-8444-555555555555";
  ASSERT_OK_AND_ASSIGN(const DrillStatus first, Run("drill", id));
  app_.clock.AdvanceTime(absl::Seconds(5));
  ASSERT_OK_AND_ASSIGN(const DrillStatus again, Run("drill", id));
  EXPECT_EQ(again.drill, first.drill);
  EXPECT_EQ(again.keys.size(), 1);
}

TEST_F(DrillManagerTest, ADrillIsNotForEveryone) {
  MustMakeDrillIssuer();
  MustAdd("drill");
  for (const char* caller : {"auditor/a", "hr/h", "owner/alice", "gateway/g"}) {
    EXPECT_THAT(drills_.Run(app_.As(caller), IssuerId("drill")),
                FailsWith(Reason::kPermissionDenied))
        << caller;
  }
  ASSERT_OK_AND_ASSIGN(const DrillStatus drill, Run("drill"));
  EXPECT_THAT(drills_.Get(app_.As("gateway/pods"), drill.drill.id),
              FailsWith(Reason::kNotFound));
}

}  // namespace
}  // namespace warder::app
