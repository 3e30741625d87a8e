#include "client/verify/issuance.h"

#include <gmock/gmock.h>

#include <map>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/verify/verifier.h"
#include "server/base/base64url.h"
#include "server/crypto/private_key.h"
#include "server/jose/jwk.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::client {
namespace {

constexpr char kIssuer[] = "https://keys.example/issuers/shop";

// Says what it is told to, and counts who asked.
class Oracle : public IssuanceChecker {
 public:
  Issuance Check(const SeenToken& token) override {
    asked.push_back(std::string(token.signing_input));
    if (meanwhile) meanwhile();
    return says;
  }
  Issuance says = Issuance::kIssued;
  std::vector<std::string> asked;
  std::function<void()> meanwhile;
};

class Listener : public TokenObserver {
 public:
  void Accepted(const SeenToken&) override { ++accepted; }
  void Refused(const SeenToken&, TokenViolation violation) override {
    violations.push_back(violation);
  }
  int accepted = 0;
  std::vector<TokenViolation> violations;
};

class IssuanceTest : public testing::Test {
 protected:
  IssuanceTest() {
    kid_ = *jose::Thumbprint(*key_.Public());
    set_.issuer = "issuers/shop";
    set_.issuer_uri = kIssuer;
    set_.jwks = "{\"keys\":[" + *jose::WriteJwk(*key_.Public(), "ES256") + "]}";
    set_.max_token_lifetime = absl::Hours(1);
    options_.issuance = &oracle_;
    options_.observer = &listener_;
    options_.cached_tokens = 100;
  }
  void Apply(IssuanceMode mode, bool required) {
    set_.issuance_mode = mode;
    set_.ledger_required.clear();
    if (required) set_.ledger_required = {kid_};
    ++set_.revision;
    if (verifier_ == nullptr) {
      verifier_ = std::make_unique<Verifier>(options_, clock_);
    }
    ASSERT_OK(verifier_->Apply(set_));
    verifier_->Confirm();
  }
  std::string Token(const std::string& audience = "api",
                    const std::string& subject = "") {
    const int64_t now = absl::ToUnixSeconds(clock_.TimeNow());
    const std::string input = absl::StrCat(
        Base64UrlEncode(absl::StrCat(R"({"alg":"ES256","kid":")", kid_,
                                     R"(","typ":"JWT"})")),
        ".",
        Base64UrlEncode(absl::StrCat(
            R"({"iss":")", kIssuer, R"(","aud":")", audience, R"(","iat":)",
            now, subject.empty() ? "" : R"(,"sub":")" + subject + "\"",
            R"(,"jti":")", ++number_, R"(","exp":)", now + 300, "}")));
    return absl::StrCat(input, ".",
                        Base64UrlEncode(*key_.Sign(
                            crypto::SignatureScheme::kEcdsaSha256, input)));
  }
  Verdict Check(const std::string& token) {
    return verifier_->Verify(token, clock_.TimeNow());
  }

  SimulatedClock clock_{TestStart()};
  crypto::PrivateKey key_ =
      *crypto::PrivateKey::Generate(crypto::KeyType::kP256);
  std::string kid_;
  int number_ = 0;
  Oracle oracle_;
  Listener listener_;
  PublishedSet set_;
  VerifierOptions options_{.audiences = {"api", "urn:warder:probe"}};
  std::unique_ptr<Verifier> verifier_;
};

