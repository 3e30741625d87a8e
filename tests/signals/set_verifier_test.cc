#include "server/signals/set_verifier.h"

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/crypto/private_key.h"
#include "server/jose/jwk.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::signals {

using app::SetError;

class SetVerifierTest : public testing::Test {
 protected:
  SetVerifierTest()
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
  SetError Judge(const std::string& token, const std::string& jwks) {
    const auto verdict =
        verifier_.Verify(token, jwks, "https://idp", "warder", TestStart());
    EXPECT_EQ(verdict.description.empty(), verdict.error == SetError::kNone);
    return verdict.error;
  }
  SetError Judge(const Json& header, const Json& claims) {
    return Judge(Sign(header, claims), jwks_);
  }

  crypto::PrivateKey key_;
  std::string kid_, jwks_;
  SetVerifier verifier_;
};

TEST_F(SetVerifierTest, AGoodOneIsReadAlsoWithAListOfAudiences) {
  EXPECT_EQ(Judge(Header(), Claims()), SetError::kNone);
  Json claims = Claims();
  claims["aud"] = {"other", "warder"};
  Json header = Header();
  header["typ"] = "application/secevent+JWT";
  EXPECT_EQ(Judge(header, claims), SetError::kNone);
}

TEST_F(SetVerifierTest, AKeyWithoutAlgorithmIsTakenByItsType) {
  Json set = *ParseJson(jwks_);
  set["keys"][0].erase("alg");
  EXPECT_EQ(Judge(Sign(Header(), Claims()), WriteJson(set)), SetError::kNone);
  set["keys"][0]["alg"] = "ES384";
  EXPECT_EQ(Judge(Sign(Header(), Claims()), WriteJson(set)),
            SetError::kInvalidKey);
  EXPECT_OK(verifier_.CheckKeySet("jwks", jwks_));
  for (const char* bad : {"", "[]", "{}", "{\"keys\":[]}", "{\"keys\":[{}]}"}) {
    EXPECT_THAT(verifier_.CheckKeySet("jwks", bad),
                FailsWith(Reason::kInvalidField, "jwks"))
        << bad;
  }
}

TEST_F(SetVerifierTest, EveryClaimThatIsMissingOrForeignHasItsError) {
  const auto with = [](const char* name, const Json& value) {
    Json claims = Claims();
    claims[name] = value;
    return claims;
  };
  const int64_t now = absl::ToUnixSeconds(TestStart());
  EXPECT_EQ(Judge(Header(), with("iss", "https://evil")),
            SetError::kInvalidIssuer);
  EXPECT_EQ(Judge(Header(), with("iss", 7)), SetError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("aud", "other")), SetError::kInvalidAudience);
  EXPECT_EQ(Judge(Header(), with("aud", Json::object())),
            SetError::kInvalidAudience);
  EXPECT_EQ(Judge(Header(), with("jti", "")), SetError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("iat", "1")), SetError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("iat", now + 299)), SetError::kNone);
  EXPECT_EQ(Judge(Header(), with("iat", now - 7 * 86400)), SetError::kNone);
  EXPECT_EQ(Judge(Header(), with("iat", now - 7 * 86400 - 1)),
            SetError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("iat", 0)), SetError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("iat", now + 301)), SetError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("events", Json::array())),
            SetError::kInvalidRequest);
  EXPECT_EQ(Judge(Header(), with("events", Json::object())),
            SetError::kInvalidRequest);
}

TEST_F(SetVerifierTest, HeadersThatMisleadAreRefused) {
  Json header = Header();
  header["typ"] = "JWT";
  EXPECT_EQ(Judge(header, Claims()), SetError::kInvalidRequest);
  header = Header();
  header["alg"] = "none";
  EXPECT_EQ(Judge(header, Claims()), SetError::kAuthenticationFailed);
  header = Header();
  header["jku"] = "https://evil/keys";
  EXPECT_EQ(Judge(header, Claims()), SetError::kInvalidRequest);
  header = Header();
  header.erase("kid");
  EXPECT_EQ(Judge(header, Claims()), SetError::kInvalidKey);
  std::string token = Sign(Header(), Claims());
  token[token.size() - 10] = token[token.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Judge(token, jwks_), SetError::kAuthenticationFailed);
}

}  // namespace warder::signals
