#include "server/app/proof_loop.h"

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "server/app/confirmation_loop.h"
#include "server/app/gateway_manager.h"
#include "server/app/revocation_manager.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "tests/support/fake_outbound.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

using domain::ConfirmationState;
using domain::Evidence;
using testing::HasSubstr;

// What a token says.
struct Seen {
  Json header, claims;

  static Seen Of(const FakeHttp::Request& request) {
    const std::string& header = request.headers.at(0);
    const std::string token = header.substr(header.find_last_of(" =") + 1);
    const std::vector<std::string> parts = absl::StrSplit(token, '.');
    return {*ParseJsonObject(*Base64UrlDecode(parts.at(0))),
            *ParseJsonObject(*Base64UrlDecode(parts.at(1)))};
  }
  std::string kid() const { return header["kid"].get<std::string>(); }
};

class ProofLoopTest : public testing::Test {
 protected:
  ProofLoopTest() {
    app_.MustSetUp();
    // A gateway that behaves: refuses what is not in the set it holds.
    holds_ = app_.KeySet();
    http_.answer = [this](const FakeHttp::Request& request) {
      ++asked_;
      return absl::StrContains(holds_, Seen::Of(request).kid()) ? 200 : 401;
    };
  }
  void MustAdd(const char* consumer = "envoy") {
    domain::Gateway gateway;
    gateway.id = GatewayId("edge");
    gateway.consumer = consumer;
    gateway.reach = std::string(consumer) == "libwarder"
                        ? domain::Reach::kStream
                        : domain::Reach::kPoll;
    gateway.issuers = {IssuerId("shop")};
    gateway.probe = domain::Probe{.url = "https://edge/probe",
                                  .audience = "urn:warder:probe"};
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
  // Asks what is due until nothing is for `time`.
  void Pass(absl::Duration time) {
    for (absl::Duration t; t < time; t += absl::Milliseconds(100)) {
      app_.clock.AdvanceTime(absl::Milliseconds(100));
      loop_.Look();
      while (loop_.AskOne()) {
      }
    }
  }
  domain::Confirmation MustGet(const KeyId& key) {
    auto status = revocations_.Get(app_.As("security/sam"), key);
    EXPECT_OK(status.status());
    return status.ok() ? status->gateways.at(0).confirmation
                       : domain::Confirmation();
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
  FakeHttp http_;
  ProofLoop loop_{app_.runner, http_};
  std::string holds_;
  int asked_ = 0;
};

TEST_F(ProofLoopTest, ADeadKeyRefusedAndALivingOneAcceptedAreTheProof) {
  MustAdd();
  const KeyId key = MustRevoke();
  Pass(absl::Seconds(1));
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kPending);
  EXPECT_TRUE(MustGet(key).accept_time.has_value());
  holds_ = app_.KeySet();  // it fetched
  Pass(absl::Seconds(2));
  const domain::Confirmation proved = MustGet(key);
  EXPECT_EQ(proved.state, ConfirmationState::kEnforced);
  EXPECT_EQ(proved.enforced_by, Evidence::kProbed);
  EXPECT_THAT(proved.detail, HasSubstr("HTTP 401"));
  EXPECT_EQ(CountEvents("revocation.proved"), 1);
  EXPECT_EQ(CountEvents("revocation.confirmed"), 1);
  // Both tokens differ in their key alone.
  const auto& requests = http_.requests;
  const Seen living = Seen::Of(requests.back());
  const Seen dead = Seen::Of(requests.at(requests.size() - 2));
  EXPECT_EQ(dead.kid(), key.value());
  EXPECT_NE(living.kid(), dead.kid());
  EXPECT_EQ(living.claims, dead.claims);
  EXPECT_EQ(dead.claims["aud"], "urn:warder:probe");
  EXPECT_EQ(dead.claims["sub"], "warder-canary");
  // It is asked again now and then, for as long as there are canaries.
  const int asked = asked_;
  Pass(absl::Minutes(4));
  EXPECT_EQ(asked_, asked);
  Pass(absl::Minutes(2));
  EXPECT_EQ(asked_, asked + 2);
  EXPECT_EQ(CountEvents("revocation.confirmed"), 1);
  app_.clock.AdvanceTime(absl::Hours(26));
  loop_.Look();
  const absl::Time now = app_.clock.TimeNow();
  ASSERT_OK(app_.store.Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto left, txn.ListProbeTargets(now, 10));
    EXPECT_TRUE(left.empty());
    return absl::OkStatus();
  }));
}

TEST_F(ProofLoopTest, OneOfSeveralMachinesThatAcceptsIsFound) {
  MustAdd();
  const std::string old = holds_;
  const KeyId key = MustRevoke();
  holds_ = app_.KeySet();
  int turn = 0;
  http_.answer = [&](const FakeHttp::Request& request) {
    // Behind one address, three by turns; the last has not fetched.
    const std::string& set = ++turn % 3 == 0 ? old : holds_;
    return absl::StrContains(set, Seen::Of(request).kid()) ? 200 : 401;
  };
  Pass(absl::Seconds(20));
  const domain::Confirmation open = MustGet(key);
  EXPECT_NE(open.state, ConfirmationState::kEnforced);
  EXPECT_THAT(open.detail, HasSubstr("several machines"));
}

