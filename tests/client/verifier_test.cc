#include "client/verify/verifier.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/base64url.h"
#include "server/crypto/ecdsa_raw.h"
#include "server/crypto/private_key.h"
#include "server/jose/algorithm.h"
#include "server/jose/jwk.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::client {
namespace {

using testing::HasSubstr;

constexpr char kIssuer[] = "https://keys.example/issuers/shop";
constexpr char kAudience[] = "https://api.example";

// A key that Warder would publish, and tokens of it.
struct Signer {
  std::string alg;
  crypto::SignatureScheme scheme;
  crypto::PrivateKey key;
  std::string kid, jwk;

  static Signer Make(const std::string& alg) {
    const auto scheme = jose::SchemeOf(alg);
    auto key = crypto::PrivateKey::Generate(crypto::TypeOf(*scheme));
    const auto pub = key->Public();
    return {.alg = alg,
            .scheme = *scheme,
            .key = *std::move(key),
            .kid = *jose::Thumbprint(*pub),
            .jwk = *jose::WriteJwk(*pub, alg)};
  }
  std::string Token(const std::string& header,
                    const std::string& payload) const {
    const std::string input =
        absl::StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(payload));
    return absl::StrCat(input, ".", Base64UrlEncode(*key.Sign(scheme, input)));
  }
  std::string Header(const std::string& more = "") const {
    return absl::StrCat(R"({"alg":")", alg, R"(","kid":")", kid,
                        R"(","typ":"JWT")", more, "}");
  }
};

class VerifierTest : public testing::Test {
 protected:
  void SetUp() override {
    verifier_ = std::make_unique<Verifier>(options_, clock_);
    Publish(1);
  }
  void Publish(int64_t revision, const std::string& jwks = "") {
    ASSERT_OK(verifier_->Apply(
        {.issuer = "issuers/shop",
         .issuer_uri = kIssuer,
         .revision = revision,
         .jwks = jwks.empty() ? absl::StrCat(R"({"keys":[)", signer_.jwk, "]}")
                              : jwks,
         .max_token_lifetime = absl::Hours(1),
         .fingerprint = absl::StrCat(revision, jwks),
         .drill = false}));
    verifier_->Confirm();
  }
  std::string Claims(const std::string& more = "", int64_t life = 300,
                     int64_t issued = 0) {
    const int64_t now = absl::ToUnixSeconds(clock_.TimeNow()) + issued;
    return absl::StrCat(R"({"iss":")", kIssuer, R"(","aud":")", kAudience,
                        R"(","sub":"u1","iat":)", now, R"(,"exp":)", now + life,
                        more, "}");
  }
  std::string Good() { return signer_.Token(signer_.Header(), Claims()); }
  Refusal Check(const std::string& token) {
    return verifier_->Verify(token, clock_.TimeNow()).refusal;
  }

  SimulatedClock clock_{TestStart()};
  Signer signer_ = Signer::Make("ES256");
  VerifierOptions options_{.audiences = {kAudience}};
  std::unique_ptr<Verifier> verifier_;
};

TEST_F(VerifierTest, AGoodTokenIsGoodAndShowsItsClaims) {
  const Verdict verdict = verifier_->Verify(Good(), clock_.TimeNow());
  ASSERT_TRUE(verdict.ok()) << verdict.detail;
  EXPECT_EQ(verdict.token->claims["sub"], "u1");
  EXPECT_EQ(verdict.token->kid, signer_.kid);
  EXPECT_FALSE(verdict.stale);
}

TEST_F(VerifierTest, EveryAlgorithmVerifies) {
  for (const char* alg :
       {"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"}) {
    signer_ = Signer::Make(alg);
    SetUp();
    for (int i = 0; i < 3; ++i) {  // the later ones by contexts used before
      EXPECT_EQ(Check(Good()), Refusal::kNone) << alg;
      EXPECT_EQ(Check(Signer::Make(alg).Token(signer_.Header(), Claims())),
                Refusal::kBadSignature)
          << alg;
    }
  }
}

