#include "server/app/confirmation_loop.h"

#include "server/app/gateway_manager.h"
#include "server/app/revocation_manager.h"
#include "server/base/error.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

using domain::ConfirmationState;
using testing::HasSubstr;
using testing::IsEmpty;

class ConfirmationLoopTest : public testing::Test {
 protected:
  ConfirmationLoopTest() { app_.MustSetUp(); }

  domain::Gateway Make(const char* id, const char* consumer) {
    domain::Gateway gateway;
    gateway.id = GatewayId(id);
    gateway.consumer = consumer;
    gateway.reach = std::string(consumer) == "libwarder"
                        ? domain::Reach::kStream
                        : domain::Reach::kPoll;
    gateway.issuers = {IssuerId("shop")};
    return gateway;
  }
  void MustAdd(const domain::Gateway& gateway) {
    ASSERT_OK(gateways_.Create(app_.As("security/sam"), gateway).status());
  }
  KeyId MustRevoke() {
    const KeyId key = app_.MustFindKey("shop", domain::KeyState::kActive).id;
    EXPECT_OK(app_.keys
                  .Revoke(app_.As("security/sam"),
                          {.issuer = IssuerId("shop"),
                           .key = key,
                           .reason = domain::RevocationReason::kCompromised})
                  .status());
    return key;
  }
  void Sees(const char* gateway, bool acknowledged = false) {
    loop_.Note({.gateway = GatewayId(gateway),
                .issuer = IssuerId("shop"),
                .revision = app_.publisher.Find("shop")->revision,
                .time = app_.clock.TimeNow(),
                .source = "192.0.2.1",
                .acknowledged = acknowledged,
                .heard_time = app_.clock.TimeNow()});
  }
  RevocationStatus MustGet(const KeyId& key) {
    auto status = revocations_.Get(app_.As("security/sam"), key);
    EXPECT_OK(status.status());
    return status.ok() ? *status : RevocationStatus();
  }
  int CountEvents(absl::string_view action) {
    int count = 0;
    for (const auto& event : app_.Events()) count += event.action == action;
    return count;
  }

  TestApp app_;
  GatewayDirectory directory_;
  GatewayManager gateways_{app_.runner, directory_};
  RevocationManager revocations_{app_.runner};
  FakeStatementSigner signer_;
  ConfirmationLoop loop_{app_.runner, signer_, "https://warder.test"};
};

TEST_F(ConfirmationLoopTest, ARevocationClosesWhenTheLastGatewayRefuses) {
  MustAdd(Make("edge", "envoy"));
  MustAdd(Make("lib", "libwarder"));
  const KeyId key = MustRevoke();
  loop_.Tick();
  EXPECT_EQ(MustGet(key).Count(ConfirmationState::kPending), 2);
  app_.clock.AdvanceTime(absl::Seconds(1));
  Sees("lib", /*acknowledged=*/true);
  Sees("edge");
  loop_.Tick();
  RevocationStatus status = MustGet(key);
  EXPECT_EQ(status.Count(ConfirmationState::kEnforced), 1);
  EXPECT_EQ(status.Count(ConfirmationState::kFetched), 1);
  EXPECT_FALSE(status.revocation.close_time);
  app_.clock.AdvanceTime(absl::Minutes(10));
  loop_.Tick();
  status = MustGet(key);
  EXPECT_EQ(status.Count(ConfirmationState::kEnforced), 2);
  EXPECT_EQ(status.revocation.close_time,
            status.revocation.revoke_time + absl::Minutes(10));
  EXPECT_EQ(CountEvents("revocation.confirmed"), 1);
  loop_.Tick();
  EXPECT_EQ(CountEvents("revocation.confirmed"), 1);
}

TEST_F(ConfirmationLoopTest, WithoutGatewaysNothingIsRecorded) {
  const KeyId key = MustRevoke();
  EXPECT_THAT(revocations_.Get(app_.As("security/sam"), key).status(),
              FailsWith(Reason::kNotFound, "warder gateway create"));
}

