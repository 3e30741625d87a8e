#include "server/crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
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

std::string HmacSha256(absl::string_view key, absl::string_view message) {
  std::string mac(SHA256_DIGEST_LENGTH, '\0');
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const uint8_t*>(message.data()), message.size(),
           reinterpret_cast<uint8_t*>(mac.data()), nullptr) == nullptr) {
    abort();
  }
  return mac;
}

bool ConstantTimeEquals(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace warder::crypto
