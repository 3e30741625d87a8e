#include "server/app/token_signer.h"

#include "absl/strings/str_split.h"
#include "server/base/base64url.h"
#include "server/base/strict_json.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

class TokenSignerTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.MustSetUp();
    command_.issuer = IssuerId("shop");
    command_.subject = "user-1";
    command_.audiences = {"api"};
  }
  absl::StatusOr<SignedToken> Sign(const std::string& who = "signer/checkout") {
    return app_.signer.Sign(app_.As(who), command_);
  }
  // Part 0 is the header, part 1 the claims.
  Json Part(const SignedToken& token, size_t part) {
    const std::vector<std::string> parts = absl::StrSplit(token.token, '.');
    EXPECT_EQ(parts.size(), 3u);
    return *ParseJson(*Base64UrlDecode(parts[part]));
  }
  TestApp app_;
  SignJwtCommand command_;
};

TEST_F(TokenSignerTest, TheServerFixesHeaderAndRegisteredClaims) {
  command_.claims = R"({"role":"x","n":9007199254740993})";
  ASSERT_OK_AND_ASSIGN(const SignedToken token, Sign());
  const Json header = Part(token, 0);
  EXPECT_EQ(header["alg"], "ES256");
  EXPECT_EQ(header["kid"], token.key.value());
  EXPECT_EQ(header["typ"], "JWT");
  const Json claims = Part(token, 1);
  EXPECT_EQ(claims["iss"], "https://keys.example/issuers/shop");
  EXPECT_EQ(claims["sub"], "user-1");
  EXPECT_EQ(claims["aud"], "api");
  EXPECT_EQ(claims["iat"], absl::ToUnixSeconds(TestStart()));
  EXPECT_EQ(claims["exp"], absl::ToUnixSeconds(TestStart()) + 900);
  EXPECT_EQ(claims["jti"], token.token_id);
  EXPECT_EQ(claims["n"], 9007199254740993);
}

TEST_F(TokenSignerTest, FixedClaimsCannotBeBroughtAlong) {
  for (const char* name : {"iss", "iat", "exp", "jti", "sub", "aud", "nbf"}) {
    command_.claims = std::string("{\"") + name + "\":1}";
    EXPECT_THAT(Sign(), FailsWith(Reason::kInvalidField, name));
  }
  for (const char* bad : {"[]", "{", R"({"a":1,"a":2})", "1"}) {
    command_.claims = bad;
    EXPECT_THAT(Sign(), FailsWith(Reason::kInvalidField, "claims"));
  }
  command_.claims = "{\"a\":\"" + std::string(17000, 'x') + "\"}";
  EXPECT_THAT(Sign(), FailsWith(Reason::kInvalidField, "claims"));
}

TEST_F(TokenSignerTest, WhatTheGrantDoesNotAllowIsDeniedAndAudited) {
  const auto denied = [&](const char* what) {
    EXPECT_THAT(Sign(), FailsWith(Reason::kNotGranted, what));
    EXPECT_TRUE(app_.Events().back().denied);
  };
  command_.audiences = {"api", "other"};
  denied("audience \"other\"");
  command_.audiences = {"api"};
  command_.lifetime = absl::Minutes(16);
  denied("lifetime");
  command_.lifetime = std::nullopt;
  command_.token_type = "at+jwt";
  denied("typ");
  command_.token_type = "";
  EXPECT_THAT(Sign("signer/other"), FailsWith(Reason::kNotGranted, "no grant"));
  EXPECT_THAT(Sign("security/sam"), FailsWith(Reason::kPermissionDenied));
}

TEST_F(TokenSignerTest, TextIsEscapedNotInjected) {
  command_.subject = "a\",\"admin\":true,\"x\":\"";
  ASSERT_OK_AND_ASSIGN(const SignedToken token, Sign());
  const Json claims = Part(token, 1);
  EXPECT_EQ(claims["sub"], command_.subject);
  EXPECT_FALSE(claims.contains("admin"));
}

TEST_F(TokenSignerTest, NoDatabaseIsReadOnTheWay) {
  app_.fake_store.FailWith(
      Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "gone"),
      /*reads_too=*/true);
  EXPECT_OK(Sign());
}

TEST_F(TokenSignerTest, AtTheHardAgeSigningEndsEvenIfTheLoopStandsStill) {
  app_.clock.AdvanceTime(domain::Policy().max_key_age - absl::Nanoseconds(1));
  EXPECT_OK(Sign());
  app_.clock.AdvanceTime(absl::Nanoseconds(1));
  EXPECT_THAT(Sign(), FailsWith(Reason::kNoSigningKey, "ES256"));
}

TEST_F(TokenSignerTest, JitterDatesNoTokenBeforeItsKey) {
  app_.clock.SetTime(TestStart() - absl::Seconds(5));
  ASSERT_OK_AND_ASSIGN(const SignedToken token, Sign());
  EXPECT_EQ(token.issue_time, TestStart());
}

TEST_F(TokenSignerTest, AClockSetBackMakesNoTokenLiveLonger) {
  const absl::Time now = TestStart() - absl::Hours(1);
  app_.clock.SetTime(now);
  ASSERT_OK_AND_ASSIGN(const SignedToken token, Sign());
  EXPECT_EQ(token.issue_time, now);
  EXPECT_LE(token.expire_time, now + absl::Hours(1));
}

TEST_F(TokenSignerTest, AClockSetBackMakesNoKeySignLonger) {
  app_.clock.SetTime(TestStart() - absl::Hours(24 * 30));
  app_.clock.AdvanceTime(domain::Policy().max_key_age);
  EXPECT_THAT(Sign(), FailsWith(Reason::kNoSigningKey));
}

