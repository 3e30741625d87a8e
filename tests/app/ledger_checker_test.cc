#include "server/app/ledger_checker.h"

#include "server/app/gateway_manager.h"
#include "server/app/ledger_loop.h"
#include "server/app/token_reader.h"
#include "server/base/base64url.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

using ledger::Verdict;

// A compact JWS without a signature.
std::string Forge(const Json& claims) {
  return Base64UrlEncode(R"({"alg":"ES256","kid":"k"})") + "." +
         Base64UrlEncode(WriteJson(claims));
}

class LedgerCheckerTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.MustSetUp();
    app_.MustSetUp("bank");
    domain::Gateway gateway;
    gateway.id = GatewayId("edge");
    gateway.consumer = "libwarder";
    gateway.reach = domain::Reach::kStream;
    gateway.issuers = {IssuerId("shop")};
    ASSERT_OK(manager_.Create(app_.As("security/sam"), gateway));
  }
  std::string Sign() {
    SignJwtCommand command;
    command.issuer = IssuerId("shop");
    command.audiences = {"api"};
    auto token = app_.signer.Sign(app_.As("signer/checkout"), command);
    EXPECT_OK(token.status());
    return token.ok() ? token->token : "";
  }
  absl::StatusOr<ledger::Answer> Check(const std::string& token,
                                       const std::string& who = "gateway/edge",
                                       const std::string& issuer = "shop") {
    return checker_.Check(app_.As(who),
                          {.issuer = IssuerId(issuer), .token = token});
  }
  Verdict MustCheck(const std::string& token) {
    const auto answer = Check(token);
    EXPECT_OK(answer.status());
    return answer.ok() ? answer->verdict : Verdict::kIndeterminate;
  }
  void MustHold(bool held) {
    UpdateIssuerCommand update;
    update.id = IssuerId("shop");
    update.legal_hold = held;
    ASSERT_OK(app_.issuers.Update(app_.As("security/sam"), update));
  }
  static int64_t Now(absl::Duration later = absl::ZeroDuration()) {
    return absl::ToUnixSeconds(TestStart() + later);
  }

  TestApp app_;
  GatewayDirectory directory_;
  GatewayManager manager_{app_.runner, directory_};
  LedgerChecker checker_{app_.runner, directory_, *app_.ledger};
};

TEST_F(LedgerCheckerTest, WhatWasSignedHereWasIssuedAndNothingElse) {
  const std::string token = Sign();
  EXPECT_EQ(MustCheck(token), Verdict::kIssued);
  EXPECT_EQ(MustCheck(token.substr(0, token.rfind('.'))), Verdict::kIssued);
  // The same claims in other words are another token.
  const Json claims = {{"iat", Now()}, {"exp", Now(absl::Minutes(5))}};
  EXPECT_EQ(MustCheck(Forge(claims)), Verdict::kNeverIssued);
  EXPECT_EQ(MustCheck(Forge({{"iat", Now()}})), Verdict::kNeverIssued);
}

TEST_F(LedgerCheckerTest, OfWhatHasExpiredOnlyThatItWasIssuedIsSaid) {
  const std::string token = Sign();
  const std::string forged =
      Forge({{"iat", Now()}, {"exp", Now(absl::Minutes(5))}});
  app_.clock.AdvanceTime(absl::Minutes(14));
  EXPECT_EQ(MustCheck(forged), Verdict::kNeverIssued);  // by a slow clock
  app_.clock.AdvanceTime(absl::Minutes(2));
  EXPECT_EQ(MustCheck(forged), Verdict::kIndeterminate);
  EXPECT_EQ(MustCheck(token), Verdict::kIssued);
  // Nor is one judged that is older than any may be, whatever it says.
  EXPECT_EQ(MustCheck(Forge({{"iat", Now(-absl::Hours(3))}})),
            Verdict::kIndeterminate);
}

TEST_F(LedgerCheckerTest, AGatewayAsksOfTheIssuersThatItVerifies) {
  const std::string token = Sign();
  EXPECT_THAT(Check(token, "gateway/edge", "bank"),
              FailsWith(Reason::kPermissionDenied, "does not verify"));
  EXPECT_TRUE(app_.Events().back().denied);
  EXPECT_THAT(Check(token, "gateway/other"),
              FailsWith(Reason::kPermissionDenied));
  EXPECT_THAT(Check(token, "signer/checkout"),
              FailsWith(Reason::kPermissionDenied));
  EXPECT_OK(Check(token, "security/sam", "bank"));
  EXPECT_OK(Check(token, "auditor/ann"));
  EXPECT_THAT(Check(token, "auditor/ann", "none"),
              FailsWith(Reason::kNotFound, "issuers/none"));
}