// RFC 8725, by the number of its section.
TEST_F(VerifierTest, EachAttackIsRefusedByItsOwnName) {
  const auto header = [&](const std::string& text) {
    return signer_.Token(text, Claims());
  };
  const std::string kid = absl::StrCat(R"(,"kid":")", signer_.kid, "\"}");
  const std::string good = Good();
  const std::vector<std::string> parts = absl::StrSplit(good, '.');
  const auto raw = Base64UrlDecode(parts[2]);
  const auto der = crypto::EcdsaRawToDer(*raw, 32);
  const struct {
    const char* what;
    std::string token;
    Refusal refusal;
  } cases[] = {
      {"3.1 none", header(R"({"alg":"none")" + kid), Refusal::kNoAlgorithm},
      {"3.1 None", header(R"({"alg":"NoNe")" + kid), Refusal::kNoAlgorithm},
      {"3.1 another alg of the family", header(R"({"alg":"ES384")" + kid),
       Refusal::kWrongAlgorithm},
      {"2.1 the public key as a secret", header(R"({"alg":"HS256")" + kid),
       Refusal::kWrongAlgorithm},
      {"3.10 jwk",
       signer_.Token(signer_.Header(R"(,"jwk":)" + signer_.jwk), Claims()),
       Refusal::kKeyInHeader},
      {"3.10 jku",
       signer_.Token(signer_.Header(R"(,"jku":"https://evil/")"), Claims()),
       Refusal::kKeyInHeader},
      {"3.10 x5u",
       signer_.Token(signer_.Header(R"(,"x5u":"https://evil/")"), Claims()),
       Refusal::kKeyInHeader},
      {"3.10 x5c", signer_.Token(signer_.Header(R"(,"x5c":[])"), Claims()),
       Refusal::kKeyInHeader},
      {"crit", signer_.Token(signer_.Header(R"(,"crit":["exp"])"), Claims()),
       Refusal::kCritical},
      {"b64", signer_.Token(signer_.Header(R"(,"b64":false)"), Claims()),
       Refusal::kCritical},
      {"no kid", header(R"({"alg":"ES256"})"), Refusal::kNoKeyId},
      {"kid of another", header(R"({"alg":"ES256","kid":"../../etc/passwd"})"),
       Refusal::kUnknownKey},
      {"DER", absl::StrCat(parts[0], ".", parts[1], ".", Base64UrlEncode(*der)),
       Refusal::kSignatureForm},
      {"no signature", absl::StrCat(parts[0], ".", parts[1], "."),
       Refusal::kSignatureForm},
      {"two parts", absl::StrCat(parts[0], ".", parts[1]), Refusal::kMalformed},
      {"four parts", good + ".x", Refusal::kMalformed},
      {"padding", good + "=", Refusal::kMalformed},
      {"white space", " " + good, Refusal::kMalformed},
      {"empty", "", Refusal::kMalformed},
      {"claims are no object", signer_.Token(signer_.Header(), "[]"),
       Refusal::kMalformed},
      {"duplicate claim",
       signer_.Token(signer_.Header(), Claims(R"(,"sub":"root")")),
       Refusal::kDuplicateMember},
      {"duplicate header", header(R"({"alg":"none","alg":"ES256")" + kid),
       Refusal::kDuplicateMember},
      {"3.11 typ",
       header(absl::StrCat(R"({"typ":"secevent+jwt","alg":"ES256")", kid)),
       Refusal::kWrongType},
      {"3.11 no typ", header(R"({"alg":"ES256")" + kid), Refusal::kWrongType},
      {"past the bound", std::string(20000, 'a'), Refusal::kTooLong},
      {"lives too long", signer_.Token(signer_.Header(), Claims("", 3601)),
       Refusal::kLivesTooLong},
  };
  for (const auto& attack : cases) {
    const Verdict verdict = verifier_->Verify(attack.token, clock_.TimeNow());
    EXPECT_EQ(verdict.refusal, attack.refusal)
        << attack.what << ": " << RefusalName(verdict.refusal) << ", "
        << verdict.detail;
    EXPECT_NE(verdict.detail, "") << attack.what;
  }
}

TEST_F(VerifierTest, ClaimsAreThoseOfTheKeysIssuerAndForUs) {
  const int64_t now = absl::ToUnixSeconds(clock_.TimeNow());
  const auto claims = [&](const std::string& text) {
    return Check(signer_.Token(signer_.Header(), text));
  };
  const std::string times = absl::StrCat("\"iat\":", now, ",\"exp\":", now + 9);
  const std::string iss = absl::StrCat(R"("iss":")", kIssuer, "\",");
  const std::string aud = absl::StrCat(R"("aud":")", kAudience, "\",");
  EXPECT_EQ(claims("{" + iss + aud + times + "}"), Refusal::kNone);
  EXPECT_EQ(claims("{" + aud + times + "}"), Refusal::kWrongIssuer);
  EXPECT_EQ(claims(R"({"iss":"https://keys.example/issuers/other",)" + aud +
                   times + "}"),
            Refusal::kWrongIssuer);
  EXPECT_EQ(claims("{" + iss + times + "}"), Refusal::kWrongAudience);
  EXPECT_EQ(claims("{" + iss + R"("aud":["x",1],)" + times + "}"),
            Refusal::kWrongAudience);
  EXPECT_EQ(
      claims("{" + iss + R"("aud":["x",")" + kAudience + "\"]," + times + "}"),
      Refusal::kNone);
  EXPECT_EQ(claims("{" + iss + aud + "\"exp\":1}"), Refusal::kBadTime);
  EXPECT_EQ(claims(absl::StrCat("{", iss, aud, "\"iat\":", now, "}")),
            Refusal::kBadTime);
  EXPECT_EQ(claims(absl::StrCat("{", iss, aud, "\"iat\":", now, ",\"exp\":\"",
                                now + 9, "\"}")),
            Refusal::kBadTime);
  EXPECT_EQ(
      claims(absl::StrCat("{", iss, aud, "\"iat\":", now, ",\"exp\":1e300}")),
      Refusal::kBadTime);
}

