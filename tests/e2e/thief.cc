// A thief with a copy of a key: signs what he likes.
//
//   thief KEY-ENCRYPTION-KEY-FILE ISSUER KID SEALED < SIGNING-INPUT
//
// Prints the token. SEALED is the column `sealed` of the key, ES256.
#include <iostream>
#include <iterator>
#include <string>

#include "server/base/base64url.h"
#include "server/crypto/seal.h"
#include "server/vault/software_vault.h"

int main(int argc, char** argv) {
  using namespace warder;
  if (argc != 5) return 2;
  auto kek = crypto::ReadKeyEncryptionKey(argv[1]);
  if (!kek.ok()) {
    std::cerr << kek.status() << "\n";
    return 1;
  }
  const crypto::Sealer sealer(*std::move(kek));
  vault::SoftwareVault vault(sealer);
  const std::string input((std::istreambuf_iterator<char>(std::cin)), {});
  const auto signature = vault.Sign(IssuerId(argv[2]),
                                    {.id = KeyId(argv[3]),
                                     .algorithm = domain::Algorithm::kEs256,
                                     .sealed = argv[4],
                                     .activate_time = absl::InfinitePast(),
                                     .sign_until = absl::InfiniteFuture()},
                                    input);
  if (!signature.ok()) {
    std::cerr << signature.status() << "\n";
    return 1;
  }
  std::cout << input << "." << Base64UrlEncode(*signature) << std::endl;
  return 0;
}
