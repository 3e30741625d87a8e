#include <fstream>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/base/strict_json.h"
#include "server/crypto/public_key.h"
#include "tests/support/status_matchers.h"

namespace warder::crypto {
namespace {

struct Case {
  const char* alg;
  SignatureScheme scheme;
};

Json MustRead(const std::string& alg) {
  std::ifstream in(absl::StrCat(WARDER_VECTORS, "/wycheproof/", alg, ".json"));
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto json = ParseJsonObject(text, {.max_bytes = 1 << 20});
  EXPECT_OK(json.status());
  return json.ok() ? *json : Json::object();
}

// Big-endian numbers without leading zeros, or at `width`.
std::string Number(const Json& key, const char* name, size_t width) {
  std::string bytes = absl::HexStringToBytes(key[name].get<std::string>());
  while (bytes.size() > 1 && bytes.size() != width && bytes[0] == 0) {
    bytes.erase(0, 1);
  }
  while (bytes.size() < width) bytes.insert(bytes.begin(), '\0');
  return bytes;
}

absl::StatusOr<PublicKey> KeyOf(const Json& key, SignatureScheme scheme) {
  const KeyType type = TypeOf(scheme);
  if (type == KeyType::kEd25519) {
    return PublicKey::FromEd25519(
        absl::HexStringToBytes(key["pk"].get<std::string>()));
  }
  if (type == KeyType::kRsa2048) {
    return PublicKey::FromRsa(Number(key, "modulus", 0),
                              Number(key, "publicExponent", 0));
  }
  const size_t width = CoordinateWidth(type);
  return PublicKey::FromEc(type, Number(key, "wx", width),
                           Number(key, "wy", width));
}

class WycheproofTest : public testing::TestWithParam<Case> {};

TEST_P(WycheproofTest, ValidSignaturesVerifyAndNoOthers) {
  const Json vectors = MustRead(GetParam().alg);
  int run = 0;
  for (const Json& group : vectors["groups"]) {
    const auto key = KeyOf(group["key"], GetParam().scheme);
    ASSERT_OK(key.status());
    for (const Json& vector : group["tests"]) {
      const auto good =
          key->Verify(GetParam().scheme,
                      absl::HexStringToBytes(vector["msg"].get<std::string>()),
                      absl::HexStringToBytes(vector["sig"].get<std::string>()));
      EXPECT_EQ(good.ok() && *good, vector["valid"].get<bool>())
          << vector["id"] << " " << vector["comment"];
      ++run;
    }
  }
  EXPECT_GE(run, 100);
}

INSTANTIATE_TEST_SUITE_P(
    All, WycheproofTest,
    testing::Values(Case{"ES256", SignatureScheme::kEcdsaSha256},
                    Case{"ES384", SignatureScheme::kEcdsaSha384},
                    Case{"ES512", SignatureScheme::kEcdsaSha512},
                    Case{"EdDSA", SignatureScheme::kEd25519},
                    Case{"RS256", SignatureScheme::kRsaPkcs1Sha256},
                    Case{"PS256", SignatureScheme::kRsaPssSha256}),
    [](const auto& info) { return std::string(info.param.alg); });

}  // namespace
}  // namespace warder::crypto
