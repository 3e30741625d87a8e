// What signing and verifying share: digest and padding of a scheme.
#ifndef WARDER_SERVER_CRYPTO_SCHEME_INTERNAL_H_
#define WARDER_SERVER_CRYPTO_SCHEME_INTERNAL_H_

#include <openssl/rsa.h>

#include "absl/status/status.h"
#include "server/crypto/openssl_error.h"
#include "server/crypto/public_key.h"

namespace warder::crypto::internal {

// Returns the digest of `scheme`, fetched once per process (an implicit fetch
// per signature costs as much as hashing); nullptr for Ed25519.
inline const EVP_MD* DigestOf(SignatureScheme scheme) {
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static EVP_MD* const sha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  static EVP_MD* const sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  switch (scheme) {
    case SignatureScheme::kEcdsaSha256:
    case SignatureScheme::kRsaPkcs1Sha256:
    case SignatureScheme::kRsaPssSha256: return sha256;
    case SignatureScheme::kEcdsaSha384: return sha384;
    case SignatureScheme::kEcdsaSha512: return sha512;
    case SignatureScheme::kEd25519: return nullptr;
  }
  return nullptr;
}

// Sets the RSA padding of `scheme` on `ctx`; nothing for other keys.
inline absl::Status SetPadding(EVP_PKEY_CTX* ctx, SignatureScheme scheme) {
  int ok = 1;
  if (scheme == SignatureScheme::kRsaPkcs1Sha256) {
    ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
  } else if (scheme == SignatureScheme::kRsaPssSha256) {
    ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
    if (ok == 1) {
      ok = EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST);
    }
  }
  return ok == 1 ? absl::OkStatus()
                 : OpensslError("EVP_PKEY_CTX_set_rsa_padding");
}

}  // namespace warder::crypto::internal

#endif  // WARDER_SERVER_CRYPTO_SCHEME_INTERNAL_H_