TEST_F(IssuanceTest, WhatBecomesOfATokenByModeAndAnswer) {
  const struct {
    IssuanceMode mode;
    bool required;
    Issuance says;
    Refusal refusal;
  } kCases[] = {
      {IssuanceMode::kStepUp, false, Issuance::kIssued, Refusal::kNone},
      {IssuanceMode::kStepUp, false, Issuance::kNeverIssued, Refusal::kNone},
      {IssuanceMode::kStepUp, false, Issuance::kIndeterminate, Refusal::kNone},
      {IssuanceMode::kEnforce, false, Issuance::kIssued, Refusal::kNone},
      {IssuanceMode::kEnforce, false, Issuance::kNeverIssued,
       Refusal::kNeverIssued},
      {IssuanceMode::kEnforce, false, Issuance::kIndeterminate, Refusal::kNone},
      {IssuanceMode::kObserve, true, Issuance::kIssued, Refusal::kNone},
      {IssuanceMode::kObserve, true, Issuance::kNeverIssued,
       Refusal::kNeverIssued},
      {IssuanceMode::kObserve, true, Issuance::kIndeterminate,
       Refusal::kIssuanceUnknown}};
  for (const auto& one : kCases) {
    Apply(one.mode, one.required);
    oracle_.says = one.says;
    const Verdict verdict = Check(Token());
    EXPECT_EQ(verdict.refusal, one.refusal)
        << IssuanceModeName(one.mode) << " " << IssuanceName(one.says);
    if (verdict.ok()) {
      EXPECT_EQ(verdict.token->issuance, one.says);
    }
  }
  EXPECT_EQ(oracle_.asked.size(), std::size(kCases));
}

TEST_F(IssuanceTest, ToObserveAsksNobody) {
  Apply(IssuanceMode::kObserve, false);
  const Verdict verdict = Check(Token());
  EXPECT_TRUE(verdict.ok());
  EXPECT_EQ(verdict.token->issuance, std::nullopt);
  EXPECT_TRUE(oracle_.asked.empty());
}

TEST_F(IssuanceTest, AnAnswerIsRememberedAndNoAnswerIsNot) {
  Apply(IssuanceMode::kEnforce, false);
  const std::string token = Token();
  oracle_.says = Issuance::kIndeterminate;
  EXPECT_TRUE(Check(token).ok());
  EXPECT_TRUE(Check(token).ok());
  EXPECT_EQ(oracle_.asked.size(), 2u);
  oracle_.says = Issuance::kIssued;
  EXPECT_TRUE(Check(token).ok());
  EXPECT_TRUE(Check(token).cached);
  EXPECT_EQ(oracle_.asked.size(), 3u);
}

TEST_F(IssuanceTest, ADrainForgetsWhatWasAccepted) {
  Apply(IssuanceMode::kObserve, false);
  const std::string forged = Token();
  EXPECT_TRUE(Check(forged).ok());
  EXPECT_TRUE(Check(forged).cached);
  oracle_.says = Issuance::kNeverIssued;
  Apply(IssuanceMode::kObserve, true);
  EXPECT_EQ(Check(forged).refusal, Refusal::kNeverIssued);
}

TEST_F(IssuanceTest, NothingIsAskedOfABadTokenOrOfAProbe) {
  Apply(IssuanceMode::kEnforce, true);
  std::string bad = Token();
  bad[bad.size() - 5] = bad[bad.size() - 5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Check(bad).refusal, Refusal::kBadSignature);
  EXPECT_EQ(Check(Token("other")).refusal, Refusal::kWrongAudience);
  EXPECT_TRUE(Check(Token("urn:warder:probe")).ok());
  EXPECT_TRUE(oracle_.asked.empty());
}

TEST_F(IssuanceTest, WhatIsRefusedIsNotReportedAsAccepted) {
  Apply(IssuanceMode::kEnforce, false);
  oracle_.says = Issuance::kNeverIssued;
  Check(Token());
  EXPECT_EQ(listener_.accepted, 0);
  Apply(IssuanceMode::kStepUp, false);
  Check(Token());
  EXPECT_EQ(listener_.accepted, 1);
}

// Where the server cannot be reached a successor that signs by now is accepted:
// it was published ahead for that.
TEST_F(IssuanceTest, AKeyThatHasSignedNothingIsAskedForWhateverTheMode) {
  set_.ledger_asked = {kid_};
  Apply(IssuanceMode::kObserve, false);
  oracle_.says = Issuance::kNeverIssued;
  EXPECT_EQ(Check(Token()).refusal, Refusal::kNeverIssued);
  oracle_.says = Issuance::kIndeterminate;
  EXPECT_TRUE(Check(Token()).ok());
}

