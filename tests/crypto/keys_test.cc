#include "server/crypto/ecdsa_raw.h"
#include "server/crypto/private_key.h"
#include "tests/support/status_matchers.h"

namespace warder::crypto {

constexpr SignatureScheme kSchemes[] = {
    SignatureScheme::kEcdsaSha256,    SignatureScheme::kEcdsaSha384,
    SignatureScheme::kEcdsaSha512,    SignatureScheme::kEd25519,
    SignatureScheme::kRsaPkcs1Sha256, SignatureScheme::kRsaPssSha256};

class SchemeTest : public testing::TestWithParam<SignatureScheme> {};

TEST_P(SchemeTest, SignsVerifiesAndRefusesEveryFlippedBit) {
  ASSERT_OK_AND_ASSIGN(const PrivateKey key,
                       PrivateKey::Generate(TypeOf(GetParam())));
  ASSERT_OK_AND_ASSIGN(const PublicKey pub, key.Public());
  ASSERT_OK_AND_ASSIGN(const std::string sig, key.Sign(GetParam(), "hello"));
  if (const size_t width = CoordinateWidth(key.type()); width > 0) {
    EXPECT_EQ(sig.size(), 2 * width);
  }
  ASSERT_OK_AND_ASSIGN(bool good, pub.Verify(GetParam(), "hello", sig));
  EXPECT_TRUE(good);
  ASSERT_OK_AND_ASSIGN(good, pub.Verify(GetParam(), "hellp", sig));
  EXPECT_FALSE(good);
  for (size_t bit = 0; bit < sig.size() * 8; bit += 7) {
    std::string bad = sig;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_OK_AND_ASSIGN(good, pub.Verify(GetParam(), "hello", bad));
    EXPECT_FALSE(good) << bit;
  }
  for (const size_t size : {size_t{0}, sig.size() - 1, sig.size() + 1}) {
    std::string bad = sig;
    bad.resize(size);
    ASSERT_OK_AND_ASSIGN(good, pub.Verify(GetParam(), "hello", bad));
    EXPECT_FALSE(good);
  }
}

TEST_P(SchemeTest, Pkcs8ComesBackOnlyAsItsOwnType) {
  ASSERT_OK_AND_ASSIGN(const PrivateKey key,
                       PrivateKey::Generate(TypeOf(GetParam())));
  ASSERT_OK_AND_ASSIGN(const SecretBytes der, key.ToPkcs8());
  ASSERT_OK_AND_ASSIGN(const PrivateKey again,
                       PrivateKey::FromPkcs8(der.span(), key.type()));
  ASSERT_OK_AND_ASSIGN(const PublicKey pub, key.Public());
  ASSERT_OK_AND_ASSIGN(const std::string sig, again.Sign(GetParam(), "x"));
  ASSERT_OK_AND_ASSIGN(const bool good, pub.Verify(GetParam(), "x", sig));
  EXPECT_TRUE(good);
  const KeyType other =
      key.type() == KeyType::kP256 ? KeyType::kP384 : KeyType::kP256;
  EXPECT_THAT(PrivateKey::FromPkcs8(der.span(), other),
              FailsWith(Reason::kInvalidField));
}

TEST_P(SchemeTest, NumbersMakeTheSameKey) {
  ASSERT_OK_AND_ASSIGN(const PrivateKey key,
                       PrivateKey::Generate(TypeOf(GetParam())));
  ASSERT_OK_AND_ASSIGN(const PublicKey pub, key.Public());
  ASSERT_OK_AND_ASSIGN(const auto n, pub.GetNumbers());
  auto again = key.type() == KeyType::kEd25519 ? PublicKey::FromEd25519(n.x)
               : key.type() == KeyType::kRsa2048
                   ? PublicKey::FromRsa(n.n, n.e)
                   : PublicKey::FromEc(key.type(), n.x, n.y);
  ASSERT_OK(again);
  ASSERT_OK_AND_ASSIGN(const std::string a, pub.ToPem());
  ASSERT_OK_AND_ASSIGN(const std::string b, again->ToPem());
  EXPECT_EQ(a, b);
}

INSTANTIATE_TEST_SUITE_P(All, SchemeTest, testing::ValuesIn(kSchemes));

TEST(PublicKeyTest, PointsOffTheCurveAndWeakRsaAreRefused) {
  const std::string one = std::string(31, '\0') + "\x01";
  EXPECT_THAT(PublicKey::FromEc(KeyType::kP256, one, one),
              FailsWith(Reason::kInvalidField));
  EXPECT_THAT(PublicKey::FromEc(KeyType::kP256, "short", one),
              FailsWith(Reason::kInvalidField, "5"));
  EXPECT_THAT(PublicKey::FromRsa(std::string(128, '\xff'), "\x01"),
              FailsWith(Reason::kInvalidField, "1024 bits"));
  EXPECT_THAT(PublicKey::FromRsa(std::string(256, '\xff'), "\x05"),
              FailsWith(Reason::kInvalidField, "65537"));
  EXPECT_THAT(PublicKey::FromEd25519("x"), FailsWith(Reason::kInvalidField));
}

TEST(EcdsaRawTest, DerWithShortNumbersIsPadded) {
  // r = 1, s = 2.
  const std::string der("\x30\x06\x02\x01\x01\x02\x01\x02", 8);
  ASSERT_OK_AND_ASSIGN(const std::string raw, EcdsaDerToRaw(der, 32));
  EXPECT_EQ(raw.size(), 64u);
  EXPECT_EQ(raw[31], 1);
  EXPECT_EQ(raw[63], 2);
  ASSERT_OK_AND_ASSIGN(const std::string back, EcdsaRawToDer(raw, 32));
  EXPECT_EQ(back, der);
}

}  // namespace warder::crypto