TEST_F(ConfirmationLoopTest, ADepartureNamesTheLeaver) {
  MustAdd(Make("edge", "envoy"));
  const KeyId key = app_.MustFindKey("shop", domain::KeyState::kActive).id;
  ASSERT_OK(app_.Depart("hr/hook", "alice").status());
  EXPECT_EQ(MustGet(key).revocation.leaver, OwnerId("alice"));
  ASSERT_OK_AND_ASSIGN(const auto page,
                       revocations_.List(app_.As("auditor/ann"),
                                         {.leaver = OwnerId("alice")}, {}));
  EXPECT_EQ(page.items.size(), 1u);
}

TEST_F(ConfirmationLoopTest, WhoNeverAnswersIsOverdueAndSaidToBeOnce) {
  MustAdd(Make("k8s", "kubernetes"));
  const KeyId key = MustRevoke();
  app_.clock.AdvanceTime(absl::Hours(2));
  loop_.Tick();
  loop_.Tick();
  const RevocationStatus status = MustGet(key);
  EXPECT_EQ(status.Count(ConfirmationState::kOverdue), 1);
  EXPECT_THAT(status.gateways[0].horizon.why, HasSubstr("unknown kid"));
  EXPECT_EQ(CountEvents("revocation.overdue"), 1);
  EXPECT_THAT(app_.metrics.Text(), HasSubstr("warder_confirmations_overdue 1"));
}

TEST_F(ConfirmationLoopTest, APersonsWordClosesAndStands) {
  MustAdd(Make("k8s", "kubernetes"));
  const KeyId key = MustRevoke();
  EXPECT_THAT(
      revocations_.Confirm(app_.As("auditor/ann"), key, GatewayId("k8s")),
      FailsWith(Reason::kPermissionDenied));
  EXPECT_THAT(
      revocations_.Confirm(app_.As("security/sam"), key, GatewayId("nobody")),
      FailsWith(Reason::kNotFound));
  ASSERT_OK_AND_ASSIGN(
      const auto status,
      revocations_.Confirm(app_.As("security/sam"), key, GatewayId("k8s")));
  EXPECT_TRUE(status.revocation.close_time.has_value());
  EXPECT_EQ(status.gateways[0].confirmation.detail, "stated by security/sam");
}

TEST_F(ConfirmationLoopTest, ADeletedGatewayIsWaitedForNoMore) {
  MustAdd(Make("k8s", "kubernetes"));
  const KeyId key = MustRevoke();
  ASSERT_OK(gateways_.Delete(app_.As("security/sam"), GatewayId("k8s")));
  EXPECT_EQ(directory_.Find("k8s"), nullptr);
  loop_.Tick();
  const RevocationStatus status = MustGet(key);
  EXPECT_TRUE(status.revocation.close_time.has_value());
  const domain::Confirmation& gone = status.gateways[0].confirmation;
  EXPECT_EQ(gone.state, domain::ConfirmationState::kUnregistered);
  EXPECT_THAT(gone.detail, HasSubstr("taken out of the registry by security"));
  EXPECT_FALSE(gone.enforce_time.has_value());
  // Nobody says that it refuses.
  EXPECT_EQ(CountEvents("revocation.closed"), 1);
  EXPECT_EQ(CountEvents("revocation.confirmed"), 0);
}

TEST_F(ConfirmationLoopTest, AnIssuerTakenOffAGatewayIsWaitedForNoMore) {
  app_.MustSetUp("other");
  domain::Gateway gateway = Make("k8s", "kubernetes");
  gateway.issuers = {IssuerId("shop"), IssuerId("other")};
  MustAdd(gateway);
  const KeyId key = MustRevoke();
  const auto keep = [&](const char* issuer) {
    ASSERT_OK(gateways_
                  .Update(app_.As("security/sam"), gateway.id, "",
                          [&](domain::Gateway& changed) {
                            changed.issuers = {IssuerId(issuer)};
                            return absl::OkStatus();
                          })
                  .status());
  };
  keep("shop");
  EXPECT_EQ(MustGet(key).gateways[0].confirmation.state,
            domain::ConfirmationState::kPending);
  keep("other");
  EXPECT_EQ(MustGet(key).gateways[0].confirmation.state,
            domain::ConfirmationState::kUnregistered);
}