TEST_F(ProofLoopTest, WhoAcceptsAfterAllOpensTheRevocationAgain) {
  MustAdd();
  const std::string old = holds_;
  const KeyId key = MustRevoke();
  holds_ = app_.KeySet();
  Pass(absl::Seconds(2));
  FakeStatementSigner signer;
  ConfirmationLoop confirmations(app_.runner, signer, "https://warder.test");
  confirmations.Tick();
  const auto find = [&] {
    return revocations_.Get(app_.As("security/sam"), key)->revocation;
  };
  EXPECT_TRUE(find().close_time.has_value());
  EXPECT_THAT(find().statement, HasSubstr("\"how_known\":\"PROBED\""));
  holds_ = old + app_.KeySet();  // rolled back
  Pass(absl::Minutes(6));
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kOverdue);
  EXPECT_THAT(MustGet(key).detail, HasSubstr("had a set without the key"));
  EXPECT_FALSE(find().close_time.has_value());
  EXPECT_EQ(find().statement, "");
  EXPECT_EQ(CountEvents("revocation.reopened"), 1);
  holds_ = app_.KeySet();
  Pass(absl::Minutes(1));
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kEnforced);
  EXPECT_EQ(CountEvents("revocation.confirmed"), 2);
}

TEST_F(ProofLoopTest, AProbeThatCameTooLateLeavesTheWord) {
  MustAdd("libwarder");
  const auto ask_for = [&](const char* audience) {
    ASSERT_OK(gateways_
                  .Update(app_.As("security/sam"), GatewayId("edge"), "",
                          [&](domain::Gateway& gateway) {
                            gateway.probe->audience = audience;
                            return absl::OkStatus();
                          })
                  .status());
  };
  const KeyId key = MustRevoke();
  ask_for("urn:warder:probe:another");  // nothing was signed for it
  Pass(absl::Seconds(1));
  EXPECT_EQ(asked_, 0);
  FakeStatementSigner signer;
  ConfirmationLoop confirmations(app_.runner, signer, "https://warder.test");
  confirmations.Note({.gateway = GatewayId("edge"),
                      .issuer = IssuerId("shop"),
                      .revision = app_.publisher.Find("shop")->revision,
                      .time = app_.clock.TimeNow(),
                      .source = "pod-1",
                      .acknowledged = true,
                      .heard_time = app_.clock.TimeNow()});
  confirmations.Tick();
  EXPECT_EQ(MustGet(key).enforced_by, Evidence::kAcknowledged);
}

TEST_F(ProofLoopTest, WhoKeepsVerifiedTokensProvesThatItKnowsAndNoMore) {
  MustAdd("envoy-jwt-cache");
  const KeyId key = MustRevoke();
  holds_ = app_.KeySet();
  Pass(absl::Minutes(1));
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kFetched);
  EXPECT_EQ(MustGet(key).fetched_by, Evidence::kProbed);
}

TEST_F(ProofLoopTest, WhoRefusesEverythingProvesNothing) {
  MustAdd();
  const KeyId key = MustRevoke();
  for (const int always : {401, 200, 500, 302, 0}) {
    http_.answer = [&](const FakeHttp::Request&) { return always; };
    Pass(absl::Minutes(1));
    EXPECT_NE(MustGet(key).state, ConfirmationState::kEnforced) << always;
  }
  EXPECT_THAT(MustGet(key).detail, HasSubstr("https://edge"));
}

TEST_F(ProofLoopTest, ALiarIsExposed) {
  MustAdd("libwarder");
  const KeyId key = MustRevoke();
  FakeStatementSigner signer;
  ConfirmationLoop confirmations(app_.runner, signer, "https://warder.test");
  confirmations.Note({.gateway = GatewayId("edge"),
                      .issuer = IssuerId("shop"),
                      .revision = app_.publisher.Find("shop")->revision,
                      .time = app_.clock.TimeNow(),
                      .source = "pod-1",
                      .acknowledged = true,
                      .heard_time = app_.clock.TimeNow()});
  confirmations.Tick();
  // With a probe its word is not enough.
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kFetched);
  Pass(absl::Seconds(1));
  const domain::Confirmation liar = MustGet(key);
  EXPECT_EQ(liar.state, ConfirmationState::kOverdue);
  EXPECT_THAT(liar.detail, HasSubstr("says that it refuses"));
  EXPECT_EQ(CountEvents("revocation.contradicted"), 1);
  // Nor does time acquit him.
  app_.clock.AdvanceTime(absl::Hours(3));
  confirmations.Tick();
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kOverdue);
}

