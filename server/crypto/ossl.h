// Ownership of OpenSSL objects: unique_ptr with a stateless deleter.
#ifndef WARDER_SERVER_CRYPTO_OSSL_H_
#define WARDER_SERVER_CRYPTO_OSSL_H_

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace warder::crypto {

template <typename T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};
template <typename T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Deleter<T, Free>>;

inline void FreeBio(BIO* bio) { BIO_free_all(bio); }

using OwnedPkey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedPkeyCtx = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using OwnedMdCtx = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using OwnedCipherCtx = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using OwnedBn = Owned<BIGNUM, BN_free>;
using OwnedBio = Owned<BIO, FreeBio>;
using OwnedX509 = Owned<X509, X509_free>;
using OwnedX509Req = Owned<X509_REQ, X509_REQ_free>;

}  // namespace warder::crypto

#endif  // WARDER_SERVER_CRYPTO_OSSL_H_
