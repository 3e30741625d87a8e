#include "server/base/base64url.h"
#include "server/crypto/private_key.h"
#include "server/jose/algorithm.h"
#include "server/jose/jwk.h"
#include "server/jose/jwt.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::jose {
namespace {

// RFC 7638 section 3.1.
constexpr char kRfc7638[] =
    R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})";

struct Signer {
  explicit Signer(const std::string& alg = "ES256") : alg(alg) {
    scheme = *SchemeOf(alg);
    key.emplace(*crypto::PrivateKey::Generate(crypto::TypeOf(scheme)));
    jwk_text = *WriteJwk(*key->Public(), alg);
    jwk = *ParseJwk(*ParseJson(jwk_text));
  }
  std::string Token(const std::string& header, const std::string& claims) {
    const std::string input =
        Base64UrlEncode(header) + "." + Base64UrlEncode(claims);
    return input + "." + Base64UrlEncode(*key->Sign(scheme, input));
  }
  std::string Header() {
    return R"({"alg":")" + alg + R"(","kid":")" + jwk.kid + R"(","typ":"JWT"})";
  }
  std::string alg;
  crypto::SignatureScheme scheme;
  std::optional<crypto::PrivateKey> key;
  std::string jwk_text;
  Jwk jwk;
};

const std::string kClaims =
    R"({"iss":"https://i","aud":["a","b"],"iat":1767225600,"exp":1767225900})";
const JwtExpectation kExpect = {.issuer = "https://i",
                                .audience = "a",
                                .type = "JWT",
                                .clock_skew = absl::Minutes(1)};

}  // namespace