TEST_F(ProofLoopTest, PausesGrowSoThatAGatewayIsAskedSeldomInTheEnd) {
  MustAdd();
  MustRevoke();
  Pass(absl::Seconds(10));
  EXPECT_LE(asked_, 10);
  const int before = asked_;
  Pass(absl::Minutes(10));
  EXPECT_LE(asked_ - before, 28);
  EXPECT_GE(asked_ - before, 15);
}

TEST_F(ProofLoopTest, AnUnknownKidIsShownToWhomItMakesFetch) {
  MustAdd("go-oidc");
  const KeyId key = MustRevoke();
  const std::string current = app_.KeySet();
  http_.answer = [&](const FakeHttp::Request& request) {
    const std::string kid = Seen::Of(request).kid();
    const bool known = absl::StrContains(holds_, kid);
    if (!known) holds_ = current;
    return known || absl::StrContains(holds_, kid) ? 200 : 401;
  };
  Pass(absl::Seconds(2));
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kEnforced);
  // The stranger was never published.
  int strangers = 0;
  for (const FakeHttp::Request& request : http_.requests) {
    const std::string kid = Seen::Of(request).kid();
    strangers += kid != key.value() && !absl::StrContains(current, kid);
  }
  EXPECT_EQ(strangers, 1);
}

TEST_F(ProofLoopTest, CanariesFollowOneAnotherForADay) {
  MustAdd();
  const KeyId key = MustRevoke();
  for (const auto after : {absl::Minutes(7), absl::Hours(2), absl::Hours(23)}) {
    app_.clock.AdvanceTime(after - (app_.clock.TimeNow() - TestStart()));
    http_.requests.clear();
    Pass(absl::Minutes(1));
    ASSERT_FALSE(http_.requests.empty());
    const Json claims = Seen::Of(http_.requests.at(0)).claims;
    const int64_t now = absl::ToUnixSeconds(app_.clock.TimeNow());
    EXPECT_LE(claims["nbf"].get<int64_t>(), now);
    EXPECT_GT(claims["exp"].get<int64_t>(), now - 60);
  }
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kPending);
  app_.clock.AdvanceTime(absl::Hours(2));
  const size_t asked = http_.requests.size();
  Pass(absl::Minutes(1));
  EXPECT_EQ(http_.requests.size(), asked);
}

TEST_F(ProofLoopTest, AnAnswerCountsForTheProbeThatWasAsked) {
  MustAdd();
  const KeyId key = MustRevoke();
  holds_ = app_.KeySet();
  // While the first question is under way the gateway moves.
  const auto answer = http_.answer;
  http_.answer = [this, answer](const FakeHttp::Request& request) {
    if (asked_ == 0) {
      EXPECT_OK(gateways_
                    .Update(app_.As("security/sam"), GatewayId("edge"), "",
                            [](domain::Gateway& gateway) {
                              gateway.probe->url = "https://moved/probe";
                              return absl::OkStatus();
                            })
                    .status());
    }
    return answer(request);
  };
  app_.clock.AdvanceTime(absl::Milliseconds(100));
  loop_.Look();
  app_.clock.AdvanceTime(absl::Milliseconds(100));
  ASSERT_TRUE(loop_.AskOne());
  EXPECT_GT(asked_, 0);
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kPending);
  Pass(absl::Seconds(2));  // and where it is now it is asked
  EXPECT_EQ(MustGet(key).enforced_by, domain::Evidence::kProbed);
}

TEST_F(ProofLoopTest, ANewProcessGoesOnAsking) {
  MustAdd();
  const KeyId key = MustRevoke();
  Pass(absl::Seconds(1));
  holds_ = app_.KeySet();
  ProofLoop next(app_.runner, http_);
  next.Look();
  app_.clock.AdvanceTime(absl::Seconds(1));
  while (next.AskOne()) {
  }
  EXPECT_EQ(MustGet(key).enforced_by, Evidence::kProbed);
}

TEST_F(ProofLoopTest, ABrokenVaultStopsNoRevocation) {
  MustAdd();
  app_.fake_vault.SetBroken(true);
  const KeyId key = MustRevoke();
  EXPECT_EQ(MustGet(key).state, ConfirmationState::kPending);
  app_.fake_vault.SetBroken(false);
  Pass(absl::Seconds(1));
  EXPECT_EQ(asked_, 0);
  EXPECT_THAT(MustGet(key).detail, HasSubstr("cannot be asked"));
}

TEST_F(ProofLoopTest, TheTokenGoesWhereTheProbeSays) {
  MustAdd();
  ASSERT_OK(gateways_
                .Update(app_.As("security/sam"), GatewayId("edge"), "",
                        [](domain::Gateway& gateway) {
                          gateway.probe->header = "";
                          gateway.probe->cookie = "session";
                          return absl::OkStatus();
                        })
                .status());
  MustRevoke();
  Pass(absl::Seconds(1));
  ASSERT_FALSE(http_.requests.empty());
  EXPECT_THAT(http_.requests[0].headers[0], HasSubstr("Cookie: session="));
}

}  // namespace
}  // namespace warder::app