TEST_F(VerifierTest, TimesAreHalfOpenAndAllowForSkew) {
  const std::string token = Good();  // 300 s, skew 60 s
  const absl::Time issued = clock_.TimeNow();
  const auto at = [&](absl::Duration after) {
    return verifier_->Verify(token, issued + after).refusal;
  };
  EXPECT_EQ(at(absl::Seconds(359)), Refusal::kNone);
  EXPECT_EQ(at(absl::Seconds(360)), Refusal::kExpired);
  EXPECT_EQ(at(-absl::Seconds(60)), Refusal::kNone);
  EXPECT_EQ(at(-absl::Seconds(61)), Refusal::kIssuedInFuture);
  // Two minutes off, as a gateway's clock may be.
  EXPECT_EQ(at(-absl::Minutes(2)), Refusal::kIssuedInFuture);
  const std::string later = signer_.Token(
      signer_.Header(),
      Claims(absl::StrCat(",\"nbf\":", absl::ToUnixSeconds(issued) + 100)));
  EXPECT_EQ(verifier_->Verify(later, issued + absl::Seconds(39)).refusal,
            Refusal::kNotYetValid);
  EXPECT_EQ(verifier_->Verify(later, issued + absl::Seconds(40)).refusal,
            Refusal::kNone);
}

TEST_F(VerifierTest, ARevokedKeyIsRefusedAlsoWhereItsTokenIsCached) {
  options_.cached_tokens = 100;
  SetUp();
  const std::string token = Good();
  EXPECT_FALSE(verifier_->Verify(token, clock_.TimeNow()).cached);
  EXPECT_TRUE(verifier_->Verify(token, clock_.TimeNow()).cached);
  const Signer successor = Signer::Make("ES256");
  Publish(2, absl::StrCat(R"({"keys":[)", successor.jwk, "]}"));
  EXPECT_EQ(Check(token), Refusal::kUnknownKey);
}

