#include "server/vault/software_vault.h"

#include "server/jose/algorithm.h"
#include "server/jose/jwk.h"
#include "server/vault/private_authority.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"
#include "tests/support/test_sealer.h"

namespace warder::vault {
namespace {

app::SigningKey SigningKeyOf(const app::GeneratedKey& made,
                             domain::Algorithm algorithm) {
  return {.id = made.id,
          .algorithm = algorithm,
          .sealed = made.sealed,
          .activate_time = TestStart(),
          .sign_until = absl::InfiniteFuture()};
}

}  // namespace

TEST(SoftwareVaultTest, EveryAlgorithmSignsWhatItsPublicJwkVerifies) {
  const crypto::Sealer sealer = MakeSealer();
  SoftwareVault vault(sealer);
  const IssuerId shop("shop");
  for (const domain::Algorithm algorithm : domain::kAlgorithms) {
    ASSERT_OK_AND_ASSIGN(const auto made, vault.Generate(shop, algorithm));
    ASSERT_OK_AND_ASSIGN(const Json json, ParseJson(made.public_jwk));
    ASSERT_OK_AND_ASSIGN(const jose::Jwk jwk, jose::ParseJwk(json));
    EXPECT_EQ(jwk.kid, made.id.value());
    ASSERT_OK_AND_ASSIGN(
        const std::string signature,
        vault.Sign(shop, SigningKeyOf(made, algorithm), "input"));
    ASSERT_OK_AND_ASSIGN(const auto scheme, jose::SchemeOf(jwk.alg));
    ASSERT_OK_AND_ASSIGN(const bool good,
                         jwk.key->Verify(scheme, "input", signature));
    EXPECT_TRUE(good) << jwk.alg;
    EXPECT_EQ(made.sealed.find("PRIVATE"), std::string::npos);
  }
}

TEST(SoftwareVaultTest, MoreKeysThanLockedMemoryHoldsSignAllTheSame) {
  // Holds fewer than three hundred of RSA.
  crypto::InitSecureHeap(256 << 10);
  const crypto::Sealer sealer = MakeSealer();
  SoftwareVault vault(sealer);
  ASSERT_OK_AND_ASSIGN(const auto key,
                       crypto::PrivateKey::Generate(crypto::KeyType::kRsa2048));
  ASSERT_OK_AND_ASSIGN(const SecretBytes der, key.ToPkcs8());
  for (int i = 0; i < 400; ++i) {
    const IssuerId issuer("i" + std::to_string(i));
    app::GeneratedKey made;
    made.id = KeyId("k" + std::to_string(i));
    ASSERT_OK_AND_ASSIGN(
        made.sealed,
        sealer.Seal(der.span(), KeyBinding(issuer, made.id.value())));
    ASSERT_OK(vault.Sign(issuer, SigningKeyOf(made, domain::Algorithm::kRs256),
                         "input"));
  }
}

TEST(SoftwareVaultTest, ASealedKeyMovedToAnotherIssuerDoesNotOpen) {
  const crypto::Sealer sealer = MakeSealer();
  SoftwareVault vault(sealer);
  ASSERT_OK_AND_ASSIGN(
      const auto made,
      vault.Generate(IssuerId("shop"), domain::Algorithm::kEs256));
  const auto key = SigningKeyOf(made, domain::Algorithm::kEs256);
  EXPECT_THAT(vault.Sign(IssuerId("other"), key, "x"),
              FailsWith(Reason::kKeyEncryptionKey));
  const crypto::Sealer wrong = MakeSealer(2);
  SoftwareVault other(wrong);
  EXPECT_THAT(other.Sign(IssuerId("shop"), key, "x"),
              FailsWith(Reason::kKeyEncryptionKey));
}

TEST(SoftwareVaultTest, AForgottenKeyDoesNotComeBack) {
  const crypto::Sealer sealer = MakeSealer();
  SoftwareVault vault(sealer);
  const IssuerId shop("shop");
  ASSERT_OK_AND_ASSIGN(const auto made,
                       vault.Generate(shop, domain::Algorithm::kEs256));
  auto key = SigningKeyOf(made, domain::Algorithm::kEs256);
  ASSERT_OK(vault.Sign(shop, key, "x"));
  vault.Forget(key.id);
  // A signer that took its snapshot before the revocation comes late.
  EXPECT_THAT(vault.Sign(shop, key, "x"), FailsWith(Reason::kNoSigningKey));
}

TEST(PrivateAuthorityTest, LoadsOnlyUnderItsOwnKeyEncryptionKey) {
  const crypto::Sealer sealer = MakeSealer();
  ASSERT_OK_AND_ASSIGN(const auto sealed,
                       PrivateAuthority::Create(sealer, "CA", TestStart()));
  EXPECT_OK(PrivateAuthority::Load(sealer, sealed));
  EXPECT_THAT(PrivateAuthority::Load(MakeSealer(2), sealed),
              FailsWith(Reason::kKeyEncryptionKey));
}

}  // namespace warder::vault