TEST_F(IssuanceTest, WithoutAnybodyToAskAKeyThatNeedsTheLedgerIsRefused) {
  options_.issuance = nullptr;
  Apply(IssuanceMode::kObserve, true);
  EXPECT_EQ(Check(Token()).refusal, Refusal::kIssuanceUnknown);
  Apply(IssuanceMode::kEnforce, false);
  EXPECT_TRUE(Check(Token()).ok());
}

// The server takes a set that is acknowledged for enforced: a token that waits
// for the ledger meanwhile is checked by it, too.
TEST_F(IssuanceTest, AKeyThatEndsWhileTheLedgerIsAskedIsRefused) {
  Apply(IssuanceMode::kEnforce, false);
  const std::string token = Token();
  oracle_.meanwhile = [&] {
    oracle_.meanwhile = nullptr;
    const auto other = crypto::PrivateKey::Generate(crypto::KeyType::kP256);
    set_.jwks =
        "{\"keys\":[" + *jose::WriteJwk(*other->Public(), "ES256") + "]}";
    ++set_.revision;
    EXPECT_OK(verifier_->Apply(set_));
  };
  EXPECT_EQ(Check(token).refusal, Refusal::kUnknownKey);
}

// Knows one person.
class OnlyAnn : public SubjectChecker {
 public:
  bool IsUnknown(absl::string_view issuer,
                 absl::string_view subject) const override {
    EXPECT_EQ(issuer, "issuers/shop");
    return subject != "ann";
  }
};

// Who registered since the subjects were loaded has honest tokens.
TEST_F(IssuanceTest, WhoNamesNobodyIsLetInWhereTheLedgerHasIt) {
  const OnlyAnn subjects;
  options_.subjects = &subjects;
  Apply(IssuanceMode::kObserve, false);
  EXPECT_TRUE(Check(Token("api", "ann")).ok());
  EXPECT_TRUE(oracle_.asked.empty());
  EXPECT_TRUE(Check(Token("api", "new")).ok());
  EXPECT_EQ(oracle_.asked.size(), 1u);
  oracle_.says = Issuance::kIndeterminate;
  EXPECT_TRUE(Check(Token("api", "new")).ok());
  EXPECT_TRUE(listener_.violations.empty());
  oracle_.says = Issuance::kNeverIssued;
  const Verdict verdict = Check(Token("api", "nobody"));
  EXPECT_EQ(verdict.refusal, Refusal::kNeverIssued);
  EXPECT_TRUE(absl::StrContains(verdict.detail, "names nobody"));
  EXPECT_EQ(Check(Token()).refusal, Refusal::kNeverIssued);  // no sub at all
  EXPECT_EQ(listener_.violations,
            std::vector<TokenViolation>(2, TokenViolation::kUnknownSubject));
  EXPECT_TRUE(Check(Token("urn:warder:probe")).ok());
}

TEST_F(IssuanceTest, WhatWasVerifiedBeforeIsHeldToSubjectsOnceTheyAreLoaded) {
  class Nobody : public SubjectChecker {
   public:
    bool IsUnknown(absl::string_view, absl::string_view) const override {
      return loaded;
    }
    bool loaded = false;
  } subjects;
  options_.subjects = &subjects;
  Apply(IssuanceMode::kObserve, false);
  oracle_.says = Issuance::kNeverIssued;
  const std::string forged = Token("api", "nobody");
  EXPECT_TRUE(Check(forged).ok());
  subjects.loaded = true;
  EXPECT_TRUE(Check(forged).cached);
  verifier_->ForgetVerified();
  EXPECT_EQ(Check(forged).refusal, Refusal::kNeverIssued);
}

}  // namespace
}  // namespace warder::client