TEST_F(VerifierTest, ASetOfALowerRevisionHoldsAsWell) {
  // The server's store was restored: what it says is what holds.
  Publish(9);
  const Signer successor = Signer::Make("ES256");
  const std::string token = Good();
  Publish(2, absl::StrCat(R"({"keys":[)", successor.jwk, "]}"));
  EXPECT_EQ(Check(token), Refusal::kUnknownKey);
}

TEST_F(VerifierTest, TokensOfDrillsOpenNothingButAProbe) {
  PublishedSet set = verifier_->Sets().at("issuers/shop");
  set.drill = true;
  ASSERT_OK(verifier_->Apply(set));
  EXPECT_EQ(Check(Good()), Refusal::kDrillIssuer);
  options_.accept_drills = true;
  SetUp();
  ASSERT_OK(verifier_->Apply(set));
  EXPECT_EQ(Check(Good()), Refusal::kNone);
}

TEST_F(VerifierTest, ACachedTokenExpires) {
  options_.cached_tokens = 100;
  SetUp();
  const std::string token = Good();
  EXPECT_EQ(Check(token), Refusal::kNone);
  EXPECT_EQ(
      verifier_->Verify(token, clock_.TimeNow() + absl::Seconds(360)).refusal,
      Refusal::kExpired);
}

TEST_F(VerifierTest, TheCacheStaysWithinItsBound) {
  TokenCache cache(64);
  int found = 0;
  for (int i = 0; i < 5000; ++i) {
    cache.Insert(absl::StrCat("t", i), std::make_shared<VerifiedToken>());
  }
  for (int i = 0; i < 5000; ++i) {
    found += cache.Find(absl::StrCat("t", i)) != nullptr ? 1 : 0;
  }
  EXPECT_LE(found, 128);
  EXPECT_GE(found, 1);
}

TEST_F(VerifierTest, CutOffForTooLongItRefuses) {
  clock_.AdvanceTime(absl::Minutes(5));
  EXPECT_EQ(Check(Good()), Refusal::kNone);
  clock_.AdvanceTime(absl::Nanoseconds(1));
  EXPECT_EQ(Check(Good()), Refusal::kStale);
  verifier_->Confirm();
  EXPECT_EQ(Check(Good()), Refusal::kNone);
  // A wall clock set back prolongs nothing.
  clock_.AdvanceTime(absl::Minutes(5) + absl::Seconds(1));
  clock_.SetTime(TestStart());
  EXPECT_EQ(Check(Good()), Refusal::kStale);
}

TEST_F(VerifierTest, ToldToServeStaleItDoesAndSaysSo) {
  options_.serve_stale = true;
  SetUp();
  clock_.AdvanceTime(absl::Hours(5));
  const Verdict verdict = verifier_->Verify(Good(), clock_.TimeNow());
  EXPECT_TRUE(verdict.ok());
  EXPECT_TRUE(verdict.stale);
}

TEST_F(VerifierTest, WithoutASetItRefuses) {
  Verifier fresh(options_, clock_);
  EXPECT_EQ(fresh.Verify(Good(), clock_.TimeNow()).refusal, Refusal::kNoKeySet);
  EXPECT_EQ(fresh.Age(), absl::InfiniteDuration());
}

TEST_F(VerifierTest, ABadSetChangesNothing) {
  const PublishedSet good = verifier_->Sets().at("issuers/shop");
  for (const char* bad : {"", "{}", "[]", R"({"keys":[]})", "<html>",
                          R"({"keys":[{"kty":"oct","k":"AA"}]})"}) {
    PublishedSet set = good;
    set.revision = 9;
    set.jwks = bad;
    EXPECT_FALSE(verifier_->Apply(set).ok()) << bad;
  }
  // A kid of one issuer is no other's.
  PublishedSet other = good;
  other.issuer = "issuers/other";
  EXPECT_THAT(verifier_->Apply(other),
              FailsWith(Reason::kInvalidField, "another issuer's"));
  EXPECT_EQ(verifier_->Sets().size(), 1u);
  EXPECT_EQ(Check(Good()), Refusal::kNone);
  ASSERT_OK(verifier_->Keep({"issuers/none"}));
  EXPECT_EQ(Check(Good()), Refusal::kNoKeySet);
}

