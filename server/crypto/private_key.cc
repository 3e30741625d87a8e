#include "server/crypto/private_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <iterator>
#include <utility>
#include <vector>

#include "server/base/error.h"
#include "server/base/mutex.h"
#include "server/base/status_macros.h"
#include "server/crypto/ecdsa_raw.h"
#include "server/crypto/scheme_internal.h"

namespace warder::crypto {
namespace {

using OwnedPkcs8 = Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;

// Set once, before any thread.
size_t g_secure_heap_bytes = 0;

// What EVP calls the type; checked again after reading sealed bytes.
bool IsOfType(EVP_PKEY* pkey, KeyType type) {
  char group[32] = "";
  switch (type) {
    case KeyType::kEd25519: return EVP_PKEY_is_a(pkey, "ED25519") == 1;
    case KeyType::kRsa2048:
      return EVP_PKEY_is_a(pkey, "RSA") == 1 && EVP_PKEY_get_bits(pkey) >= 2048;
    case KeyType::kP256:
    case KeyType::kP384:
    case KeyType::kP521: break;
  }
  if (EVP_PKEY_is_a(pkey, "EC") != 1 ||
      EVP_PKEY_get_group_name(pkey, group, sizeof(group), nullptr) != 1) {
    return false;
  }
  const absl::string_view name = group;
  switch (type) {
    case KeyType::kP256: return name == "prime256v1" || name == "P-256";
    case KeyType::kP384: return name == "secp384r1" || name == "P-384";
    case KeyType::kP521: return name == "secp521r1" || name == "P-521";
    case KeyType::kEd25519:
    case KeyType::kRsa2048: return false;
  }
  return false;
}

constexpr size_t kMostContexts = 64;

}  // namespace

// Thread-safe.
class PrivateKey::Contexts {
 public:
  absl::StatusOr<OwnedPkeyCtx> Take(EVP_PKEY* pkey, SignatureScheme scheme) {
    {
      MutexLock lock(&mu_);
      for (auto it = ready_.rbegin(); it != ready_.rend(); ++it) {
        if (it->first != scheme) continue;
        OwnedPkeyCtx context = std::move(it->second);
        ready_.erase(std::next(it).base());
        return context;
      }
    }
    OwnedPkeyCtx context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
    if (context == nullptr || EVP_PKEY_sign_init(context.get()) != 1) {
      return OpensslError("EVP_PKEY_sign_init");
    }
    RETURN_IF_ERROR(internal::SetPadding(context.get(), scheme));
    if (EVP_PKEY_CTX_set_signature_md(context.get(),
                                      internal::DigestOf(scheme)) != 1) {
      return OpensslError("EVP_PKEY_CTX_set_signature_md");
    }
    return context;
  }

  void GiveBack(SignatureScheme scheme, OwnedPkeyCtx context) {
    MutexLock lock(&mu_);
    if (ready_.size() < kMostContexts) {
      ready_.emplace_back(scheme, std::move(context));
    }
  }

 private:
  Mutex mu_;
  std::vector<std::pair<SignatureScheme, OwnedPkeyCtx>> ready_
      ABSL_GUARDED_BY(mu_);
};

PrivateKey::PrivateKey(OwnedPkey pkey, KeyType type)
    : pkey_(std::move(pkey)),
      type_(type),
      contexts_(std::make_unique<Contexts>()) {}
PrivateKey::PrivateKey(PrivateKey&& other) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&& other) noexcept = default;
PrivateKey::~PrivateKey() = default;

bool InitSecureHeap(size_t bytes) {
  if (CRYPTO_secure_malloc_initialized() == 1) return true;
  // 1: locked; 2: in use but not locked; 0: not set up.
  const int result = CRYPTO_secure_malloc_init(bytes, 32);
  if (result != 0) g_secure_heap_bytes = bytes;
  return result == 1;
}

bool SecureHeapHasRoom() {
  // Asked of a heap that was never set up, OpenSSL crashes.
  return g_secure_heap_bytes == 0 ||
         CRYPTO_secure_used() <= g_secure_heap_bytes / 4 * 3;
}

