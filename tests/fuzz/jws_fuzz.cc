#include <cstdlib>

#include "server/crypto/private_key.h"
#include "server/jose/jwt.h"

namespace {

std::vector<warder::jose::Jwk> Keys() {
  const auto key =
      warder::crypto::PrivateKey::Generate(warder::crypto::KeyType::kEd25519);
  const auto text = warder::jose::WriteJwk(*key->Public(), "EdDSA");
  auto set = warder::jose::ParseJwkSet("{\"keys\":[" + *text + "]}");
  return *std::move(set);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto& keys = *new std::vector<warder::jose::Jwk>(Keys());
  const auto claims = warder::jose::VerifyJwt(
      absl::string_view(reinterpret_cast<const char*>(data), size), keys, {},
      absl::UnixEpoch());
  if (claims.ok()) abort();  // nobody can have signed it
  return 0;
}
