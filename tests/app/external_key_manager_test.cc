#include "server/app/external_key_manager.h"

#include "absl/strings/str_cat.h"
#include "server/app/issuance_reporter.h"
#include "server/base/base64url.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

constexpr char kIssuerUri[] = "https://keys.example/issuers/shop";

class ExternalKeyTest : public testing::Test {
 protected:
  void SetUp() override {
    domain::Issuer issuer = app_.MustSetUp();
    domain::Grant own;
    own.signer = "own";
    own.audiences = {"api"};
    own.external_keys = true;
    UpdateIssuerCommand update;
    update.id = issuer.id;
    update.grants = issuer.grants;
    update.grants->push_back(own);
    own.signer = "another";
    update.grants->push_back(own);
    EXPECT_OK(app_.issuers.Update(app_.As("security/sam"), update));
  }

  RegisterKeyCommand MustPrepare(int number,
                                 const std::string& who = "signer/own") {
    const auto challenge =
        keys_.CreateChallenge(app_.As(who), IssuerId("shop"));
    EXPECT_OK(challenge);
    RegisterKeyCommand command;
    command.issuer = IssuerId("shop");
    command.public_jwk = absl::StrCat(number);
    command.challenge = challenge->text;
    command.proof = "proof of " + challenge->text;
    command.immediate = true;
    return command;
  }
  absl::StatusOr<domain::Key> Register(int number) {
    return keys_.Register(app_.As("signer/own"), MustPrepare(number));
  }
  absl::Status Report(const std::vector<std::string>& inputs,
                      const std::string& who = "signer/own") {
    return reporter_.Report(app_.As(who), IssuerId("shop"), FakeKeyId(900),
                            inputs);
  }
  // Of key 900; `change` may alter header and claims.
  std::string Input(const std::function<void(Json&, Json&)>& change = {}) {
    Json header = {
        {"alg", "ES256"}, {"kid", FakeKeyId(900).value()}, {"typ", "JWT"}};
    const int64_t now = absl::ToUnixSeconds(app_.clock.TimeNow());
    Json claims = {{"iss", kIssuerUri},
                   {"aud", "api"},
                   {"sub", "user"},
                   {"iat", now},
                   {"exp", now + 600}};
    if (change) change(header, claims);
    return absl::StrCat(Base64UrlEncode(WriteJson(header)), ".",
                        Base64UrlEncode(WriteJson(claims)));
  }
  ledger::Verdict VerdictOf(const std::string& input) {
    return app_.ledger
        ->Check(IssuerId("shop"), app_.clock.TimeNow(), input,
                absl::InfinitePast())
        .verdict;
  }

  TestApp app_;
  FakePossessionVerifier verifier_;
  ExternalKeyManager keys_{app_.runner, app_.random, verifier_};
  IssuanceReporter reporter_{app_.runner, *app_.ledger, app_.signer_usage};
};

TEST_F(ExternalKeyTest, WhoProvesPossessionHasHisKeyPublished) {
  ASSERT_OK_AND_ASSIGN(const domain::Key key, Register(900));
  EXPECT_EQ(key.kind, domain::KeyKind::kExternal);
  EXPECT_EQ(key.state, domain::KeyState::kActive);
  EXPECT_EQ(key.signer, "own");
  EXPECT_EQ(key.owner, OwnerId("alice"));
  EXPECT_EQ(key.lease_time, TestStart() + absl::Hours(1));
  EXPECT_THAT(app_.KeySet(), testing::HasSubstr(FakeKeyId(900).value()));
  // Its managed sister signs on.
  SignJwtCommand command;
  command.issuer = IssuerId("shop");
  command.audiences = {"api"};
  EXPECT_OK(app_.signer.Sign(app_.As("signer/checkout"), command));
}

