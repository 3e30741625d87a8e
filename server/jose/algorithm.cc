#include "server/jose/algorithm.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::jose {

absl::StatusOr<crypto::SignatureScheme> SchemeOf(absl::string_view alg) {
  using crypto::SignatureScheme;
  static constexpr std::pair<absl::string_view, SignatureScheme> kTable[] = {
      {"ES256", SignatureScheme::kEcdsaSha256},
      {"ES384", SignatureScheme::kEcdsaSha384},
      {"ES512", SignatureScheme::kEcdsaSha512},
      {"EdDSA", SignatureScheme::kEd25519},
      {"RS256", SignatureScheme::kRsaPkcs1Sha256},
      {"PS256", SignatureScheme::kRsaPssSha256}};
  for (const auto& [name, scheme] : kTable) {
    if (name == alg) return scheme;
  }
  return FieldError("alg", absl::StrCat("\"", alg.substr(0, 40),
                                        "\" is not allowed; ES256, ES384, "
                                        "ES512, EdDSA, RS256 and PS256 are"));
}

}  // namespace warder::jose
