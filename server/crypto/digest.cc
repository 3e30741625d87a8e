#include "server/crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <cstdlib>

namespace warder::crypto {

std::string Sha256(absl::string_view data) {
  // Fetched once: OpenSSL otherwise looks the algorithm up at every call.
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  if (sha256 == nullptr || EVP_Digest(data.data(), data.size(),
                                      reinterpret_cast<uint8_t*>(digest.data()),
                                      nullptr, sha256, nullptr) != 1) {
    abort();  // without hashes nothing can be audited
  }
  return digest;
}

bool ConstantTimeEquals(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace warder::crypto
