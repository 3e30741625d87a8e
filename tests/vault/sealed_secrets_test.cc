#include "server/vault/sealed_secrets.h"

#include "absl/strings/match.h"
#include "server/crypto/digest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_sealer.h"

namespace warder::vault {
namespace {

constexpr absl::string_view kSecret = "thirty-two bytes known to two...";

}  // namespace

TEST(SealedSecretsTest, OpensUnderItsOwnNameOnly) {
  const crypto::Sealer sealer = MakeSealer(1), other_sealer = MakeSealer(2);
  SealedSecrets secrets(sealer), others(other_sealer);
  ASSERT_OK_AND_ASSIGN(const std::string sealed,
                       secrets.Seal("subscriptions/a", kSecret));
  EXPECT_FALSE(absl::StrContains(sealed, kSecret));
  ASSERT_OK_AND_ASSIGN(const std::string opened,
                       secrets.Open("subscriptions/a", sealed));
  EXPECT_EQ(opened, kSecret);
  // Moved in the store to another row, or carried to another house.
  EXPECT_FALSE(secrets.Open("subscriptions/b", sealed).ok());
  EXPECT_FALSE(secrets.Mac("subscriptions/b", sealed, "x").ok());
  EXPECT_FALSE(others.Open("subscriptions/a", sealed).ok());
  for (size_t at = 0; at < sealed.size(); ++at) {
    std::string damaged = sealed;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(secrets.Open("subscriptions/a", damaged).ok()) << at;
  }
}

TEST(SealedSecretsTest, AuthenticatesAMessageWithoutShowingTheSecret) {
  const crypto::Sealer sealer = MakeSealer(1);
  SealedSecrets secrets(sealer);
  ASSERT_OK_AND_ASSIGN(const std::string sealed,
                       secrets.Seal("subscriptions/a", kSecret));
  ASSERT_OK_AND_ASSIGN(const std::string mac,
                       secrets.Mac("subscriptions/a", sealed, "message"));
  EXPECT_EQ(mac, crypto::HmacSha256(kSecret, "message"));
}

}  // namespace warder::vault