TEST_F(LedgerCheckerTest, WhatIsNoTokenIsRefused) {
  for (const std::string& bad :
       {std::string(), std::string("a"), std::string("a.b.c"),
        std::string("e30.e30"), Forge({{"iat", "now"}}), Forge({{"iat", -1}}),
        Forge({{"iat", 1e300}}), Forge(Json::array()),
        std::string(70'000, 'a') + ".b"}) {
    EXPECT_THAT(Check(bad), FailsWith(Reason::kInvalidField, "token"))
        << bad.substr(0, 100);
  }
  EXPECT_THAT(checker_.CheckBatch(
                  app_.As("gateway/edge"),
                  std::vector<CheckIssuedCommand>{{IssuerId("shop"), Sign()},
                                                  {IssuerId("shop"), "x"}}),
              FailsWith(Reason::kInvalidField, "requests[1]"));
  EXPECT_THAT(checker_.CheckBatch(app_.As("gateway/edge"), {}),
              FailsWith(Reason::kInvalidField, "requests"));
}

TEST_F(LedgerCheckerTest, AGatewayMakesDigestsByTheSecretsItIsGiven) {
  const std::string token = Sign();
  const uint32_t minute = ledger::MinuteOf(TestStart());
  const uint32_t hours[] = {minute / 60, minute / 60 - 1};
  ASSERT_OK_AND_ASSIGN(
      const auto secrets,
      checker_.DigestSecrets(app_.As("gateway/edge"), IssuerId("shop"), hours));
  ASSERT_EQ(secrets.size(), 2u);
  EXPECT_NE(secrets[0], secrets[1]);
  const uint64_t digest =
      ledger::HourSecret(secrets[0])
          .Of(minute)
          .DigestOf(absl::string_view(token).substr(0, token.rfind('.')));
  EXPECT_EQ(
      app_.ledger
          ->CheckDigest(IssuerId("shop"), minute, digest, absl::InfinitePast())
          .verdict,
      Verdict::kIssued);
  const auto ask = [&](std::span<const uint32_t> which) {
    return checker_.DigestSecrets(app_.As("gateway/edge"), IssuerId("shop"),
                                  which);
  };
  EXPECT_THAT(ask({}), FailsWith(Reason::kInvalidField, "hours"));
  const uint32_t later[] = {minute / 60 + 25};
  EXPECT_THAT(ask(later), FailsWith(Reason::kInvalidField, "hours"));
  EXPECT_THAT(
      checker_.DigestSecrets(app_.As("gateway/edge"), IssuerId("bank"), hours),
      FailsWith(Reason::kPermissionDenied));
}

// The record of a token outlives it, and no longer, unless it is held.
TEST_F(LedgerCheckerTest, RecordsAreKeptForAsLongAsTokensLive) {
  LedgerLoop loop(app_.runner, *app_.ledger, nullptr);
  const std::string token = Sign();
  app_.clock.AdvanceTime(absl::Minutes(121));
  loop.Tick();
  EXPECT_EQ(MustCheck(token), Verdict::kIssued);
  EXPECT_EQ(app_.ledger->size().files, 1u);
  MustHold(true);
  app_.clock.AdvanceTime(absl::Hours(48));
  loop.Tick();
  EXPECT_EQ(MustCheck(token), Verdict::kIssued);
  MustHold(false);
  loop.Tick();
  EXPECT_EQ(MustCheck(token), Verdict::kIndeterminate);
  EXPECT_EQ(app_.ledger->size().files, 0u);
}

TEST(TokenReaderTest, SaysWhatATokenSays) {
  const std::string text =
      Forge({{"iat", 1.9}, {"exp", 7}, {"aud", {"a", 1, "b"}}}) + ".c2ln";
  ASSERT_OK_AND_ASSIGN(const ReadToken token, ReadTokenText("token", text));
  EXPECT_EQ(token.signing_input, text.substr(0, text.size() - 5));
  EXPECT_EQ(token.kid, "k");
  EXPECT_EQ(token.issue_time, absl::FromUnixSeconds(1));
  EXPECT_EQ(token.expire_time, absl::FromUnixSeconds(7));
  EXPECT_EQ(token.audiences, (std::vector<std::string>{"a", "b"}));
}

TEST_F(LedgerCheckerTest, WhereATokenCameFromIsAnAddress) {
  const CheckIssuedCommand command{.issuer = IssuerId("shop"),
                                   .token = Sign(),
                                   .source = std::string(65, 'x')};
  EXPECT_THAT(checker_.Check(app_.As("gateway/edge"), command),
              FailsWith(Reason::kInvalidField, "source: 65 bytes"));
}

TEST_F(LedgerCheckerTest, AGatewayIsHandedOutWhatMayLive) {
  const IssuerId shop("shop");
  const Request edge = app_.As("gateway/edge");
  Sign();
  app_.clock.AdvanceTime(absl::Minutes(20));
  ASSERT_OK(app_.ledger->Tick(app_.clock.TimeNow(), [](const IssuerId&) {
    return ledger::Retention{.longest_life = absl::Hours(2)};
  }));
  const uint64_t ledger = checker_.ledger_id();
  ASSERT_OK_AND_ASSIGN(ledger::Handout handout,
                       checker_.HandOut(edge, shop, ledger, {}));
  ASSERT_EQ(handout.segments.size(), 1u);
  ASSERT_FALSE(handout.settled.empty());
  // Until then reports of external keys may still come.
  EXPECT_EQ(handout.settled.back().last,
            ledger::MinuteOf(app_.clock.TimeNow()) - 5);
  const std::vector<uint64_t> held = {handout.segments[0].file};
  ASSERT_OK_AND_ASSIGN(handout, checker_.HandOut(edge, shop, ledger, held));
  EXPECT_TRUE(handout.segments.empty());
  // Of another ledger it holds nothing of this one.
  ASSERT_OK_AND_ASSIGN(handout, checker_.HandOut(edge, shop, ledger + 1, held));
  EXPECT_EQ(handout.segments.size(), 1u);
  EXPECT_THAT(checker_.HandOut(edge, IssuerId("bank"), 0, {}),
              FailsWith(Reason::kPermissionDenied, "does not verify"));
  EXPECT_THAT(checker_.HandOut(edge, shop, 0, std::vector<uint64_t>(100'001)),
              FailsWith(Reason::kInvalidField, "held"));
  ASSERT_OK_AND_ASSIGN(
      const auto unread,
      ledger::Ledger::Open(app_.directory.File("unread"), app_.sealer,
                           app_.random, TestStart()));
  LedgerChecker early(app_.runner, directory_, *unread);
  EXPECT_THAT(early.HandOut(edge, shop, 0, {}),
              FailsWith(Reason::kStoreUnavailable, "being read"));
}

}  // namespace
}  // namespace warder::app
