#include <cstdlib>

#include "client/verify/verifier.h"
#include "server/crypto/private_key.h"
#include "server/jose/jwk.h"

namespace warder {
namespace {

// Holds one key, of which nobody can sign.
client::Verifier* MakeVerifier(Clock& clock) {
  client::VerifierOptions options;
  options.audiences = {"a"};
  options.cached_tokens = 16;
  auto* verifier = new client::Verifier(options, clock);
  const auto key = crypto::PrivateKey::Generate(crypto::KeyType::kP256);
  std::string jwk = *jose::WriteJwk(*key->Public(), "ES256");
  // A kid that the corpus can name.
  const size_t at = jwk.find("\"kid\":\"") + 7;
  jwk.replace(at, 43, "k");
  if (!verifier
           ->Apply({.issuer = "issuers/i",
                    .issuer_uri = "https://i",
                    .revision = 1,
                    .jwks = "{\"keys\":[" + jwk + "]}",
                    .max_token_lifetime = absl::Hours(1)})
           .ok()) {
    abort();
  }
  verifier->Confirm();
  return verifier;
}

}  // namespace
}  // namespace warder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto& clock = *new warder::SimulatedClock(absl::UnixEpoch());
  static const auto& verifier = *warder::MakeVerifier(clock);
  const auto verdict = verifier.Verify(
      absl::string_view(reinterpret_cast<const char*>(data), size),
      absl::UnixEpoch());
  if (verdict.ok() || verdict.detail.empty()) abort();
  return 0;
}