TEST_F(VerifierTest, WhatIsPublishedAsAKeyAndIsNoneVerifiesNothing) {
  const Signer other = Signer::Make("ES256");
  ASSERT_OK_AND_ASSIGN(Json off_curve, ParseJson(other.jwk));
  off_curve["y"] = off_curve["x"];
  Publish(2, absl::StrCat(R"({"keys":[)", signer_.jwk, ",",
                          WriteJson(off_curve), "]}"));
  const Verdict verdict = verifier_->Verify(
      other.Token(other.Header(), Claims()), clock_.TimeNow());
  EXPECT_EQ(verdict.refusal, Refusal::kBadSignature);
  EXPECT_THAT(verdict.detail, testing::HasSubstr("is none"));
  EXPECT_EQ(Check(Good()), Refusal::kNone);
}

TEST_F(VerifierTest, AnotherKeyUnderTheSameKidIsAnotherKey) {
  ASSERT_EQ(Check(Good()), Refusal::kNone);
  const Signer other = Signer::Make("ES256");
  ASSERT_OK_AND_ASSIGN(Json swapped, ParseJson(other.jwk));
  swapped["kid"] = signer_.kid;
  Publish(2, absl::StrCat(R"({"keys":[)", WriteJson(swapped), "]}"));
  EXPECT_EQ(Check(Good()), Refusal::kBadSignature);
  EXPECT_EQ(Check(other.Token(signer_.Header(), Claims())), Refusal::kNone);
}

TEST_F(VerifierTest, EveryBitOfTheTokenCounts) {
  const std::string token = Good();
  for (size_t i = 0; i < token.size(); ++i) {
    std::string spoiled = token;
    spoiled[i] = spoiled[i] == 'A' ? 'B' : 'A';
    if (spoiled == token) continue;
    EXPECT_NE(Check(spoiled), Refusal::kNone) << i;
  }
}

TEST_F(VerifierTest, OptionsNameTheirBadField) {
  EXPECT_EQ(FieldOf(ValidateOptions({})), "audiences");
  VerifierOptions options{.audiences = {"a"}};
  EXPECT_OK(ValidateOptions(options));
  options.types.clear();
  EXPECT_EQ(FieldOf(ValidateOptions(options)), "types");
  options = {.audiences = {"a"}, .max_staleness = absl::Hours(25)};
  EXPECT_EQ(FieldOf(ValidateOptions(options)), "max_staleness");
  options = {.audiences = {"a"}, .clock_skew = absl::Hours(1)};
  EXPECT_EQ(FieldOf(ValidateOptions(options)), "clock_skew");
}

// Writes down what it is told.
class Listener : public TokenObserver {
 public:
  void Accepted(const SeenToken& token) override { Write("accepted", token); }
  void Refused(const SeenToken& token, TokenViolation violation) override {
    Write(absl::StrCat("violation ", static_cast<int>(violation)), token);
  }
  std::vector<std::string> Told() { return std::exchange(told_, {}); }

 private:
  void Write(const std::string& what, const SeenToken& token) {
    told_.push_back(absl::StrCat(what, " ", token.issuer, " ", token.audience));
    EXPECT_EQ(
        std::count(token.signing_input.begin(), token.signing_input.end(), '.'),
        1);
    last_time = token.issue_time;
  }
  std::vector<std::string> told_;

 public:
  absl::Time last_time;
};