absl::StatusOr<PrivateKey> PrivateKey::Generate(KeyType type) {
  EVP_PKEY* pkey = nullptr;
  switch (type) {
    case KeyType::kP256: pkey = EVP_EC_gen("P-256"); break;
    case KeyType::kP384: pkey = EVP_EC_gen("P-384"); break;
    case KeyType::kP521: pkey = EVP_EC_gen("P-521"); break;
    case KeyType::kEd25519:
      pkey = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
    case KeyType::kRsa2048: pkey = EVP_RSA_gen(2048); break;
  }
  if (pkey == nullptr) return OpensslError("EVP_PKEY_Q_keygen");
  return PrivateKey(OwnedPkey(pkey), type);
}

absl::StatusOr<PrivateKey> PrivateKey::FromPkcs8(std::span<const uint8_t> der,
                                                 KeyType type) {
  const uint8_t* in = der.data();
  const OwnedPkcs8 info(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &in, static_cast<long>(der.size())));
  OwnedPkey pkey(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()));
  if (pkey == nullptr || !IsOfType(pkey.get(), type)) {
    ClearOpensslErrors();
    return FieldError("pkcs8", "not a private key of the expected type");
  }
  return PrivateKey(std::move(pkey), type);
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(absl::string_view pem) {
  const OwnedBio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // No password is asked for on a terminal.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  OwnedPkey pkey(
      bio == nullptr
          ? nullptr
          : PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (pkey != nullptr) {
    for (const KeyType type : {KeyType::kP256, KeyType::kP384, KeyType::kP521,
                               KeyType::kEd25519, KeyType::kRsa2048}) {
      if (IsOfType(pkey.get(), type)) return PrivateKey(std::move(pkey), type);
    }
  }
  ClearOpensslErrors();
  return FieldError("pem",
                    "not an unencrypted private key in PEM of a type that is "
                    "known: P-256, P-384, P-521, Ed25519, or RSA of 2048 bits "
                    "and more");
}

absl::StatusOr<SecretBytes> PrivateKey::ToPkcs8() const {
  const OwnedPkcs8 info(EVP_PKEY2PKCS8(pkey_.get()));
  if (info == nullptr) return OpensslError("EVP_PKEY2PKCS8");
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  if (size <= 0) return OpensslError("i2d_PKCS8_PRIV_KEY_INFO");
  SecretBytes der(static_cast<size_t>(size));
  uint8_t* out = der.data();
  if (i2d_PKCS8_PRIV_KEY_INFO(info.get(), &out) != size) {
    return OpensslError("i2d_PKCS8_PRIV_KEY_INFO");
  }
  return der;
}

absl::StatusOr<PublicKey> PrivateKey::Public() const {
  return PublicKey::FromPkey(pkey_.get(), type_);
}

absl::StatusOr<std::string> PrivateKey::Sign(SignatureScheme scheme,
                                             absl::string_view message) const {
  if (TypeOf(scheme) != type_) {
    return FieldError("alg", "the algorithm does not fit the key's type");
  }
  if (scheme == SignatureScheme::kEd25519) return SignWhole(message);
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned int digest_size = 0;
  if (EVP_Digest(message.data(), message.size(), digest, &digest_size,
                 internal::DigestOf(scheme), nullptr) != 1) {
    return OpensslError("EVP_Digest");
  }
  ASSIGN_OR_RETURN(OwnedPkeyCtx context, contexts_->Take(pkey_.get(), scheme));
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(pkey_.get())),
                        '\0');
  size_t size = signature.size();
  if (EVP_PKEY_sign(context.get(), reinterpret_cast<uint8_t*>(signature.data()),
                    &size, digest, digest_size) != 1) {
    return OpensslError("EVP_PKEY_sign");
  }
  contexts_->GiveBack(scheme, std::move(context));
  signature.resize(size);
  if (const size_t width = CoordinateWidth(type_); width > 0) {
    return EcdsaDerToRaw(signature, width);
  }
  return signature;
}

absl::StatusOr<std::string> PrivateKey::SignWhole(
    absl::string_view message) const {
  const OwnedMdCtx ctx(EVP_MD_CTX_new());
  if (ctx == nullptr || EVP_DigestSignInit(ctx.get(), nullptr, nullptr, nullptr,
                                           pkey_.get()) != 1) {
    return OpensslError("EVP_DigestSignInit");
  }
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(pkey_.get())),
                        '\0');
  size_t size = signature.size();
  if (EVP_DigestSign(ctx.get(), reinterpret_cast<uint8_t*>(signature.data()),
                     &size, reinterpret_cast<const uint8_t*>(message.data()),
                     message.size()) != 1) {
    return OpensslError("EVP_DigestSign");
  }
  signature.resize(size);
  return signature;
}

}  // namespace warder::crypto