TEST_F(ExternalKeyTest, AChallengeIsGoodOnceForItsCallerAndForFiveMinutes) {
  const RegisterKeyCommand command = MustPrepare(900);
  EXPECT_THAT(keys_.Register(app_.As("signer/another"), command),
              FailsWith(Reason::kWrongState, "challenge"));
  ASSERT_OK(keys_.Register(app_.As("signer/own"), command));
  EXPECT_THAT(keys_.Register(app_.As("signer/own"), command),
              FailsWith(Reason::kWrongState, "challenge"));
  const RegisterKeyCommand late = MustPrepare(901);
  app_.clock.AdvanceTime(ExternalKeyManager::kChallengeLife);
  EXPECT_THAT(keys_.Register(app_.As("signer/own"), late),
              FailsWith(Reason::kWrongState, "challenge"));
}

TEST_F(ExternalKeyTest, AWrongProofSpendsTheChallengeAndIsAudited) {
  RegisterKeyCommand command = MustPrepare(900);
  const std::string proof = command.proof;
  command.proof = "proof of something else";
  EXPECT_THAT(keys_.Register(app_.As("signer/own"), command),
              FailsWith(Reason::kPermissionDenied, "proof"));
  EXPECT_TRUE(app_.Events().back().denied);
  command.proof = proof;
  EXPECT_THAT(keys_.Register(app_.As("signer/own"), command),
              FailsWith(Reason::kWrongState));
}

TEST_F(ExternalKeyTest, OnlyAGrantThatSaysSoAllowsIt) {
  EXPECT_THAT(
      keys_.CreateChallenge(app_.As("signer/checkout"), IssuerId("shop")),
      FailsWith(Reason::kNotGranted, "external=yes"));
  EXPECT_THAT(keys_.CreateChallenge(app_.As("security/sam"), IssuerId("shop")),
              FailsWith(Reason::kPermissionDenied));
  EXPECT_THAT(keys_.CreateChallenge(app_.As("signer/own"), IssuerId("none")),
              FailsWith(Reason::kNotFound));
}

TEST_F(ExternalKeyTest, ThatTheSignerHasItInHandIsOnRecord) {
  ASSERT_OK(Register(900));
  ASSERT_OK(app_.store.Read([](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto draft,
                     txn.LoadDraft(IssuerId("shop"), KeyScope::kLiving));
    EXPECT_TRUE(std::any_of(draft.exposures.begin(), draft.exposures.end(),
                            [](const domain::Exposure& e) {
                              return e.key == FakeKeyId(900) &&
                                     e.person == "own" &&
                                     e.kind == domain::ExposureKind::kHeld;
                            }));
    return absl::OkStatus();
  }));
}

TEST_F(ExternalKeyTest, WithoutRenewalItRetires) {
  ASSERT_OK(Register(900));
  app_.clock.AdvanceTime(absl::Minutes(40));
  ASSERT_OK(keys_.Renew(app_.As("signer/own"), IssuerId("shop"), FakeKeyId(900),
                        absl::Hours(1)));
  app_.clock.AdvanceTime(absl::Minutes(59));
  app_.loop.Tick();
  EXPECT_OK(Report({Input()}));
  app_.clock.AdvanceTime(absl::Minutes(1));
  // Nobody has looked yet, and it signs no more all the same.
  EXPECT_THAT(Report({Input()}), FailsWith(Reason::kNoSigningKey, "lease"));
  app_.loop.Tick();
  EXPECT_THAT(keys_.Renew(app_.As("signer/own"), IssuerId("shop"),
                          FakeKeyId(900), absl::Hours(1)),
              FailsWith(Reason::kWrongState, "RETIRING"));
  EXPECT_THAT(Register(900), FailsWith(Reason::kAlreadyExists));
}

TEST_F(ExternalKeyTest, WhatIsReportedIsIssued) {
  ASSERT_OK(Register(900));
  const std::string input = Input();
  EXPECT_EQ(VerdictOf(input), ledger::Verdict::kNeverIssued);
  ASSERT_OK(Report({input}));
  EXPECT_EQ(VerdictOf(input), ledger::Verdict::kIssued);
  EXPECT_EQ(app_.signer_usage.Of(FakeKeyId(900)).at("own"), 1);
  EXPECT_EQ(app_.runner.live_tokens().CountAt(FakeKeyId(900), TestStart()), 1);
}

