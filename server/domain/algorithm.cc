#include "server/domain/algorithm.h"

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::domain {

absl::string_view AlgorithmName(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kEs256: return "ES256";
    case Algorithm::kEs384: return "ES384";
    case Algorithm::kEs512: return "ES512";
    case Algorithm::kEdDsa: return "EdDSA";
    case Algorithm::kRs256: return "RS256";
    case Algorithm::kPs256: return "PS256";
  }
  return "";
}

absl::StatusOr<Algorithm> ParseAlgorithm(absl::string_view field,
                                         absl::string_view name) {
  for (const Algorithm algorithm : kAlgorithms) {
    if (AlgorithmName(algorithm) == name) return algorithm;
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is not one of ES256, ES384, ES512, "
                                        "EdDSA, RS256, PS256"));
}

}  // namespace warder::domain