TEST_F(ConfirmationLoopTest, WhatIsOverIsStatedAsSoonAsItCanBeSigned) {
  MustAdd(Make("pods", "libwarder"));
  const KeyId key = MustRevoke();
  Sees("pods", /*acknowledged=*/true);
  signer_.broken = true;
  loop_.Tick();
  EXPECT_TRUE(MustGet(key).revocation.close_time.has_value());
  EXPECT_EQ(MustGet(key).revocation.statement, "");
  signer_.broken = false;
  loop_.Tick();
  const std::string statement = MustGet(key).revocation.statement;
  EXPECT_THAT(statement, HasSubstr("revocation-statement+jwt "));
  EXPECT_THAT(statement, HasSubstr(key.value()));
  EXPECT_THAT(statement, HasSubstr("\"how_known\":\"ACKNOWLEDGED\""));
  EXPECT_THAT(statement, HasSubstr("\"iss\":\"https://warder.test\""));
}

TEST_F(ConfirmationLoopTest, AShorterMaxAgeHoldsOnceLongerAnswersHaveExpired) {
  MustAdd(Make("edge", "nginx-plus"));  // keeps to the max-age
  domain::Policy policy;
  ASSERT_GT(policy.cache_max_age, absl::Seconds(30));
  policy.cache_max_age = absl::Seconds(30);
  ASSERT_OK(app_.issuers
                .Update(app_.As("security/sam"), {.id = IssuerId("shop"),
                                                  .etag = "",
                                                  .display_name = std::nullopt,
                                                  .owner = std::nullopt,
                                                  .deputies = std::nullopt,
                                                  .policy = policy,
                                                  .grants = std::nullopt})
                .status());
  const KeyId early = MustRevoke();
  const domain::Confirmation waits = MustGet(early).gateways[0].confirmation;
  EXPECT_EQ(waits.latest - TestStart(), domain::Policy().cache_max_age);
  app_.clock.AdvanceTime(absl::Hours(1));
  const KeyId late = MustRevoke();
  EXPECT_EQ(MustGet(late).gateways[0].confirmation.latest - TestStart(),
            absl::Hours(1) + absl::Seconds(30));
}

TEST_F(ConfirmationLoopTest, NotesSurviveAStoreThatFails) {
  MustAdd(Make("lib", "libwarder"));
  const KeyId key = MustRevoke();
  Sees("lib", /*acknowledged=*/true);
  app_.fake_store.FailWith(Error(absl::StatusCode::kUnavailable,
                                 Reason::kStoreUnavailable, "disk full"));
  loop_.Tick();
  app_.fake_store.FailWith(absl::OkStatus());
  loop_.Tick();
  EXPECT_EQ(MustGet(key).Count(ConfirmationState::kEnforced), 1);
}

TEST_F(ConfirmationLoopTest, WhatANewProcessFindsItGoesOnWith) {
  MustAdd(Make("edge", "envoy"));
  const KeyId key = MustRevoke();
  Sees("edge");
  loop_.Tick();
  ConfirmationLoop next(app_.runner, signer_, "https://warder.test");
  app_.clock.AdvanceTime(absl::Minutes(10));
  next.Tick();
  EXPECT_EQ(MustGet(key).Count(ConfirmationState::kEnforced), 1);
}

TEST_F(ConfirmationLoopTest, ANewKeySignsOnceTheGatewaysHoldIt) {
  MustAdd(Make("edge", "envoy-async"));
  Sees("edge");
  loop_.Tick();
  const KeyId first = app_.MustFindKey("shop", domain::KeyState::kActive).id;
  const auto run_until = [&](absl::Duration after) {
    app_.clock.AdvanceTime(TestStart() + after - app_.clock.TimeNow());
    app_.loop.Tick();
  };
  // Published 29 days after the start, due to sign a day later. A gateway whose
  // horizon is longer is registered in between, and has seen nothing.
  run_until(absl::Hours(24 * 29) + absl::Minutes(1));
  const domain::Key next = app_.MustFindKey("shop", domain::KeyState::kPending);
  EXPECT_EQ(next.publish_revision, app_.publisher.Find("shop")->revision);
  MustAdd(Make("kong", "kong"));
  run_until(absl::Hours(24 * 30) + absl::Minutes(1));
  EXPECT_EQ(app_.MustFindKey("shop", domain::KeyState::kActive).id, first);
  RotateKeyCommand rotate;
  rotate.issuer = IssuerId("shop");
  EXPECT_THAT(app_.issuers.Rotate(app_.As("security/sam"), rotate),
              FailsWith(Reason::kGatewaysBehind, "kong"));
  // Seen to hold it, it is waited for no more.
  Sees("kong");
  loop_.Tick();
  run_until(absl::Hours(24 * 30) + absl::Minutes(3));
  EXPECT_EQ(app_.MustFindKey("shop", domain::KeyState::kActive).id, next.id);
}

