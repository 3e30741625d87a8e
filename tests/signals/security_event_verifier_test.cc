#include "server/signals/security_event_verifier.h"

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/crypto/private_key.h"
#include "server/jose/jwk.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::signals {

using app::SecurityEventError;

class SecurityEventVerifierTest : public testing::Test {
 protected:
  SecurityEventVerifierTest()
      : key_(*crypto::PrivateKey::Generate(crypto::KeyType::kP256)),
        kid_(*jose::Thumbprint(*key_.Public())),
        jwks_(absl::StrCat("{\"keys\":[",
                           *jose::WriteJwk(*key_.Public(), "ES256"), "]}")) {}

  static Json Claims() {
    return {{"iss", "https://idp"},
            {"aud", "warder"},
            {"jti", "1"},
            {"iat", absl::ToUnixSeconds(TestStart())},
            {"events", {{"urn:x", Json::object()}}}};
  }
  std::string Sign(const Json& header, const Json& claims) {
    std::string token = absl::StrCat(Base64UrlEncode(WriteJson(header)), ".",
                                     Base64UrlEncode(WriteJson(claims)));
    const std::string signature =
        *key_.Sign(crypto::SignatureScheme::kEcdsaSha256, token);
    return absl::StrCat(token, ".", Base64UrlEncode(signature));
  }
  Json Header() {
    return {{"alg", "ES256"}, {"kid", kid_}, {"typ", "secevent+jwt"}};
  }
  SecurityEventError Judge(const std::string& token, const std::string& jwks) {
    const auto verdict =
        verifier_.Verify(token, jwks, "https://idp", "warder", TestStart());
    EXPECT_EQ(verdict.description.empty(), verdict.error == SecurityEventError::kNone);
    return verdict.error;
  }
  SecurityEventError Judge(const Json& header, const Json& claims) {
    return Judge(Sign(header, claims), jwks_);
  }

  crypto::PrivateKey key_;
  std::string kid_, jwks_;
  JoseSecurityEventVerifier verifier_;
};

TEST_F(SecurityEventVerifierTest, AGoodOneIsReadAlsoWithAListOfAudiences) {
  EXPECT_EQ(Judge(Header(), Claims()), SecurityEventError::kNone);
  Json claims = Claims();
  claims["aud"] = {"other", "warder"};
  Json header = Header();
  header["typ"] = "application/secevent+JWT";
  EXPECT_EQ(Judge(header, claims), SecurityEventError::kNone);
}

TEST_F(SecurityEventVerifierTest, AKeyWithoutAlgorithmIsTakenByItsType) {
  Json set = *ParseJson(jwks_);
  set["keys"][0].erase("alg");
  EXPECT_EQ(Judge(Sign(Header(), Claims()), WriteJson(set)), SecurityEventError::kNone);
  set["keys"][0]["alg"] = "ES384";
  EXPECT_EQ(Judge(Sign(Header(), Claims()), WriteJson(set)),
            SecurityEventError::kInvalidKey);
  EXPECT_OK(verifier_.CheckKeySet("jwks", jwks_));
  for (const char* bad : {"", "[]", "{}", "{\"keys\":[]}", "{\"keys\":[{}]}"}) {
    EXPECT_THAT(verifier_.CheckKeySet("jwks", bad),
                FailsWith(Reason::kInvalidField, "jwks"))
        << bad;
  }
}

TEST_F(SecurityEventVerifierTest, EveryClaimThatIsMissingOrForeignHasItsError) {
  const auto with = [](const char* name, const Json& value) {
    Json claims = Claims();
    claims[name] = value;
    return claims;
  };
  const int64_t now = absl::ToUnixSeconds(TestStart());
  EXPECT_EQ(Judge(Header(), with("iss", "https://evil")),
            SecurityEventError::kInvalidIssuer);
  EXPECT_EQ(Judge(Header(), with("iss", 7)), SecurityEventError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("aud", "other")), SecurityEventError::kInvalidAudience);
  EXPECT_EQ(Judge(Header(), with("aud", Json::object())),
            SecurityEventError::kInvalidAudience);
  EXPECT_EQ(Judge(Header(), with("jti", "")), SecurityEventError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("iat", "1")), SecurityEventError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("iat", now + 299)), SecurityEventError::kNone);
  EXPECT_EQ(Judge(Header(), with("iat", now - 7 * 86400 + 1)),
            SecurityEventError::kNone);
  EXPECT_EQ(Judge(Header(), with("iat", now - 7 * 86400)),
            SecurityEventError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("iat", 0)), SecurityEventError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("iat", now + 301)), SecurityEventError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("events", Json::array())),
            SecurityEventError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("events", Json::object())),
            SecurityEventError::kInvalidRequest);
}

TEST_F(SecurityEventVerifierTest, HeadersThatMisleadAreRefused) {
  Json header = Header();
  header["typ"] = "JWT";
  EXPECT_EQ(Judge(header, Claims()), SecurityEventError::kInvalidRequest);
  header = Header();
  header["alg"] = "none";
  EXPECT_EQ(Judge(header, Claims()), SecurityEventError::kAuthenticationFailed);
  header = Header();
  header["jku"] = "https://evil/keys";
  EXPECT_EQ(Judge(header, Claims()), SecurityEventError::kInvalidRequest);
  header = Header();
  header.erase("kid");
  EXPECT_EQ(Judge(header, Claims()), SecurityEventError::kInvalidKey);
  std::string token = Sign(Header(), Claims());
  token[token.size() - 10] = token[token.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Judge(token, jwks_), SecurityEventError::kAuthenticationFailed);
}

}  // namespace warder::signals