TEST_F(VerifierTest, AnObserverIsToldOfWhatCarriesTheKeysSignature) {
  Listener listener;
  options_.observer = &listener;
  options_.cached_tokens = 10;
  SetUp();
  using Told = std::vector<std::string>;
  const auto seen = [](const std::string& what,
                       const std::string& audience = kAudience) {
    return Told{absl::StrCat(what, " issuers/shop ", audience)};
  };
  const std::string good = Good();
  EXPECT_EQ(Check(good), Refusal::kNone);
  EXPECT_EQ(listener.Told(), seen("accepted"));
  EXPECT_EQ(listener.last_time, clock_.TimeNow());
  EXPECT_EQ(Check(good), Refusal::kNone);
  EXPECT_TRUE(listener.Told().empty());  // it is remembered
  const auto violation = [](TokenViolation which) {
    return absl::StrCat("violation ", static_cast<int>(which));
  };
  EXPECT_EQ(Check(signer_.Token(signer_.Header(), Claims("", 7200))),
            Refusal::kLivesTooLong);
  EXPECT_EQ(listener.Told(), seen(violation(TokenViolation::kLifetime)));
  EXPECT_EQ(Check(signer_.Token(signer_.Header(), Claims("", 300, 120))),
            Refusal::kIssuedInFuture);
  EXPECT_EQ(listener.Told(), seen(violation(TokenViolation::kFutureIat)));
  std::string elsewhere = Claims();
  elsewhere.replace(elsewhere.find(kAudience), strlen(kAudience), "other");
  EXPECT_EQ(Check(signer_.Token(signer_.Header(), elsewhere)),
            Refusal::kWrongAudience);
  EXPECT_EQ(listener.Told(),
            seen(violation(TokenViolation::kAudience), "other"));
  // A probe's is Warder's own; one for a backend, too, is none.
  const auto check_for = [&](const std::string& audience) {
    std::string claims = Claims();
    claims.replace(claims.find(absl::StrCat("\"", kAudience, "\"")),
                   strlen(kAudience) + 2, audience);
    return Check(signer_.Token(signer_.Header(), claims));
  };
  EXPECT_EQ(check_for(R"("urn:warder:probe")"), Refusal::kWrongAudience);
  EXPECT_EQ(check_for(R"(["urn:warder:probe:x"])"), Refusal::kWrongAudience);
  EXPECT_TRUE(listener.Told().empty());
  EXPECT_EQ(
      check_for(absl::StrCat(R"(["urn:warder:probe",")", kAudience, "\"]")),
      Refusal::kNone);
  EXPECT_EQ(listener.Told(), seen("accepted", "urn:warder:probe"));
  EXPECT_EQ(check_for(R"("urn:warder:probes")"), Refusal::kWrongAudience);
  EXPECT_EQ(listener.Told().size(), 1u);
  // What anybody could make, and what opens nothing any more, is no news.
  const Signer other = Signer::Make("ES256");
  EXPECT_EQ(Check(other.Token(signer_.Header(), Claims())),
            Refusal::kBadSignature);
  EXPECT_EQ(Check(other.Token(other.Header(), Claims())), Refusal::kUnknownKey);
  EXPECT_EQ(Check(signer_.Token(signer_.Header(), Claims("", 300, -900))),
            Refusal::kExpired);
  EXPECT_TRUE(listener.Told().empty());
}

TEST_F(VerifierTest, AKeyThatHasEndedIsKnownByItsSignature) {
  Listener listener;
  options_.observer = &listener;
  SetUp();
  const Signer ended = std::exchange(signer_, Signer::Make("ES256"));
  Publish(2);
  Publish(3, absl::StrCat(R"({"keys":[)", signer_.jwk, "]}"));
  EXPECT_EQ(Check(ended.Token(ended.Header(), Claims())), Refusal::kUnknownKey);
  EXPECT_EQ(listener.Told().size(), 1u);
  EXPECT_EQ(Check(signer_.Token(ended.Header(), Claims())),
            Refusal::kUnknownKey);
  EXPECT_EQ(Check(ended.Token(ended.Header(), Claims("", 300, -900))),
            Refusal::kUnknownKey);  // and expired
  EXPECT_TRUE(listener.Told().empty());
  // It comes back, as a key that was suspended does.
  Publish(4, absl::StrCat(R"({"keys":[)", ended.jwk, "]}"));
  EXPECT_EQ(Check(ended.Token(ended.Header(), Claims())), Refusal::kNone);
  EXPECT_EQ(listener.Told().size(), 1u);
}

}  // namespace
}  // namespace warder::client
