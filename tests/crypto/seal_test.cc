#include "server/crypto/seal.h"

#include <sys/stat.h>

#include <fstream>

#include "absl/strings/escaping.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_sealer.h"

namespace warder::crypto {
namespace {

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST(SealTest, OpensOnlyWithTheSameKeyAndBinding) {
  const Sealer sealer = MakeSealer();
  ASSERT_OK_AND_ASSIGN(const std::string sealed,
                       sealer.Seal(Bytes("secret"), "shop/k1"));
  ASSERT_OK_AND_ASSIGN(const SecretBytes plain,
                       sealer.Unseal(sealed, "shop/k1"));
  EXPECT_EQ(std::string(plain.span().begin(), plain.span().end()), "secret");
  EXPECT_THAT(sealer.Unseal(sealed, "shop/k2"),
              FailsWith(Reason::kKeyEncryptionKey));
  EXPECT_THAT(MakeSealer(2).Unseal(sealed, "shop/k1"),
              FailsWith(Reason::kKeyEncryptionKey));
}

TEST(SealTest, EveryChangedByteIsNoticed) {
  const Sealer sealer = MakeSealer();
  ASSERT_OK_AND_ASSIGN(const std::string sealed,
                       sealer.Seal(Bytes("secret"), "a"));
  std::string raw;
  ASSERT_TRUE(absl::Base64Unescape(sealed, &raw));
  for (size_t i = 0; i < raw.size(); ++i) {
    std::string bad = raw;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_THAT(sealer.Unseal(absl::Base64Escape(bad), "a"),
                FailsWith(Reason::kKeyEncryptionKey));
  }
  EXPECT_THAT(sealer.Unseal("", "a"), FailsWith(Reason::kKeyEncryptionKey));
  EXPECT_THAT(sealer.Unseal("!!", "a"), FailsWith(Reason::kKeyEncryptionKey));
}

TEST(SealTest, TheSameSecretNeverSealsTheSameWay) {
  const Sealer sealer = MakeSealer();
  ASSERT_OK_AND_ASSIGN(const std::string a, sealer.Seal(Bytes("s"), "a"));
  ASSERT_OK_AND_ASSIGN(const std::string b, sealer.Seal(Bytes("s"), "a"));
  EXPECT_NE(a, b);
}

TEST(KeyEncryptionKeyTest, ReadableByOthersIsRefused) {
  TempDir dir;
  const std::string path = dir.File("kek");
  ASSERT_OK(WriteNewKeyEncryptionKey(path));
  EXPECT_OK(ReadKeyEncryptionKey(path));
  for (const mode_t mode : {0644, 0640, 0604, 0660}) {
    chmod(path.c_str(), mode);
    EXPECT_THAT(ReadKeyEncryptionKey(path),
                FailsWith(Reason::kKeyEncryptionKey, "chmod 600"));
  }
  chmod(path.c_str(), 0400);
  EXPECT_OK(ReadKeyEncryptionKey(path));
}

TEST(KeyEncryptionKeyTest, MissingOrShortIsNamed) {
  TempDir dir;
  EXPECT_THAT(ReadKeyEncryptionKey(dir.File("none")),
              FailsWith(Reason::kKeyEncryptionKey, dir.File("none")));
  std::ofstream(dir.File("short")) << "AAAA\n";
  chmod(dir.File("short").c_str(), 0600);
  EXPECT_THAT(ReadKeyEncryptionKey(dir.File("short")),
              FailsWith(Reason::kKeyEncryptionKey, "32 bytes"));
  ASSERT_OK(WriteNewKeyEncryptionKey(dir.File("kek")));
  EXPECT_THAT(WriteNewKeyEncryptionKey(dir.File("kek")),
              FailsWith(Reason::kKeyEncryptionKey));
}

}  // namespace warder::crypto
