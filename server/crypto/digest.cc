#include "server/crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include <cstdlib>
#include <memory>

namespace warder::crypto {
namespace {

struct MacContextDeleter {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

std::unique_ptr<EVP_MAC_CTX, MacContextDeleter> NewHmacSha256Context() {
  std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> hmac(
      EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr), &EVP_MAC_free);
  std::unique_ptr<EVP_MAC_CTX, MacContextDeleter> context(
      hmac == nullptr ? nullptr : EVP_MAC_CTX_new(hmac.get()));
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (context == nullptr ||
      EVP_MAC_CTX_set_params(context.get(), parameters) != 1) {
    abort();
  }
  return context;
}

}  // namespace

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
  // One context a thread, keyed anew at every call: OpenSSL's one-shot HMAC()
  // looks both algorithms up each time, which costs more than the hashing.
  thread_local const std::unique_ptr<EVP_MAC_CTX, MacContextDeleter> context =
      NewHmacSha256Context();
  std::string mac(SHA256_DIGEST_LENGTH, '\0');
  size_t written = 0;
  // No key at all would mean the one before; an empty one is a key.
  const char* const bytes = key.data() == nullptr ? "" : key.data();
  if (EVP_MAC_init(context.get(), reinterpret_cast<const uint8_t*>(bytes),
                   key.size(), nullptr) != 1 ||
      EVP_MAC_update(context.get(),
                     reinterpret_cast<const uint8_t*>(message.data()),
                     message.size()) != 1 ||
      EVP_MAC_final(context.get(), reinterpret_cast<uint8_t*>(mac.data()),
                    &written, mac.size()) != 1 ||
      written != mac.size()) {
    abort();
  }
  return mac;
}

bool ConstantTimeEquals(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace warder::crypto
