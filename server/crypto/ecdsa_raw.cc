#include "server/crypto/ecdsa_raw.h"

#include <openssl/ec.h>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/crypto/openssl_error.h"
#include "server/crypto/ossl.h"

namespace warder::crypto {
namespace {
using OwnedSig = Owned<ECDSA_SIG, ECDSA_SIG_free>;
}

absl::StatusOr<std::string> EcdsaDerToRaw(absl::string_view der, size_t width) {
  const auto* in = reinterpret_cast<const uint8_t*>(der.data());
  const OwnedSig sig(
      d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
  if (sig == nullptr) return OpensslError("d2i_ECDSA_SIG");
  std::string raw(2 * width, '\0');
  auto* out = reinterpret_cast<uint8_t*>(raw.data());
  const int w = static_cast<int>(width);
  if (BN_bn2binpad(ECDSA_SIG_get0_r(sig.get()), out, w) != w ||
      BN_bn2binpad(ECDSA_SIG_get0_s(sig.get()), out + width, w) != w) {
    return OpensslError("BN_bn2binpad");
  }
  return raw;
}

absl::StatusOr<std::string> EcdsaRawToDer(absl::string_view raw, size_t width) {
  if (raw.size() != 2 * width) {
    return FieldError(
        "signature", absl::StrCat(raw.size(), " bytes; R || S is ", 2 * width));
  }
  const auto* in = reinterpret_cast<const uint8_t*>(raw.data());
  OwnedBn r(BN_bin2bn(in, static_cast<int>(width), nullptr));
  OwnedBn s(BN_bin2bn(in + width, static_cast<int>(width), nullptr));
  const OwnedSig sig(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || sig == nullptr ||
      ECDSA_SIG_set0(sig.get(), r.get(), s.get()) != 1) {
    return OpensslError("ECDSA_SIG_set0");
  }
  // `sig` owns both numbers now.
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(sig.get(), &der);
  if (size <= 0) return OpensslError("i2d_ECDSA_SIG");
  std::string out(reinterpret_cast<const char*>(der),
                  static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace warder::crypto