TEST(ThumbprintTest, Rfc7638Example) {
  ASSERT_OK_AND_ASSIGN(const Json json, ParseJson(kRfc7638));
  ASSERT_OK_AND_ASSIGN(const Jwk jwk, ParseJwk(json));
  ASSERT_OK_AND_ASSIGN(const std::string thumbprint, Thumbprint(*jwk.key));
  EXPECT_EQ(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(JwkTest, WhatIsWrittenHoldsOnlyStringsAndTheMembersConsumersKnow) {
  for (const char* alg :
       {"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"}) {
    Signer signer(alg);
    ASSERT_OK_AND_ASSIGN(const Json json, ParseJson(signer.jwk_text));
    for (const auto& [name, value] : json.items()) {
      EXPECT_TRUE(value.is_string()) << name;
      EXPECT_THAT(name, testing::AnyOf("kty", "use", "alg", "kid", "crv", "x",
                                       "y", "n", "e"));
    }
    EXPECT_EQ(json["alg"], alg);
    EXPECT_EQ(json["use"], "sig");
    EXPECT_EQ(json["kid"].get<std::string>().size(), 43u);
  }
}

TEST(JwkTest, PrivateMembersRefuseTheWholeSet) {
  Signer signer;
  ASSERT_OK_AND_ASSIGN(Json json, ParseJson(signer.jwk_text));
  json["d"] = "AAAA";
  EXPECT_THAT(ParseJwkSet(WriteJson({{"keys", {json}}})),
              FailsWith(Reason::kInvalidField, "private"));
}

TEST(JwkTest, UnknownKeysAreLeftOutAndDuplicateKidsRefused) {
  Signer signer;
  ASSERT_OK_AND_ASSIGN(const Json good, ParseJson(signer.jwk_text));
  const Json odd = {{"kty", "AKP"}, {"alg", "ML-DSA-44"}, {"kid", "x"}};
  ASSERT_OK_AND_ASSIGN(const auto keys,
                       ParseJwkSet(WriteJson({{"keys", {odd, good}}})));
  EXPECT_EQ(keys.size(), 1u);
  EXPECT_THAT(ParseJwkSet(WriteJson({{"keys", {good, good}}})),
              FailsWith(Reason::kInvalidField, "twice"));
  EXPECT_THAT(ParseJwkSet("{}"), FailsWith(Reason::kInvalidField));
}

TEST(JwkTest, ADeferredKeyIsReadWhenItIsAskedFor) {
  Signer signer;
  ASSERT_OK_AND_ASSIGN(const Json good, ParseJson(signer.jwk_text));
  Json off_curve = good, misfit = good;
  off_curve["kid"] = "off";
  off_curve["y"] = good["x"];
  misfit["kid"] = "misfit";
  misfit["alg"] = "EdDSA";
  ASSERT_OK_AND_ASSIGN(
      const auto keys,
      ParseDeferredJwkSet(WriteJson({{"keys", {good, off_curve, misfit}}})));
  ASSERT_EQ(keys.size(), 2u);  // the kind is read at once, the numbers are not
  ASSERT_OK_AND_ASSIGN(const crypto::PublicKey* key, keys[0].key->Get());
  EXPECT_EQ(*Thumbprint(*key), signer.jwk.kid);
  EXPECT_FALSE(keys[1].key->Get().ok());
  EXPECT_TRUE(keys[0].key->SameAs(*keys[0].key));
  EXPECT_FALSE(keys[0].key->SameAs(*keys[1].key));
}

TEST(JwtTest, AGoodTokenVerifiesWithEachAlgorithm) {
  for (const char* alg :
       {"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"}) {
    Signer signer(alg);
    EXPECT_OK(VerifyJwt(signer.Token(signer.Header(), kClaims), {signer.jwk},
                        kExpect, TestStart()))
        << alg;
  }
}

TEST(JwtTest, ExpiryAndStartAreHalfOpen) {
  Signer signer;
  const std::string token = signer.Token(signer.Header(), kClaims);
  const auto at = [&](absl::Time now) {
    return VerifyJwt(token, {signer.jwk}, kExpect, now);
  };
  const absl::Time end = TestStart() + absl::Minutes(5) + absl::Minutes(1);
  EXPECT_OK(at(end - absl::Nanoseconds(1)));
  EXPECT_THAT(at(end), FailsWith(Reason::kUnauthenticated, "expired"));
  const absl::Time begin = TestStart() - absl::Minutes(1);
  EXPECT_OK(at(begin));
  EXPECT_THAT(at(begin - absl::Nanoseconds(1)),
              FailsWith(Reason::kUnauthenticated, "not valid before"));
}

TEST(JwtTest, EachWayToCheatIsRefusedForItsOwnReason) {
  Signer signer;
  Signer other;
  Signer rsa("RS256");
  const auto refuse = [&](const std::string& token, const char* why) {
    const auto result =
        VerifyJwt(token, {signer.jwk, rsa.jwk}, kExpect, TestStart());
    EXPECT_THAT(result, testing::Not(IsOk()));
    EXPECT_THAT(std::string(result.status().message()),
                testing::HasSubstr(why));
  };
  const std::string kid = signer.jwk.kid;
  refuse(signer.Token(R"({"alg":"none","kid":")" + kid + "\"}", kClaims),
         "alg \"none\"");
  refuse(rsa.Token(R"({"alg":"RS256","kid":")" + kid + "\"}", kClaims),
         "its key is for ES256");
  refuse(other.Token(signer.Header(), kClaims), "does not verify");
  refuse(other.Token(other.Header(), kClaims), "not in the key set");
  refuse(signer.Token(R"({"alg":"ES256"})", kClaims), "names no key");
  for (const char* member : {"crit", "b64", "jwk", "jku", "x5u", "x5c"}) {
    refuse(signer.Token(R"({"alg":"ES256","kid":")" + kid + R"(",")" + member +
                            R"(":["x"]})",
                        kClaims),
           member);
  }
  refuse(
      signer.Token(signer.Header(), R"({"iss":"https://x","exp":1767225900})"),
      "iss");
  refuse(signer.Token(signer.Header(),
                      R"({"iss":"https://i","aud":"c","exp":1767225900})"),
         "aud");
  refuse(signer.Token(signer.Header(), R"({"iss":"https://i","aud":"a"})"),
         "exp is missing");
  refuse(signer.Token(signer.Header(),
                      R"({"iss":"https://i","aud":"a","exp":"1767225900"})"),
         "not a number");
  refuse(signer.Token(signer.Header(),
                      R"({"iss":"https://i","iss":"https://i","aud":"a"})"),
         "duplicate");
  refuse("a.b", "three");
  refuse(signer.Token(signer.Header(), kClaims) + ".x", "three");
}

TEST(JwsTest, AnEcdsaSignatureInDerFormIsRefused) {
  Signer signer;
  const std::string input =
      Base64UrlEncode(signer.Header()) + "." + Base64UrlEncode(kClaims);
  // What EVP gives before conversion begins with 0x30 and is not 64 bytes.
  const std::string der("\x30\x06\x02\x01\x01\x02\x01\x02", 8);
  EXPECT_THAT(VerifyJwt(input + "." + Base64UrlEncode(der), {signer.jwk},
                        kExpect, TestStart()),
              FailsWith(Reason::kUnauthenticated, "does not verify"));
}

}  // namespace warder::jose