TEST_F(ExternalKeyTest, OfABadBatchNothingIsIssued) {
  ASSERT_OK(Register(900));
  const struct {
    const char* what;
    Reason reason;
    std::function<void(Json&, Json&)> change;
  } kBad[] = {
      {"kid", Reason::kInvalidField,
       [](Json& h, Json&) { h["kid"] = FakeKeyId(1).value(); }},
      {"alg", Reason::kInvalidField,
       [](Json& h, Json&) { h["alg"] = "RS256"; }},
      {"iss", Reason::kInvalidField,
       [](Json&, Json& c) { c["iss"] = "https://other.example"; }},
      {"aud", Reason::kInvalidField, [](Json&, Json& c) { c.erase("aud"); }},
      {"exp", Reason::kInvalidField, [](Json&, Json& c) { c.erase("exp"); }},
      {"sub", Reason::kInvalidField, [](Json&, Json& c) { c["sub"] = 7; }},
      {"typ", Reason::kInvalidField,
       [](Json& h, Json&) { h["typ"] = "secevent+jwt"; }},
      {"iat", Reason::kInvalidField,
       [](Json&, Json& c) { c["iat"] = c["iat"].get<int64_t>() - 121; }},
      {"audience \"bank\"", Reason::kNotGranted,
       [](Json&, Json& c) {
         c["aud"] = {"api", "bank"};
       }},
      {"lifetime", Reason::kNotGranted,
       [](Json&, Json& c) { c["exp"] = c["iat"].get<int64_t>() + 901; }},
      {"typ \"at+jwt\"", Reason::kNotGranted,
       [](Json& h, Json&) { h["typ"] = "at+jwt"; }}};
  for (const auto& bad : kBad) {
    const std::string good =
        Input([&](Json&, Json& claims) { claims["jti"] = bad.what; });
    const absl::Status status = Report({good, Input(bad.change)});
    EXPECT_THAT(status, FailsWith(bad.reason, bad.what));
    EXPECT_THAT(status, FailsWith(bad.reason, "signing_inputs[1]"));
    EXPECT_EQ(VerdictOf(good), ledger::Verdict::kNeverIssued) << bad.what;
  }
  EXPECT_THAT(Report({}), FailsWith(Reason::kInvalidField, "signing_inputs"));
  EXPECT_THAT(Report({"no token"}),
              FailsWith(Reason::kInvalidField, "signing_inputs[0]"));
}

// The man with a copy of the key has no certificate of the signer's, and
// whoever has another signer's can put nothing on record for it.
TEST_F(ExternalKeyTest, OthersReportNothing) {
  ASSERT_OK(Register(900));
  const std::string input = Input();
  EXPECT_THAT(Report({input}, "signer/another"),
              FailsWith(Reason::kNoSigningKey));
  EXPECT_THAT(Report({input}, "signer/checkout"),
              FailsWith(Reason::kNotGranted));
  EXPECT_THAT(Report({input}, "security/sam"),
              FailsWith(Reason::kPermissionDenied));
  EXPECT_EQ(VerdictOf(input), ledger::Verdict::kNeverIssued);
}

TEST_F(ExternalKeyTest, APendingOrRevokedKeyReportsNothing) {
  RegisterKeyCommand command = MustPrepare(900);
  command.immediate = false;
  ASSERT_OK(keys_.Register(app_.As("signer/own"), command));
  EXPECT_THAT(Report({Input()}), FailsWith(Reason::kNoSigningKey));
  EXPECT_THAT(app_.publisher.Find("shop")->ledger_asked,
              testing::ElementsAre(FakeKeyId(900)));
  ASSERT_OK(
      app_.keys.Revoke(app_.As("security/sam"),
                       {.issuer = IssuerId("shop"), .key = FakeKeyId(900)}));
  EXPECT_THAT(Report({Input()}), FailsWith(Reason::kNoSigningKey));
}