TEST_F(TokenSignerTest, MissingThingsAreNamed) {
  command_.audiences = {};
  EXPECT_THAT(Sign(), FailsWith(Reason::kInvalidField, "audiences"));
  command_.audiences = {"api"};
  command_.issuer = IssuerId("nobody");
  EXPECT_THAT(Sign(), FailsWith(Reason::kNotFound, "issuers/nobody"));
  command_.issuer = IssuerId("shop");
  command_.algorithm = domain::Algorithm::kRs256;
  EXPECT_THAT(Sign(), FailsWith(Reason::kNoSigningKey, "RS256"));
}

TEST_F(TokenSignerTest, ARevokedKeySignsNothingMore) {
  ASSERT_OK_AND_ASSIGN(const SignedToken before, Sign());
  ASSERT_OK(app_.keys.Revoke(app_.As("security/sam"),
                             {.issuer = IssuerId("shop"), .key = before.key}));
  ASSERT_OK_AND_ASSIGN(const SignedToken after, Sign());
  EXPECT_NE(after.key, before.key);
}

TEST_F(TokenSignerTest, EveryTokenIsInTheLedgerBeforeItsCallerHasIt) {
  ASSERT_OK_AND_ASSIGN(const SignedToken token, Sign());
  const absl::string_view input =
      absl::string_view(token.token).substr(0, token.token.rfind('.'));
  const auto check = [&](absl::Time issued, absl::string_view text) {
    return app_.ledger
        ->Check(command_.issuer, issued, text, absl::InfinitePast())
        .verdict;
  };
  EXPECT_EQ(check(token.issue_time, input), ledger::Verdict::kIssued);
  EXPECT_EQ(check(token.issue_time, "e30.e30"), ledger::Verdict::kNeverIssued);
  EXPECT_EQ(
      app_.ledger->CountIssued(command_.issuer, token.key, {0, ~uint32_t{0}}),
      1u);
  EXPECT_EQ(app_.signer_usage.Of(token.key),
            (std::map<std::string, int64_t>{{"checkout", 1}}));
  // What the service itself states is a token, too.
  app_.MustSetUp("events", {.algorithms = {domain::Algorithm::kRs256}});
  ASSERT_OK_AND_ASSIGN(
      const std::string event,
      app_.signer.SignSecurityEvent(IssuerId("events"), Json::object()));
  EXPECT_EQ(app_.ledger
                ->Check(IssuerId("events"), TestStart(),
                        absl::string_view(event).substr(0, event.rfind('.')),
                        absl::InfinitePast())
                .verdict,
            ledger::Verdict::kIssued);
}

TEST_F(TokenSignerTest, ABatchIsSignedInItsOrderOrNotAtAll) {
  std::vector<SignJwtCommand> commands(3, command_);
  commands[1].subject = "user-2";
  const auto sign = [&] {
    return app_.signer.SignBatch(app_.As("signer/checkout"), commands);
  };
  ASSERT_OK_AND_ASSIGN(const std::vector<SignedToken> tokens, sign());
  ASSERT_EQ(tokens.size(), 3u);
  EXPECT_EQ(Part(tokens[1], 1)["sub"], "user-2");
  EXPECT_NE(tokens[0].token_id, tokens[2].token_id);
  const auto issued = [&] {
    return app_.ledger->CountIssued(command_.issuer, tokens[0].key,
                                    {0, ~uint32_t{0}});
  };
  EXPECT_EQ(issued(), 3u);
  commands[2].audiences = {"other"};
  EXPECT_THAT(sign(), FailsWith(Reason::kNotGranted, "requests[2]"));
  EXPECT_TRUE(app_.Events().back().denied);
  EXPECT_EQ(issued(), 3u);
  commands.clear();
  EXPECT_THAT(sign(), FailsWith(Reason::kInvalidField, "requests"));
  commands.resize(TokenSigner::kMostOfOneBatch + 1, command_);
  EXPECT_THAT(sign(), FailsWith(Reason::kInvalidField, "1001"));
  commands.pop_back();
  ASSERT_OK_AND_ASSIGN(const std::vector<SignedToken> many, sign());
  EXPECT_EQ(many.size(), TokenSigner::kMostOfOneBatch);
  EXPECT_THAT(app_.signer.SignBatch(app_.As("security/sam"), commands),
              FailsWith(Reason::kPermissionDenied));
}

TEST_F(TokenSignerTest, NobodyHasMoreSignedThanHisGrantAllows) {
  domain::Grant grant;
  grant.signer = "checkout";
  grant.audiences = {"api"};
  grant.max_per_second = 10;
  UpdateIssuerCommand update;
  update.id = command_.issuer;
  update.grants = {grant};
  ASSERT_OK(app_.issuers.Update(app_.As("security/sam"), update));
  for (int i = 0; i < 10; ++i) EXPECT_OK(Sign());
  EXPECT_THAT(Sign(), FailsWith(Reason::kRateLimited, "again after 100ms"));
  app_.clock.AdvanceTime(absl::Milliseconds(250));
  EXPECT_OK(Sign());
  EXPECT_OK(Sign());
  EXPECT_THAT(Sign(), FailsWith(Reason::kRateLimited, "10 tokens a second"));
  app_.clock.AdvanceTime(absl::Hours(1));
  // An hour's rest allows no more at once.
  EXPECT_THAT(app_.signer.SignBatch(app_.As("signer/checkout"),
                                    std::vector<SignJwtCommand>(11, command_)),
              FailsWith(Reason::kRateLimited, "requests[10]"));
  update.grants->at(0).max_per_second = -1;
  EXPECT_THAT(app_.issuers.Update(app_.As("security/sam"), update),
              FailsWith(Reason::kInvalidField, "max_per_second"));
}

}  // namespace warder::app