TEST_F(ConfirmationLoopTest, AForcedKeySaysWhomItLeavesBehind) {
  MustAdd(Make("kong", "kong"));
  RotateKeyCommand rotate;
  rotate.issuer = IssuerId("shop");
  rotate.immediate = true;
  ASSERT_OK(app_.issuers.Rotate(app_.As("security/sam"), rotate).status());
  bool told = false;
  for (const auto& event : app_.Events()) {
    if (event.action != "key.activation_forced") continue;
    told = true;
    EXPECT_THAT(event.detail, HasSubstr("kong"));
  }
  EXPECT_TRUE(told);
}

TEST_F(ConfirmationLoopTest, TheHardEndOfAKeyWaitsForNobody) {
  MustAdd(Make("kong", "kong"));
  const KeyId first = app_.MustFindKey("shop", domain::KeyState::kActive).id;
  for (int day = 1; day <= 46; ++day) {
    app_.clock.AdvanceTime(absl::Hours(24));
    app_.loop.Tick();
  }
  EXPECT_NE(app_.MustFindKey("shop", domain::KeyState::kActive).id, first);
}

TEST_F(ConfirmationLoopTest, AGatewaySeesItselfAlone) {
  MustAdd(Make("edge", "envoy"));
  MustAdd(Make("lib", "libwarder"));
  const KeyId key = MustRevoke();
  ASSERT_OK_AND_ASSIGN(const auto own,
                       revocations_.Get(app_.As("gateway/lib"), key));
  ASSERT_EQ(own.gateways.size(), 1u);
  EXPECT_EQ(own.gateways[0].confirmation.gateway, GatewayId("lib"));
  EXPECT_THAT(gateways_.Get(app_.As("gateway/lib"), GatewayId("edge")),
              FailsWith(Reason::kNotFound));
  ASSERT_OK_AND_ASSIGN(const auto list,
                       gateways_.List(app_.As("gateway/lib"), {}));
  EXPECT_EQ(list.items.size(), 1u);
}

TEST_F(ConfirmationLoopTest, AProbeThatLeadsHereHasToBeMeant) {
  domain::Gateway gateway = Make("edge", "envoy");
  gateway.probe = domain::Probe{.url = "https://127.0.0.1/p",
                                .audience = domain::kProbeAudience};
  const auto create = [&] {
    return gateways_.Create(app_.As("security/sam"), gateway).status();
  };
  EXPECT_EQ(FieldOf(create()), "probe.url");
  gateway.probe->url = "http://edge.example/p";
  EXPECT_EQ(FieldOf(create()), "probe.url");
  gateway.probe->url = "https://u:p@edge.example/p";
  EXPECT_EQ(FieldOf(create()), "probe.url");
  gateway.probe->url = "http://127.0.0.1:8080/p";
  gateway.probe->local = true;
  EXPECT_OK(create());
}

TEST_F(ConfirmationLoopTest, AGatewayThatCouldReadNothingIsRefused) {
  domain::Policy policy;
  policy.algorithms = {domain::Algorithm::kEdDsa};
  app_.MustSetUp("ed", policy);
  domain::Gateway gateway = Make("spring", "spring-security");
  gateway.issuers = {IssuerId("ed")};
  EXPECT_THAT(gateways_.Create(app_.As("security/sam"), gateway),
              FailsWith(Reason::kWrongState, "reads no EdDSA"));
  gateway.issuers = {IssuerId("nobody")};
  EXPECT_THAT(gateways_.Create(app_.As("security/sam"), gateway),
              FailsWith(Reason::kNotFound));
}

}  // namespace
}  // namespace warder::app