TEST_F(ExternalKeyTest, ItsHoldersDepartureEndsIt) {
  ASSERT_OK(Register(900));
  CreateOwnerCommand own;
  own.id = OwnerId("own");  // the certificate carries a person's name
  ASSERT_OK(app_.owners.Create(app_.As("security/sam"), own));
  ASSERT_OK(app_.Depart("hr/workday", "own"));
  ASSERT_OK_AND_ASSIGN(
      const domain::Key key,
      app_.keys.Get(app_.As("security/sam"), IssuerId("shop"), FakeKeyId(900)));
  EXPECT_EQ(key.state, domain::KeyState::kRevoked);
}

TEST_F(ExternalKeyTest, ADecoyIsHandedOutOnceAndNeedsTheLedger) {
  const auto sam = app_.As("security/sam");
  ASSERT_OK_AND_ASSIGN(
      const HoneyKeyMade made,
      app_.keys.CreateHoney(sam, IssuerId("shop"), "wiki", std::nullopt));
  EXPECT_THAT(made.private_pem, testing::HasSubstr(made.key.id.value()));
  EXPECT_EQ(made.key.place, "wiki");
  EXPECT_EQ(made.key.sealed, "");
  EXPECT_THAT(app_.KeySet(), testing::HasSubstr(made.key.id.value()));
  EXPECT_THAT(app_.publisher.Find("shop")->ledger_asked,
              testing::ElementsAre(made.key.id));
  EXPECT_THAT(app_.keys.CreateHoney(sam, IssuerId("shop"), "", std::nullopt),
              FailsWith(Reason::kInvalidField, "place"));
  EXPECT_THAT(app_.keys.CreateHoney(app_.As("signer/own"), IssuerId("shop"),
                                    "wiki", std::nullopt),
              FailsWith(Reason::kPermissionDenied));
}

TEST_F(ExternalKeyTest, ADrainedKeyEndsWithItsLastHonestToken) {
  app_.clock.AdvanceTime(
      absl::Hours(2));  // what an earlier process signed is over
  SignJwtCommand command;
  command.issuer = IssuerId("shop");
  command.audiences = {"api"};
  command.lifetime = absl::Minutes(10);
  ASSERT_OK_AND_ASSIGN(const SignedToken token,
                       app_.signer.Sign(app_.As("signer/checkout"), command));
  const auto sam = app_.As("security/sam");
  ASSERT_OK_AND_ASSIGN(const domain::Key drained,
                       app_.keys.Drain(sam, IssuerId("shop"), token.key));
  EXPECT_EQ(drained.state, domain::KeyState::kRetiring);
  EXPECT_THAT(app_.publisher.Find("shop")->ledger_required,
              testing::ElementsAre(token.key));
  ASSERT_OK_AND_ASSIGN(const SignedToken next,
                       app_.signer.Sign(app_.As("signer/checkout"), command));
  EXPECT_NE(next.key, token.key);
  app_.clock.AdvanceTime(absl::Minutes(10));
  app_.loop.Tick();
  EXPECT_THAT(app_.KeySet(), testing::HasSubstr(token.key.value()));
  app_.clock.AdvanceTime(absl::Minutes(2));
  app_.loop.Tick();
  ASSERT_OK_AND_ASSIGN(const domain::Key ended,
                       app_.keys.Get(sam, IssuerId("shop"), token.key));
  EXPECT_EQ(ended.state, domain::KeyState::kRevoked);
  EXPECT_EQ(ended.reason, domain::RevocationReason::kCompromised);
  EXPECT_THAT(
      app_.keys.Drain(app_.As("signer/checkout"), IssuerId("shop"), next.key),
      FailsWith(Reason::kPermissionDenied));
}

}  // namespace
}  // namespace warder::app
