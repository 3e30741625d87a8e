#include <cstdlib>

#include "server/jose/jwk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto keys = warder::jose::ParseJwkSet(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!keys.ok()) return 0;
  for (const auto& jwk : *keys) {
    // A key that was taken has a thumbprint and can be written.
    if (!warder::jose::Thumbprint(*jwk.key).ok()) abort();
    if (!warder::jose::WriteJwk(*jwk.key, jwk.alg).ok()) abort();
  }
  return 0;
}
